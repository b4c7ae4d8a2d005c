"""The tables of the texts, in Markdown."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from replicate.analysis import claims, statistics
from replicate.analysis.claims import Finding
from replicate.analysis.table import STUDIES, Table
from replicate.base import files
from replicate.gan.run import Run
from replicate.reporting.numbers import ENOUGH, OF_MACHINE, Numbers, estimate, threshold, write


def markdown(header: Sequence[str], rows: Iterable[Sequence[str]], numbers: int = 1) -> str:
    """A table; the columns from the one with index `numbers` on are aligned to the right."""
    lines = [header, ["--:" if column >= numbers else "---" for column in range(len(header))], *rows]
    return "\n".join("| " + " | ".join(str(cell).replace("|", "\\|") for cell in line) + " |" for line in lines)


@dataclass
class Tables(Numbers):
    """What else the templates call; `own` is the table of the pipeline's `runs`."""

    own: Table
    runs: Sequence[Run]

    def of(self, groups: Sequence[str]) -> list[str]:
        """The variants of some groups that have runs, infogan first."""
        with_runs = self.table.variants()
        chosen = [name for name, each in self.variants.items() if each.group in groups and name in with_runs]
        return list(dict.fromkeys(["infogan", *chosen]))

    def parts(self, groups: Sequence[str]) -> list[tuple[str, str, list[int] | None]]:
        """Of the variants of some groups: name, and label and seeds of what may be pooled."""
        parts = {name: self.variants[name].parts() for name in self.of(groups)}
        return [(name, label, seeds) for name, of in parts.items() for label, seeds in of.items()]

    def by_variant(self, groups: Sequence[str], metrics: Sequence[str]) -> str:
        """A row for each variant of some groups, with estimates of some metrics."""
        rows = [
            [label, self.n(name, seeds), *(self.estimate(name, metric, seeds) for metric in metrics)]
            for name, label, seeds in self.parts(groups)
        ]
        return markdown(["variant", "runs", *self.labels(metrics)], rows)

    def labels(self, metrics: Sequence[str]) -> list[str]:
        return [self.metrics[metric].label for metric in metrics]

    def ablations_table(self, groups: Sequence[str]) -> str:
        """The error of each variant, and its difference to that of infogan."""
        rows = []
        for name, label, seeds in self.parts(groups):
            if self.value(name, "error", seeds) is None:
                continue  # K is not the number of digits
            beside = ["–", "–"]
            if name != "infogan":
                p = "–" if seeds == self.variants[name].found else self.p_value(name, seeds)
                beside = [self.difference(name, "infogan", "error", seeds), p]
            rows.append([label, self.n(name, seeds), self.estimate(name, "error", seeds), *beside])
        return markdown(["variant", "runs", "test error", "minus InfoGAN's", "p (Holm)"], rows)

    def runs_table(self, variant: str) -> str:
        """A row for each run of a variant."""
        metrics = ["error", "error_without_merging", "merged_which", "knn_consistency", "ami", "consistency"]
        metrics += ["slant_correlation", "width_correlation", "specificity"]
        rows = [
            [seed, *(self.run(variant, seed, metric) or "no pair" for metric in metrics)]
            for seed in self.table.seeds(variant)
        ]
        return markdown(["seed", *self.labels(metrics)], rows, 0)

    def claims_table(self) -> str:
        """Every claim with each of its conditions."""
        rows = []
        for name, found in self.assessments.items():
            claim, number = self.asked.claims[name], f"{self.asked.number(name)} **{name}**"
            here, control = map("<br>".join, zip(*map(self.condition, found.findings)))
            verdict = found.verdict if found.runs < ENOUGH else f"{found.verdict} ({self.meets(name)})"
            rows.append([number, f"{claim.statement} ({claim.where})", claim.published, here, control, verdict])
        return markdown(["claim", "statement", "published", "here (threshold)", "control", "verdict"], rows, 9)

    def condition(self, finding: Finding) -> tuple[str, str]:
        """A condition's metric over the runs with its thresholds, and the control's mean."""
        metric, share = self.metrics.get(finding.condition.metric, OF_MACHINE), finding.condition.share
        value = estimate(finding.values, metric.unit, metric.bounds)
        limits = ", ".join(threshold(each, metric.unit, share) for each in finding.limits)
        control = "–" if finding.control is None else write(finding.control, metric.unit)
        return f"{metric.label} {value} ({limits}){'' if finding.passed() else ' ✗'}", control

    def registered_table(self) -> str:
        """The hypotheses that are not yet tested."""
        asked, rows = self.asked, []
        for name, hypothesis in asked.registered.items():
            made, planned, met = claims.judge(hypothesis, asked, self.table)
            outcome = {None: "to be judged", True: "supported", False: "not supported"}[met]
            state = "not yet tested" if made < planned else outcome
            seeds = "; ".join(f"{variant} {', '.join(map(str, of))}" for variant, of in hypothesis.runs.items())
            rows.append([f"**{name}**: {hypothesis.statement}", seeds, f"{made} of {planned}", state])
        return markdown(["hypothesis", "runs that test it", "made", "state"], rows, 9)

    def machines_table(self) -> str:
        """How many of the studies' runs each machine made."""
        made: Counter[str] = Counter()
        for variant, seed in self.table.frame.index:
            of = files.read_json(STUDIES / f"{variant}-{seed}" / "run.json").get("environment")
            if of:  # a run that failed has none
                kind = of["processor"] if of["device"] == "cpu" else of["device"]
                made[f"{kind}, {of['instructions']}, threads: {of['threads']}, PyTorch {of['torch']}"] += 1
        return markdown(["machine", "runs"], made.items())

    def pipeline_table(self) -> str:
        """The pipeline's own runs beside those of the studies: a value outside of the interval of one more run is marked,
        where five or more have other seeds."""
        metrics = ["error", "share_at_end", "consistency", "slant_correlation", "width_correlation", "specificity"]
        rows = []
        for this in self.runs:
            cells, seeds = [], [seed for seed in self.table.seeds(this.variant) if seed != this.seed]
            for metric in metrics:
                value = self.own.values(this.variant, metric, [this.seed])
                others = self.values(this.variant, metric, seeds)
                text = write(value[0], self.metrics[metric].unit) if value else "–"
                if value and value[0] is not None and len(others) >= ENOUGH and None not in others:
                    low, high = statistics.prediction_interval(others)
                    text += "" if low <= value[0] <= high else " *"
                cells.append(text)
            rows.append([this.name, *cells])
        return markdown(["run", *self.labels(metrics)], rows)
