"""Figures of many trainings: a point for each, never a mean alone."""

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator, PercentFormatter

from replicate.findings import claims, ways
from replicate.findings.claims import Assessment, Claim
from replicate.findings.results import Results
from replicate.findings.ways import Way
from replicate.gan.settings import Settings
from replicate.reporting.style import BLUE, GREEN, ORANGE, PURPLE, SKY, VERMILION, WIDTH
from replicate.reporting.wording import in_share, in_words, named, points

PUBLISHED = 0.05  # the classification error of §7.2
REFERENCE = "0.45"
VERDICTS = {claims.HOLDS: GREEN, claims.PARTLY: ORANGE, claims.FAILS: VERMILION, claims.UNDECIDED: REFERENCE}
KINDS = {  # colours of ways
    ways.PAPER: ORANGE,
    ways.HERE: BLUE,
    ways.NOTE: SKY,
    ways.CHOICE: GREEN,
    ways.VIEWS: PURPLE,
}


def strip(axes: Axes, rows: Mapping[str, list[float]]) -> None:
    """Values by row, a point each, with a bar at their mean; in their order, from top to bottom within a row."""
    for y, values in enumerate(rows.values()):
        places = y + np.linspace(-0.25, 0.25, len(values)) if len(values) > 1 else [y]
        axes.plot(values, places, "o", color=BLUE, markersize=3.5, alpha=0.8)
        axes.vlines(np.mean(values), y - 0.4, y + 0.4, color=VERMILION, linewidth=1.5)
    axes.set_yticks(range(len(rows)), rows)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)


def errors(measured: Results) -> Figure:
    """The error of each training of InfoGAN, whole and without shared categories; by variant how c1 agrees with digits."""
    runs = measured.of("infogan")
    parts = {"all errors": "classification.error_one_to_one", "without shared categories": "sharing.error_without"}
    agreement = {
        f"{typeset(named(variant))} ({len(of_variant)})": [run["classification.ami"] for run in measured.of(variant)]
        for variant, of_variant in measured.runs.items()
    }
    figure = Figure(figsize=(WIDTH, 1.3 + 0.25 * (len(parts) + len(agreement))))
    above, below = figure.subplots(2, 1, height_ratios=[len(parts), len(agreement)])
    strip(above, {label: [run[metric] for run in runs] for label, metric in parts.items()})
    above.axvline(PUBLISHED, color=REFERENCE, linestyle="--", zorder=1)
    above.annotate(
        "published", (PUBLISHED, 0.5), xytext=(3, 0), textcoords="offset points", color=REFERENCE, va="center"
    )
    above.set(title="classification error of InfoGAN", xlim=(0, None))
    above.xaxis.set(major_locator=MaxNLocator(steps=[1, 2, 5, 10]), major_formatter=PercentFormatter(1, 0, symbol=" %"))
    strip(below, agreement)
    below.set(title="adjusted mutual information of $c_1$ and digit", xlim=(0, 1))
    return figure


def agreement(measured: Results, variants: Mapping[str, Settings]) -> Figure:
    """How well c1 agrees with the digits at each K, and k-means with as many clusters: a panel for each set of digits.

    A point is a run of one of `variants`, a line joins those of a seed.
    """
    by_digits: dict[tuple[int, ...], dict[int, Mapping[int, Mapping]]] = {}  # then by K, then by seed
    for variant, settings in variants.items():
        of_digits = by_digits.setdefault(tuple(settings.train.digits), {})
        of_digits[settings.latent.categories] = measured.runs[variant]
    figure = Figure(figsize=(WIDTH, 3.3))
    panels = figure.subplots(1, len(by_digits), sharey=True, squeeze=False)[0]
    lines = {"classification.ami": (BLUE, "$c_1$ of InfoGAN"), "kmeans.ami": (REFERENCE, "k-means, no GAN")}
    for axes, (digits, by_K) in zip(panels, by_digits.items()):
        places = {K: x for x, K in enumerate(sorted(by_K))}
        seeds = sorted(set().union(*by_K.values()))
        for metric, (colour, label) in lines.items():
            for seed in seeds:
                points = [(x, by_K[K][seed][metric]) for K, x in places.items() if seed in by_K[K]]
                axes.plot(*zip(*points), ".-", color=colour, alpha=0.6, label=label if seed == seeds[0] else None)
        axes.set_xticks(list(places.values()), list(places))
        axes.set(title=f"images of {len(digits)} digits", xlabel="categories or clusters", ylim=(0, 1))
        axes.set_xlim(-0.5, len(places) - 0.5)
    panels[0].set_ylabel("AMI with the digit")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return figure


