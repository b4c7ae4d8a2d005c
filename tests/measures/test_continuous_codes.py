import numpy as np
import pytest
import torch
from replicate.latent import Codes
from replicate.measures import continuous_codes
from replicate.measures.continuous_codes import Traversal

VALUES = [-2.0, -1.0, 0.0, 1.0, 2.0]


def bars(slant: torch.Tensor, width: torch.Tensor) -> torch.Tensor:
    """Bars (N, 1, 28, 28) of slant (N,) in radians and width (N,) in pixels."""
    y, x = torch.meshgrid(torch.arange(28) - 13.5, torch.arange(28) - 13.5, indexing="ij")
    distance = (x + slant.tan()[:, None, None] * y).abs()
    return ((width[:, None, None] / 2 + 0.5 - distance).clamp(0, 1) * (y.abs() < 9))[:, None]


def codes(categories: int, draws: int) -> Codes:
    random = torch.Generator().manual_seed(0)
    n = categories * draws
    continuous = torch.rand((n, 2), generator=random) * 2 - 1
    return Codes(torch.zeros(n, 62), torch.arange(categories).repeat_interleave(draws), continuous)


def test_roles_signs_and_ranges_of_a_generator_that_shears_and_widens():
    def generate(codes: Codes) -> torch.Tensor:
        widening, rotating = codes.continuous.T
        return bars(slant=-0.1 * rotating, width=8 + widening)

    traversal = continuous_codes.traverse(generate, codes(categories=2, draws=3), 2, VALUES)
    assert traversal.measured.shape == (2, 5, 2, 3, 3)
    scores = continuous_codes.scores(traversal)
    rotation, width = scores["rotation"], scores["width"]
    assert (rotation["code"], rotation["sign"]) == ("c3", -1)
    assert (width["code"], width["sign"]) == ("c2", 1)
    assert rotation["slant_correlation"] == pytest.approx(1)
    assert rotation["slant_range"] == pytest.approx(0.4, abs=0.02)
    assert rotation["width_range"] < 0.3
    assert width["width_correlation"] == pytest.approx(1)
    assert width["width_range"] == pytest.approx(4, abs=0.4)  # of which the blur of a border hides a part
    assert width["thickness_correlation"] > 0.9  # a bar's width is its thickness
    assert width["slant_range"] < 0.01


def test_only_the_traversed_code_varies():
    seen = []

    def generate(codes: Codes) -> torch.Tensor:
        seen.append(codes)
        return bars(torch.zeros(len(codes.category)), torch.full((len(codes.category),), 6.0))

    drawn = codes(categories=2, draws=3)
    before = drawn.continuous.clone()
    continuous_codes.traverse(generate, drawn, 2, [1.0, -1.0])
    for step, (code, value) in zip(seen, [(0, -1), (0, 1), (1, -1), (1, 1)], strict=True):
        assert (step.continuous[:, code] == value).all()
        assert torch.equal(step.continuous[:, 1 - code], before[:, 1 - code])
        assert torch.equal(step.category, drawn.category) and torch.equal(step.noise, drawn.noise)
    assert torch.equal(drawn.continuous, before)


def test_traversal_and_table_keep_categories_apart():
    def generate(codes: Codes) -> torch.Tensor:
        return bars(0.1 * codes.continuous[:, 0], 6.0 + 3 * codes.category)

    rows = continuous_codes.table(continuous_codes.traverse(generate, codes(categories=3, draws=2), 3, VALUES))
    assert len(rows) == 2 * 5 * 3
    assert list(rows[0]) == ["code", "value", "category", "slant", "width", "thickness"]
    for row in rows:
        assert row["width"] == pytest.approx(6.75 + 3 * row["category"], abs=0.5)
        if row["code"] == "c2":
            assert row["slant"] == pytest.approx(0.1 * row["value"], abs=0.02)


def test_rank_correlation_by_hand():
    measured = np.array([[1.0, 10.0, 100.0], [3.0, 2.0, 1.0], [5.0, 5.0, 5.0], [1.0, 3.0, 2.0], [1.0, 1.0, 2.0]])
    expected = [1, -1, 0, 0.5, np.sqrt(3) / 2]
    assert continuous_codes.rank_correlation(np.array([-1.0, 0.0, 1.0]), measured) == pytest.approx(expected)


def traversal(*slopes: list[list[float]]) -> Traversal:
    """slopes[code][measure][category], of one draw each: a measure is slope · value."""
    values = np.array(VALUES)
    measured = np.einsum("jmk,v->jvkm", np.array(slopes, dtype=float), values)
    return Traversal(values, measured[:, :, :, None])


def test_opposite_effects_in_different_categories_cancel():
    both = traversal([[1, -1], [0, 0], [0, 0]], [[0, 0], [1, 1], [0, 0]])
    scores = continuous_codes.scores(both)
    assert scores["rotation"]["slant_correlation"] == pytest.approx(0)
    assert scores["rotation"]["slant_range"] == 0
    assert scores["width"]["width_correlation"] == pytest.approx(1)


def test_roles_are_given_by_both_correlations_together():
    # c2 turns better than c3 does, but c3 does not widen at all.
    c2, c3 = [[1, 1, 1, 1], [1, 1, 1, 1], [0] * 4], [[-2, -2, -2, 2], [0] * 4, [0] * 4]
    scores = continuous_codes.scores(traversal(c2, c3))
    assert (scores["width"]["code"], scores["rotation"]["code"]) == ("c2", "c3")
    assert scores["rotation"]["sign"] == -1 and scores["rotation"]["slant_correlation"] == pytest.approx(0.5)
    assert scores["rotation"]["slant_range"] == pytest.approx(4)  # mean slope −1, over values from −2 to 2
    assert scores["width"]["slant_correlation"] == pytest.approx(1)


def test_range_is_of_the_mean_curve_and_not_of_its_ends():
    values = np.array([-1.0, 0.0, 1.0])
    measured = np.zeros((2, 3, 1, 2, 3))
    measured[0, :, 0, :, 0] = [[0, 0], [2, 4], [1, 1]]
    assert continuous_codes.ranges(Traversal(values, measured))[0, 0] == 3
