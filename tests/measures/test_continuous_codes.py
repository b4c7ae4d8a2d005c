from collections.abc import Callable

import numpy as np
import pytest
import torch
from constructed import REAL_STD, VALUES, bars, codes

from replicate.gan.latent import Codes
from replicate.measures import continuous_codes
from replicate.measures.continuous_codes import Traversal
from replicate.measures.morphometry import Morphometry

UNITS = dict.fromkeys(continuous_codes.MEASURES, 1.0)


def ones(images: torch.Tensor) -> torch.Tensor:
    """A classifier that sees a 1 in every image."""
    return torch.eye(10)[[1] * len(images)]


def traversed(slant: Callable, width: Callable) -> Traversal:
    """Of a generator of bars whose slant and width are functions of c2 and c3."""
    return continuous_codes.traverse(
        lambda codes: bars(slant(*codes.continuous.T), width(*codes.continuous.T)), codes(2, draws=3), 2, VALUES
    )


def test_codes_beyond_1_count_for_nothing():
    def back(code: torch.Tensor) -> torch.Tensor:
        return torch.where(code.abs() > 1, -code, code)

    scores = continuous_codes.scores(traversed(lambda c2, c3: 0.1 * back(c2), lambda c2, c3: 8 + back(c3)), REAL_STD)
    assert scores["rotation"]["slant_correlation"] == scores["width"]["width_correlation"] == pytest.approx(1)
    assert scores["rotation"]["sign"] == scores["width"]["sign"] == 1


def test_codes_that_do_nothing_have_no_credit():
    idle = traversed(slant=lambda c2, c3: torch.linspace(-0.3, 0.3, len(c2)), width=lambda c2, c3: 6 + 0 * c3)
    scores = continuous_codes.scores(idle, REAL_STD)
    assert scores["rotation"]["slant_correlation"] == scores["rotation"]["slant_change"] == 0
    assert scores["width"]["width_correlation"] == scores["width"]["width_change"] == 0
    apart = continuous_codes.disentanglement(idle, REAL_STD, ones)
    assert apart["specificity_lowest"] == 0 and apart["digit_kept_lowest"] == 1


def test_only_the_traversed_code_varies_and_the_table_has_means_over_the_draws_of_each_category():
    seen, drawn, before = [], codes(categories=3, draws=2), codes(categories=3, draws=2).continuous

    def generate(codes: Codes) -> torch.Tensor:
        seen.append(codes)
        return bars(0.1 * codes.continuous[:, 0], 6.0 + 3 * codes.category)

    rows = continuous_codes.table(continuous_codes.traverse(generate, drawn, 3, [-1.0, 1.0]))
    for step, (code, value) in zip(seen, [(0, -1), (0, 1), (1, -1), (1, 1)], strict=True):
        assert (step.continuous[:, code] == value).all()
        assert torch.equal(step.continuous[:, 1 - code], before[:, 1 - code])
        assert torch.equal(step.category, drawn.category) and torch.equal(step.noise, drawn.noise)
    mean_c2 = before[:, 0].view(3, 2).mean(dim=1).tolist()
    assert len(rows) == 2 * 2 * 3
    for row in rows:
        assert row["width"] == pytest.approx(6.75 + 3 * row["category"], abs=0.5)
        c2 = row["value"] if row["code"] == "c2" else mean_c2[row["category"]]
        assert row["slant"] == pytest.approx(0.1 * c2, abs=0.02)


def test_rank_correlation_by_hand():
    measured = np.array([[1.0, 10.0, 100.0], [3.0, 2.0, 1.0], [5.0, 5.0, 5.0], [1.0, 3.0, 2.0], [1.0, 1.0, 2.0]])
    expected = [1, -1, 0, 0.5, np.sqrt(3) / 2]
    assert continuous_codes.rank_correlation(np.array([-1.0, 0.0, 1.0]), measured) == pytest.approx(expected)


def linear(*slopes: list[list[float]]) -> Traversal:
    """slopes[code][measure][category], of one draw each: a measure is slope · value."""
    values = np.array(VALUES)
    measured = np.einsum("jmk,v->jvkm", np.array(slopes, dtype=float), values)
    images = torch.zeros(len(slopes), len(values), measured.shape[2], 1, 28, 28)
    return Traversal(values, measured[:, :, :, None], images)


