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
from replicate.analysis.claims import Assessment, Claims, Finding, Limit
from replicate.analysis.table import Metric
from replicate.reporting import style
from replicate.reporting.numbers import ENOUGH, OF_MACHINE, threshold
from replicate.reporting.style import BLUE, GREEN, ORANGE, PUBLISHED, REFERENCE, VERMILION, WIDTH, percent, typeset

GROUPS = {  # of variants.yaml
    "paper": ("paper, official implementation", BLUE),
    "lambda": ("other λ", GREEN),
    "critic": ("a critic in place of Q", ORANGE),
    "views": ("augmented views (ours)", style.PURPLE),
    "k": ("other K or digits", style.SKY),
    "control": ("regular GAN", REFERENCE),
}
VERDICTS = {claims.HOLDS: (GREEN, "o"), claims.PARTLY: (ORANGE, "^"), claims.FAILS: (VERMILION, "X")}


class Runs(NamedTuple):
    """A metric of a variant's runs. Those that suggested a hypothesis are never pooled with those that test it."""

    label: str
    group: str
    values: list[float]
    suggested: Sequence[float] = ()
    majority: bool = False  # whether it is the majority error


def _mark(marker: str, colour: str, label: str, **look) -> Line2D:
    return Line2D([], [], marker=marker, linestyle="", color=colour, label=label, **look)


def _of_groups(groups: set[str]) -> list[Line2D]:
    return [_mark("o", colour, label) for group, (label, colour) in GROUPS.items() if group in groups]


def _interval(axes: Axes, values: Sequence[float], place: float, across: bool) -> None:
    """The mean of enough runs and its 95 % interval, at a place on the other axis."""
    if len(values) >= ENOUGH:
        draw, line = (axes.hlines, axes.vlines) if across else (axes.vlines, axes.hlines)
        draw(place, *statistics.mean_interval(values), color="0.7", linewidth=7, zorder=1)
        line(fmean(values), place - 0.35, place + 0.35, color="black", linewidth=2, zorder=3)


def errors(rows: Sequence[Runs]) -> Figure:
    """Test errors, a row a variant, by their mean, the lowest on top: a point a run."""
    rows, names = sorted(rows, key=lambda row: fmean(row.values)), []
    for row in rows:
        n = f"{len(row.suggested)} + {len(row.values)}" if row.suggested else len(row.values)
        names.append(textwrap.fill(f"{row.label}{', majority test error' if row.majority else ''} ({n})", 37))
    lines = np.array([1 + name.count("\n") for name in names])
    places = np.cumsum(lines) - lines / 2
    figure = Figure(figsize=(WIDTH, 1.7 + 0.24 * lines.sum()))
    axes = figure.subplots()
    for place, row in zip(places, rows):
        colour, fill = GROUPS[row.group][1], "none" if row.majority else None
        axes.plot(row.values, [place] * len(row.values), "o", color=colour, mfc=fill, markersize=5, alpha=0.8)
        axes.plot(row.suggested, [place] * len(row.suggested), "x", color=colour)
        _interval(axes, row.values, place, across=True)
        mean = percent(fmean(row.values)) if len(row.values) >= ENOUGH else ""
        axes.annotate(mean, (1.01, place), xycoords=("axes fraction", "data"), va="center")
    axes.axvline(PUBLISHED, color=REFERENCE, linestyle="--", zorder=0)
    for x, words, across in ((PUBLISHED, "published: 5 %", "data"), (1.05, "mean", "axes fraction")):
        axes.annotate(words, (x, 1.005), xycoords=(across, "axes fraction"), ha="center", va="bottom")
    axes.set_yticks(places, map(typeset, names))
    axes.set(xscale="log", xlim=(None, 0.95), ylim=(lines.sum() + 0.2, -0.2), xlabel="test error")
    style.label_log(axes.xaxis, in_percent=True)
    axes.tick_params(axis="y", length=0)
    marks = _of_groups({row.group for row in rows})
    marks += [_mark("x", "black", "suggested the hypothesis, not in the mean")] * any(row.suggested for row in rows)
    marks += [_mark("o", "black", "majority test error", mfc="none")] * any(row.majority for row in rows)
    marks.append(Line2D([], [], color="0.7", linewidth=7, label="95 % interval of the mean"))
    figure.legend(handles=marks, loc="outside lower center", ncols=2)
    return figure


