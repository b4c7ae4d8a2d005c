"""The figures, from made-up metrics and from a generator that draws what it is asked for."""

import math
import shutil
from pathlib import Path

import matplotlib.text
import numpy as np
import pytest
import torch
from conftest import ROOT
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image
from ruamel.yaml import YAML

from replicate import figures
from replicate.base import mnist, parameters, stage, tables
from replicate.base.stage import BadInput
from replicate.figures import Shown, Training
from replicate.findings import claims, results, ways
from replicate.findings.results import Results
from replicate.findings.ways import Way
from replicate.gan import run
from replicate.gan.model import Model
from replicate.gan.run import Run
from replicate.reporting import study_figures
from replicate.reporting.study_figures import Pair

ALL = {"figure1", "milestones", "figure2", "figure2-infomax", "samples", "codes", "confusion", "claims"}
DIGIT_OF_CATEGORY = [7, 2, 1, 0, 4, 9, 5, 3, 6, 8]
ASKED = claims.load(ROOT / "claims.yaml").claims
METRICS = {metric: 0.5 for claim in ASKED.values() for _, metric in claim.metrics()} | results.flatten(
    {
        "classification": {"error_one_to_one": 0.25},
        "purity": {"digit_of_category": DIGIT_OF_CATEGORY},
        "rotation": {"code": "c3", "sign": -1, "width_change": 0.5},
        "width": {"code": "c2", "sign": 1, "slant_change": 0.5},
        "yardstick": {"lower_bound_c1": 2.2},
    }
)


MEASURED = Results({variant: {0: METRICS} for variant in ("infogan", "gan", "infomax")}, {"cost.ratio": 1.01})


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


def texts(figure: Figure) -> str:
    return "\n".join(text.get_text() for text in figure.findobj(matplotlib.text.Text))


def clipped(figure: Figure) -> list[str]:
    """The texts that reach beyond the edges of a figure that is laid out."""
    width, height = figure.bbox.size
    boxes = {t.get_text(): t.get_window_extent() for t in figure.findobj(matplotlib.text.Text) if t.get_text()}
    return [text for text, box in boxes.items() if min(box.p0) < 0 or box.x1 > width or box.y1 > height]


def overlapping(figure: Figure) -> list[tuple[str, str]]:
    """The pairs of titles, captions and labels of axes that reach into each other, in a figure that is laid out."""
    written = [text for axes in figure.axes for text in (axes.title, axes.xaxis.label) if text.get_text()]
    boxes = [text.get_window_extent() for text in written]
    return [
        (written[i].get_text(), written[j].get_text())
        for i in range(len(boxes))
        for j in range(i)
        if boxes[i].overlaps(boxes[j])
    ]


