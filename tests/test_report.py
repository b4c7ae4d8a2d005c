"""The report from made-up metrics, with the repository's own params.yaml, claims.yaml and template."""

import json
import re
import shutil
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from replicate import claims, networks, params, report
from replicate.stage import BadInput

ROOT = Path(__file__).parent.parent
CODE = {f"{what}_{measure}": value for what, value in (("slant", 0.61), ("width", 0.62), ("thickness", 0.63))
        for measure in ("correlation", "range")}  # fmt: skip
EXTRAPOLATION = {f"{what}_{where}": 0.9 for what in ("agreement", "confidence")
                 for where in ("within_1", "at_1", "at_1_5", "at_2")}  # fmt: skip
EVALUATION = {
    "classification": {"error_one_to_one": 0.1234, "error_majority": 0.1111, "digits_reached": 9, "nmi": 0.8, "ari": 0.7},
    "information": {
        "entropy_c1": 2.3026, "lower_bound_c1_at_1000": 2.25, "lower_bound_c1": 2.29, "lower_bound_c2": -0.4,
        "lower_bound_c3": -0.5, "share_at_1000": 0.977, "share_at_end": 0.99, "iterations_to_95_percent": 700,
    },
    "purity": {"mean": 0.95, "lowest": 0.8, "digits_reached": 10, "by_category": [0.951] * 10,
               "digit_of_category": [7, 2, 1, 0, 4, 9, 5, 3, 6, 8]},
    "rotation": {"code": "c2", "sign": -1, **CODE},
    "width": {"code": "c3", "sign": 1, **CODE},
    "extrapolation": {**EXTRAPOLATION, "relative_agreement_at_2": 1.0},
    "convergence": {"iterations_information": 400, "iterations_adversarial": 900},
}  # fmt: skip


def write(path: Path, content: dict) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A folder with the repository's params.yaml and claims.yaml and made-up metrics of every run."""
    for name in ("params.yaml", "claims.yaml"):
        shutil.copy(ROOT / name, tmp_path)
    set_params(tmp_path, objectives=["infogan", "gan", "infomax"], seeds=[0])
    monkeypatch.chdir(tmp_path)
    for run in ("infogan-0", "gan-0", "infomax-0"):
        write(Path("metrics", run, "evaluation.json"), EVALUATION)
        write(Path("metrics", run, "environment.json"), {"torch": "2.0", "threads": 2})
    write(Path("metrics/judge.json"), {"test_accuracy": 0.9912})
    return tmp_path


def set_params(folder: Path, **values) -> None:
    yaml = YAML()
    content = yaml.load(folder / "params.yaml")
    content.update(values)
    yaml.dump(content, folder / "params.yaml")


def change(run: str, group: str, **values) -> None:
    path = Path("metrics", run, "evaluation.json")
    content = json.loads(path.read_text())
    content[group] |= values
    path.write_text(json.dumps(content))


def written() -> str:
    report.main()
    return Path("REPORT.md").read_text(encoding="utf-8")


def row(text: str, start: str) -> str:
    return next(line for line in text.splitlines() if line.startswith(f"| {start}"))


def test_verdicts_and_numbers_are_those_of_the_metrics(project):
    text = written()
    error = row(text, "**error**")
    assert "`classification.error_one_to_one` 0.123 (≤ 0.055)" in error and "**does not hold**" in error and "| 1 |" in error
    shortfall = "`classification.error_one_to_one` is asked to be ≤ 0.055, measured: 0.123."
    assert f"- **error** does not hold (objective infogan): {shortfall}\n" in text
    assert "`purity.mean` is asked to be ≤ 0.5, measured: 0.950" in text  # fig2b, on the made-up gan
    free_speed = row(text, "**free-speed**")
    assert "`convergence.iterations_information` 400 (≤ `convergence.iterations_adversarial` = 900)" in free_speed
    assert "**holds partly**" in row(text, "**fig2c**")
    assert row(text, "**leak**").endswith("| – | 0 | **not measured** |")
    config, all_claims = params.load(), claims.load()
    verdicts = [row(text, f"**{name}**").split("|")[-2].strip(" *") for name in all_claims]
    summary = next(line for line in text.splitlines() if line.startswith("Verdicts on"))
    for verdict in claims.VERDICTS:
        assert f"*{verdict}* for {verdicts.count(verdict)}" in summary
    assert f"`train.iterations` | {config.train.iterations} |" in text
    assert "accuracy on the test split: 0.991" in text


def test_another_number_is_another_report_and_the_same_numbers_the_same_bytes(project):
    first = written()
    assert written() == first
    change("infogan-0", "classification", error_one_to_one=0.04)
    assert row(written(), "**error**").endswith("**holds** |")


