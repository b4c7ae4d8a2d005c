"""How all figures look, and how they are written."""

from pathlib import Path

import matplotlib.style
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from replicate.base import stage

# Okabe and Ito's, safe for the colour-blind.
BLUE, VERMILION, GREEN, PURPLE = "#0072B2", "#D55E00", "#009E73", "#CC79A7"
ORANGE, SKY = "#E69F00", "#56B4E9"
PALETTE = (BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY)
WIDTH = 8.5  # inches; with STYLE's dpi a web page's width at nearly twice its resolution
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


def save(figure: Figure, path: Path) -> None:
    """Write a PNG, small (256 colours) and without metadata: the same figure gives the same bytes."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    image = Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB").quantize(256)
    with stage.whole_file(path) as temporary:
        image.save(temporary, optimize=True)
