"""The figures, from made-up metrics and from a generator that draws what it is asked for."""

import math
import shutil
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import ROOT, change, claimed, copy_texts
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from replicate import figures
from replicate.base import mnist, stage, tables
from replicate.base.stage import BadInput
from replicate.findings import claims, results, ways
from replicate.findings.results import Results
from replicate.findings.ways import Way
from replicate.gan.model import Model
from replicate.gan.run import Run
from replicate.reporting import image_figures, run_figures, study_figures, style
from replicate.reporting.image_figures import Training
from replicate.reporting.run_figures import Shown
from replicate.reporting.study_figures import Pair
from replicate.reporting.style import PALETTE

VARIANTS = ("infogan", "gan", "infomax")
ALL = {"figure1", "milestones", "figure2", "figure2-infomax", "samples", "codes", "confusion", "claims"}
DIGIT_OF_CATEGORY = [7, 2, 1, 0, 4, 9, 5, 3, 6, 8]
ERROR = "classification.error_one_to_one"
ASKED = claims.load(ROOT / "claims.yaml").claims
METRICS = claimed() | results.flatten(
    {
        "classification": {"error_one_to_one": 0.25},
        "purity": {"digit_of_category": DIGIT_OF_CATEGORY},
        "rotation": {"code": "c3", "sign": -1, "width_change": 0.5},
        "width": {"code": "c2", "sign": 1, "slant_change": 0.5},
        "yardstick": {"lower_bound_c1": 2.2},
    }
)


class Legible(torch.nn.Module):
    """Images of which every pixel says what made them: the first rows the noise, then the category, c2 and c3."""

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        noise, category, continuous = inputs.split([62, 10, 2], dim=1)
        images = torch.zeros(len(inputs), 1, 28, 28)
        images[:, 0, 0] = noise[:, :28]
        images[:, 0, 1] = category.argmax(dim=1, keepdim=True) / 10
        images[:, 0, 2], images[:, 0, 3] = continuous[:, :1], continuous[:, 1:]
        return images


def read(images: np.ndarray) -> tuple[np.ndarray, ...]:
    """Noise (R, C, 28), category, c2 and c3 (R, C) of Legible's images (R, C, 28, 28)."""
    return images[:, :, 0], np.rint(images[:, :, 1, 0] * 10).astype(int), images[:, :, 2, 0], images[:, :, 3, 0]


def captions(figure: Figure) -> list[str]:
    return [axes.get_xlabel() for axes in figure.axes]


def legend(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.legends[0].get_texts()]


def ticks(axis) -> list[str]:
    return [label.get_text() for label in axis.get_ticklabels()]


def heights(axes) -> list[list[float]]:
    """The heights of the points of each line."""
    return [list(line.get_ydata()) for line in axes.lines]


def assert_readable(figure: Figure) -> None:
    """Nothing reaches beyond the edges of a figure, and no title or caption into another."""
    FigureCanvasAgg(figure).draw()
    drawn = figure.get_tightbbox()
    assert min(drawn.p0) >= 0 and (drawn.p1 <= figure.get_size_inches()).all()
    titles = [text for axes in figure.axes for text in (axes.title, axes.xaxis.label) if text.get_text()]
    boxes = [(text.get_text(), text.get_window_extent()) for text in titles]
    assert [(text, other) for (text, box), (other, its) in combinations(boxes, 2) if box.overlaps(its)] == []


