"""Figures of many runs: errors of all variants, verdicts on claims, gradient balance, the number of categories."""

import math
import textwrap
from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from replicate.analysis import claims, statistics
from replicate.analysis.claims import Assessment, Claim, Finding
from replicate.analysis.table import Metric
from replicate.reporting.style import (
    BLUE,
    GREEN,
    ORANGE,
    PUBLISHED,
    PURPLE,
    REFERENCE,
    SKY,
    VERMILION,
    WIDTH,
    label_in_percent,
    label_log,
    percent,
    typeset,
)

ENOUGH = 5  # runs from which on a mean and its interval are shown
GROUPS = {  # of variants.yaml
    "paper": ("paper, official implementation", BLUE),
    "lambda": ("other λ", GREEN),
    "critic": ("a critic in place of Q", ORANGE),
    "views": ("augmented views (ours)", PURPLE),
    "k": ("other K or digits", SKY),
    "control": ("regular GAN", REFERENCE),
}
VERDICTS = {  # colour and shape
    claims.HOLDS: (GREEN, "o"),
    claims.PARTLY: (ORANGE, "^"),
    claims.FAILS: (VERMILION, "X"),
    claims.NOT_JUDGED: (REFERENCE, "s"),
}


class Runs(NamedTuple):
    """A metric of a variant's runs. Those that suggested a hypothesis are never pooled with those that test it."""

    label: str
    group: str
    values: list[float]
    suggested: Sequence[float] = ()
    majority: bool = False  # whether it is the majority error


def _mark(marker: str, colour: str, label: str, **style) -> Line2D:
    return Line2D([], [], marker=marker, linestyle="", color=colour, label=label, **style)


def _of_groups(groups: set[str]) -> list[Line2D]:
    return [_mark("o", colour, label) for group, (label, colour) in GROUPS.items() if group in groups]


def _interval(axes: Axes, values: Sequence[float], place: float, across: bool) -> None:
    """The mean of enough runs and its 95 % interval, at a place on the other axis."""
    if len(values) >= ENOUGH:
        ends, mean = statistics.mean_interval(values), fmean(values)
        draw, line = (axes.hlines, axes.vlines) if across else (axes.vlines, axes.hlines)
        draw(place, *ends, color="0.7", linewidth=7, zorder=1)
        line(mean, place - 0.35, place + 0.35, color="black", linewidth=2, zorder=3)


def errors(rows: Sequence[Runs]) -> Figure:
    """Test errors, a row a variant, by their mean, the lowest on top: a point a run."""
    rows, names = sorted(rows, key=lambda row: fmean(row.values)), []
    for row in rows:
        n = f"{len(row.suggested)} + {len(row.values)}" if row.suggested else len(row.values)
        names.append(textwrap.fill(f"{row.label}{', majority error' if row.majority else ''} ({n})", 37))
    lines = np.array([1 + name.count("\n") for name in names])
    places = np.cumsum(lines) - lines / 2
    figure = Figure(figsize=(WIDTH, 1.7 + 0.24 * lines.sum()))
    axes = figure.subplots()
    beside = {"xycoords": ("axes fraction", "data"), "va": "center"}
    for place, row in zip(places, rows):
        style = {"color": GROUPS[row.group][1], "linestyle": "", "mfc": "none" if row.majority else None}
        axes.plot(row.values, [place] * len(row.values), marker="o", markersize=5, alpha=0.8, **style)
        axes.plot(row.suggested, [place] * len(row.suggested), marker="x", markersize=6, **style)
        _interval(axes, row.values, place, across=True)
        axes.annotate(percent(fmean(row.values)) if len(row.values) >= ENOUGH else "", (1.01, place), **beside)
    axes.axvline(PUBLISHED, color=REFERENCE, linestyle="--", zorder=0)
    on_top = {"xycoords": axes.get_xaxis_transform(), "va": "bottom"}
    axes.annotate("published: 5 %", (PUBLISHED, 1.005), ha="center", **on_top)
    axes.annotate("mean", (1.01, 1.005), xycoords="axes fraction", va="bottom")
    axes.set_yticks(places, [typeset(name) for name in names])
    axes.set(xscale="log", xlim=(None, 0.95), ylim=(lines.sum() + 0.2, -0.2), xlabel="test error")
    label_log(axes.xaxis)
    label_in_percent(axes.xaxis)
    axes.tick_params(axis="y", length=0)
    marks = _of_groups({row.group for row in rows})
    marks += [_mark("x", "black", "suggested the hypothesis, not in the mean")] * any(row.suggested for row in rows)
    marks += [_mark("o", "black", "majority error", mfc="none")] * any(row.majority for row in rows)
    marks.append(Line2D([], [], color="0.7", linewidth=7, label="95 % interval of the mean"))
    figure.legend(handles=marks, loc="outside lower center", ncols=2)
    return figure


