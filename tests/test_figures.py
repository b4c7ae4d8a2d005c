"""The figures, from made-up metrics and from a generator that draws what it is asked for."""

import json
import math
import shutil
from pathlib import Path

import matplotlib
import numpy as np
import pytest
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from PIL import Image
from ruamel.yaml import YAML
from safetensors.torch import save_file

from replicate import figures, mnist, networks
from replicate.figures import Shown
from replicate.stage import BadInput

ROOT = Path(__file__).parent.parent
ALL = {"figure1", "figure2", "figure2-infomax", "samples", "codes", "confusion", "teaser"}
DIGIT_OF_CATEGORY = [7, 2, 1, 0, 4, 9, 5, 3, 6, 8]
EVALUATION = {
    "classification": {"error_one_to_one": 0.25},
    "purity": {"digit_of_category": DIGIT_OF_CATEGORY},
    "rotation": {"code": "c3", "sign": -1},
    "width": {"code": "c2", "sign": 1},
}


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


def log(last: float) -> dict[str, np.ndarray]:
    return {"iteration": np.arange(10, 2001, 10), "information_c1": np.linspace(0, last, 200)}


def texts(figure) -> str:
    return "\n".join(text.get_text() for text in figure.findobj(matplotlib.text.Text))


def clipped(figure) -> list[str]:
    """The texts that reach beyond the edges of the figure, once it is laid out."""
    FigureCanvasAgg(figure).draw()
    width, height = figure.bbox.size
    boxes = {t.get_text(): t.get_window_extent() for t in figure.findobj(matplotlib.text.Text) if t.get_text()}
    return [text for text, box in boxes.items() if min(box.p0) < 0 or box.x1 > width or box.y1 > height]


@pytest.fixture
def shown():
    values, categories = np.meshgrid([-2.0, 0.0, 2.0], np.arange(10), indexing="ij")
    table = {"value": np.tile(values.ravel(), 2), "category": np.tile(categories.ravel(), 2)}
    table |= {"code": np.repeat(["c2", "c3"], 30), "slant": table["value"] / 4 + table["category"] / 100}
    table |= {"width": 10 + table["category"], "thickness": np.full(60, 2.5)}
    actual = np.repeat(np.arange(10), 4)
    predicted = np.where(np.arange(40) % 4 == 0, (actual + 1) % 10, actual)
    return Shown("infogan", 0, Legible(), EVALUATION, table, {"actual": actual, "predicted": predicted})


def test_varying_c1_shares_everything_else_in_a_row_and_orders_the_columns_by_digit(config, shown):
    order = figures.in_digit_order(EVALUATION)
    noise, category, c2, c3 = read(figures.vary_category(shown.generator, order, config))
    assert category.shape == (5, 10)
    assert all([DIGIT_OF_CATEGORY[c] for c in row] == list(range(10)) for row in category)
    for part in (noise, c2, c3):
        assert (part == part[:, :1]).all()
        assert len(np.unique(part[:, 0], axis=0)) == 5  # each row is another draw


def test_the_draws_follow_the_seed_alone(config, shown):
    other = config.model_copy(update={"figures": config.figures.model_copy(update={"seed": 1})})
    first, again, second = (
        figures.vary_category(shown.generator, torch.arange(10), each) for each in (config, config, other)
    )
    assert (first == again).all()
    assert (first != second).any()


def test_a_code_is_varied_from_left_to_right_by_its_sign_with_a_category_in_each_row(config, shown):
    words, images = figures.vary_role("rotation", shown, torch.tensor([3, 2, 1]), config)
    noise, category, c2, c3 = read(images)
    assert words == "$c_3$ from 2 to −2"
    np.testing.assert_allclose(c3, np.tile(np.linspace(2, -2, 10), (3, 1)), atol=1e-6)
    assert (c2 == 0).all()
    assert (category == [[3], [2], [1]]).all()
    assert (noise == noise[:, :1]).all() and len(np.unique(noise[:, 0], axis=0)) == 3
    words, images = figures.vary_role("width", shown, torch.tensor([3]), config)
    assert words == "$c_2$ from −2 to 2"
    np.testing.assert_allclose(read(images)[2], [np.linspace(-2, 2, 10)], atol=1e-6)