@pytest.fixture(scope="module")
def make(params):
    """Makes a run as figures show it, from what differs: the last L_I, the yardstick's bound, settings, and the rest."""
    values, categories = np.meshgrid([-2.0, 0.0, 2.0], np.arange(10), indexing="ij")
    value, category = np.tile(values.ravel(), 2), np.tile(categories.ravel(), 2)
    traversal = {"code": np.repeat(["c2", "c3"], 30), "value": value, "category": category}
    traversal |= {"slant": value / 4 + category / 100, "width": 10.0 + category, "thickness": np.full(60, 2.5)}
    milestones = {"iteration": np.array([100, 500, 2000]), "share_c1": np.array([0.5, 0.95, 0.99])}
    milestones |= {"error": np.array([0.5, 0.2, 0.1]), "frechet": np.array([9.0, 3.0, 0.4])}

    def made(variant="infogan", seed=0, last=2.2, bound=2.2, settings=None, **values) -> Shown:
        shown = Shown(
            Run(variant, seed, change(params.settings(variant), **(settings or {}))),
            METRICS | {"yardstick.lower_bound_c1": bound},
            {"iteration": np.arange(10, 5001, 10), "information_c1": np.linspace(0, last, 500)},
            milestones,
            traversal,
            3 * np.eye(10, dtype=int) + np.roll(np.eye(10, dtype=int), 1, axis=1),
            Legible(),
        )
        return shown._replace(**values)

    return made


@pytest.fixture(scope="module")
def shown(make) -> Shown:
    return make()


def test_varying_c1_shares_everything_else_in_a_row_and_orders_the_columns_by_digit(params, shown):
    images = image_figures.vary_category(
        shown, torch.tensor(image_figures.in_digit_order(shown.metrics, 10)), params.figures
    )
    noise, category, c2, c3 = read(images)
    assert category.shape == (5, 10)
    assert all([DIGIT_OF_CATEGORY[c] for c in row] == list(range(10)) for row in category)
    for part in (noise, c2, c3):
        assert (part == part[:, :1]).all()
        assert len(np.unique(part[:, 0], axis=0)) == 5  # each row is another draw
    other = params.figures.model_copy(update={"seed": params.figures.seed + 1})
    assert (
        images
        != image_figures.vary_category(shown, torch.tensor(image_figures.in_digit_order(shown.metrics, 10)), other)
    ).any()


def test_a_code_is_varied_from_left_to_right_by_its_sign_with_a_category_in_each_row(params, shown):
    words, images = image_figures.vary_role("rotation", shown, torch.tensor([3, 2, 1]), params.figures)
    noise, category, c2, c3 = read(images)
    assert words == "$c_3$ from 2 to −2"
    np.testing.assert_allclose(c3, np.tile(np.linspace(2, -2, 10), (3, 1)), atol=1e-6)
    assert (c2 == 0).all()
    assert (category == [[3], [2], [1]]).all()
    assert (noise == noise[:, :1]).all() and len(np.unique(noise[:, 0], axis=0)) == 3
    words, images = image_figures.vary_role("width", shown, torch.tensor([3]), params.figures)
    assert words == "$c_2$ from −2 to 2"
    np.testing.assert_allclose(read(images)[2], [np.linspace(-2, 2, 10)], atol=1e-6)


def curves(axes) -> list[float]:
    """The last height of each curve over the iterations of a log."""
    return [of_line[-1] for of_line in heights(axes) if len(of_line) > 2]


def levels(axes) -> set[float]:
    """The heights of the horizontal lines."""
    return {round(float(line.get_ydata()[0]), 3) for line in axes.lines if list(line.get_xdata()) == [0, 1]}


def marks(axes) -> list[tuple[float, str]]:
    """The height and the colour of each mark in the margin."""
    return [(float(line.get_ydata()[0]), line.get_color()) for line in axes.lines if len(line.get_ydata()) == 1]