class Deciding(NamedTuple):
    """What of a condition decides: the limit that is hardest to meet, and the value that is held against it."""

    finding: Finding
    limit: float
    sign: int  # 1 where it is asked at least, −1 where at most
    value: float | None  # the mean; with a share, that of the last run that is needed

    @property
    def margin(self) -> float:
        """By how much the value is better than the limit, relative to it."""
        return -math.inf if self.value is None else self.sign * (self.value - self.limit) / abs(self.limit or 1)


def deciding(assessment: Assessment) -> Deciding:
    """The condition that misses its limit by most, or, where all are met, comes closest to it."""
    found = []
    for finding in assessment.findings:
        sign = 1 if finding.limits[0].at_least else -1
        limit = sign * max((sign * each.value for each in finding.limits if each.value is not None), default=math.nan)
        value, share = finding.mean, finding.condition.share
        if share is not None and value is not None:
            value = sorted(finding.values, reverse=sign > 0)[math.ceil(share * len(finding.values)) - 1]
        found.append(Deciding(finding, limit, sign, value))
    return min(found, key=lambda each: each.margin)


def in_words(of: Deciding, metrics: Mapping[str, Metric]) -> str:
    """A condition with its limit, such as "test error ≤ 5.5 %"."""
    name, share = of.finding.condition.metric, of.finding.condition.share
    label, unit = "time of a step, over one without Q", ""  # of no run
    if name in metrics:
        label, unit = metrics[name].label, metrics[name].unit
    limit = f"{100 * of.limit:.3g} %" if unit == "%" else f"{of.limit:.3g} {unit}".rstrip()
    runs = "" if share is None else " in all runs" if share == 1 else f" in {percent(share, 0)} of the runs"
    return f"{label} {'≥' if of.sign > 0 else '≤'} {limit}{runs}".replace(" -", " −")


def conditions(asked: Mapping[str, Claim], found: Mapping[str, Assessment], metrics: Mapping[str, Metric]) -> Figure:
    """The deciding condition of each claim, a row each on a scale of its own: right of the threshold it is met."""
    figure = Figure(figsize=(WIDTH, 1.2 + 0.5 * len(found)), layout="none")
    bottom = 0.9 / figure.get_figheight()
    axes = figure.add_axes((0.56, bottom, 0.26, 0.99 - bottom))
    left, right, beside = -2.13, 1.65, {"xycoords": ("axes fraction", "data"), "va": "center"}
    for y, (name, assessment) in enumerate(found.items()):
        of, (colour, shape) = deciding(assessment), VERDICTS[assessment.verdict]
        axes.annotate(typeset(asked[name].label), (left, y - 0.19), weight="bold", size=10.5, **beside)
        axes.annotate(typeset(in_words(of, metrics)), (left, y + 0.19), size=10.5, **beside)
        axes.annotate(assessment.verdict, (1.05, y), color=colour, **beside)
        values = of.sign * (np.array(of.finding.values, dtype=float) - of.limit)
        control = np.nan if of.finding.control is None else of.sign * (of.finding.control - of.limit)
        scale = np.nanmax(np.abs([*values, control, 1e-9]))
        axes.plot(values / scale, [y] * len(values), shape, color=colour, markersize=6.5, alpha=0.6, mec="none")
        axes.plot([control / scale], [y], "D", color="black", mfc="none", markersize=6)
        if len(values) >= ENOUGH:
            axes.plot([values.mean() / scale], [y], "|", color="black", markersize=15, markeredgewidth=2)
        axes.axhline(y + 0.5, color="0.9", linewidth=0.8, clip_on=False, xmin=left, xmax=right)
    axes.axvline(0, color=REFERENCE, linestyle="--", zorder=0)
    axes.set(xlim=(-1.1, 1.1), ylim=(len(found) - 0.5, -0.5), yticks=[])
    axes.set_xticks([-0.9, 0, 0.9], ["not met", "threshold", "met"])
    axes.spines["left"].set_visible(False)
    marks = [_mark(shape, colour, f"run, claim {verdict}") for verdict, (colour, shape) in [*VERDICTS.items()][:3]]
    marks.append(_mark("D", "black", "mean of the control", mfc="none"))
    marks.append(_mark("|", "black", f"mean of {ENOUGH} runs or more", markersize=12, markeredgewidth=2))
    figure.legend(handles=marks, loc="lower center", ncols=3, columnspacing=1, handletextpad=0.3)
    return figure