def margin(finding: Finding, limit: Limit) -> float:
    """By how much the mean, or with a share the last run that is needed, is better than the limit, relative to it."""
    values, share = finding.values, finding.condition.share
    if (value := statistics.mean(values)) is None:
        return -math.inf
    if share is not None:
        value = sorted(values, reverse=limit.sign > 0)[math.ceil(share * len(values)) - 1]
    return limit.sign * (value - limit.value) / abs(limit.value or 1)


def deciding(assessment: Assessment) -> tuple[Finding, Limit]:
    """The condition that misses its limit by most, or, where all are met, comes closest to it, with its hardest limit."""
    hardest = [max(finding.limits, key=lambda limit: limit.sign * limit.value) for finding in assessment.findings]
    return min(zip(assessment.findings, hardest), key=lambda of: margin(*of))


def conditions(asked: Claims, found: Mapping[str, Assessment], metrics: Mapping[str, Metric]) -> Figure:
    """The deciding condition of each claim, with its number, a row each on a scale of its own: right of the threshold it is
    met."""
    figure = Figure(figsize=(WIDTH, 1.2 + 0.5 * len(found)))
    axes, rows = figure.subplots(), np.arange(len(found))
    words = []
    for y, assessment in enumerate(found.values()):
        finding, limit = deciding(assessment)
        metric = metrics.get(finding.condition.metric, OF_MACHINE)
        words.append(typeset(f"{metric.label} {threshold(limit, metric.unit, finding.condition.share)}"))
        colour, shape = VERDICTS.get(assessment.verdict, (REFERENCE, "s"))
        axes.annotate(assessment.verdict, (1.05, y), xycoords=("axes fraction", "data"), color=colour, va="center")
        values = limit.sign * (np.array(finding.values, dtype=float) - limit.value)
        control = np.nan if finding.control is None else limit.sign * (finding.control - limit.value)
        scale = np.nanmax(np.abs([*values, control, 1e-9]))
        axes.plot(values / scale, [y] * len(values), shape, color=colour, markersize=6.5, alpha=0.6, mec="none")
        axes.plot([control / scale], [y], "D", color="black", mfc="none")
        if len(values) >= ENOUGH:
            axes.plot([values.mean() / scale], [y], "|", color="black", markersize=15, markeredgewidth=2)
        axes.axhline(y + 0.5, color="0.9", linewidth=0.8, clip_on=False, xmin=-2.3, xmax=1.6).set_in_layout(False)
    axes.axvline(0, color=REFERENCE, linestyle="--", zorder=0)
    axes.set(xlim=(-1.1, 1.1), ylim=(len(found) - 0.5, -0.5))
    axes.set_xticks([-0.9, 0, 0.9], ["not met", "threshold", "met"])
    axes.set_xlabel("each row on its own scale")
    labels = [typeset(f"{asked.number(name)} {asked.claims[name].label}") for name in found]
    axes.set_yticks(rows - 0.19, labels, weight="bold", size=10.5)
    axes.set_yticks(rows + 0.19, words, minor=True, size=10.5)
    axes.tick_params(axis="y", which="both", length=0)
    axes.spines["left"].set_visible(False)
    marks = [_mark(shape, colour, f"run, claim {verdict}") for verdict, (colour, shape) in VERDICTS.items()]
    marks.append(_mark("D", "black", "mean of the control", mfc="none"))
    marks.append(_mark("|", "black", f"mean of {ENOUGH} runs or more", markersize=12, markeredgewidth=2))
    figure.legend(handles=marks, loc="outside lower center", ncols=3, columnspacing=1, handletextpad=0.3)
    return figure


