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
YARDSTICK = {
    **{f"lower_bound_{name}": value for name, value in (("c1", 2.295), ("c2", 1.21), ("c3", 1.31), ("gaussian_c2", 1.21),
       ("discretised_c2", 1.11), ("gaussian_c3", 1.25), ("discretised_c3", 1.31))},
    **{f"standard_error_{name}": 0.0042 for name in ("c1", "c2", "c3", "gaussian_c2", "discretised_c2", "gaussian_c3",
       "discretised_c3")},
    "share_c1": 0.9967, "gap_c1": 0.005, "iterations": 900,
}  # fmt: skip
SCORES = {"probe_error_10": 0.31, "probe_error_100": 0.21, "probe_error_all": 0.11, "kmeans_error": 0.41, "kmeans_nmi": 0.51}
REPRESENTATION = {
    **{name: SCORES for name in ("posterior_c1", "head_outputs", "head_hidden", "trunk")},
    "code_label_information": {"information": 1.61, "information_uncorrected": 1.62, "entropy_digit": 2.301, "share": 0.7},
}
REFERENCES = {name: SCORES | {"kmeans_error": 0.47} for name in ("pixels", "pca_128", "untrained_trunk")}
COST = {
    "ratio": 1.0321, "quartiles": [1.01, 1.05], "pairs": 40, "seconds_infogan": 0.2345, "seconds_gan_without_q": 0.2301,
    "processor": "abacus", "device": "cpu", "threads": 2,
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
        write(Path("metrics", run, "yardstick.json"), YARDSTICK)
        write(Path("metrics", run, "representation.json"), REPRESENTATION)
        write(Path("metrics", run, "environment.json"), {"torch": "2.0", "threads": 2})
    write(Path("metrics/references.json"), REFERENCES)
    write(Path("metrics/cost.json"), COST)
    write(Path("metrics/judge.json"), {"test_accuracy": 0.9912})
    return tmp_path


def set_params(folder: Path, **values) -> None:
    yaml = YAML()
    content = yaml.load(folder / "params.yaml")
    content.update(values)
    yaml.dump(content, folder / "params.yaml")


def change(run: str, group: str, **values) -> None:
    """Set values of a group of a run's evaluation.json, or of its yardstick.json."""
    yardstick = group == "yardstick"
    path = Path("metrics", run, "yardstick.json" if yardstick else "evaluation.json")
    content = json.loads(path.read_text())
    (content if yardstick else content[group]).update(values)
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
    change("infomax-0", "rotation", slant_correlation=0.9)
    change("infomax-0", "width", width_correlation=0.9)
    change("gan-0", "information", share_at_end=0.05)
    change("gan-0", "purity", mean=0.4)
    text = written()
    assert "falls short" not in text and "*does not hold* for 0" in text


def section(text: str, title: str) -> str:
    return text.split(f"# {title}\n", 1)[1].split("\n#", 1)[0]


def test_claims_rest_on_the_yardstick_and_on_the_cost(project):
    text = written()
    assert "`yardstick.gap_c1` 0.005 (≤ 0.02)<br>`yardstick.gap_c1` 0.005 (≥ −0.05)" in row(text, "**tight**")
    assert "`cost.ratio` 1.032 (≤ 1.05)" in row(text, "**free-cost**") and "**holds**" in row(text, "**free-cost**")
    assert "beside: `yardstick.share_c1` 0.997" in row(text, "**mi-gan**")
    change("infogan-0", "yardstick", gap_c1=0.06)
    assert row(written(), "**tight**").endswith("**holds partly** |")
    cost = section(text, "What does Q cost?")
    assert "took 1.032 times as long" in cost and "1.010 and 1.050" in cost and "on abacus, device cpu, 2 threads" in cost


def test_the_yardstick_of_every_objective_is_in_its_table(project):
    change("gan-0", "yardstick", lower_bound_c1=0.234, share_c1=0.1018, gap_c1=-0.125)
    text = section(written(), "One yardstick for mutual information")
    assert row(text, "c1 ") == "| c1 | 2.295 (0.004) | 0.234 (0.004) | 2.295 (0.004) |"
    assert row(text, "c3, discretised") == "| c3, discretised | 1.310 (0.004) | 1.310 (0.004) | 1.310 (0.004) |"
    assert row(text, "gap") == "| gap: the yardstick's bound less that L_I | 0.005 | −0.125 | 0.005 |"
    assert "carry at least 0.102 of H(c1); its own Q reads 0.990" in text


def test_representations_of_every_run_stand_beside_the_references(project):
    lines = section(written(), "What the representations are worth to the downstream task").splitlines()
    table = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines if line.startswith("| ")]
    assert table[0][2:] == [
        "error, 10 labels a digit", "error, 100 labels a digit", "error, all labels", "k-means error", "k-means NMI"
    ]  # fmt: skip
    assert [cells[0] for cells in table if cells[0]] == ["infogan-0", "gan-0", "infomax-0", "references"]
    assert len(table) == 1 + 3 * 4 + 3
    assert table[1] == ["infogan-0", "posterior of c1", "0.310", "0.210", "0.110", "0.410", "0.510"]
    assert table[-1] == ["", "D's trunk before training", "0.310", "0.210", "0.110", "0.470", "0.510"]
    leak = section(written(), "What the code leaks about the label")
    assert row(leak, "I(argmax c1; digit)") == "| I(argmax c1; digit), nats | 1.610 | 1.610 | 1.610 |"