def gradients(
    runs: pd.DataFrame, groups: Mapping[str, str], labels: Mapping[str, tuple[str, tuple[int, int]]]
) -> Figure:
    """The error against the gradient RMS of c2 and c3, over the adversarial one and over that of c1: a small point a run.

    `runs` has a row a run: variant, error, adversarial, c1, continuous, and whether it is `pooled`. A large point is a
    variant, at the geometric mean of the ratio and the mean error; some have `labels`, so many points away.
    """
    figure = Figure(figsize=(WIDTH, 8))
    terms = {"adversarial": "the adversarial term", "c1": "$c_1$"}
    for axes, (term, words) in zip(figure.subplots(2, 1, sharey=True), terms.items()):
        ratio = runs["continuous"] / runs[term]
        zero = ratio[ratio > 0].min() / 8  # where a ratio of 0 is drawn
        for variant, of in runs.assign(ratio=ratio.where(ratio > 0, zero)).groupby("variant", sort=False):
            colour, pooled = GROUPS[groups[variant]][1], of[of["pooled"]]
            mean = np.exp(np.log(pooled["ratio"]).mean()), pooled["error"].mean()
            axes.plot(of["ratio"], of["error"], ".", color=colour, alpha=0.4, mec="none")
            axes.scatter(*mean, s=60, color=colour, edgecolor="white", zorder=3)
            if variant in labels:
                label, offset = labels[variant]
                style = {"ha": "right" if offset[0] < 0 else "left", "arrowprops": {"arrowstyle": "-", "color": "0.6"}}
                axes.annotate(
                    textwrap.fill(label, 18), mean, offset, textcoords="offset points", va="center", **style
                ).set_in_layout(False)
        axes.axhline(PUBLISHED, color=REFERENCE, linestyle="--", zorder=0)
        axes.annotate("λ = 0", (zero, 0), (0, -5), axes.get_xaxis_transform(), "offset points", ha="center", va="top")
        axes.set(xscale="log", yscale="log", ylim=(None, 1.1), ylabel="test error")
        axes.set_xlabel(f"gradient RMS of $c_2$ and $c_3$, over that of {words}")
        label_log(axes.xaxis, at=(1,))
        label_log(axes.yaxis)
        label_in_percent(axes.yaxis)
    marks = _of_groups({groups[variant] for variant in runs["variant"]})
    figure.legend(handles=marks, loc="outside lower center", ncols=3)
    return figure


def by_k(panels: Mapping[Metric, Mapping[int, Runs]], references: Mapping[str, Mapping[int, float]]) -> Figure:
    """Metrics by the number of categories K, a panel each: a point a run. The first has `references` by K."""
    figure = Figure(figsize=(WIDTH, 6.6))
    grid = figure.subplots(2, 2).ravel()
    for axes, (metric, by) in zip(grid, panels.items()):
        for x, runs in enumerate(by.values()):
            for values, shape in ((runs.values, "o"), (runs.suggested, "x")):
                axes.plot(x + np.linspace(-0.2, 0.2, len(values)), values, shape, color=BLUE, markersize=4, alpha=0.8)
            _interval(axes, runs.values, x, across=False)
            place = {"xycoords": axes.get_xaxis_transform(), "ha": "center", "va": "center", "rotation": 90}
            axes.annotate("" if runs.values else "not defined", (x, 0.5), **place)
        axes.set_title(f"{metric.label} (nats)" if metric.unit == "nats" else metric.label)
        axes.set_xlim(-0.5, len(by) - 0.5)
        axes.set_xticks(range(len(by)), [f"K = {K}" for K in by])
        if metric.unit == "%":
            label_in_percent(axes.yaxis)
    for (label, by), shape, size, offset, va in zip(references.items(), "_D", (24, 6), (3, -8), ("bottom", "top")):
        grid[0].plot(list(by.values()), shape, color=REFERENCE, mfc="none", markersize=size)
        grid[0].annotate(label, (1, by[10]), (0, offset), textcoords="offset points", ha="center", va=va)
    grid[0].set_ylim(0, 1.12)
    return figure