def test_figure_1_has_a_line_for_each_run_the_yardsticks_and_the_entropy(make):
    runs = [make("infogan", 0, 2.2, 2.25), make("infogan", 1, 2.1, 2.15), make("gan", 0, 0.1, 0.2)]
    figure = run_figures.figure1([*runs, make("infomax", 0, 2.0, 2.05)])
    paper, whole = figure.axes
    assert (paper.get_xlim(), whole.get_xlim()) == ((0, 1000), (0, 5000))
    assert curves(paper) == curves(whole) == [2.2, 2.1, 0.1, 2.0]
    assert levels(paper) == levels(whole) == {2.303, 2.267}  # H(c1), and what InfoNCE can reach
    assert marks(paper) == []
    infogan, gan, infomax = PALETTE[:3]
    assert marks(whole) == [(2.25, infogan), (2.15, infogan), (0.2, gan), (2.05, infomax)]
    places = [line.get_xdata()[0] for line in whole.lines if len(line.get_ydata()) == 1]
    assert places[0] == places[1] and len(set(places)) == 3  # beside each other, not one upon the other
    of_lines = ["InfoGAN (2)", "regular GAN", "InfoMax (InfoNCE)", "InfoNCE's upper limit", "$H(c_1)$ = log 10"]
    assert legend(figure) == [*of_lines, "yardstick, at the end"]


def test_figure_1_shows_the_yardstick_alone_of_an_estimate_that_is_not_in_nats(make):
    infomax = make("infomax", 0, -0.1, 2.1, settings={"critic": {"estimator": "jensen_shannon"}})
    paper, whole = run_figures.figure1([make(), infomax]).axes
    assert curves(paper) == curves(whole) == [2.2]
    assert [height for height, _ in marks(whole)] == [2.2, 2.1]
    assert levels(whole) == {2.303}


def test_every_number_of_categories_has_its_entropy(make):
    paper, _ = run_figures.figure1([make(), make(settings={"latent": {"categories": 5}})]).axes
    assert levels(paper) == {round(math.log(5), 3), round(math.log(10), 3)}


def test_more_variants_than_colours_are_all_drawn(shown):
    names = [f"v{i}" for i in range(len(PALETTE) + 1)]
    runs = [shown._replace(run=shown.run._replace(variant=name)) for name in names]
    assert len(curves(run_figures.figure1(runs).axes[0])) == len(runs)
    assert legend(run_figures.milestones(runs)) == names


def test_milestones_have_a_line_for_each_run_in_three_panels(make):
    error = np.array([0.5, np.nan, np.nan])
    figure = run_figures.milestones(
        [make(), make(seed=1), make("gan", milestones=make().milestones | {"error": error})]
    )
    share, error, frechet = map(heights, figure.axes)
    assert [len(share), len(error), len(frechet)] == [3, 3, 3]
    assert share[0] == [0.5, 0.95, 0.99] and error[1] == [0.5, 0.2, 0.1] and frechet[2] == [9.0, 3.0, 0.4]
    assert np.isnan(error[2][1:]).all()
    assert legend(figure) == ["InfoGAN (2)", "regular GAN"]
    FigureCanvasAgg(figure).draw()
    axis, (low, high) = figure.axes[0].xaxis, figure.axes[0].get_xlim()
    assert [t.label1.get_text() for t in axis.get_major_ticks() if low <= t.get_loc() <= high] == ["100", "500", "1000"]


def test_figure_2_has_the_papers_four_panels_and_three_without_a_baseline(params, make, shown):
    varied = [each.rpartition("\n")[0] for each in captions(image_figures.figure2(shown, make("gan"), params.figures))]
    assert varied == [
        "(a) Varying $c_1$\non InfoGAN",
        "(b) Varying $c_1$\non regular GAN",
        "(c) Varying $c_3$ from 2 to −2\non InfoGAN",
        "(d) Varying $c_2$ from −2 to 2\non InfoGAN",
    ]
    figure = image_figures.figure2(make("infomax"), None, params.figures)
    assert [each[:3] for each in captions(figure)] == ["(a)", "(c)", "(d)"]
    assert all("on InfoMax" in each for each in captions(figure))
    assert all(axes.images[0].get_array().shape == (5 * 28, 10 * 28) for axes in figure.axes)