@pytest.fixture(scope="module")
def make(params):
    """Makes a run as figures show it, from what differs: its variant, and what may be set of it."""
    values, categories = np.meshgrid([-2.0, 0.0, 2.0], np.arange(10), indexing="ij")
    traversal = {"code": np.repeat(["c2", "c3"], 30), "value": np.tile(values.ravel(), 2)}
    traversal |= {"category": np.tile(categories.ravel(), 2)}
    traversal |= {"slant": traversal["value"] / 4 + traversal["category"] / 100}
    traversal |= {"width": 10.0 + traversal["category"], "thickness": np.full(60, 2.5)}
    milestones = {"iteration": np.array([100, 500, 2000]), "share_c1": np.array([0.5, 0.95, 0.99])}
    milestones |= {"error": np.array([0.5, 0.2, 0.1]), "frechet": np.array([9.0, 3.0, 0.4])}

    def made(variant: str = "infogan", seed: int = 0, last: float = 2.2, **values) -> Shown:
        shown = Shown(
            Run(variant, seed, params.settings(variant)),
            METRICS,
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
    images = figures.vary_category(shown, figures.in_digit_order(shown), params.figures)
    noise, category, c2, c3 = read(images)
    assert category.shape == (5, 10)
    assert all([DIGIT_OF_CATEGORY[c] for c in row] == list(range(10)) for row in category)
    for part in (noise, c2, c3):
        assert (part == part[:, :1]).all()
        assert len(np.unique(part[:, 0], axis=0)) == 5  # each row is another draw


def test_the_draws_follow_the_seed_alone(params, shown):
    seeds = (params.figures.seed, params.figures.seed, params.figures.seed + 1)
    options = [params.figures.model_copy(update={"seed": seed}) for seed in seeds]
    first, again, other = (figures.vary_category(shown, torch.arange(10), each) for each in options)
    assert (first == again).all()
    assert (first != other).any()


def test_a_code_is_varied_from_left_to_right_by_its_sign_with_a_category_in_each_row(params, shown):
    words, images = figures.vary_role("rotation", shown, torch.tensor([3, 2, 1]), params.figures)
    noise, category, c2, c3 = read(images)
    assert words == "$c_3$ from 2 to −2"
    np.testing.assert_allclose(c3, np.tile(np.linspace(2, -2, 10), (3, 1)), atol=1e-6)
    assert (c2 == 0).all()
    assert (category == [[3], [2], [1]]).all()
    assert (noise == noise[:, :1]).all() and len(np.unique(noise[:, 0], axis=0)) == 3
    words, images = figures.vary_role("width", shown, torch.tensor([3]), params.figures)
    assert words == "$c_2$ from −2 to 2"
    np.testing.assert_allclose(read(images)[2], [np.linspace(-2, 2, 10)], atol=1e-6)


def curves(axes) -> list[float]:
    """The last height of each curve over the iterations of a log."""
    return [float(line.get_ydata()[-1]) for line in axes.lines if len(line.get_ydata()) > 2]


def levels(axes) -> set[float]:
    """The heights of the horizontal lines."""
    return {round(float(line.get_ydata()[0]), 3) for line in axes.lines if list(line.get_xdata()) == [0, 1]}


def marks(axes) -> list[tuple[float, str]]:
    """The height and the colour of each mark in the margin."""
    return [(float(line.get_ydata()[0]), line.get_color()) for line in axes.lines if len(line.get_ydata()) == 1]


def bound(value: float) -> dict:
    return METRICS | {"yardstick.lower_bound_c1": value}


def test_figure_1_has_a_line_for_each_run_the_yardsticks_and_the_entropy(make):
    runs = [
        make("infogan", 0, 2.2, metrics=bound(2.25)),
        make("infogan", 1, 2.1, metrics=bound(2.15)),
        make("gan", 0, 0.1, metrics=bound(0.2)),
        make("infomax", 0, 2.0, metrics=bound(2.05)),
    ]
    figure = figures.figure1(runs)
    paper, whole = figure.axes
    assert paper.get_xlim() == (0, 1000)
    assert whole.get_xlim() == (0, 5000)
    assert curves(paper) == curves(whole) == [2.2, 2.1, 0.1, 2.0]
    assert levels(paper) == levels(whole) == {2.303, 2.267}  # H(c1), and what InfoNCE can reach
    assert marks(paper) == []
    infogan, gan, infomax = figures.PALETTE[:3]
    assert marks(whole) == [(2.25, infogan), (2.15, infogan), (0.2, gan), (2.05, infomax)]
    places = [line.get_xdata()[0] for line in whole.lines if len(line.get_ydata()) == 1]
    assert places[0] == places[1] and len(set(places)) == 3  # beside each other, not one upon the other
    names = [text.get_text() for text in figure.legends[0].get_texts()]
    assert names == [
        "InfoGAN (2)",
        "regular GAN",
        "InfoMax (InfoNCE)",
        "most of InfoNCE",
        "$H(c_1)$ = log 10",
        "yardstick, at the end",
    ]


def test_a_training_of_1000_iterations_has_its_marks_once(make):
    log = {"iteration": np.arange(10, 1001, 10), "information_c1": np.linspace(0, 2, 100)}
    paper, whole = figures.figure1([make(log=log)]).axes
    assert (len(marks(paper)), len(marks(whole))) == (0, 1)


def test_figure_1_shows_the_yardstick_alone_of_an_estimate_that_is_not_in_nats(make):
    infomax = make("infomax", 0, -0.1, metrics=bound(2.1))
    critic = infomax.run.settings.critic.model_copy(update={"estimator": "jensen_shannon"})
    settings = infomax.run.settings.model_copy(update={"critic": critic})
    infomax = infomax._replace(run=infomax.run._replace(settings=settings))
    paper, whole = figures.figure1([make(), infomax]).axes
    assert curves(paper) == curves(whole) == [2.2]
    assert [height for height, _ in marks(whole)] == [2.2, 2.1]
    assert levels(whole) == {2.303}


def test_every_number_of_categories_has_its_entropy(make):
    shown = make()
    prior = shown.run.settings.latent.model_copy(update={"categories": 5})
    other = shown._replace(run=Run("k5", 0, shown.run.settings.model_copy(update={"latent": prior})))
    assert levels(figures.figure1([shown, other]).axes[0]) == {round(math.log(5), 3), round(math.log(10), 3)}


def test_more_variants_than_colours_are_all_drawn(make):
    runs = [make()._replace(run=Run(f"v{i}", 0, make().run.settings)) for i in range(len(figures.PALETTE) + 1)]
    assert len(curves(figures.figure1(runs).axes[0])) == len(runs)
    assert "v6" in texts(figures.milestones(runs))


def test_milestones_have_a_line_for_each_run_in_three_panels(make):
    error = np.array([0.5, np.nan, np.nan])
    figure = figures.milestones([make(), make(seed=1), make("gan", milestones=make().milestones | {"error": error})])
    heights = [[line.get_ydata().tolist() for line in axes.lines] for axes in figure.axes]
    assert [len(of_panel) for of_panel in heights] == [3, 3, 3]
    assert heights[0][0] == [0.5, 0.95, 0.99] and heights[1][1] == [0.5, 0.2, 0.1] and heights[2][2] == [9.0, 3.0, 0.4]
    assert np.isnan(heights[1][2][1:]).all()
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["InfoGAN (2)", "regular GAN"]
    FigureCanvasAgg(figure).draw()
    low, high = figure.axes[0].get_xlim()
    ticks = [t.label1.get_text() for t in figure.axes[0].xaxis.get_major_ticks() if low <= t.get_loc() <= high]
    assert ticks == ["100", "500", "1000"]


def test_figure_2_has_the_papers_four_panels_and_three_without_a_baseline(params, make, shown):
    captions = [axes.get_xlabel() for axes in figures.figure2(shown, make("gan"), params.figures).axes]
    assert captions == [
        "(a) Varying $c_1$\non InfoGAN\n(in the paper: digit type)",
        "(b) Varying $c_1$\non regular GAN\n(in the paper: no clear meaning)",
        "(c) Varying $c_3$ from 2 to −2\non InfoGAN\n(in the paper: rotation)",
        "(d) Varying $c_2$ from −2 to 2\non InfoGAN\n(in the paper: width)",
    ]
    figure = figures.figure2(make("infomax"), None, params.figures)
    assert [axes.get_xlabel()[:3] for axes in figure.axes] == ["(a)", "(c)", "(d)"]
    assert "InfoGAN" not in texts(figure)
    assert all(axes.images[0].get_array().shape == (5 * 28, 10 * 28) for axes in figure.axes)


def test_a_panel_puts_each_image_in_its_place():
    images = np.zeros((2, 3, 28, 28))
    images[1, 2, 5, 6] = 1
    (axes,) = figures.image_panels([figures.Panel("caption", images)], columns=1).axes
    assert np.argwhere(axes.images[0].get_array()).tolist() == [[28 + 5, 2 * 28 + 6]]


@pytest.mark.parametrize("counts", [(5, 5, 10, 10), (20, 20, 10, 10)])
def test_panels_of_unlike_width_stay_on_the_page(counts):
    panels = [figures.Panel("caption", np.zeros((5, count, 28, 28))) for count in counts]
    figure = figures.image_panels(panels, columns=2)
    boxes = [axes.get_position() for axes in figure.axes]
    assert all(0 < box.x0 < box.x1 < 1 and 0 < box.y0 < box.y1 < 1 for box in boxes)
    assert boxes[0].x1 < boxes[1].x0 and boxes[2].y1 < boxes[0].y0
    assert len({round(box.width / count, 9) for box, count in zip(boxes, counts)}) == 1


def test_samples_show_every_run_and_real_digits(params, make, digits):
    real = digits.repeat(4, 1, 1)
    figure = figures.samples([make(), make("gan"), make("infomax")], real, params.figures)
    captions = [axes.get_xlabel() for axes in figure.axes]
    assert captions == ["InfoGAN, seed 0", "regular GAN, seed 0", "InfoMax, seed 0", "MNIST, test split"]
    np.testing.assert_allclose(figure.axes[-1].images[0].get_array()[:28, 28:56], real[1] / 255)


def test_codes_have_a_column_each_with_the_mean_over_the_categories(make):
    figure = figures.codes([make(), make("infomax")])
    assert len(figure.axes) == 3 * 4
    assert figure.axes[0].get_title() == "InfoGAN\nrotation: $c_3$"
    assert figure.axes[3].get_title() == "InfoMax\nwidth: $c_2$"
    slant = figure.axes[2].lines
    assert len(slant) == 11
    np.testing.assert_allclose(slant[4].get_xydata(), [[-2, -0.46], [0, 0.04], [2, 0.54]])
    np.testing.assert_allclose(slant[-1].get_ydata(), [-0.455, 0.045, 0.545])


def test_the_confusion_matrix_counts_and_names_the_error(shown):
    (axes,) = figures.confusion([shown]).axes
    np.testing.assert_allclose(axes.images[0].get_array(), 0.75 * np.eye(10) + 0.25 * np.roll(np.eye(10), 1, axis=1))
    assert sum(int(text.get_text()) for text in axes.texts) == 40
    assert axes.get_title() == "InfoGAN, seed 0\nerror 25.0 %"


def test_the_confusion_matrix_of_several_runs_is_their_mean(make):
    other = make(seed=1, confusion=np.eye(10, dtype=int), metrics=METRICS | {"classification.error_one_to_one": 0.05})
    both, alone = figures.confusion([make(), other, make("infomax")]).axes
    assert {text.get_text() for text in both.texts} == {"2", "0"} and both.texts[0].get_text() == "2"
    assert both.get_title() == "InfoGAN, mean of 2\nerror 15.0 %" and alone.get_title().startswith("InfoMax, seed 0")


def test_the_teaser_shows_each_code_of_a_training_from_its_sheets():
    """A sample's brightness is its category; along a code it grows with the value, and tells c2 from c3."""
    samples = np.broadcast_to(np.arange(10)[:, None, None, None] / 10, (10, 4, 28, 28))
    values = np.linspace(0.1, 0.3, 3)[:, None, None]
    of_codes = [np.broadcast_to(start + values, (20, 3, 28, 28)) for start in (0, 0.5)]
    metrics = METRICS | {"rotation.slant_change": -1.25}
    figure = figures.teaser([Training("the best", metrics, samples, np.concatenate(of_codes))])
    c1, rotation, width = (axes.images[0].get_array()[::28, ::28] for axes in figure.axes)
    assert [digits.tolist() for digits in c1] == [[category / 10 for category in np.argsort(DIGIT_OF_CATEGORY)]] * 4
    np.testing.assert_allclose(rotation, [[0.8, 0.7, 0.6]] * 4)  # c3, from 2 to −2
    np.testing.assert_allclose(width, [[0.1, 0.2, 0.3]] * 4)
    captions = [axes.get_xlabel() for axes in figure.axes]
    assert captions[:2] == ["the best", "rotation code: slant −1.2, width 0.5"]


def test_a_digit_whose_images_have_no_matched_category_has_an_empty_row(shown):
    counts = shown.confusion.copy()
    counts[4] = 0
    metrics = METRICS | {"classification.error_one_to_one": None}
    (axes,) = figures.confusion([shown._replace(confusion=counts, metrics=metrics)]).axes
    assert (axes.images[0].get_array()[4] == 0).all()
    assert axes.get_title() == "InfoGAN, seed 0"


def test_no_text_is_clipped_and_no_titles_overlap(params, digits, make):
    real, options = digits.repeat(4, 1, 1), params.figures
    infogan, gan, infomax = make(), make("gan"), make("infomax")
    for figure in (
        figures.figure1([infogan, gan, infomax]),
        figures.milestones([infogan, gan, infomax]),
        figures.figure2(infogan, gan, options),
        figures.figure2(infomax, None, options),
        figures.samples([infogan], real, options),
        figures.samples([infogan, gan, infomax], real, options),
        figures.codes([infogan, gan, infomax]),
        figures.confusion([infogan, infomax]),
        study_figures.conditions(ASKED, claims.assess_all(ASKED, MEASURED, {"leak": None}), figures.WIDTH),
    ):
        FigureCanvasAgg(figure).draw()
        assert clipped(figure) == []
        assert overlapping(figure) == []


def set_variants(folder: Path, variants: list[str]) -> None:
    yaml = YAML()
    content = yaml.load(folder / "params.yaml")
    content["runs"] = {"variants": variants, "seeds": [0]}
    yaml.dump(content, folder / "params.yaml")


@pytest.fixture
def project(tmp_path, monkeypatch, params, digits, make):
    """A folder with params.yaml and made-up metrics of three runs; their models and MNIST are made up as well."""
    for name in ("params.yaml", "claims.yaml", "studies/studies.yaml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    set_variants(tmp_path, ["infogan", "gan", "infomax"])
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(mnist, "load", lambda split, mnist: (digits.repeat(4, 1, 1), torch.zeros(160)))
    monkeypatch.setattr(run.Run, "load", lambda this: Model(Legible(), None, None))
    rows = []
    for shown in (make("infogan"), make("gan"), make("infomax")):
        for kind in ("training", "milestones", "traversal"):
            table = getattr(shown, "log" if kind == "training" else kind)
            columns = {name: column.tolist() for name, column in table.items()}
            tables.write(shown.run.file(f"{kind}.csv"), [dict(zip(columns, row)) for row in zip(*columns.values())])
        counts = [
            {"digit": d} | {str(g): n for g, n in enumerate(row)} for d, row in enumerate(shown.confusion.tolist())
        ]
        tables.write(shown.run.file("confusion.csv"), counts)
        rows += results.rows(METRICS, shown.run.variant, 0)
    results.write("metrics/results.csv", rows + results.rows({"cost.ratio": 1.01}))
    results.write("metrics/studies.csv", [])
    stage.write_json("metrics/studies.json", {"seeds": {"runs": 0}, "leak": None, "choices": {}})
    return tmp_path


def test_the_stage_writes_small_files_without_metadata(project):
    figures.main()
    written = {path.stem: path for path in Path("figures").iterdir()}
    assert written.keys() == ALL
    assert max(path.stat().st_size for path in written.values()) < 300_000
    assert not any(Image.open(path).info for path in written.values())


@pytest.mark.parametrize(
    ("variants", "missing"),
    [
        (["infogan", "gan"], {"figure2-infomax"}),
        (["infomax"], {"figure2"}),
        (["gan"], {"figure2", "figure2-infomax", "confusion"}),
    ],
)
def test_the_stage_draws_what_the_variants_allow(project, monkeypatch, variants, missing):
    set_variants(project, variants)
    drawn = set()
    monkeypatch.setattr(figures, "save", lambda figure, path: drawn.add(path))
    figures.main()
    assert drawn == {Path("figures", f"{name}.png") for name in ALL - missing}


def test_the_stage_draws_the_studies(project, monkeypatch):
    of_run = METRICS | {"classification.error_one_to_one": 0.1, "sharing.error_without": 0.04}
    of_run |= {"classification.ami": 0.8, "kmeans.ami": 0.5, "sharing.which": "4-9", "sharing.styles": "slant:0.95"}
    stage.write_json("metrics/studies.json", {"seeds": {"runs": 2}, "leak": None, "choices": {}})
    random = np.random.default_rng(0)
    digit, images = (
        torch.from_numpy(random.integers(0, 10, 300)),
        torch.from_numpy(random.integers(0, 255, (300, 28, 28))),
    )
    for split in ("training_images", "test_images"):
        monkeypatch.setattr(mnist, split, lambda *_: (images, digit))
    runs = ("infogan", 0), ("infogan", 3), ("k5", 0)
    results.write("metrics/studies.csv", [row for this in runs for row in results.rows(of_run, *this)])
    made = {Path("studies", "seeds", f"infogan-{seed}"): run.of("infogan", seed, parameters.load()) for seed in (0, 3)}
    for folder in made:
        folder.mkdir(parents=True)
        np.savez(folder / "codes.npz", train_category=digit, test_category=digit)
        for kind in ("training", "milestones", "traversal", "confusion"):
            shutil.copy(project / "metrics" / kind / "infogan-0.csv", folder / f"{kind}.csv")
        for kind, rows in (("samples", 10), ("traversals", 40)):
            Image.fromarray(np.zeros((28 * rows, 28 * 9), dtype=np.uint8)).save(folder / f"{kind}.png")
    monkeypatch.setattr(figures.plan, "made", lambda _: {"seeds": made, "views": {}})
    drawn = {}
    monkeypatch.setattr(figures, "save", lambda figure, path: drawn.update({path.stem: figure}))
    figures.main()
    assert drawn.keys() == ALL | {"ways", "split", "studies-error", "studies-k", "teaser"}
    assert len(drawn["milestones"].axes[0].lines) == len(made) + 2  # with the pipeline's regular GAN and InfoMax
    titles = [axes.get_xlabel() for axes in drawn["teaser"].axes[::3]]
    assert titles == [f"InfoGAN, {name} of 2: error 10.0 %" for name in ("best", "median", "worst")]


def test_the_studies_figures_have_a_point_for_each_training():
    runs = {
        seed: {"classification.error_one_to_one": e, "sharing.error_without": e / 2, "classification.ami": 1 - e}
        for seed, e in enumerate((0.05, 0.1, 0.2))
    }
    control = {0: {"classification.ami": 0.3}}
    left, right = study_figures.errors(results.Results({"infogan": runs, "gan": control}, {}), 8.5).axes
    drawn = [list(line.get_ydata()) for line in left.lines]
    assert drawn == [[0.05, 0.1, 0.2], [0.025, 0.05, 0.1], [0.05, 0.05]]
    assert [list(line.get_ydata()) for line in right.lines] == [[0.95, 0.9, 0.8], [0.3]]
    assert [label.get_text() for label in right.get_xticklabels()] == ["InfoGAN (3)", "regular GAN (1)"]


def test_every_condition_is_drawn_beside_its_limit():
    claim = next(iter(ASKED.values())).model_copy(update={"brief": "it works"})
    first, second = claim.holds  # at least 0.95; at least 0.98, and the control and 0.5
    runs = [{first.metric: 0.97, second.metric: 0.9}, {first.metric: 0.9, second.metric: 1.0}]
    control = [{first.metric: 0.45, second.metric: 0.1}]
    (axes,) = study_figures.conditions({"c": claim}, {"c": claims.assess(claim, runs, control)}, 8.5).axes
    points, of_control, mean = axes.lines[1:4]  # after the line above a claim
    assert list(points.get_xdata()) == pytest.approx([0.02 / 0.5, -0.05 / 0.5])
    assert list(of_control.get_xdata()) == [-1] and list(mean.get_xdata()) == pytest.approx([-0.015 / 0.5])
    assert list(axes.lines[4].get_xdata()) == pytest.approx([-0.08 / 0.88, 0.02 / 0.88])
    written = {text.get_text() for text in axes.texts}
    assert written >= {"it works", "holds partly (0 of 2)", "$L_I$ / H(c1) at iteration 1000 ≥ 0.95"}


def test_ways_have_a_point_for_each_training_and_a_hollow_one_for_a_choice():
    found = [
        Way("as it comes", ways.HERE, False, 1, [0.2, 0.1]),
        Way("the best", ways.CHOICE, True, 2, [0.1]),
    ]
    (axes,) = study_figures.to_a_lower_error(found, 8.5).axes
    points, mean, choice, published = axes.lines
    assert list(points.get_xdata()) == [0.2, 0.1] and list(points.get_ydata()) == [0, 0]
    assert list(np.ravel(mean.get_xdata())) == [pytest.approx(0.15)]
    assert list(choice.get_xdata()) == [0.1] and choice.get_markerfacecolor() == "none"
    assert list(published.get_xdata()) == [0.05, 0.05]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["as it comes", "the best, with labels"]


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
    assert figure.axes[0].get_xlabel().startswith("7 read as 2: 93 % of the errors of 2 trainings")


def test_a_pair_is_shown_by_slant_in_the_colours_of_its_categories():
    n = 40
    slant, digit = np.linspace(-1, 1, n).repeat(2), np.tile([4, 9], n)
    images = np.ones((2 * n, 28, 28)) * (slant[:, None, None] + 1) / 2
    pair = Pair("seed 5", images, slant, digit, np.where(slant > 0, 4, 9))
    (axes,) = study_figures.split([pair], 8.5, columns=10).axes
    drawn = np.asarray(axes.images[0].get_array()).reshape(2, 28, 10, 28, 3)[:, 0, :, 0]
    brightness = drawn.max(axis=-1)
    assert (np.diff(brightness) > 0).all()  # from left-leaning to right-leaning
    hue = drawn / brightness[:, :, None]
    assert np.allclose(hue[:, :5], hue[0, 0]) and np.allclose(hue[:, 5:], hue[0, 9])
    assert not np.allclose(hue[0, 0], hue[0, 9])


def test_agreement_by_k_joins_the_runs_of_a_seed(params):
    def of(categories: int, digits: list[int]):
        settings = params.settings("infogan")
        latent = settings.latent.model_copy(update={"categories": categories})
        train = settings.train.model_copy(update={"digits": digits})
        return settings.model_copy(update={"latent": latent, "train": train})

    ten, five = list(range(10)), list(range(5))
    variants = {"infogan": of(10, ten), "k5": of(5, ten), "k20": of(20, ten), "five": of(10, five)}
    amis = {"infogan": [0.8, 0.9], "k5": [0.6, 0.5], "k20": [0.7], "five": [0.85]}
    runs = {
        variant: {seed: {"classification.ami": ami, "kmeans.ami": ami / 2} for seed, ami in enumerate(values)}
        for variant, values in amis.items()
    }
    figure = study_figures.agreement(results.Results(runs, {}), variants, figures.WIDTH)
    left, right = figure.axes
    points = [list(zip(line.get_xdata(), line.get_ydata())) for line in left.lines]
    assert points[:2] == [[(0, 0.6), (1, 0.8), (2, 0.7)], [(0, 0.5), (1, 0.9)]]
    assert points[2:] == [[(x, ami / 2) for x, ami in line] for line in points[:2]]
    assert [label.get_text() for label in left.get_xticklabels()] == ["5", "10", "20"]
    assert [list(line.get_ydata()) for line in right.lines] == [[0.85], [0.425]]
    assert [axes.get_title() for axes in figure.axes] == ["images of 10 digits", "images of 5 digits"]
    FigureCanvasAgg(figure).draw()
    assert clipped(figure) == []


def test_the_names_of_ten_variants_do_not_touch():
    names = [
        "infogan",
        "gan",
        "k5",
        "k20",
        "five",
        "five_k5",
        "infogan_c1",
        "infonce_c1",
        "jensen_shannon_c1",
        "infomax",
    ]
    measured = {"classification.error_one_to_one": 0.1, "sharing.error_without": 0.05, "classification.ami": 0.8}
    figure = study_figures.errors(results.Results({name: {0: measured} for name in names}, {}), figures.WIDTH)
    FigureCanvasAgg(figure).draw()
    labels = figure.axes[1].get_xticklabels()
    height = labels[0].get_fontsize() * figure.dpi / 72
    feet = np.array([label.get_transform().transform(label.get_position()) for label in labels])
    slope = np.sin(np.radians(labels[0].get_rotation()))
    assert (np.diff(feet[:, 0]) * slope > height).all()  # the distance of two slanting lines of text
    assert clipped(figure) == []


def test_what_is_read_is_what_was_written(project, params, make):
    read = figures.read(run.of("infogan", 0, params), METRICS)
    assert read.generator is None
    assert (read.confusion == make().confusion).all()
    for name in ("log", "milestones", "traversal"):
        assert {column: values.tolist() for column, values in getattr(read, name).items()} == {
            column: values.tolist() for column, values in getattr(make(), name).items()
        }


def test_a_figure_drawn_again_has_the_same_bytes(tmp_path, shown):
    for path in ("0.png", "1.png"):
        figures.save(figures.codes([shown]), tmp_path / path)
    assert (tmp_path / "0.png").read_bytes() == (tmp_path / "1.png").read_bytes()


def test_a_run_that_was_not_measured_is_bad_input(project):
    results.write("metrics/results.csv", results.rows(METRICS, "infogan", 0))
    with pytest.raises(BadInput, match="metrics/results.csv.*gan-0"):
        figures.main()
    assert not Path("figures").exists()


def test_a_run_without_a_metric_is_bad_input(project):
    rows = results.rows({name: value for name, value in METRICS.items() if name != "rotation.sign"}, "infogan", 0)
    results.write("metrics/results.csv", rows + results.rows(METRICS, "gan", 0) + results.rows(METRICS, "infomax", 0))
    with pytest.raises(BadInput, match="the figures need a metric that was not measured: 'rotation.sign'"):
        figures.main()
    assert not Path("figures").exists()
