"""Stage figures: the figures of the report, from the weights and the metrics of every run.

    python -m replicate.figures

Nothing is picked by hand: images are of the first of params.yaml's seeds, made from latent variables that are drawn
from `figures.seed`, or of the best, median and worst training of the studies; curves are of all trainings of a variant,
those of the studies where there are some. What the codes do is shown of the variants that maximise L_I, and of the
regular GAN only in the paper's Figure 2b and as a control.
"""

import os
import textwrap
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

os.environ["MPLBACKEND"] = "agg"  # a notebook passes its own on, which matplotlib may not know here

import matplotlib.style
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter, NullLocator
from PIL import Image
from torch import Tensor

from replicate.base import mnist, parameters, stage, tables
from replicate.base.parameters import Figures, Latent, Parameters
from replicate.base.stage import BadInput
from replicate.findings import claims, results, ways
from replicate.findings.claims import Claims
from replicate.findings.results import Results
from replicate.gan import information, latent, model, run
from replicate.gan.latent import Codes
from replicate.gan.networks import Generator
from replicate.gan.run import Run
from replicate.measures import classification, convergence, morphometry, partitions, sheets
from replicate.reporting import study_figures
from replicate.reporting.study_figures import Pair
from replicate.reporting.wording import named
from replicate.studies import plan

# Okabe and Ito's, safe for the colour-blind.
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
ESTIMATORS = {"infonce": "InfoNCE", "jensen_shannon": "Jensen–Shannon", "donsker_varadhan": "Donsker–Varadhan"}
MEASURES = {"slant": "slant (rad)", "width": "width (px)", "thickness": "thickness (px)"}

ROWS, COLUMNS = 5, 10  # of images in each panel of Figure 2
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


class Panel(NamedTuple):
    """A grid of images, and what is written below it."""

    caption: str
    images: np.ndarray  # (rows, columns, 28, 28) in [0, 1]


def symbol(code: str) -> str:
    """A code's name as it is typeset: "c2" -> "$c_2$"."""
    return f"${code[0]}_{code[1:]}$"


def draw(n: int, prior: Latent, options: Figures) -> Codes:
    """n latent variables from their prior: the same ones for every figure and variant."""
    return latent.sample(n, prior, torch.Generator().manual_seed(options.seed))


def in_digit_order(shown: Shown) -> Tensor:
    """The categories of c1 in the order of the digits that the judge sees in them: (K,) int64."""
    categories = range(shown.run.settings.latent.categories)
    digits = [shown.metrics[f"purity.digit_of_category.{category}"] for category in categories]
    return torch.tensor(np.argsort(digits, kind="stable"))


def vary_category(shown: Shown, categories: Tensor, options: Figures) -> np.ndarray:
    """Fig. 2a, b: a row is one draw of all but c1, a column one of the `categories` (C,) -> (ROWS, C, 28, 28)."""
    rows, columns, prior = ROWS, len(categories), shown.run.settings.latent
    drawn = Codes(*(part.repeat_interleave(columns, dim=0) for part in draw(rows, prior, options)))
    images = model.generate(shown.generator, drawn._replace(category=categories.repeat(rows)), prior)
    return images.view(rows, columns, 28, 28).numpy()


def vary_code(shown: Shown, code: str, values: Tensor, categories: Tensor, options: Figures) -> np.ndarray:
    """Fig. 2c, d: a row is one of the `categories` (R,) with a draw of the noise, a column one of the `values` (C,) of
    `code`, c2 or c3; the other code is 0 -> (R, C, 28, 28)."""
    rows, columns, prior = len(categories), len(values), shown.run.settings.latent
    noise = draw(rows, prior, options).noise.repeat_interleave(columns, dim=0)
    continuous = torch.zeros(rows * columns, prior.continuous_codes)
    continuous[:, {"c2": 0, "c3": 1}[code]] = values.repeat(rows)
    chosen = Codes(noise, categories.repeat_interleave(columns), continuous)
    return model.generate(shown.generator, chosen, prior).view(rows, columns, 28, 28).numpy()