def test_panels_of_unlike_width_stay_on_the_page():
    counts = (5, 5, 20, 20, 10, 10)
    panels = [image_figures.Panel("caption", np.zeros((5, count, 28, 28))) for count in counts]
    boxes = [axes.get_position() for axes in image_figures.image_panels(panels, columns=2).axes]
    assert all(0 < box.x0 < box.x1 < 1 and 0 < box.y0 < box.y1 < 1 for box in boxes)
    assert boxes[0].x1 < boxes[1].x0 and boxes[2].y1 < boxes[0].y0
    assert len({round(box.width / count, 9) for box, count in zip(boxes, counts)}) == 1


def test_samples_show_every_run_and_real_digits(params, make, digits):
    real = digits.repeat(4, 1, 1)
    figure = image_figures.samples([*map(make, VARIANTS)], real, params.figures)
    assert captions(figure) == ["InfoGAN, seed 0", "regular GAN, seed 0", "InfoMax, seed 0", "MNIST, test split"]
    np.testing.assert_allclose(figure.axes[-1].images[0].get_array()[:28, 28:56], real[1] / 255)


def test_codes_have_a_column_each_with_the_mean_over_the_categories(make):
    figure = run_figures.codes([make(), make("infomax")])
    assert len(figure.axes) == 3 * 4
    assert figure.axes[0].get_title() == "InfoGAN\nrotation: $c_3$"
    assert figure.axes[3].get_title() == "InfoMax\nwidth: $c_2$"
    slant = figure.axes[2].lines
    assert len(slant) == 11
    np.testing.assert_allclose(slant[4].get_xydata(), [[-2, -0.46], [0, 0.04], [2, 0.54]])
    np.testing.assert_allclose(slant[-1].get_ydata(), [-0.455, 0.045, 0.545])


def test_a_confusion_matrix_is_the_mean_of_the_runs_of_a_variant(make):
    other = make(seed=1, confusion=np.eye(10, dtype=int), metrics=METRICS | {ERROR: 0.05})
    unread = make().confusion * (np.arange(10) != 4)[:, None]  # no image of a 4 is in a category with a digit
    both, alone = run_figures.confusion([make(), other, make("infomax", confusion=unread, metrics={ERROR: None})]).axes
    assert {text.get_text() for text in both.texts} == {"2", "0"} and both.texts[0].get_text() == "2"
    assert both.get_title() == "InfoGAN, mean of 2\nerror 15.0 %"
    np.testing.assert_allclose(np.asarray(alone.images[0].get_array()), unread / 4)  # NaN is masked in it
    assert sum(int(text.get_text()) for text in alone.texts) == 36
    assert alone.get_title() == "InfoMax, seed 0"


def test_the_teaser_shows_each_code_of_a_training_from_its_sheets():
    """A sample's brightness is its category; along a code it grows with the value, and tells c2 from c3."""
    samples = np.broadcast_to(np.arange(10)[:, None, None, None] / 10, (10, 4, 28, 28))
    values = np.linspace(0.1, 0.3, 3)[:, None, None]
    of_codes = [np.broadcast_to(start + values, (20, 3, 28, 28)) for start in (0, 0.5)]
    metrics = METRICS | {"rotation.slant_change": -1.25}
    figure = image_figures.teaser([Training("the best", metrics, samples, np.concatenate(of_codes))])
    c1, rotation, width = (axes.images[0].get_array()[::28, ::28] for axes in figure.axes)
    assert [digits.tolist() for digits in c1] == [[category / 10 for category in np.argsort(DIGIT_OF_CATEGORY)]] * 4
    np.testing.assert_allclose(rotation, [[0.8, 0.7, 0.6]] * 4)  # c3, from 2 to −2
    np.testing.assert_allclose(width, [[0.1, 0.2, 0.3]] * 4)
    assert captions(figure)[:2] == ["the best", "rotation code: slant −1.2, width 0.5"]