def test_figure_1_has_a_line_for_each_seed_the_yardsticks_and_the_entropy(config):
    logs = {"infogan": [log(2.2), log(2.1)], "gan": [log(0.1)], "infomax": [log(2.0)]}
    figure = figures.figure1(logs, {"infogan": [2.25, 2.15], "gan": [0.2]}, config)
    paper, whole = figure.axes
    assert paper.get_xlim() == (0, 1000)
    assert whole.get_xlim() == (0, config.train.iterations)
    curves, entropy = [2.2, 2.1, 0.1, 2.0], pytest.approx(math.log(10))
    assert [line.get_ydata()[-1] for line in paper.lines] == [*curves, entropy]
    assert [line.get_ydata()[-1] for line in whole.lines if len(line.get_ydata())] == [*curves, 2.15, 0.2, entropy]
    assert list(whole.lines[4].get_ydata()) == [2.25, 2.15] and whole.lines[4].get_color() == whole.lines[0].get_color()
    assert [text.get_text() for text in figure.legends[0].get_texts()] == [
        "InfoGAN", "regular GAN", "InfoMax (InfoNCE)", "yardstick, of the finished generator", "$H(c_1)$ = log 10",
    ]  # fmt: skip


def test_figure_1_leaves_out_an_estimate_that_is_not_in_nats(config):
    train = config.train.model_copy(update={"infomax_estimator": "jensen_shannon"})
    logs = {"infogan": [log(2.2)], "infomax": [log(-0.1)]}
    figure = figures.figure1(logs, {"infogan": [2.2], "infomax": [2.1]}, config.model_copy(update={"train": train}))
    assert "InfoMax (" not in texts(figure)
    ends = [[line.get_ydata()[-1] for line in axes.lines[:-1] if len(line.get_ydata())] for axes in figure.axes]
    assert ends == [[2.2], [2.2, 2.2, 2.1]]


def test_figure_2_has_the_papers_four_panels_and_three_without_a_baseline(config, shown):
    captions = [axes.get_xlabel() for axes in figures.figure2(shown, Legible(), config).axes]
    assert captions == [
        "(a) Varying $c_1$ on InfoGAN\n(in the paper: digit type)",
        "(b) Varying $c_1$ on regular GAN\n(in the paper: no clear meaning)",
        "(c) Varying $c_3$ from 2 to −2 on InfoGAN\n(in the paper: rotation)",
        "(d) Varying $c_2$ from −2 to 2 on InfoGAN\n(in the paper: width)",
    ]
    figure = figures.figure2(shown._replace(objective="infomax"), None, config)
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


def test_samples_show_every_objective_and_real_digits(config, digits):
    real = digits.repeat(4, 1, 1)
    figure = figures.samples({"infogan": Legible(), "gan": Legible(), "infomax": Legible()}, real, config)
    assert [axes.get_xlabel() for axes in figure.axes] == [
        "InfoGAN, seed 0", "regular GAN, seed 0", "InfoMax, seed 0", "MNIST, test split",
    ]  # fmt: skip
    np.testing.assert_allclose(figure.axes[-1].images[0].get_array()[:28, 28:56], real[1] / 255)


def test_codes_have_a_column_each_with_the_mean_over_the_categories(shown):
    figure = figures.codes([shown, shown._replace(objective="infomax")])
    assert len(figure.axes) == 3 * 4
    assert figure.axes[0].get_title() == "InfoGAN, seed 0\n$c_2$, the width code"
    assert figure.axes[3].get_title() == "InfoMax, seed 0\n$c_3$, the rotation code"
    slant = figure.axes[0].lines
    assert len(slant) == 11
    np.testing.assert_allclose(slant[4].get_xydata(), [[-2, -0.46], [0, 0.04], [2, 0.54]])
    np.testing.assert_allclose(slant[-1].get_ydata(), [-0.455, 0.045, 0.545])


def test_the_confusion_matrix_counts_and_names_the_error(shown):
    (axes,) = figures.confusion([shown]).axes
    shares = axes.images[0].get_array()
    np.testing.assert_allclose(shares, 0.75 * np.eye(10) + 0.25 * np.roll(np.eye(10), 1, axis=1))
    assert sum(int(text.get_text()) for text in axes.texts) == 40
    assert axes.get_title() == "InfoGAN, seed 0: error 25.0 %"


def test_categories_without_a_digit_have_a_column_of_their_own(shown):
    unmatched = shown._replace(confusion={"actual": np.array([0, 0, 1]), "predicted": np.array([0, -1, -1])})
    (axes,) = figures.confusion([unmatched]).axes
    assert axes.get_xticklabels()[-1].get_text() == "none"
    assert axes.images[0].get_array()[:2, -1].tolist() == [0.5, 1]


