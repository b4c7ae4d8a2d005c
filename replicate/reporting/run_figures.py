"""Figures of runs: the curves of their trainings, what their codes move, and how c1 reads the digits."""

import textwrap
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter, NullLocator

from replicate.gan import information
from replicate.gan.networks import Generator
from replicate.gan.run import Run
from replicate.measures import convergence
from replicate.reporting.style import PALETTE, WIDTH
from replicate.reporting.wording import named

ESTIMATORS = {"infonce": "InfoNCE", "jensen_shannon": "Jensen–Shannon", "donsker_varadhan": "Donsker–Varadhan"}
MEASURES = {"slant": "slant (rad)", "width": "width (px)", "thickness": "thickness (px)"}


class Shown(NamedTuple):
    """A run, and what is known of it that figures show."""

    run: Run
    metrics: Mapping[str, Any]  # by dotted name
    log: dict[str, np.ndarray]  # columns of its training log
    milestones: dict[str, np.ndarray]  # columns of its milestones
    traversal: dict[str, np.ndarray]  # columns of its traversal
    confusion: np.ndarray  # (10, 10) counts of test images by their digit and the digit that c1 gives them
    generator: Generator | None  # of the runs whose images are shown

    @property
    def variant(self) -> str:
        return named(self.run.variant)

    @property
    def title(self) -> str:
        return f"{self.variant}, seed {self.run.seed}"


def symbol(code: str) -> str:
    """A code's name as it is typeset: "c2" -> "$c_2$"."""
    return f"${code[0]}_{code[1:]}$"


def line_styles(runs: Sequence[Shown]) -> list[dict[str, Any]]:
    """How to draw the line of each run: its variant's colour, thin where there are several, and a label for the first."""
    colours: dict[str, str] = {}
    drawn = []
    trainings = Counter(each.variant for each in runs)
    for each in runs:
        critic = each.run.settings.critic
        label = f"{each.variant} ({ESTIMATORS[critic.estimator]})" if critic else each.variant
        first = each.variant not in colours
        colour = colours.setdefault(each.variant, PALETTE[len(colours) % len(PALETTE)])
        n = trainings[each.variant]
        label = f"{label} ({n})" if n > 1 else label
        drawn.append({"color": colour, "label": label if first else None, "linewidth": 1 if n == 1 else 0.6})
    return drawn


def figure1(runs: Sequence[Shown]) -> Figure:
    """Figure 1: L_I of c1 in nats over the iterations, a line for each run, thin where a variant has several; the paper's
    view of it, and all of it.

    Marks in the margin: what the yardstick finds in the images of the finished generators. An InfoMax estimate that is
    not in nats is left out, and its yardstick alone is shown; a dotted line is the most that InfoNCE can reach.
    """
    figure = Figure(figsize=(WIDTH, 3.3))
    views = figure.subplots(1, 2, sharey=True)
    figure.get_layout_engine().set(wspace=0.05)
    end = max(int(each.log["iteration"][-1]) for each in runs)
    drawn = list(zip(runs, line_styles(runs)))
    for axes, last in zip(views, (convergence.FIGURE_1, end)):
        for each, style in drawn:
            settings = each.run.settings
            curve = (each.log["iteration"], each.log["information_c1"]) if settings.in_nats else ([], [])
            axes.plot(*curve, **style)
            if style["label"] and settings.critic and settings.critic.estimator == "infonce":
                ceiling = information.infonce_ceiling(settings.latent.categories, settings.train.batch_size)
                axes.axhline(ceiling, color=style["color"], linestyle=":", zorder=1, label="InfoNCE's upper limit")
        for categories in sorted({each.run.settings.latent.categories for each in runs}):
            label = f"$H(c_1)$ = log {categories}"
            axes.axhline(np.log(categories), color="black", linestyle="--", zorder=1, label=label)
        axes.set(xlim=(0, last), xlabel="iteration")
    margin = views[1].get_yaxis_transform()
    variants = list(dict.fromkeys(each.variant for each in runs))
    for each, style in drawn:
        place = 1.03 + 0.03 * variants.index(each.variant)  # side by side, so that none hides another variant's
        bound = each.metrics["yardstick.lower_bound_c1"]
        views[1].plot([place], [bound], "<", color=style["color"], transform=margin, clip_on=False)
    views[1].plot([], [], "<", color="black", label="yardstick, at the end")
    views[0].set(title="the 1000 iterations of the paper's Figure 1", ylabel="$L_I$ for $c_1$ (nats)")
    views[1].set(title="the whole training")
    figure.legend(*views[1].get_legend_handles_labels(), loc="outside lower center", ncols=4)
    return figure