def test_no_text_is_clipped_and_no_titles_overlap(params, digits, make):
    real, options = digits.repeat(4, 1, 1), params.figures
    infogan, gan, infomax = runs = [*map(make, VARIANTS)]
    measured = Results({variant: {0: METRICS} for variant in VARIANTS}, {"cost.ratio": 1.01})
    for figure in (
        run_figures.figure1(runs),
        run_figures.milestones(runs),
        image_figures.figure2(infogan, gan, options),
        image_figures.figure2(infomax, None, options),
        image_figures.samples([infogan], real, options),
        image_figures.samples(runs, real, options),
        run_figures.codes(runs),
        run_figures.confusion([infogan, infomax]),
        study_figures.conditions(ASKED, claims.assess_all(ASKED, measured, {"leak": None})),
    ):
        assert_readable(figure)


def write_results(metrics: dict, variants: tuple[str, ...] = VARIANTS) -> None:
    rows = [row for variant in variants for row in results.rows(metrics, variant, 0)]
    results.write("metrics/results.csv", rows + results.rows({"cost.ratio": 1.01}))


@pytest.fixture
def project(tmp_path, monkeypatch, digits, make) -> Path:
    """A folder with params.yaml and made-up metrics of three runs; their models and MNIST are made up as well."""
    monkeypatch.chdir(tmp_path)
    copy_texts(VARIANTS)
    monkeypatch.setattr(mnist, "load", lambda *_: (digits.repeat(4, 1, 1), torch.zeros(160)))
    monkeypatch.setattr(Run, "load", lambda _: Model(Legible(), None, None))
    for shown in map(make, VARIANTS):
        confusion = {"digit": range(10)} | {str(digit): counts for digit, counts in enumerate(shown.confusion.T)}
        written = {"training": shown.log, "milestones": shown.milestones, "traversal": shown.traversal}
        for kind, columns in (written | {"confusion": confusion}).items():
            tables.write(shown.run.file(f"{kind}.csv"), [dict(zip(columns, row)) for row in zip(*columns.values())])
    write_results(METRICS)
    results.write("metrics/studies.csv", [])
    stage.write_json("metrics/studies.json", {"seeds": {"runs": 0}, "leak": None, "selections": {}, "failed": []})
    return tmp_path


@pytest.fixture
def drawn(project, monkeypatch) -> dict[str, Figure]:
    """The figures that the stage has drawn in the project, by name; none is written."""
    found = {}
    monkeypatch.setattr(style, "save", lambda figure, path: found.update({path.stem: figure}))
    return found


@pytest.mark.usefixtures("project")
def test_the_stage_writes_small_files_without_metadata():
    figures.main()
    written = {path.stem: path for path in Path("figures").iterdir()}
    assert written.keys() == ALL
    assert max(path.stat().st_size for path in written.values()) < 300_000
    assert not any(Image.open(path).info for path in written.values())


@pytest.mark.parametrize(
    ("variant", "missing"),
    [("infogan", {"figure2-infomax"}), ("gan", {"figure2", "figure2-infomax", "confusion"})],
)
def test_the_stage_draws_what_the_variants_allow(drawn, variant, missing):
    copy_texts([variant])
    figures.main()
    assert drawn.keys() == ALL - missing