def vary_role(role: str, shown: Shown, categories: Tensor, options: Figures) -> tuple[str, np.ndarray]:
    """The code that came to have `role`, "rotation" or "width", varied from −2 to 2, or from 2 to −2 where that leans
    the digits from left to right, or widens them; and in words, what was varied."""
    code, sign = (shown.metrics[f"{role}.{key}"] for key in ("code", "sign"))
    values = torch.linspace(-2 * sign, 2 * sign, COLUMNS)
    ends = "from −2 to 2" if sign > 0 else "from 2 to −2"
    return f"{symbol(code)} {ends}", vary_code(shown, code, values, categories, options)


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


def styles(runs: Sequence[Shown]) -> list[dict[str, Any]]:
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
    drawn = list(zip(runs, styles(runs)))
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
        for each, style in zip(runs, styles(runs)):
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


def figure2(shown: Shown, baseline: Shown | None, options: Figures) -> Figure:
    """Figure 2: c1 (a), the rotating code (c) and the widening code (d) of one run varied, and c1 of a regular GAN (b).

    Rows of (a) and (b) are draws; those of (c) are the first five categories in the order of their digits, of (d) the
    last five.
    """
    name, order = shown.variant, in_digit_order(shown)
    rotated, rotation = vary_role("rotation", shown, order[:ROWS], options)
    widened, width = vary_role("width", shown, order[-ROWS:], options)
    panels = [
        Panel(f"(a) Varying $c_1$\non {name}\n(in the paper: digit type)", vary_category(shown, order, options)),
        Panel(f"(c) Varying {rotated}\non {name}\n(in the paper: rotation)", rotation),
        Panel(f"(d) Varying {widened}\non {name}\n(in the paper: width)", width),
    ]
    if baseline is None:
        return image_panels(panels, columns=3)
    unordered = vary_category(baseline, torch.arange(baseline.run.settings.latent.categories), options)
    panels.insert(1, Panel("(b) Varying $c_1$\non regular GAN\n(in the paper: no clear meaning)", unordered))
    return image_panels(panels, columns=2)


class Training(NamedTuple):
    """A run of a study, by what git keeps of it."""

    title: str
    metrics: Mapping[str, Any]
    samples: np.ndarray  # (K, n, 28, 28) in [0, 1], a row for each category
    traversals: np.ndarray  # (2 K draws, values, 28, 28): along c2, then along c3, rows by category and draw


def teaser(trainings: Sequence[Training]) -> Figure:
    """What the three codes of each training do, at a glance, with what was measured."""
    panels, rows = [], 4
    for each in trainings:
        K = len(each.samples)
        order = np.argsort(
            [each.metrics[f"purity.digit_of_category.{category}"] for category in range(K)], kind="stable"
        )
        panels.append(Panel(each.title, each.samples[order, :rows].swapaxes(0, 1)))
        for role, categories in (("rotation", order[:rows]), ("width", order[-rows:])):
            code, sign = (each.metrics[f"{role}.{key}"] for key in ("code", "sign"))
            of_code = np.split(each.traversals, 2)[("c2", "c3").index(code)]
            drawn = of_code.reshape(K, -1, *of_code.shape[1:])[categories, 0]
            slant, width = (f"{each.metrics[f'{role}.{measure}_change']:z.1f}" for measure in ("slant", "width"))
            caption = f"{role} code: slant {slant}, width {width}".replace("-", "−")
            panels.append(Panel(caption, drawn if sign > 0 else drawn[:, ::-1]))
    return image_panels(panels, columns=3)


def samples(runs: Sequence[Shown], real: Tensor, options: Figures, rows: int = 8, columns: int = 16) -> Figure:
    """Images of each run, every latent variable drawn from its prior; the first of `real`, uint8 (N, 28, 28)."""
    n = rows * columns
    images = {
        each.title: model.generate(each.generator, draw(n, each.run.settings.latent, options), each.run.settings.latent)
        for each in runs
    } | {"MNIST, test split": mnist.as_input(real[:n])}
    panels = [Panel(caption, grid.view(rows, columns, 28, 28).numpy()) for caption, grid in images.items()]
    return image_panels(panels, columns=3 if len(panels) % 2 else 2)


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


