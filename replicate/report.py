"""Stage report: REPORT.md, from claims.yaml, params.yaml and the metrics of every run, by the template report.md.j2.

    python -m replicate.report

Every number of a result comes from a metrics file; one that is missing is an error, never a blank.
"""

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, UndefinedError
from ruamel.yaml import YAML
from torch import nn

from replicate import claims, networks, params, stage
from replicate.claims import Measured
from replicate.params import Params
from replicate.stage import BadInput


def flatten(nested: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Metrics by dotted name, as `dvc metrics` shows them: {"purity": {"mean": 1}} -> {"purity.mean": 1}."""
    flat = {}
    for key, value in nested.items():
        name = f"{prefix}.{key}".lstrip(".")
        flat |= flatten(value, name) if isinstance(value, dict) else {name: value}
    return flat


def read_run(objective: str, seed: int) -> dict[str, Any]:
    """All metrics of one run by dotted name; of InfoGAN's also the record of what an iteration of it costs."""
    folder = Path("metrics", f"{objective}-{seed}")
    metrics = flatten(stage.read_json(folder / "evaluation.json"))
    metrics |= flatten(stage.read_json(folder / "yardstick.json"), "yardstick")
    metrics |= flatten(stage.read_json(folder / "representation.json"), "representation")
    if objective == "infogan":
        metrics |= flatten(stage.read_json(Path("metrics", "cost.json")), "cost")
    return metrics


def layers(network: nn.Module) -> Iterator[tuple[str, int]]:
    """Each layer in Table 1's words and the number of its parameters; batchnorm counts with the layer before it."""
    row: tuple[str, int] | None = None
    for module in network.modules():
        own = sum(parameter.numel() for parameter in module.parameters(recurse=False))
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            row = (f"{row[0]}, batchnorm", row[1] + own)
        elif own:
            if row:
                yield row
            row = (_layer(module), own)
    yield row


def _layer(module: nn.Module) -> str:
    if isinstance(module, nn.Linear):
        return f"FC {module.in_features} → {module.out_features}"
    if isinstance(module, nn.Embedding):
        return f"table {module.num_embeddings} × {module.embedding_dim}"
    rows, columns = module.kernel_size
    kind = "upconv." if isinstance(module, nn.ConvTranspose2d) else "conv."
    return f"{rows}×{columns} {kind} {module.in_channels} → {module.out_channels}, stride {module.stride[0]}"


def architecture(config: Params) -> dict[str, list[tuple[str, int]]]:
    """The layers of each network by its name."""
    infogan = networks.build("infogan", config)
    parts = {"G": infogan.generator, "D": infogan.discriminator, "Q, on D's features": infogan.head}
    if "infomax" in config.objectives:
        parts["InfoMax critic, on D's features"] = networks.build("infomax", config).head
    return {name: list(layers(network)) for name, network in parts.items()}


def settings(path: str | Path) -> list[tuple[str, Any, str]]:
    """(key, value, comment at its end) of every setting of params.yaml; the checksums of the data are left out."""
    rows = []
    for group, values in YAML().load(Path(path)).items():
        if isinstance(values, dict) and group != "mnist":
            for key, value in values.items():
                _, _, comment, *_ = values.ca.items.get(key, [None] * 3)
                lines = comment.value.split("\n\n")[0].splitlines() if comment else []
                rows.append((f"{group}.{key}", value, " ".join(line.strip(" #") for line in lines)))
    return rows


def number(value: float | None) -> str:
    """Three decimals (one from 100 on), a whole number whole; "none" for a metric without a value."""
    if value is None:
        return "none"
    decimals = 3 if -100 < value < 100 else 1
    return (str(value) if isinstance(value, int) else f"{value:.{decimals}f}").replace("-", "−")


def spread(measured: Measured) -> str:
    """mean ± standard deviation over the seeds; the mean alone for a single seed."""
    if measured.without_value:
        return "none" if measured.seeds == 1 else f"none in {measured.without_value} of {measured.seeds} seeds"
    return number(measured.mean) + (f" ± {number(measured.spread)}" if measured.spread is not None else "")


def asked(finding: claims.Finding) -> str:
    """The limit of a condition: "≥ 0.95"."""
    condition = finding.condition
    sign = "≥" if condition.at_least is not None else "≤"
    if condition.at_most_metric:
        return f"{sign} `{condition.at_most_metric}` = {number(finding.limit)}"
    return f"{sign} {finding.limit:g}".replace("-", "−")


def cell(text: Any) -> str:
    """Text inside a Markdown table."""
    return str(text).replace("|", "\\|")


def gather() -> dict[str, Any]:
    """Everything the template reads. Raises BadInput when a file is missing or broken, or a claim lacks a metric."""
    config = params.load()
    by_objective = {o: [read_run(o, seed) for seed in config.seeds] for o in config.objectives}
    runs = {f"{o}-{seed}": run for o, of_seeds in by_objective.items() for seed, run in zip(config.seeds, of_seeds)}
    all_claims = claims.load()
    return {
        "params": config,
        "settings": settings("params.yaml"),
        "architecture": architecture(config),
        "claims": all_claims,
        "assessments": claims.assess_all(all_claims, by_objective),
        "verdicts": claims.VERDICTS,
        "runs": runs,
        "by_objective": by_objective,
        "judge": stage.read_json(Path("metrics", "judge.json")),
        "references": stage.read_json(Path("metrics", "references.json")),
        "cost": stage.read_json(Path("metrics", "cost.json")),
        "environments": {name: stage.read_json(Path("metrics", name, "environment.json")) for name in runs},
        "fixed_std_ceiling": math.log(2) - math.log(2 * math.pi) / 2,  # nats: see information.variational
    }


def render(context: Mapping[str, Any]) -> str:
    """The report in Markdown. Raises BadInput when the template asks for a number that is not there."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"number": number, "spread": spread, "asked": asked, "cell": cell}
    try:
        template = environment.get_template("report.md.j2")
        return template.render(context, measure=claims.measure, find=claims.find, zip=zip)
    except (UndefinedError, KeyError) as error:
        raise BadInput(f"the report needs a metric that no metrics file has: {error}") from error


def main() -> None:
    report = render(gather())
    with stage.whole_file("REPORT.md") as path:
        path.write_text(report, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    stage.run(main)