def test_the_stage_draws_the_studies(project, drawn, monkeypatch, params):
    of_run = METRICS | {ERROR: 0.1, "sharing.error_without": 0.04, "classification.ami": 0.8, "kmeans.ami": 0.5}
    of_run |= {"sharing.which": "4-9", "sharing.styles": "slant:0.95"}
    random = np.random.default_rng(0)
    digit = torch.from_numpy(random.integers(0, 10, 300))
    images = torch.from_numpy(random.integers(0, 255, (300, 28, 28)))
    for split in ("training_images", "test_images"):
        monkeypatch.setattr(mnist, split, lambda *_: (images, digit))
    runs = ("infogan", 0), ("infogan", 3), ("k5", 0)
    results.write("metrics/studies.csv", [row for this in runs for row in results.rows(of_run, *this)])
    made = {project / f"infogan-{seed}": Run("infogan", seed, params.settings("infogan")) for seed in (0, 3)}
    for folder in made:
        folder.mkdir()
        np.savez(folder / "codes.npz", train_category=digit, test_category=digit)
        for kind in ("training", "milestones", "traversal", "confusion"):
            shutil.copy(f"metrics/{kind}/infogan-0.csv", folder / f"{kind}.csv")
        for kind, rows in (("samples", 10), ("traversals", 40)):
            Image.fromarray(np.zeros((28 * rows, 28 * 9), dtype=np.uint8)).save(folder / f"{kind}.png")
    monkeypatch.setattr(figures.plan, "made", lambda _: {"seeds": made, "views": {}})
    figures.main()
    assert drawn.keys() == ALL | {"ways", "split", "studies-error", "studies-k", "teaser"}
    assert len(drawn["milestones"].axes[0].lines) == len(made) + 2  # with the pipeline's regular GAN and InfoMax
    shown = [f"InfoGAN, {name} of 2: error 10.0 %" for name in ("best", "median", "worst")]
    assert captions(drawn["teaser"])[::3] == shown


def test_the_studies_figures_have_a_point_for_each_training():
    runs = {
        seed: {ERROR: error, "sharing.error_without": error / 2, "classification.ami": 1 - error}
        for seed, error in enumerate((0.05, 0.1, 0.2))
    }
    control = {0: {"classification.ami": 0.3}}
    figure = study_figures.errors(Results({"infogan": runs, "gan": control}, {}))
    above, below = ([list(line.get_xdata()) for line in axes.lines] for axes in figure.axes)
    assert above == [[0.05, 0.1, 0.2], [0.025, 0.05, 0.1], [0.05, 0.05]]  # the last: as published
    assert below == [[0.95, 0.9, 0.8], [0.3]]
    assert ticks(figure.axes[1].yaxis) == ["InfoGAN (3)", "regular GAN (1)"]
    assert_readable(figure)


def test_every_condition_is_drawn_beside_its_limit():
    claim = next(iter(ASKED.values())).model_copy(update={"brief": "it works"})
    first, second = claim.holds  # at least 0.95; at least 0.98, and the control and 0.5
    runs = [{first.metric: 0.97, second.metric: 0.9}, {first.metric: 0.9, second.metric: 1.0}]
    control = [{first.metric: 0.45, second.metric: 0.1}]
    (axes,) = study_figures.conditions({"c": claim}, {"c": claims.assess(claim, runs, control)}).axes
    points, of_control, mean = axes.lines[1:4]  # after the line above a claim
    assert list(points.get_xdata()) == pytest.approx([0.02 / 0.5, -0.05 / 0.5])
    assert list(of_control.get_xdata()) == [-1] and list(mean.get_xdata()) == pytest.approx([-0.015 / 0.5])
    assert list(axes.lines[4].get_xdata()) == pytest.approx([-0.08 / 0.88, 0.02 / 0.88])
    written = {text.get_text() for text in axes.texts}
    assert written >= {"it works", "holds partly (0 of 2)", "$L_I$ / H(c1) at iteration 1000 ≥ 0.95"}


def test_ways_have_a_point_for_each_training_and_a_hollow_one_for_a_choice():
    found = [Way("as it comes", ways.HERE, False, 1, [0.2, 0.1]), Way("the best", ways.CHOICE, True, 2, [0.1])]
    (axes,) = study_figures.to_a_lower_error(found).axes
    points, mean, choice, published = axes.lines
    assert list(points.get_xdata()) == [0.2, 0.1] and list(points.get_ydata()) == [0, 0]
    assert list(np.ravel(mean.get_xdata())) == [pytest.approx(0.15)]
    assert list(choice.get_xdata()) == [0.1] and choice.get_markerfacecolor() == "none"
    assert list(published.get_xdata()) == [0.05, 0.05]
    assert ticks(axes.yaxis) == ["as it comes", "the best, with labels"]