def save(figure: Figure, path: Path) -> None:
    """Write a PNG, small (256 colours) and without metadata: the same figure gives the same bytes."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    image = Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB").quantize(256)
    with stage.whole_file(path) as temporary:
        image.save(temporary, optimize=True)


def read(this: Run, metrics: Mapping[str, Any], folder: Path | None = None, with_images: bool = False) -> Shown:
    """What the stages wrote about a run, or what is in a study's `folder` of it; its generator, where its images are shown.

    Raises BadInput (see `tables`).
    """
    file = folder.joinpath if folder else this.file
    return Shown(
        this,
        metrics,
        tables.read_iterations(file("training.csv"), information_c1=float),
        tables.read_iterations(file("milestones.csv"), share_c1=float, error=tables.number, frechet=float),
        tables.read_traversal(file("traversal.csv"), MEASURES),
        tables.read_confusion(file("confusion.csv")),
        this.load().generator if with_images else None,
    )


def shown_first(made: Mapping[str, Mapping[Path, Run]], measured: Results, metric: str) -> list[Training]:
    """InfoGAN's best, median and worst training of the studies by `metric`, and the median one with views."""
    found = []
    for variant, which in (("infogan", ("best", "median", "worst")), ("views", ("median",))):
        folders = {folder: this for runs in made.values() for folder, this in runs.items() if this.variant == variant}
        ranked = sorted(folders, key=lambda folder: measured.runs[variant][folders[folder].seed][metric])
        places = {"best": 0, "median": len(ranked) // 2, "worst": -1}
        for name in which if ranked else ():
            folder = ranked[places[name]]
            metrics = measured.runs[variant][folders[folder].seed]
            title = f"{named(variant)}, {name} of {len(ranked)}: error {100 * metrics[metric]:.1f} %"
            drawn = (
                sheets.images_on(np.asarray(Image.open(folder / f"{kind}.png"))) for kind in ("samples", "traversals")
            )
            found.append(Training(title, metrics, *drawn))
    return found


def draw_studies(
    params: Parameters,
    made: Mapping[str, Mapping[Path, Run]],
    measured: Results,
    asked: Claims,
    answers: Mapping[str, Any],
) -> dict[str, Figure]:
    """The figures of what the studies measured, none of a study without runs; `answers` are metrics/studies.json."""
    figures = {}
    of_infogan = {this.seed: folder for folder, this in made["seeds"].items() if this.variant == "infogan"}
    if of_infogan:
        figures["ways"] = study_figures.to_a_lower_error(ways.to_a_lower_error(answers, asked, measured), WIDTH)
        figures["studies-error"] = study_figures.errors(measured, WIDTH)
        if pairs := divided(of_infogan, measured, params, asked):
            figures["split"] = study_figures.split(pairs, WIDTH)
    if of_views := [folder for folder, this in made["views"].items() if this.variant == "views"]:
        figures["left"] = left(of_views, params)
    if trainings := shown_first(made, measured, asked.studies.seeds.metric):
        figures["teaser"] = teaser(trainings)
    planned, theirs = plan.load(params)
    if any(measured.of(variant) for variant in planned.studies["leak"]):
        of_K = [variant for variant in ("infogan", *planned.studies["leak"]) if measured.of(variant)]
        settings = {variant: theirs.settings(variant) for variant in of_K}
        figures["studies-k"] = study_figures.agreement(measured, settings, WIDTH)
    return figures


def read_by_c1(folders: Iterable[Path], params: Parameters) -> list[np.ndarray]:
    """The digit that c1 gives each test image (N,) in each of some runs in git, matched as in evaluate."""
    train_digit = mnist.training_images(params.mnist, params.train)[1].numpy()[: params.evaluate.matching_images]
    found = []
    for folder in folders:
        categories = partitions.read(folder)
        matched = categories.train[: len(train_digit)], train_digit, categories.test
        found.append(partitions.read_digit(*matched, params.latent.categories))
    return found


def left(folders: Iterable[Path], params: Parameters, rows: int = 2, columns: int = 16) -> Figure:
    """Test images of the commonest confusion over some runs, first those that most runs misread."""
    images, digit = mnist.test_images(params.mnist, params.train)
    given = np.stack(read_by_c1(folders, params))
    confusion = sum(classification.contingency(digit.numpy(), of_run, classification.DIGITS) for of_run in given)
    np.fill_diagonal(confusion, 0)
    of, read = np.unravel_index(confusion.argmax(), confusion.shape)
    misread = ((given == read) & (digit.numpy() == of)).sum(axis=0)
    shown = mnist.as_input(images[np.argsort(-misread, kind="stable")[: rows * columns]])
    share = confusion[of, read] / confusion.sum()
    errors = f"{100 * share:.0f} % of the errors of {len(given)} trainings"
    caption = f"{of} read as {read}: {errors}; those that most trainings misread come first"
    return image_panels([Panel(caption, shown.view(rows, columns, 28, 28).numpy())], columns=1)


def divided(folders: Mapping[int, Path], measured: Results, params: Parameters, asked: Claims) -> list[Pair]:
    """The first pair of digits that slant divides in the run of the median error, in it and in the run of the least error.

    `folders` are by seed. Empty where slant divides none.
    """
    metric = asked.studies.seeds.metric
    runs = sorted(((seed, measured.runs["infogan"][seed]) for seed in folders), key=lambda of: of[1][metric])
    (best, _), (typical, of_typical) = runs[0], runs[len(runs) // 2]
    styles = zip((of_typical["sharing.which"] or "").split(), (of_typical["sharing.styles"] or "").split())
    areas = [(which, style.split(":")) for which, style in styles]
    by_slant = [which for which, (style, area) in areas if style == "slant" and float(area) >= asked.selection.split]
    if not by_slant:
        return []
    pair = [int(digit) for digit in by_slant[0].split("-")]
    images, digit = (each.numpy() for each in mnist.test_images(params.mnist, params.train))
    found = []
    for seed, given in zip((typical, best), read_by_c1([folders[typical], folders[best]], params)):
        shown = np.isin(digit, pair) & np.isin(given, pair)
        slant, _ = morphometry.slant_and_width(images[shown])
        error = f"{100 * measured.runs['infogan'][seed][metric]:.1f}"
        found.append(Pair(f"seed {seed}, error {error} %", images[shown] / 255, slant, digit[shown], given[shown]))
    return found


def draw_all() -> dict[str, Figure]:
    """The figures by name. Raises BadInput when a file is missing or broken, KeyError when a run lacks a metric."""
    params, asked = parameters.load(), claims.load()
    measured, in_studies = results.read("metrics/results.csv"), results.read("metrics/studies.csv")
    answers, made, options = stage.read_json("metrics/studies.json"), plan.made(params), params.figures
    runs, trainings = run.of_pipeline(params), []
    if missing := [this.name for this in runs if this.seed not in measured.runs.get(this.variant, {})]:
        expected = f"expected rows of every run of params.yaml, got none of {', '.join(missing)}"
        raise BadInput(f"metrics/results.csv: {expected}")
    for variant in dict.fromkeys(this.variant for this in runs):
        folders = {folder: this for of in made.values() for folder, this in of.items() if this.variant == variant}
        if folders:
            trainings += [read(this, in_studies.runs[variant][this.seed], folder) for folder, this in folders.items()]
        else:
            trainings += [read(this, measured.runs[variant][this.seed]) for this in runs if this.variant == variant]
    first = [this for this in runs if this.seed == params.runs.seeds[0]]
    shown = {this.variant: read(this, measured.runs[this.variant][this.seed], with_images=True) for this in first}
    maximising = [each for each in shown.values() if each.run.settings.objective != "gan"]
    figures = {
        "figure1": figure1(trainings),
        "milestones": milestones(trainings),
        "samples": samples(list(shown.values()), mnist.load("t10k", params.mnist)[0], options),
        "codes": codes(list(shown.values())),
    }
    if maximising:
        figures["confusion"] = confusion([each for each in trainings if each.run.settings.objective != "gan"])
    for each in maximising:
        name = "figure2" if each.run.variant == "infogan" else f"figure2-{each.run.variant}"
        figures[name] = figure2(each, shown.get("gan") if name == "figure2" else None, options)
    leak = answers["leak"]
    evidence = claims.evidence(measured, in_studies)
    assessments = claims.assess_all(asked.claims, evidence, {"leak": leak and leak["verdict"]})
    figures["claims"] = study_figures.conditions(asked.claims, assessments, WIDTH)
    return figures | draw_studies(params, made, in_studies, asked, answers)


def main() -> None:
    try:
        figures = draw_all()
    except KeyError as error:
        raise BadInput(f"the figures need a metric that was not measured: {error}") from error
    for name, figure in figures.items():
        save(figure, Path("figures", f"{name}.png"))


if __name__ == "__main__":
    stage.run(main)