def milestones(runs: Sequence[Shown]) -> Figure:
    """How L_I, the classification error and sample quality come about: a line for each run, marked at milestones."""
    panels = {
        "share_c1": "$L_I$ of $c_1$, share of $H(c_1)$",
        "error": "classification error",
        "frechet": "Fréchet distance to real digits",
    }
    figure = Figure(figsize=(WIDTH, 3.1))
    for axes, (column, label) in zip(figure.subplots(1, len(panels)), panels.items()):
        for each, style in zip(runs, line_styles(runs)):
            axes.plot(each.milestones["iteration"], each.milestones[column], marker=".", markersize=4, **style)
        axes.set(title=label, xlabel="iteration", xscale="log")
        axes.xaxis.set(major_locator=LogLocator(subs=(1, 5)), major_formatter="{x:g}", minor_locator=NullLocator())
        if column == "frechet":
            axes.set_yscale("log")
            axes.yaxis.set(major_locator=LogLocator(subs=(1, 2, 5)), major_formatter="{x:g}")
            axes.yaxis.set_minor_formatter(NullFormatter())
        else:
            lowest = min(each.milestones[column].min() for each in runs)  # a bound can be below 0
            axes.set_ylim(min(0, lowest - 0.05), 1.05)
    figure.legend(*figure.axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=5)
    return figure


def codes(runs: Sequence[Shown]) -> Figure:
    """Slant, width and thickness of generated digits against c2 and c3: each category's means, and those of all.

    First the rotation code of each run, then its width code.
    """
    roles = [(shown, shown.metrics[f"{role}.code"], role) for role in ("rotation", "width") for shown in runs]
    figure = Figure(figsize=(WIDTH, 5.6))
    grid = figure.subplots(len(MEASURES), len(roles), sharex=True, sharey="row", squeeze=False)
    for column, (shown, code, role) in zip(grid.T, roles):
        column[0].set_title(f"{textwrap.fill(shown.variant, 12)}\n{role}: {symbol(code)}")
        column[-1].set_xlabel(symbol(code))
        for axes, measure in zip(column, MEASURES):
            _plot_code(axes, shown, code, measure)
    for axes, label in zip(grid[:, 0], MEASURES.values()):
        axes.set_ylabel(label)
    figure.legend(*grid[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    figure.align_ylabels(grid[:, 0])
    return figure


def _plot_code(axes: Axes, shown: Shown, code: str, measure: str) -> None:
    table = {name: column[shown.traversal["code"] == code] for name, column in shown.traversal.items()}
    values = table["value"][table["category"] == 0]
    of_categories = [table[measure][table["category"] == category] for category in np.unique(table["category"])]
    axes.axvspan(-1, 1, color="0.93", label="trained range of the code")
    for i, means in enumerate(of_categories):
        axes.plot(values, means, color="0.6", linewidth=0.7, label=None if i else "a category of $c_1$")
    axes.plot(values, np.mean(of_categories, axis=0), color="black", linewidth=2, label="mean over the categories")


def confusion(runs: Sequence[Shown]) -> Figure:
    """Confusion matrices of digits and of what c1 says, on the test split: counts, as means over the runs of a variant,
    coloured by their share of a row."""
    of_variants: dict[str, list[Shown]] = {}
    for each in runs:
        of_variants.setdefault(each.variant, []).append(each)
    size = WIDTH / max(len(of_variants), 2)
    figure = Figure(figsize=(size * len(of_variants), size + 0.35))
    grid = figure.subplots(1, len(of_variants), squeeze=False)[0]
    for axes, (variant, theirs) in zip(grid, of_variants.items()):
        counts = np.mean([shown.confusion for shown in theirs], axis=0)
        shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
        axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
        for (row, column), count in np.ndenumerate(counts):
            colour = "white" if shares[row, column] > 0.5 else "black" if count >= 0.5 else "0.7"
            axes.text(column, row, f"{count:.0f}", ha="center", va="center", fontsize=1.8 * size, color=colour)
        axes.set_xticks(range(10))
        axes.set_yticks(range(10))
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
        errors = [shown.metrics["classification.error_one_to_one"] for shown in theirs]
        title = f"{variant}, mean of {len(theirs)}" if len(theirs) > 1 else theirs[0].title
        axes.set(title=title if None in errors else f"{title}\nerror {100 * np.mean(errors):.1f} %")
        axes.set(xlabel="digit that $c_1$ is matched to", ylabel="digit")
    return figure