def test_opposite_effects_in_different_categories_cancel_in_scores_but_not_in_disentanglement():
    both = linear([[1, -1], [0, 0], [0, 0]], [[1, -1], [1, 1], [0, 0]])
    scores = continuous_codes.scores(both, UNITS)
    assert scores["rotation"]["slant_correlation"] == pytest.approx(0)
    assert scores["rotation"]["slant_change"] == scores["width"]["slant_change"] == 0
    assert scores["width"]["width_change"] == pytest.approx(2)
    apart = continuous_codes.disentanglement(both, UNITS, ones)
    assert apart["rotation_own"] == apart["width_own"] == apart["width_other"] == 2
    assert apart["width_specificity"] == apart["specificity_lowest"] == 0.5 and apart["rotation_specificity"] == 1


def test_a_digit_that_changes_at_either_end_is_not_kept():
    traversal = linear([[1] * 4, [0] * 4, [0] * 4], [[0] * 4, [1] * 4, [0] * 4])
    traversal.images[1, traversal.index(-1), 1] = 1  # c3 = −1 in the second of four categories
    traversal.images[1, traversal.index(1), 2] = 1
    apart = continuous_codes.disentanglement(
        traversal, UNITS, lambda of: torch.eye(10)[of.flatten(1).any(dim=1).long()]
    )
    assert apart["rotation_digit_kept"] == 1
    assert apart["width_digit_kept"] == apart["digit_kept_lowest"] == 0.5


def test_roles_are_given_by_both_correlations_together():
    # c2 turns better than c3 does, but c3 does not widen at all.
    c2, c3 = [[1, 1, 1, 1], [1, 1, 1, 1], [0] * 4], [[-2, -2, -2, 2], [0] * 4, [0] * 4]
    scores = continuous_codes.scores(linear(c2, c3), {"slant": 0.5, "width": 1.0, "thickness": 1.0})
    assert (scores["width"]["code"], scores["rotation"]["code"]) == ("c2", "c3")
    assert scores["rotation"]["sign"] == -1 and scores["rotation"]["slant_correlation"] == pytest.approx(0.5)
    assert scores["rotation"]["slant_change"] == pytest.approx(4)  # mean slope −1, from −1 to 1, over 0.5


@pytest.mark.parametrize(
    ("turns", "digit", "against", "digits"),
    [
        ([1, 1, 1, 0], [3, 1, 4, 0], "", 0),  # a category that does not turn
        ([-2, -2, -2, 1], [3, 1, 4, 5], "5:-2.00", 1),  # the code's sign is −1
        ([3, 3, 3, -1], [3, 1, 4, -1], "-1:-2.00", 0),  # a category without a digit
        ([1, 1, 1, 1, 1, -1, -2], [0, 1, 2, 3, 4, 7, 7], "7:-2.00 7:-4.00", 1),  # two categories of a digit
        ([1, 1, 1, 1, 1, -1, -1], [0, 1, 2, 3, 4, 7, 0], "7:-2.00 0:-2.00", 2),
    ],
)
def test_digits_whose_slant_changes_against_the_others(turns, digit, against, digits):
    still = [0] * len(turns)
    traversal = linear([turns, still, still], [still, [1] * len(turns), still])
    found = continuous_codes.turned_against(traversal, np.array(digit))
    assert found == {"against": against, "digits_against": digits}


@pytest.mark.parametrize(
    ("thickness", "width", "ratio"), [(1, 2, 0.5), (-1, 2, 0.5), (1, -4, 0.25), (0, 2, 0), (1, 0, None)]
)
def test_thickness_over_width_is_of_absolute_changes(thickness, width, ratio):
    traversal = linear([[1], [0], [0]], [[0], [width], [thickness]])
    scores = continuous_codes.scores(traversal, UNITS)
    assert scores["width"]["thickness_over_width"] == ratio


@pytest.mark.parametrize(
    ("own", "apart", "expected"),
    [(2.0, 0, 1 / 3), (2.0, np.sqrt(60), 1 / 3), (0.0, 0, 0)],  # 1 of 3; 2 of 6, while width's is 4 of 6; none
)
def test_specificity_within_a_digit_leaves_out_what_digits_differ_in_and_is_of_the_worse_code(own, apart, expected):
    slant = np.array([-1.0, 1.0, -1.0, 1.0])  # the same in both digits
    width = slant + np.array([0, 0, apart, apart])  # 1 within each; 1 over all, or 4
    moved = {"rotation_own": own, "rotation_other": 1.0, "width_own": 1.0, "width_other": 2.0}
    found = continuous_codes.specificity_within(moved, Morphometry(slant, width, width, width), np.array([1, 1, 8, 8]))
    assert found == pytest.approx(expected)