def gradients(runs: pd.DataFrame, groups: Mapping[str, str], labels: Mapping[str, tuple[str, tuple]]) -> Figure:
    """The error against the gradient RMS of c2 and c3 over the adversarial one: a small point a run.

    `runs` has a row a run: variant, error, ratio, and whether it is `pooled`. A large point is a variant, at
    its means; some have `labels`, at an offset in points.
    """
    figure = Figure(figsize=(WIDTH, 4.6))
    axes = figure.subplots()
    zero = runs["ratio"][runs["ratio"] > 0].min() / 8  # where a ratio of 0 is drawn
    for variant, of in runs.replace({"ratio": 0}, zero).groupby("variant", sort=False):
        colour, pooled = GROUPS[groups[variant]][1], of[of["pooled"]]
        mean = pooled["ratio"].mean(), pooled["error"].mean()
        axes.plot(of["ratio"], of["error"], ".", color=colour, alpha=0.4, mec="none")
        axes.scatter(*mean, s=60, color=colour, edgecolor="white", zorder=3)
        label, offset = labels.get(variant, ("", (0, 0)))
        place = {"textcoords": "offset points", "ha": "left" if offset[0] > 0 else "right", "va": "center"}
        axes.annotate(textwrap.fill(label, 18), mean, offset, **place)
    axes.axhline(PUBLISHED, color=REFERENCE, linestyle="--", zorder=0)
    axes.annotate("published: 5 %", (1, PUBLISHED), (0, 3), axes.get_yaxis_transform(), "offset points", ha="right")
    axes.annotate("λ = 0", (zero, 0), (0, -5), axes.get_xaxis_transform(), "offset points", ha="center", va="top")
    axes.set(xscale="log", yscale="log", ylim=(None, 1.1), ylabel="test error")
    axes.set_xlabel("gradient RMS of $c_2$ and $c_3$, over that of the adversarial term")
    style.label_log(axes.xaxis, at=(1,))
    style.label_log(axes.yaxis, in_percent=True)
    marks = _of_groups({groups[name] for name in runs["variant"]})
    marks += [_mark("o", "0.4", "mean of a variant"), _mark(".", "0.4", "a run", alpha=0.6, mec="none")]
    figure.legend(handles=marks, loc="outside lower center", ncols=3)
    return figure


def by_k(panels: Sequence[tuple[Metric, Mapping[int, Runs]]], references: Mapping[str, Mapping[int, float]]) -> Figure:
    """Metrics by the number of categories K, a panel each: a point a run. The first has `references` by K."""
    figure = Figure(figsize=(WIDTH, 6.6))
    grid = figure.subplots(2, 2).ravel()
    for axes, (metric, by) in zip(grid, panels):
        for x, runs in enumerate(by.values()):
            places = x + np.linspace(-0.2, 0.2, len(runs.values))
            axes.plot(places, runs.values, "o", color=BLUE, markersize=4, alpha=0.8)
            _interval(axes, runs.values, x, across=False)
            place = {"xycoords": axes.get_xaxis_transform(), "ha": "center", "va": "center", "rotation": 90}
            axes.annotate("" if runs.values else "not defined", (x, 0.5), **place)
        axes.set_title(f"{metric.label} (nats)" if metric.unit == "nats" else metric.label)
        axes.set_xticks(range(len(by)), [f"K = {K}" for K in by])
        axes.set_xlim(-0.5, len(by) - 0.5)
        if metric.unit == "%":
            style.label_in_percent(axes.yaxis)
    for (label, by), shape, size in zip(references.items(), "_D", (24, 6)):
        grid[0].plot(list(by.values()), shape, color=REFERENCE, mfc="none", markersize=size, label=label)
    grid[0].plot([], [], color="black", label="mean")
    grid[0].plot([], [], color="0.7", linewidth=7, label="95 % interval")
    grid[0].legend(loc="lower right")
    grid[0].set_ylim(0, 1.12)
    return figure
