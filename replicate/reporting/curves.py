"""Figures of runs: L_I and the error over the iterations, what the continuous codes control, confusion of digits."""

from itertools import cycle

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from replicate.analysis import statistics
from replicate.gan import information
from replicate.measures.convergence import FIGURE_1
from replicate.reporting.shown import Series, Shown
from replicate.reporting.style import PALETTE, PUBLISHED, REFERENCE, WIDTH, label_log, percent, typeset


def _lines(series: Series) -> list[tuple[Shown, str]]:
    """Each run with the colour of its series."""
    return [(run, colour) for of, colour in zip(series.values(), cycle(PALETTE)) for run in of]


def _legend(figure: Figure, series: Series) -> None:
    """Below all panels: the series, and what panels label besides."""
    colours = zip(series, cycle(PALETTE))
    handles = [Line2D([], [], color=colour, linewidth=2, label=typeset(label)) for label, colour in colours]
    labelled = {each.get_label(): each for axes in figure.axes for each in axes.get_legend_handles_labels()[0]}
    columns = 1 if max(map(len, series)) > 45 else 2 if max(map(len, [*series, *labelled])) > 22 else 3
    figure.legend(handles=[*handles, *labelled.values()], loc="outside lower center", ncols=columns)


def figure1(series: Series) -> Figure:
    """Figure 1: L_I of c1 over the iterations, a line a run: the iterations that the paper shows, then the rest.

    Marks in the margin are bounds on I(c1; x) by a post-hoc Q. A Jensen–Shannon estimate, not in nats, has no line.
    """
    lines = _lines(series)
    settings = [run.run.settings for run, _ in lines]
    end = max(each.train.iterations for each in settings)
    parts = [(0, FIGURE_1), (FIGURE_1, end)] if end > FIGURE_1 else [(0, end)]
    figure = Figure(figsize=(WIDTH, 4.6))
    panels = figure.subplots(1, len(parts), sharey=True, squeeze=False, width_ratios=[2, 1][: len(parts)])[0]
    infonce = {(each.latent.categories, each.train.batch_size) for each in settings if each.critic and each.in_nats}
    curves = [(run.table("training"), colour) for run, colour in lines if run.run.settings.in_nats]
    for axes, limits in zip(panels, parts):
        for curve, colour in curves:
            axes.plot(curve["iteration"], curve["information_c1"], color=colour, linewidth=0.8)
        for K in sorted({each.latent.categories for each in settings}):
            axes.axhline(np.log(K), color="black", linestyle="--", label=f"$H(c_1)$ = log {K}")
        for ceiling in (information.infonce_ceiling(*of) for of in sorted(infonce)):
            axes.axhline(ceiling, color=REFERENCE, linestyle=":", label=f"ceiling of InfoNCE: {ceiling:.2f}")
        axes.set(xlim=limits, xlabel="iteration", title="the rest")
    panels[0].set(ylabel="$L_I$ of $c_1$ (nats)", title=f"the paper's Figure 1: iterations up to {parts[0][1]}")
    last = panels[-1]
    last.xaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10], prune="lower" if len(panels) > 1 else None))
    look = {"transform": last.get_yaxis_transform(), "clip_on": False}
    for i, (runs, colour) in enumerate(zip(series.values(), cycle(PALETTE))):  # side by side: none hides another's
        last.plot([1.05 + 0.05 * i] * len(runs), [run.bound for run in runs], "<", color=colour, **look)
    last.plot([], [], "<", color="black", label="post-hoc bound on $I(c_1; x)$")
    _legend(figure, series)
    return figure


def milestones(series: Series) -> Figure:
    """How L_I, the test error and the quality of images come about: a line a run, marked at milestones.

    A Jensen–Shannon estimate, not in nats, has no line.
    """
    panels = {"share_c1": "$L_I$ of $c_1$ / $H(c_1)$", "error": "test error", "frechet": "Fréchet distance"}
    figure = Figure(figsize=(WIDTH, 4.2))
    for axes, (column, title) in zip(figure.subplots(1, len(panels), sharex=True), panels.items()):
        for run, colour in _lines(series):
            of = run.table("milestones").merge(run.table("training"), on="iteration", suffixes=("_then", ""))
            # Of the log, as in Figure 1.
            of["share_c1"] = of["information_c1"] / np.log(run.run.settings.latent.categories)
            if run.run.settings.in_nats or column != "share_c1":
                axes.plot(of["iteration"], of[column], ".-", color=colour, linewidth=0.8, markersize=4)
        axes.set(title=title, xlabel="iteration", xscale="log")
        label_log(axes.xaxis)
        axes.tick_params(axis="x", labelrotation=60)
        if column == "share_c1":
            axes.set_ylim(min(0, axes.get_ylim()[0]), 1.05)  # a bound can be below 0
        else:
            axes.set_yscale("log")
            label_log(axes.yaxis, in_percent=column == "error")
    errors = figure.axes[1]
    errors.set_ylim(min(0.015, errors.get_ylim()[0]), 1)
    errors.axhline(PUBLISHED, color=REFERENCE, linestyle="--", label="published: 5 %")
    _legend(figure, series)
    return figure


def codes(series: Series) -> Figure:
    """Slant and width of generated digits by the rotation code and by the width code: a line a run, mean over categories.

    Signs are aligned: a code with a negative sign is drawn from 2 to −2. Regular GANs are faint.
    """
    figure = Figure(figsize=(WIDTH, 6.4))
    grid = figure.subplots(2, 2, sharex=True, sharey="row")
    for row, (measure, words) in zip(grid, {"slant": "slant (radians)", "width": "width (pixels)"}.items()):
        for axes, role in zip(row, ("rotation", "width")):
            axes.axvspan(-1, 1, color="0.93", label="trained range")
            for run, colour in _lines(series):
                code, sign = run.role(role)
                means = run.table("traversal").query(f"code == 'c{code + 2}'").groupby("value")[measure].mean()
                faint = {"alpha": 0.4, "zorder": 1} if run.run.settings.objective == "gan" else {}
                axes.plot(sign * means.index, means, color=colour, **faint)
            axes.set_xlabel(f"{role} code" if axes in grid[1] else None)
        row[0].set_ylabel(words)
    _legend(figure, series)
    return figure


def confusion(series: Series) -> Figure:
    """Test images by true and predicted digit: percent of the true digit's, mean over the runs of a series."""
    rows = -(-len(series) // 2)
    figure = Figure(figsize=(WIDTH, 5 * rows))
    for place, (label, runs) in enumerate(series.items(), 1):
        axes = figure.add_subplot(rows, 2, place)
        counts = np.mean([run.table("confusion").set_index("digit") for run in runs], axis=0)
        shares = 100 * counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
        axes.imshow(shares, cmap="Blues", vmin=0, vmax=100)
        for (true, predicted), share in np.ndenumerate(shares):
            text, colour = f"{share:.0f}" if share >= 0.5 else "", "white" if share > 50 else "black"
            axes.text(predicted, true, text, ha="center", va="center", color=colour)
        error = percent(statistics.mean([run.error for run in runs]))
        axes.set_title(f"{label}\ntest error {error}" if "test error" not in label else label.replace(": ", "\n"))
        axes.set(xlabel="predicted digit", ylabel="true digit (a row has 100 %)", xticks=range(10), yticks=range(10))
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
    return figure
