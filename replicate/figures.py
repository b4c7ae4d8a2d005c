"""Stage figures: the figures of the report, from the weights and the metrics of every run.

    python -m replicate.figures

Nothing is picked by hand: images are of the first of params.yaml's seeds, made from latent variables that are drawn
from `figures.seed`; curves are of all seeds. What the codes do is shown of the objectives that maximise L_I, and of the
regular GAN only in the paper's Figure 2b.
"""

import csv
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib.style
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image
from torch import Tensor

from replicate import latent, mnist, networks, params, stage
from replicate.latent import Codes
from replicate.networks import Generator
from replicate.params import Params
from replicate.stage import BadInput

NAMES = {"infogan": "InfoGAN", "gan": "regular GAN", "infomax": "InfoMax"}
COLOURS = {"infogan": "#0072B2", "gan": "#D55E00", "infomax": "#009E73"}  # Okabe and Ito's colour-blind-safe palette
ESTIMATORS = {"infonce": "InfoNCE", "jensen_shannon": "Jensen–Shannon", "donsker_varadhan": "Donsker–Varadhan"}
MEASURES = {"slant": "slant (rad)", "width": "width (px)", "thickness": "thickness (px)"}
FIGURE_1 = 1000  # iterations that the paper's Figure 1 spans

WIDTH = 8.5  # inches; with STYLE's dpi a web page's width at nearly twice its resolution
GAP, LINE = 0.07, 0.17  # inches between panels of images, and for a line of their captions
STYLE = {
    "font.size": 9,
    "axes.labelsize": 9,
    "axes.titlesize": 9,
    "legend.fontsize": 9,
    "legend.frameon": False,
    "lines.linewidth": 1,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "figure.constrained_layout.use": True,
    "figure.dpi": 180,
}
matplotlib.style.use(["default", STYLE])  # default: whatever matplotlibrc this machine has


class Shown(NamedTuple):
    """The run of one objective whose images are shown, and what is known of it."""

    objective: str
    seed: int
    generator: Generator
    evaluation: dict[str, Any]  # evaluation.json
    traversal: dict[str, np.ndarray]  # columns of traversal.csv
    confusion: dict[str, np.ndarray]  # columns of confusion.csv


class Panel(NamedTuple):
    """A grid of images, and what is written below it."""

    caption: str
    images: np.ndarray  # (rows, columns, 28, 28) in [0, 1]


def symbol(code: str) -> str:
    """A code's name as it is typeset: "c2" -> "$c_2$"."""
    return f"${code[0]}_{code[1:]}$"


def draw(n: int, config: Params) -> Codes:
    """n latent variables from their prior: the same ones for every figure and objective."""
    return latent.sample(n, config.latent, torch.Generator().manual_seed(config.figures.seed))


def in_digit_order(evaluation: dict[str, Any]) -> Tensor:
    """The categories of c1 in the order of the digits that the judge sees in them: (K,) int64."""
    return torch.tensor(np.argsort(evaluation["purity"]["digit_of_category"], kind="stable"))


def vary_category(generator: Generator, categories: Tensor, config: Params, rows: int = 5) -> np.ndarray:
    """Fig. 2a, b: a row is one draw of all but c1, a column one of the `categories` (C,) -> (rows, C, 28, 28)."""
    columns = len(categories)
    drawn = Codes(*(part.repeat_interleave(columns, dim=0) for part in draw(rows, config)))
    images = networks.generate(generator, drawn._replace(category=categories.repeat(rows)), config.latent)
    return images.view(rows, columns, 28, 28).numpy()


