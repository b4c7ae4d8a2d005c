"""Figures made of images: the paper's Figure 2, samples, and two merged classes."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from replicate.reporting.shown import Shown
from replicate.reporting.style import ORANGE, SKY, WIDTH

ROWS, COLUMNS = 5, 10  # of images in a panel of Figure 2, at most
LARGELY = 0.9  # class consistency from which on a category is of one digit (claims.yaml, fig2a)
OTHER = "0.6"  # colour of test images in other categories than the two at hand


def grid(axes: Axes, images: np.ndarray, columns: Sequence = (), rows: Sequence = ()) -> None:
    """Images (R, C, 28, 28), or (R, C, 28, 28, 3) in colours, with a label below each column and left of each row."""
    height, width = images.shape[:2]
    pixels = np.concatenate(np.concatenate(images, axis=1), axis=1)
    axes.imshow(pixels, cmap="gray", vmin=0, vmax=1, interpolation="nearest", extent=(0, width, height, 0))
    axes.set_xticks(np.arange(len(columns)) + 0.5, columns)
    axes.set_yticks(np.arange(len(rows)) + 0.5, rows)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)


def figure2(run: Shown, baseline: Shown | None = None) -> Figure:
    """Figure 2 of one run: c1 (a), the rotation code (c) and the width code (d), and c1 of a `baseline` (b).

    Categories are in the order of the digit that most of their images show, by the classifier; with a star where the class
    consistency is below LARGELY. Each image of (a) and (b) has its own z, c2 and c3; in the paper a row shares them.
    """
    digits, shares = (np.array(run.codes["consistency"][name]) for name in ("digit_of_category", "by_category"))
    ordered = np.argsort(digits, kind="stable")
    shown = ordered[np.linspace(0, len(ordered) - 1, min(COLUMNS, len(ordered))).round().astype(int)]
    figure = Figure(figsize=(WIDTH, 6.3))
    figure.get_layout_engine().set(hspace=0, h_pad=0.03)
    axes = figure.subplot_mosaic([["a", "b"], ["c", "d"]] if baseline else [["a", "c"], ["a", "d"]])
    names = [f"{digits[category]}{'*' if shares[category] < LARGELY else ''}" for category in shown]
    grid(axes["a"], run.samples()[shown, : ROWS if baseline else 2 * ROWS + 2].swapaxes(0, 1), names)
    mixed = f" (* in less than {100 * LARGELY:.0f} %)" if any("*" in name for name in names) else ""
    axes["a"].set(title="(a) $c_1$", xlabel=f"a category's most frequent digit{mixed}")
    if baseline:
        grid(axes["b"], baseline.samples()[:COLUMNS, :ROWS].swapaxes(0, 1))
        axes["b"].set(title=f"(b) $c_1$, {baseline.label}", xlabel=f"seed {baseline.run.seed}, a category a column")
    values = sorted(run.table("traversal")["value"].unique())
    ticks = [f"{value:g}".replace("-", "−") if value == int(value) else "" for value in values]
    for name, role, part in (("c", "rotation", slice(ROWS)), ("d", "width", slice(-ROWS, None))):
        code, sign = run.role(role)
        grid(axes[name], run.traversals()[code, shown[part], 0, ::sign], ticks, names[part])
        axes[name].set(title=f"({name}) {role} code", xlabel=f"${'-' if sign < 0 else ''}c_{code + 2}$")
    figure.suptitle(run.title)
    return figure


def samples(panels: Mapping[str, np.ndarray]) -> Figure:
    """The first 72 images (N, 28, 28) of each title, twelve in a row, a panel a title."""
    height = -(-len(panels) // 2)
    figure = Figure(figsize=(WIDTH, 2.5 * height))
    for place, (title, images) in enumerate(panels.items(), 1):
        axes = figure.add_subplot(height, 2, place, title=title.replace(": ", "\n"))
        grid(axes, images[: min(len(images), 72) // 12 * 12].reshape(-1, 12, *images.shape[1:]))
    return figure


class Divided(NamedTuple):
    """How a run's categories divide the test images of two digits; and samples of every category."""

    title: str
    pair: tuple[int, int]  # the categories that are matched to the digits
    images: np.ndarray  # (2, n, 28, 28) test images, a row a digit, in order of slant
    category: np.ndarray  # (2, n)
    samples: np.ndarray  # (1, m, 28, 28) generated images
    of_sample: np.ndarray  # (1, m) their categories


def _coloured(images: np.ndarray, category: np.ndarray, pair: tuple[int, int], other: str) -> np.ndarray:
    """Images (R, C, 28, 28) in the colour of their category (R, C), of `pair` or any `other`: (R, C, 28, 28, 3)."""
    masks = [(category == of)[..., None] for of in pair]
    return images[..., None] * np.select(masks, [to_rgb(SKY), to_rgb(ORANGE)], to_rgb(other))[:, :, None, None]


def split(runs: Sequence[Divided], digits: tuple[int, int]) -> Figure:
    """Two digits in runs that merge them or do not: test images by slant, and samples of every category."""
    figure = Figure(figsize=(WIDTH, 0.5 + 2.1 * len(runs)))
    figure.get_layout_engine().set(hspace=0, h_pad=0.03)
    panels = figure.subplots(2 * len(runs), 1, height_ratios=[2, 1] * len(runs)).reshape(-1, 2)
    for (real, generated), run in zip(panels, runs):
        grid(real, _coloured(run.images, run.category, run.pair, OTHER), rows=digits)
        real.set(title=run.title, xlabel="test images, in order of slant")
        grid(generated, _coloured(run.samples, run.of_sample, run.pair, "white"))
        generated.vlines(np.flatnonzero(np.diff(run.of_sample[0])) + 1, 0, 1, color="white", linewidth=3)
        generated.set_xlabel("generated images of each category")
    labels = [*(f"category matched to {digit}" for digit in digits), "any other"]
    handles = [Patch(color=colour, label=label) for colour, label in zip((SKY, ORANGE, OTHER), labels)]
    figure.legend(handles=handles, loc="outside upper center", ncols=3)
    return figure