def test_no_text_is_clipped(config, digits, shown):
    real = digits.repeat(4, 1, 1)
    infomax = shown._replace(objective="infomax")
    for figure in (
        figures.figure1({"infogan": [log(2.2)], "gan": [log(0.1)], "infomax": [log(2.0)]}, {"infogan": [2.3]}, config),
        figures.figure2(shown, Legible(), config),
        figures.figure2(infomax, None, config),
        figures.samples({"infogan": Legible()}, real, config),
        figures.samples({"infogan": Legible(), "gan": Legible()}, real, config),
        figures.codes([shown, infomax]),
        figures.confusion([shown, infomax]),
        figures.teaser(shown, config),
    ):
        assert clipped(figure) == []


@pytest.mark.parametrize("content", ["", "actual,predicted\n", "actual\n1\n", "actual,predicted\n1,\n"])
def test_a_table_that_is_not_as_expected_is_bad_input(tmp_path, content):
    path = tmp_path / "confusion.csv"
    path.write_text(content)
    with pytest.raises(BadInput, match="confusion.csv.*expected the columns actual, predicted"):
        figures.read_table(path, actual=int, predicted=int)


@pytest.fixture
def project(tmp_path, monkeypatch, config, digits, shown):
    """A folder with params.yaml, untrained weights and made-up metrics of two objectives; MNIST is made up as well."""
    shutil.copy(ROOT / "params.yaml", tmp_path)
    set_objectives(tmp_path, ["infogan", "gan", "infomax"])
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(mnist, "load", lambda split, config: (digits.repeat(4, 1, 1), torch.zeros(160)))
    for objective in ("infogan", "gan", "infomax"):
        weights, metrics = Path("runs", f"{objective}-0"), Path("metrics", f"{objective}-0")
        weights.mkdir(parents=True)
        metrics.mkdir(parents=True)
        save_file(networks.to_tensors(networks.build(objective, config)), weights / "weights.safetensors")
        (metrics / "evaluation.json").write_text(json.dumps(EVALUATION))
        (metrics / "yardstick.json").write_text(json.dumps({"lower_bound_c1": 2.2}))
        for name, table in (("training", log(2)), ("traversal", shown.traversal), ("confusion", shown.confusion)):
            rows = [table.keys(), *zip(*table.values())]
            (metrics / f"{name}.csv").write_text("".join(",".join(map(str, row)) + "\n" for row in rows))
    return tmp_path


def set_objectives(folder: Path, objectives: list[str]) -> None:
    yaml = YAML()
    content = yaml.load(folder / "params.yaml")
    content["objectives"], content["seeds"] = objectives, [0]
    yaml.dump(content, folder / "params.yaml")


def test_the_stage_writes_small_files_without_metadata(project):
    figures.main()
    written = {path.stem: path for path in Path("figures").iterdir()}
    assert written.keys() == ALL
    assert max(path.stat().st_size for path in written.values()) < 300_000
    assert not any(Image.open(path).info for path in written.values())


def test_a_figure_drawn_again_has_the_same_bytes(tmp_path, shown, config):
    for draw in (lambda: figures.confusion([shown]), lambda: figures.teaser(shown, config)):
        paths = [tmp_path / f"{i}.png" for i in range(2)]
        for path in paths:
            figures.save(draw(), path)
        assert paths[0].read_bytes() == paths[1].read_bytes()


@pytest.mark.parametrize(
    ("objectives", "missing"),
    [
        (["infogan", "gan"], {"figure2-infomax"}),
        (["infomax"], {"figure2", "teaser"}),
        (["gan"], {"figure2", "teaser", "figure2-infomax", "codes", "confusion"}),
    ],
)
def test_the_stage_draws_what_the_objectives_allow(project, monkeypatch, objectives, missing):
    set_objectives(project, objectives)
    for other in {"infogan", "gan", "infomax"} - set(objectives):
        shutil.rmtree(Path("runs", f"{other}-0"))
        shutil.rmtree(Path("metrics", f"{other}-0"))
    drawn = set()
    monkeypatch.setattr(figures, "save", lambda figure, path: drawn.add(path))
    figures.main()
    assert drawn == {Path("figures", f"{name}.png") for name in ALL - missing}


def test_a_run_without_its_evaluation_is_bad_input(project):
    Path("metrics/infogan-0/evaluation.json").unlink()
    with pytest.raises(BadInput, match="metrics/infogan-0/evaluation.json cannot be read"):
        figures.main()
    assert not Path("figures").exists()
