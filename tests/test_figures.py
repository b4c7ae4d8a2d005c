"""The figures of the studies, from the runs in git."""

import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from constructed import bars
from matplotlib.figure import Figure

from replicate import figures_studies, report
from replicate.analysis import claims, statistics
from replicate.base import mnist
from replicate.reporting import curves, images, overview, style
from replicate.reporting.overview import Runs
from replicate.reporting.shown import Shown

LABELS = torch.arange(10).repeat(50)


@pytest.fixture(scope="module")
def studies(params) -> dict[str, Figure]:
    """The studies' figures but for `split`, which needs MNIST."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(figures_studies, "split", lambda _: Figure())
        return figures_studies.draw(params)


def test_every_figure_of_the_studies_is_made_and_shows_something(studies):
    assert all(figure.axes for name, figure in studies.items() if name != "split")  # which needs MNIST
    assert all(axes.has_data() for figure in studies.values() for axes in figure.axes)
    texts = "".join(path.read_text(encoding="utf-8") for path in report.TEMPLATES.glob("*.j2"))
    assert {*re.findall(r"figures/studies/([\w-]+)\.png", texts)} <= studies.keys()


@pytest.mark.parametrize("thresholds", [(0.5, 0.9), (1.1, 2.0, 0.9)])
def test_the_deciding_condition_misses_by_most_or_else_comes_closest(thresholds):
    of = [claims.find(claims.Condition(metric=f"m{i}", at_least=at), [1.0, 1.0], []) for i, at in enumerate(thresholds)]
    assert overview.deciding(claims.Assessment("", False, 0, 2, of))[0].condition.metric == "m1"


def test_errors_are_sorted_beside_the_published_one_and_five_runs_have_an_interval():
    few, many = Runs("few", "paper", [0.3, 0.2]), Runs("many", "views", [0.02, 0.03, 0.025, 0.02, 0.03])
    axes = overview.errors([few, many, Runs("split", "lambda", [0.1], [0.01, 0.01])]).axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["many (5)", "split (2 + 1)", "few (2)"]
    assert any(list(each.get_xdata()) == [0.05, 0.05] for each in axes.lines)
    intervals = [each.get_segments()[0][:, 0].tolist() for each in axes.collections]
    assert intervals == [list(statistics.mean_interval(many.values)), pytest.approx([0.025, 0.025])]
    assert [text.get_text() for text in axes.texts if "2.5" in text.get_text()] == ["2.5 %"]


def test_codes_have_their_signs_aligned():
    runs = [Shown(Path(f"studies/runs/infogan-{seed}"), "InfoGAN") for seed in (0, 9)]
    assert {each.role("rotation")[1] for each in runs} == {1, -1}
    slant, _, _, width = curves.codes({"InfoGAN": runs}).axes
    assert all(np.polyfit(*each.get_data(), 1)[0] > 0 for each in [*slant.lines, *width.lines])


def test_figure1_has_the_entropy_the_ceiling_and_a_posthoc_bound_for_each_run(studies):
    first, rest = studies["figure1"].axes
    level = {each.get_label(): each.get_ydata()[0] for each in first.lines}
    assert level["$H(c_1)$ = log 10"] == pytest.approx(np.log(10))
    assert level["ceiling of InfoNCE: 2.27"] == pytest.approx(2.267, abs=1e-3)
    names = ("infogan", "infomax", "gan", "gan_detached")
    runs = [run for name in names for run in Path("studies/runs").glob(f"{name}-*/training.csv")]
    assert sum(len(each.get_xdata()) for each in rest.lines if each.get_marker() == "<") == len(runs)


def test_two_digits_are_divided_by_slant_in_the_colours_of_their_categories(params, tmp_path, monkeypatch):
    """In place of each split: 500 bars, ever more right-leaning, each digit fifty times."""
    leaning = (255 * bars(torch.linspace(-0.4, 0.4, 500), torch.full((500,), 3.0))[:, 0]).byte()
    monkeypatch.setattr(mnist, "load", lambda split, _: (leaning, LABELS))
    shutil.copytree("studies/runs/infogan-0", tmp_path / "run")
    by_slant = np.where(np.isin(LABELS, (4, 9)), np.where(np.arange(500) < 250, 4, 9), LABELS)
    np.savez(tmp_path / "run/predictions.npz", train_category=LABELS.numpy(), test_category=by_slant)
    of = figures_studies.divide(Shown(tmp_path / "run", "InfoGAN"), (4, 9), "title", params)
    assert of.pair == (4, 9)
    assert of.category.tolist() == [[4] * 10 + [9] * 10] * 2
    assert of.of_sample[0].tolist() == sorted(list(range(10)) * 2)
    real = images.split([of], (4, 9)).axes[0].images[0].get_array()
    assert np.allclose(real[:, :28].max(axis=(0, 1)), images.to_rgb(style.SKY), atol=0.01)
