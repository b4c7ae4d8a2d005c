"""How all figures look, and how they are written."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib.style
import numpy as np
from matplotlib.axis import Axis
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator
from PIL import Image

from replicate.base import files

# Okabe and Ito's, safe for the colour-blind.
PALETTE = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9"
BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY = PALETTE
REFERENCE = "0.4"  # of what is compared with
PUBLISHED = 0.05  # the test error of §7.2
WIDTH = 8.5  # inches; with STYLE's dpi a web page's width at nearly twice its resolution
STYLE = {
    "font.size": 11.5,  # a page's text at a page's width, and legible at a phone's
    **dict.fromkeys(("axes.labelsize", "axes.titlesize", "figure.titlesize", "legend.fontsize"), "medium"),
    **dict.fromkeys(("axes.spines.top", "axes.spines.right", "legend.frameon"), False),
    "lines.linewidth": 1,
    "figure.constrained_layout.use": True,
    "figure.dpi": 180,
}
matplotlib.style.use(["default", STYLE])  # default: whatever matplotlibrc this machine has


def percent(share: float | None) -> str:
    """A share in percent, – for none."""
    return "–" if share is None else f"{100 * share:.1f} %"


def typeset(words: str) -> str:
    """Words of variants.yaml, metrics.yaml and claims.yaml, with their one symbol."""
    return words.replace("L_I", "$L_I$")


def label_in_percent(axis: Axis) -> None:
    """Label an axis of shares."""
    axis.set_major_formatter(lambda share, _: f"{100 * share:.4g} %")


def label_log(axis: Axis, at: Sequence[int] = (1, 2, 5), in_percent: bool = False) -> None:
    """Label a logarithmic axis at 1, 2, 5, 10 and so on."""
    axis.set(major_locator=LogLocator(subs=at), major_formatter="{x:g}", minor_locator=NullLocator())
    if in_percent:
        label_in_percent(axis)


def save(figure: Figure, path: Path) -> None:
    """Write a PNG, small (256 colours) and without metadata: the same figure gives the same bytes."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    image = Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB").quantize(256)
    with files.whole_file(path) as temporary:
        image.save(temporary, optimize=True)