def vary_code(generator: Generator, code: str, values: Tensor, categories: Tensor, config: Params) -> np.ndarray:
    """Fig. 2c, d: a row is one of the `categories` (R,) with a draw of the noise, a column one of the `values` (C,) of
    `code`, c2 or c3; the other code is 0 -> (R, C, 28, 28)."""
    rows, columns = len(categories), len(values)
    noise = draw(rows, config).noise.repeat_interleave(columns, dim=0)
    continuous = torch.zeros(rows * columns, config.latent.continuous_codes)
    continuous[:, {"c2": 0, "c3": 1}[code]] = values.repeat(rows)
    chosen = Codes(noise, categories.repeat_interleave(columns), continuous)
    return networks.generate(generator, chosen, config.latent).view(rows, columns, 28, 28).numpy()


def vary_role(role: str, shown: Shown, categories: Tensor, config: Params, columns: int = 10) -> tuple[str, np.ndarray]:
    """The code that came to have `role`, "rotation" or "width", varied from −2 to 2, or from 2 to −2 where that leans
    the digits from left to right, or widens them; and in words, what was varied."""
    code, sign = (shown.evaluation[role][key] for key in ("code", "sign"))
    values = torch.linspace(-2 * sign, 2 * sign, columns)
    ends = "from −2 to 2" if sign > 0 else "from 2 to −2"
    return f"{symbol(code)} {ends}", vary_code(shown.generator, code, values, categories, config)


