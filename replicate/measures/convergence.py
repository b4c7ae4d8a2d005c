"""How fast does L_I converge, and how fast do samples? (Fig. 1; §6: L_I "always converges faster than normal GAN
objectives")

The Fréchet distance to real digits stands for "the GAN objective", whose loss does not tell how far a run is.
"""

from collections.abc import Mapping, Sequence

FIGURE_1 = 1000  # iterations that the paper's Figure 1 spans
SMOOTHING = 100  # iterations
NEARLY_ALL = 0.95  # of H(c1)
EARLY = 500  # iterations, a tenth of the official run


def speed(milestones: Sequence[Mapping[str, float]]) -> dict[str, float | int | None]:
    """Sample quality when L_I of c1 had converged: `milestones` in their order, each with iteration, share_c1, frechet.

    information_iteration: the first milestone at which L_I is at least NEARLY_ALL of H(c1). distance_ratio: the Fréchet
    distance there, distance_then, over that at the last one. All but the latter are None where L_I never converges.
    """
    there = next((milestone for milestone in milestones if milestone["share_c1"] >= NEARLY_ALL), None)
    end = milestones[-1]["frechet"]
    return {
        "information_iteration": int(there["iteration"]) if there else None,
        "distance_then": there["frechet"] if there else None,
        "distance_at_end": end,
        "distance_ratio": there["frechet"] / end if there else None,
    }


def progress(milestones: Sequence[Mapping[str, float | None]]) -> dict[str, float | None]:
    """The error of c1 at iteration EARLY minus that at the last milestone: `milestones` in their order, each with iteration
    and error. None where no milestone but the last is at EARLY, or where the error has no value."""
    early = next((milestone["error"] for milestone in milestones[:-1] if milestone["iteration"] == EARLY), None)
    end = milestones[-1]["error"]
    return {f"error_drop_from_{EARLY}": None if early is None or end is None else early - end}