def to_a_lower_error(found: Sequence[Way]) -> Figure:
    """The errors that each way leads to, a row a way: a point for each training, a bar at their mean; hollow, a choice."""
    figure = Figure(figsize=(WIDTH, 0.6 + 0.25 * len(found)))
    axes = figure.subplots()
    for y, way in enumerate(found):
        colour, face = KINDS[way.kind], "none" if way.kind == ways.CHOICE else KINDS[way.kind]
        label = way.kind if way.kind not in (earlier.kind for earlier in found[:y]) else None
        axes.plot(
            way.errors, [y] * len(way.errors), "o", color=colour, mfc=face, markersize=4.5, alpha=0.8, label=label
        )
        if len(way.errors) > 1:
            axes.plot(np.mean(way.errors), y, "|", color="black", markersize=11, markeredgewidth=1.5)
        axes.annotate(points(fmean(way.errors)), (1.01, y), xycoords=("axes fraction", "data"), va="center")
    axes.axvline(PUBLISHED, color=REFERENCE, linestyle="--", zorder=0)
    axes.annotate(
        "published", (PUBLISHED, 1), xycoords=("data", "axes fraction"), ha="center", va="bottom", color=REFERENCE
    )
    names = [f"{way.name}{', with labels' if way.with_labels else ''}" for way in found]
    axes.set_yticks(range(len(found)), names)
    axes.set(xscale="log", xlim=(0.015, 1), ylim=(len(found) - 0.5, -0.5), xlabel="classification error")
    axes.xaxis.set(major_locator=LogLocator(subs=(1, 2, 5)), minor_locator=NullLocator())
    axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0, symbol=" %"))
    axes.tick_params(axis="y", length=0)
    figure.legend(loc="outside lower center", ncols=len(KINDS))
    return figure


class Pair(NamedTuple):
    """Test images of two digits, and which of both c1 gives each of a run."""

    title: str
    images: np.ndarray  # (N, 28, 28) in [0, 1]
    slant: np.ndarray  # (N,) radians
    digit: np.ndarray  # (N,)
    given: np.ndarray  # (N,)


def split(runs: Sequence[Pair], columns: int = 20) -> Figure:
    """Images of two digits by slant, a row a digit, in the colour of the category that a run gives them."""
    figure = Figure(figsize=(WIDTH, 1.45 * len(runs)))
    for axes, pair in zip(figure.subplots(len(runs), 1, squeeze=False)[:, 0], runs):
        digits = np.unique(pair.digit)
        colours = {int(given): np.array(to_rgb(colour)) for given, colour in zip(digits, (SKY, ORANGE))}
        rows = []
        for digit in digits:
            of_digit = np.flatnonzero(pair.digit == digit)
            by_slant = of_digit[pair.slant[of_digit].argsort()]
            shown = by_slant[(len(by_slant) * (np.arange(columns) + 0.5) / columns).astype(int)]
            rows.append(np.hstack([pair.images[i][:, :, None] * colours[int(pair.given[i])] for i in shown]))
        axes.imshow(np.vstack(rows), interpolation="nearest")
        axes.set(xticks=[], yticks=[], title=pair.title)
        axes.set_xlabel("leans left", loc="left")
        axes.annotate("leans right", (1, 0), (0, -4), "axes fraction", "offset points", ha="right", va="top")
        axes.spines[:].set_visible(False)
    return figure


def typeset(words: str) -> str:
    return words.replace("L_I", "$L_I$")


def conditions(all_claims: Mapping[str, Claim], assessments: Mapping[str, Assessment]) -> Figure:
    """Every claim's conditions, a row each: its runs less the limit, to the right where it is met, on a scale of its own.

    A point is a run, a bar their mean, a hollow mark the control's mean; the colour is the claim's verdict.
    """
    shown = [(name, each) for name, assessment in assessments.items() for each in assessment.findings]
    height = 0.35 + 0.2 * len(shown)
    figure = Figure(figsize=(WIDTH, height), layout="none")
    axes = figure.add_axes((0.57, 0.3 / height, 0.24, 1 - 0.35 / height))
    claimed = None
    for y, (name, found) in enumerate(shown):
        assessment = assessments[name]
        colour = VERDICTS.get(assessment.verdict, REFERENCE)
        if name != claimed:
            claimed = name
            holding = f" ({assessment.holding} of {assessment.runs})" if assessment.runs > 1 else ""
            axes.axhline(y - 0.5, color="0.9", linewidth=0.8, clip_on=False, xmin=-2.34, xmax=1.78)
            axes.annotate(
                typeset(all_claims[name].brief),
                (-2.34, y),
                xycoords=("axes fraction", "data"),
                va="center",
                weight="bold",
            )
            axes.annotate(
                assessment.verdict + holding, (1.05, y), xycoords=("axes fraction", "data"), va="center", color=colour
            )
        at_least = found.limits[0].at_least
        limit = (max if at_least else min)(limit.value for limit in found.limits if limit.value is not None)
        sign = 1 if at_least else -1
        values = sign * (np.array(found.measured.values, dtype=float) - limit)
        control = np.nan if found.control is None or found.control.mean is None else sign * (found.control.mean - limit)
        scale = np.nanmax(np.abs([*values, control])) or 1
        axes.plot(values / scale, [y] * len(values), "o", color=colour, markersize=3, alpha=0.6)
        axes.plot([control / scale], [y], "D", color="black", mfc="none", markersize=4)
        if len(values) > 1:
            axes.plot([values.mean() / scale], [y], "|", color="black", markersize=9, markeredgewidth=1.5)
        words = f"{typeset(in_words(found.condition.metric))} {'≥' if at_least else '≤'} {limit:.3g}".replace("-", "−")
        words += f" {in_share(found.condition).removesuffix(' of')}" if found.condition.share else ""
        axes.annotate(words, (-0.05, y), xycoords=("axes fraction", "data"), ha="right", va="center")
    axes.axvline(0, color=REFERENCE, linestyle="--", zorder=0)
    axes.set(xlim=(-1.1, 1.1), ylim=(len(shown) - 0.5, -0.5), xticks=[-1, 0, 1], yticks=[])
    axes.set_xticklabels(["missed", "limit", "met"])
    axes.spines["left"].set_visible(False)
    return figure
