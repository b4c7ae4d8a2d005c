"""Figures made of images: the paper's Figure 2, samples, and what the codes of trainings do at a glance."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor

from replicate.base import mnist
from replicate.gan import latent, model
from replicate.gan.latent import Codes
from replicate.gan.settings import Latent
from replicate.measures.continuous_codes import CODES
from replicate.parameters import Figures
from replicate.reporting.run_figures import Shown, symbol
from replicate.reporting.style import WIDTH

ROWS, COLUMNS = 5, 10  # of images in each panel of Figure 2
GAP, LINE = 0.07, 0.17  # inches between panels of images, and for a line of their captions


class Panel(NamedTuple):
    """A grid of images, and what is written below it."""

    caption: str
    images: np.ndarray  # (rows, columns, 28, 28) in [0, 1]


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


def draw(n: int, prior: Latent, options: Figures) -> Codes:
    """n latent variables from their prior: the same ones for every figure and variant."""
    return latent.sample(n, prior, torch.Generator().manual_seed(options.seed))


def in_digit_order(metrics: Mapping[str, Any], K: int) -> np.ndarray:
    """The K categories of c1 in the order of the digits that the judge sees in them: (K,) int64."""
    return np.argsort([metrics[f"purity.digit_of_category.{category}"] for category in range(K)], kind="stable")


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
    continuous[:, CODES.index(code)] = values.repeat(rows)
    chosen = Codes(noise, categories.repeat_interleave(columns), continuous)
    return model.generate(shown.generator, chosen, prior).view(rows, columns, 28, 28).numpy()


def vary_role(role: str, shown: Shown, categories: Tensor, options: Figures) -> tuple[str, np.ndarray]:
    """The code that came to have `role`, "rotation" or "width", varied from −2 to 2, or from 2 to −2 where that leans
    the digits from left to right, or widens them; and in words, what was varied."""
    code, sign = (shown.metrics[f"{role}.{key}"] for key in ("code", "sign"))
    values = torch.linspace(-2 * sign, 2 * sign, COLUMNS)
    ends = "from −2 to 2" if sign > 0 else "from 2 to −2"
    return f"{symbol(code)} {ends}", vary_code(shown, code, values, categories, options)


def figure2(shown: Shown, baseline: Shown | None, options: Figures) -> Figure:
    """Figure 2: c1 (a), the rotating code (c) and the widening code (d) of one run varied, and c1 of a regular GAN (b).

    Rows of (a) and (b) are draws; those of (c) are the first five categories in the order of their digits, of (d) the
    last five.
    """
    name = shown.variant
    order = torch.tensor(in_digit_order(shown.metrics, shown.run.settings.latent.categories))
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


def samples(runs: Sequence[Shown], real: Tensor, options: Figures, rows: int = 8, columns: int = 16) -> Figure:
    """Images of each run, every latent variable drawn from its prior; the first of `real`, uint8 (N, 28, 28)."""
    n = rows * columns
    images = {
        each.title: model.generate(each.generator, draw(n, each.run.settings.latent, options), each.run.settings.latent)
        for each in runs
    } | {"MNIST, test split": mnist.as_input(real[:n])}
    panels = [Panel(caption, grid.view(rows, columns, 28, 28).numpy()) for caption, grid in images.items()]
    return image_panels(panels, columns=3 if len(panels) % 2 else 2)


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
        order = in_digit_order(each.metrics, K)
        panels.append(Panel(each.title, each.samples[order, :rows].swapaxes(0, 1)))
        for role, categories in (("rotation", order[:rows]), ("width", order[-rows:])):
            code, sign = (each.metrics[f"{role}.{key}"] for key in ("code", "sign"))
            of_code = np.split(each.traversals, 2)[CODES.index(code)]
            drawn = of_code.reshape(K, -1, *of_code.shape[1:])[categories, 0]
            slant, width = (f"{each.metrics[f'{role}.{measure}_change']:z.1f}" for measure in ("slant", "width"))
            caption = f"{role} code: slant {slant}, width {width}".replace("-", "−")
            panels.append(Panel(caption, drawn if sign > 0 else drawn[:, ::-1]))
    return image_panels(panels, columns=3)