def test_a_metric_without_a_value_reads_as_such(project):
    for run in ("infogan-0", "gan-0", "infomax-0"):
        change(run, "information", lower_bound_c1_at_1000=None, share_at_1000=None, iterations_to_95_percent=None)
    text = written()
    assert "`information.share_at_1000` is asked to be ≥ 0.95, measured: none." in text
    assert row(text, "L_I of c1 at iteration 1000") == "| L_I of c1 at iteration 1000, nats | none | none | none |"
    assert not re.search(r"\bNone\b|\bnan\b|Undefined", text)


def test_when_every_claim_that_is_measured_holds_nothing_falls_short(project):
    change("infogan-0", "rotation", slant_correlation=0.9)
    change("infogan-0", "width", width_correlation=0.9, width_range=3.0)
    change("infogan-0", "classification", error_one_to_one=0.05)
    change("gan-0", "information", share_at_end=0.05)
    change("gan-0", "purity", mean=0.4)
    text = written()
    assert "falls short" not in text and "*does not hold* for 0" in text


def test_several_seeds_give_mean_and_spread(project):
    set_params(project, seeds=[0, 1, 2])
    for seed in (1, 2):
        for objective in ("infogan", "gan", "infomax"):
            shutil.copytree(Path("metrics", f"{objective}-0"), Path("metrics", f"{objective}-{seed}"))
    for seed, error in enumerate((0.03, 0.05, 0.07)):
        change(f"infogan-{seed}", "classification", error_one_to_one=error)
    change("infogan-1", "information", iterations_to_95_percent=None)
    text = written()
    assert "0.050 ± 0.020" in row(text, "**error**") and "| 3 | **holds** |" in row(text, "**error**")
    assert "none in 1 of 3 seeds" in row(text, "**mi-infogan**")
    assert "one seed" not in text and "one training" not in text


def test_tables_have_as_many_cells_in_every_row(project):
    lines = written().splitlines()
    tables = 0
    for above, line, below in zip(lines, lines[1:], lines[2:]):
        pipes = [len(re.findall(r"(?<!\\)\|", text)) for text in (above, line, below)]
        if line.startswith("|---"):
            tables += 1
            assert pipes[0] == pipes[1] == pipes[2], above
        elif line.startswith("|") and above.startswith("|"):
            assert pipes[0] == pipes[1], line
    assert tables == sum(line.startswith("|---") for line in lines) > 8


def test_without_an_objective_its_claims_are_not_measured(project):
    set_params(project, objectives=["infogan"])
    text = written()
    assert "**not measured**" in row(text, "**mi-gan**") and "params.yaml asks for no run of gan" in text
    assert "figure2-infomax.png" not in text


@pytest.mark.parametrize(
    ("path", "content", "said"),
    [
        ("metrics/gan-0/evaluation.json", "{}", "mi-gan needs 'information.share_at_end'"),
        ("metrics/gan-0/evaluation.json", None, "metrics/gan-0/evaluation.json"),
        ("metrics/gan-0/evaluation.json", '{"purity": {"mean": NaN}}', "NaN"),
        ("metrics/gan-0/evaluation.json", '{"purity": ', "metrics/gan-0/evaluation.json"),
        ("metrics/infogan-0/environment.json", None, "environment.json"),
        ("metrics/judge.json", "{}", "test_accuracy"),
    ],
)
def test_missing_and_broken_files_are_named_and_leave_no_report(project, path, content, said):
    Path(path).unlink()
    if content is not None:
        Path(path).write_text(content)
    with pytest.raises(BadInput, match=said):
        report.main()
    assert not Path("REPORT.md").exists()


def test_a_missing_number_that_no_claim_needs_is_an_error(project):
    content = json.loads(json.dumps(EVALUATION))
    del content["classification"]["ari"]
    write(Path("metrics/gan-0/evaluation.json"), content)
    with pytest.raises(BadInput, match="classification.ari"):
        report.main()


def test_settings_carry_their_comments(tmp_path):
    path = tmp_path / "params.yaml"
    path.write_text(
        "a:\n  x: 1  # [paper] App. C,\n        # and more\n\n# The next group.\nb:\n  y: [1, 2]\n  z: 3  # [ours]\n"
    )
    assert report.settings(path) == [("a.x", 1, "[paper] App. C, and more"), ("b.y", [1, 2], ""), ("b.z", 3, "[ours]")]


def test_layers_count_every_parameter():
    config = params.load(ROOT / "params.yaml")
    run = networks.build("infogan", config)
    counts = {name: sum(count for _, count in rows) for name, rows in report.architecture(config).items()}
    assert counts["G"] == sum(p.numel() for p in run.generator.parameters())
    assert counts["D"] == sum(p.numel() for p in run.discriminator.parameters())
    assert counts["Q, on D's features"] == sum(p.numel() for p in run.head.parameters())
    first = report.architecture(config)["G"][0]
    assert first == (f"FC {config.latent.size} → 1024, batchnorm", config.latent.size * 1024 + 3 * 1024)


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "none"), (10, "10"), (1.0, "1.000"), (-0.2258, "−0.226"), (333.3333, "333.3")],
)
def test_numbers(value, text):
    assert report.number(value) == text