def image_panels(panels: Sequence[Panel], columns: int) -> Figure:
    """Panels row by row, as wide as a page, white ink on black as in the paper; all images of one size."""
    rows = [panels[i : i + columns] for i in range(0, len(panels), columns)]
    widest = max(sum(panel.images.shape[1] for panel in row) for row in rows)
    size = (WIDTH - GAP * (columns + 1)) / widest  # of an image; all of these in inches
    caption = LINE * max(panel.caption.count("\n") + 1 for panel in panels)
    step = GAP + size * max(len(panel.images) for panel in panels) + caption
    figure = Figure(figsize=(WIDTH, GAP + step * len(rows)), layout="none")
    for i, row in enumerate(rows):
        left, top = GAP, figure.get_figheight() - GAP - step * i
        for panel in row:
            height, width = np.multiply(panel.images.shape[:2], size)
            axes = figure.add_axes(np.divide((left, top - height, width, height), np.tile(figure.get_size_inches(), 2)))
            pixels = np.block([list(images) for images in panel.images])
            axes.imshow(pixels, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
            axes.set(xticks=[], yticks=[], xlabel=panel.caption)
            axes.spines[:].set_visible(False)
            left += width + GAP
    return figure


def figure1(
    logs: dict[str, list[dict[str, np.ndarray]]], yardsticks: dict[str, list[float]], config: Params
) -> Figure:
    """Figure 1: L_I of c1 in nats over the iterations, a line for each seed; the paper's view of it, and all of it.

    `logs` holds the columns of each objective's training logs, `yardsticks` what the yardstick found in the end, in nats:
    a diamond. An InfoMax estimate that is not in nats is left out, and its yardstick alone is shown.
    """
    names = NAMES | {"infomax": f"{NAMES['infomax']} ({ESTIMATORS[config.train.infomax_estimator]})"}
    figure = Figure(figsize=(WIDTH, 3.3))
    entropy, bound = latent.entropies(config.latent)[0], f"$H(c_1)$ = log {config.latent.categories}"
    views = figure.subplots(1, 2, sharey=True)
    figure.get_layout_engine().set(wspace=0.05)
    for axes, end in zip(views, (FIGURE_1, config.train.iterations)):
        for objective, of_seeds in logs.items():
            for i, log in enumerate(of_seeds if config.in_nats(objective) else []):
                label = None if i else names[objective]
                axes.plot(log["iteration"], log["information_c1"], color=COLOURS[objective], label=label)
        if end == config.train.iterations:
            for size, (objective, bounds) in enumerate(yardsticks.items(), 5):  # rings, lest one hides another
                ring = {"color": COLOURS[objective], "fillstyle": "none", "markersize": 2 * size, "markeredgewidth": 1.5}
                axes.plot([end] * len(bounds), bounds, "D", **ring, clip_on=False, zorder=3)
            axes.plot([], [], "D", color="black", fillstyle="none", label="yardstick, of the finished generator")
        axes.axhline(entropy, color="black", linestyle="--", zorder=1, label=bound)
        axes.set(xlim=(0, end), xlabel="iteration")
    views[0].set(title="the 1000 iterations of the paper's Figure 1", ylabel="$L_I$ for $c_1$ (nats)")
    views[1].set(title="the whole training")
    figure.legend(*views[1].get_legend_handles_labels(), loc="outside lower center", ncols=len(logs) + 2)
    return figure


def figure2(shown: Shown, baseline: Generator | None, config: Params) -> Figure:
    """Figure 2: c1 (a), the rotating code (c) and the widening code (d) of one run varied, and c1 of a regular GAN (b).

    Rows of (a) and (b) are draws; those of (c) are the first five categories in the order of their digits, of (d) the
    last five.
    """
    name, order = NAMES[shown.objective], in_digit_order(shown.evaluation)
    rotated, rotation = vary_role("rotation", shown, order[:5], config)
    widened, width = vary_role("width", shown, order[-5:], config)
    panels = [
        Panel(f"(a) Varying $c_1$ on {name}\n(in the paper: digit type)", vary_category(shown.generator, order, config)),
        Panel(f"(c) Varying {rotated} on {name}\n(in the paper: rotation)", rotation),
        Panel(f"(d) Varying {widened} on {name}\n(in the paper: width)", width),
    ]
    if baseline is None:
        return image_panels(panels, columns=3)
    unordered = vary_category(baseline, torch.arange(config.latent.categories), config)
    panels.insert(1, Panel("(b) Varying $c_1$ on regular GAN\n(in the paper: no clear meaning)", unordered))
    return image_panels(panels, columns=2)


def teaser(shown: Shown, config: Params) -> Figure:
    """What the three codes do, at a glance."""
    order, rows, columns = in_digit_order(shown.evaluation), 4, 7
    rotated, rotation = vary_role("rotation", shown, order[:rows], config, columns)
    widened, width = vary_role("width", shown, order[-rows:], config, columns)
    panels = [
        Panel("$c_1$", vary_category(shown.generator, order, config, rows)),
        Panel(f"{rotated} (the rotation code)", rotation),
        Panel(f"{widened} (the width code)", width),
    ]
    return image_panels(panels, columns=3)


def samples(generators: dict[str, Generator], real: Tensor, config: Params, rows: int = 8, columns: int = 16) -> Figure:
    """Images of each objective, every latent variable drawn from its prior; the first of `real`, uint8 (N, 28, 28)."""
    n = rows * columns
    images = {
        f"{NAMES[objective]}, seed {config.seeds[0]}": networks.generate(generator, draw(n, config), config.latent)
        for objective, generator in generators.items()
    } | {"MNIST, test split": mnist.as_input(real[:n])}
    panels = [Panel(caption, grid.view(rows, columns, 28, 28).numpy()) for caption, grid in images.items()]
    return image_panels(panels, columns=2 if len(panels) % 2 == 0 else len(panels))


def codes(runs: Sequence[Shown]) -> Figure:
    """Slant, width and thickness of generated digits against c2 and c3: each category's means, and those of all."""
    roles = [
        (shown, shown.evaluation[role]["code"], role)
        for shown in runs
        for role in sorted(("rotation", "width"), key=lambda role: shown.evaluation[role]["code"])
    ]
    figure = Figure(figsize=(WIDTH, 5.6))
    grid = figure.subplots(len(MEASURES), len(roles), sharex=True, sharey="row", squeeze=False)
    for column, (shown, code, role) in zip(grid.T, roles):
        column[0].set_title(f"{NAMES[shown.objective]}, seed {shown.seed}\n{symbol(code)}, the {role} code")
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
    """Confusion matrices of digits and of what c1 says, on the test split: counts, coloured by their share of a row."""
    figure = Figure(figsize=(WIDTH, 4.6))
    grid = figure.subplots(1, len(runs), squeeze=False)[0]
    for axes, shown in zip(grid, runs):
        actual, predicted = shown.confusion["actual"], shown.confusion["predicted"]
        columns = [*range(10), *np.unique(predicted[predicted < 0])]  # −1: categories without a digit, where K > 10
        counts = np.array([[np.sum((actual == a) & (predicted == p)) for p in columns] for a in range(10)])
        shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
        axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
        for (row, column), count in np.ndenumerate(counts):
            colour = "white" if shares[row, column] > 0.5 else "black" if count else "0.7"
            axes.text(column, row, count, ha="center", va="center", fontsize=7.5, color=colour)
        axes.set_xticks(range(len(columns)), [column if column >= 0 else "none" for column in columns])
        axes.set_yticks(range(10))
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
        error = shown.evaluation["classification"]["error_one_to_one"]
        axes.set(title=f"{NAMES[shown.objective]}, seed {shown.seed}: error {error:.1%}".replace("%", " %"))
        axes.set(xlabel="category of $c_1$, by the digit it is matched to", ylabel="digit")
    return figure


def save(figure: Figure, path: Path) -> None:
    """Write a PNG, small (256 colours) and without metadata: the same figure gives the same bytes."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    image = Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB").quantize(256)
    with stage.whole_file(path) as temporary:
        image.save(temporary, optimize=True)


def read_table(path: Path, **columns: Callable[[str], Any]) -> dict[str, np.ndarray]:
    """Columns of a CSV file, each value converted as given. Raises BadInput when there is no row, or not such a one."""
    try:
        with open(path, newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        if not rows:
            raise ValueError("no rows")
        return {name: np.array([convert(row[name]) for row in rows]) for name, convert in columns.items()}
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise BadInput(f"{path} cannot be read ({error!r}); expected the columns {', '.join(columns)}") from error


def read_run(objective: str, seed: int, generator: Generator) -> Shown:
    """What the stage evaluate wrote about one run. Raises BadInput when a file cannot be read."""
    folder = Path("metrics", f"{objective}-{seed}")
    evaluation = stage.read_json(folder / "evaluation.json")
    traversal = read_table(
        folder / "traversal.csv", code=str, value=float, category=int, **dict.fromkeys(MEASURES, float)
    )
    confused = read_table(folder / "confusion.csv", actual=int, predicted=int)
    return Shown(objective, seed, generator, evaluation, traversal, confused)


def main() -> None:
    config = params.load()
    seed = config.seeds[0]
    logs = {
        o: [
            read_table(Path("metrics", f"{o}-{each}", "training.csv"), iteration=int, information_c1=float)
            for each in config.seeds
        ]
        for o in config.objectives
    }
    generators = {
        o: networks.load(Path("runs", f"{o}-{seed}", "weights.safetensors"), o, config).generator
        for o in config.objectives
    }
    yardsticks = {
        o: [stage.read_json(Path("metrics", f"{o}-{each}", "yardstick.json"))["lower_bound_c1"] for each in config.seeds]
        for o in config.objectives
    }
    runs = {o: read_run(o, seed, generator) for o, generator in generators.items() if o != "gan"}
    figures = {
        "figure1": figure1(logs, yardsticks, config),
        "samples": samples(generators, mnist.load("t10k", config.mnist)[0], config),
    }
    if runs:
        figures |= {"codes": codes(list(runs.values())), "confusion": confusion(list(runs.values()))}
    if "infogan" in runs:
        figures |= {
            "figure2": figure2(runs["infogan"], generators.get("gan"), config),
            "teaser": teaser(runs["infogan"], config),
        }
    if "infomax" in runs:
        figures["figure2-infomax"] = figure2(runs["infomax"], None, config)
    for name, figure in figures.items():
        save(figure, Path("figures", f"{name}.png"))


if __name__ == "__main__":
    stage.run(main)
