"""Do codes beyond ±1, where the generator was never trained, still give meaningful digits? (§7.2; Fig. 2 spans −2 to 2)

An image is meaningful here when the judge sees its category's own digit in it.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from replicate.latent import Codes

DISTANCES = (1.0, 1.5, 2.0)


def scores(
    generate: Callable[[Codes], Tensor],
    judge: Callable[[Tensor], Tensor],
    codes: Codes,
    digit_of_category: list[int],
) -> dict[str, float]:
    """Compare images of `codes`, drawn from the prior (within ±1), with images of the same with c2 or c3 put at ±v.

    For each v = 1, 1.5, 2, c2 = −v, c2 = v, c3 = −v and c3 = v are dealt out in turn, each to a quarter of `codes`.
    agreement: share of images in which the judge sees the category's digit. confidence: mean probability of the digit
    it sees, whichever that is. relative_agreement_at_2: agreement at 2 over that within 1 (0 when the latter is 0).

    `judge` gives the probabilities (N, 10) of images (N, 1, 28, 28).
    """
    expected = torch.tensor(digit_of_category)[codes.category]
    results = {}

    def judged(name: str, codes: Codes) -> None:
        confidence, digit = judge(generate(codes)).max(dim=1)
        results[f"agreement_{name}"] = (digit == expected).double().mean().item()
        results[f"confidence_{name}"] = confidence.double().mean().item()

    judged("within_1", codes)
    for distance in DISTANCES:
        judged(f"at_{distance:g}".replace(".", "_"), codes._replace(continuous=_put_at(distance, codes.continuous)))
    within = results["agreement_within_1"]
    return results | {"relative_agreement_at_2": results["agreement_at_2"] / within if within else 0.0}


def _put_at(distance: float, continuous: Tensor) -> Tensor:
    """(N, 2) codes with c2 = −v, c2 = v, c3 = −v, c3 = v in turn; the other code is left."""
    turn = torch.arange(len(continuous)) % 4
    moved = continuous.clone()
    moved[torch.arange(len(moved)), turn // 2] = distance * (2.0 * (turn % 2) - 1)
    return moved