def test_what_is_left_is_the_commonest_confusion(tmp_path, monkeypatch, params):
    """Two runs read ten sevens as 2, one of them five more; a seven's number is its brightness."""
    digit = torch.arange(10).repeat(30)
    images = torch.arange(300, dtype=torch.uint8)[:, None, None].expand(300, 28, 28)
    for split in ("training_images", "test_images"):
        monkeypatch.setattr(mnist, split, lambda *_: (images, digit))
    sevens = np.flatnonzero(digit == 7)
    for name, misread in (("a", sevens[:15]), ("b", sevens[5:15])):
        read = digit.numpy().copy()
        read[misread], read[3] = 2, 5
        (tmp_path / name).mkdir()
        np.savez(tmp_path / name / "codes.npz", train_category=digit, test_category=read)
    figure = figures.left([tmp_path / "a", tmp_path / "b"], params, rows=1, columns=12)
    drawn = np.asarray(figure.axes[0].images[0].get_array())[0, ::28] * 255
    assert drawn == pytest.approx([*sevens[5:15], *sevens[:2]], abs=0.01)
    assert captions(figure)[0].startswith("7 read as 2: 93 % of the errors of 2 trainings")


def test_a_pair_is_shown_by_slant_in_the_colours_of_its_categories():
    n = 40
    slant, digit = np.linspace(-1, 1, n).repeat(2), np.tile([4, 9], n)
    images = np.ones((2 * n, 28, 28)) * (slant[:, None, None] + 1) / 2
    pair = Pair("seed 5", images, slant, digit, np.where(slant > 0, 4, 9))
    (axes,) = study_figures.split([pair], columns=10).axes
    drawn = np.asarray(axes.images[0].get_array()).reshape(2, 28, 10, 28, 3)[:, 0, :, 0]
    brightness = drawn.max(axis=-1)
    assert (np.diff(brightness) > 0).all()  # from left-leaning to right-leaning
    hue = drawn / brightness[:, :, None]
    assert np.allclose(hue[:, :5], hue[0, 0]) and np.allclose(hue[:, 5:], hue[0, 9])
    assert not np.allclose(hue[0, 0], hue[0, 9])


def test_agreement_by_k_joins_the_runs_of_a_seed(params):
    ten = params.settings("infogan")
    k5, k20 = (change(ten, latent={"categories": categories}) for categories in (5, 20))
    variants = {"infogan": ten, "k5": k5, "k20": k20, "five": change(ten, train={"digits": [0, 1, 2, 3, 4]})}
    amis = {"infogan": [0.8, 0.9], "k5": [0.6, 0.5], "k20": [0.7], "five": [0.85]}
    runs = {
        variant: {seed: {"classification.ami": ami, "kmeans.ami": ami / 2} for seed, ami in enumerate(values)}
        for variant, values in amis.items()
    }
    figure = study_figures.agreement(Results(runs, {}), variants)
    left, right = figure.axes
    points = [list(zip(line.get_xdata(), line.get_ydata())) for line in left.lines]
    assert points[:2] == [[(0, 0.6), (1, 0.8), (2, 0.7)], [(0, 0.5), (1, 0.9)]]
    assert points[2:] == [[(x, ami / 2) for x, ami in line] for line in points[:2]]
    assert ticks(left.xaxis) == ["5", "10", "20"]
    assert heights(right) == [[0.85], [0.425]]
    assert [axes.get_title() for axes in figure.axes] == ["images of 10 digits", "images of 5 digits"]
    assert_readable(figure)


@pytest.mark.usefixtures("project")
def test_what_was_not_measured_is_named_and_nothing_is_drawn():
    write_results({name: value for name, value in METRICS.items() if name != "rotation.sign"})
    with pytest.raises(BadInput, match="'rotation.sign'"):
        figures.main()
    write_results(METRICS, ("infogan",))
    with pytest.raises(BadInput, match="not measured: 'gan'"):
        figures.main()
    assert not Path("figures").exists()