def test_infomax_is_answered_by_the_numbers_of_both_objectives(project):
    title = "Does InfoMax replicate InfoGAN's MNIST results?"
    change("infomax-0", "rotation", slant_correlation=0.85)
    change("infomax-0", "purity", digits_reached=9)
    change("infogan-0", "purity", mean=0.7)
    text = section(written(), title)
    assert text.strip().startswith("Partly,")
    assert "of its 5 conditions the runs of `infomax` meet 4, those of `infogan` meet 2." in text
    assert row(text, "`purity.mean`") == "| `purity.mean` (≥ 0.8) | 0.950 | met | 0.700 | not met |"
    assert row(text, "parameters of the head").endswith("| 133,262 |")
    change("infomax-0", "width", width_correlation=0.9)
    assert section(written(), title).strip().startswith("Yes,")
    change("infomax-0", "yardstick", share_c1=0.5)
    assert section(written(), title).strip().startswith("No,")


def test_an_estimate_that_is_not_in_nats_is_not_compared(project):
    yaml = YAML()
    content = yaml.load(project / "params.yaml")
    content["train"]["infomax_estimator"] = "jensen_shannon"
    yaml.dump(content, project / "params.yaml")
    change("infomax-0", "yardstick", gap_c1=None, share_c1=0.9876)
    text = written()
    assert "infomax: its own estimate is not in nats; 0.988 of H(c1) at the end, by the yardstick" in text
    assert row(text, "L_I of c1 that the run itself came to").endswith("| 2.290 | 2.290 | not in nats |")
    assert row(text, "gap") == "| gap: the yardstick's bound less that L_I | 0.005 | 0.005 | none |"


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
    assert tables == sum(line.startswith("|---") for line in lines) > 13


def test_without_an_objective_its_claims_are_not_measured(project):
    set_params(project, objectives=["infogan"])
    text = written()
    assert "**not measured**" in row(text, "**mi-gan**") and "params.yaml asks for no run of gan" in text
    assert "figure2-infomax.png" not in text and "Does InfoMax replicate" not in text and "regular GAN's images" not in text


@pytest.mark.parametrize(
    ("path", "content", "said"),
    [
        ("metrics/gan-0/evaluation.json", "{}", "mi-gan needs 'information.share_at_end'"),
        ("metrics/gan-0/evaluation.json", None, "metrics/gan-0/evaluation.json"),
        ("metrics/gan-0/evaluation.json", '{"purity": {"mean": NaN}}', "NaN"),
        ("metrics/gan-0/evaluation.json", '{"purity": ', "metrics/gan-0/evaluation.json"),
        ("metrics/infogan-0/environment.json", None, "environment.json"),
        ("metrics/judge.json", "{}", "test_accuracy"),
        ("metrics/cost.json", "{}", "free-cost needs 'cost.ratio'"),
        ("metrics/gan-0/yardstick.json", "{}", "mi-gan needs 'yardstick.share_c1'"),
        ("metrics/gan-0/representation.json", None, "metrics/gan-0/representation.json"),
        ("metrics/references.json", '{"noise": {}}', "noise"),
        ("metrics/cost.json", None, "metrics/cost.json"),
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
