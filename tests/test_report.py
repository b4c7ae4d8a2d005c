"""The report from made-up metrics, with the repository's own params.yaml, claims.yaml and template."""

import re
import shutil
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest
from conftest import ROOT
from ruamel.yaml import YAML

from replicate import claims, report, results, stage, tables
from replicate.run import Run
from replicate.stage import BadInput

SCORES = {"probe_error_10": 0.31, "probe_error_100": 0.21, "probe_error_all": 0.11, "kmeans_error": 0.41}
OF_CODES = {f"lower_bound_{code}": bound for code, bound in (("c1", 2.295), ("c2", 1.21), ("c3", 1.31))}
OF_RUN = results.flatten(
    {
        "classification": {"error_one_to_one": 0.1234},
        "yardstick": OF_CODES | {"standard_error_c1": 0.0042, "share_c1": 0.9967, "own_bound_c1": 2.29, "gap_c1": 0.005,
                                 "gap_standard_error_c1": 0.001},
        "representation": dict.fromkeys(("posterior_c1", "head_outputs", "head_hidden", "trunk"), SCORES),
        "pull": {"adversarial": 0.41, "c1": 0.07, "continuous": 0.93},
    }
)  # fmt: skip
OF_NO_RUN = results.flatten(
    {
        "judge": {"test_accuracy": 0.9912},
        "baselines": dict.fromkeys(("pixels", "pca_128", "untrained_trunk"), SCORES | {"kmeans_error": 0.47}),
        "cost": {"ratio": 1.0321, "quartiles": [1.01, 1.05], "pairs": 40, "processor": "abacus", "threads": 2},
    }
)
RECORD = {"torch": "2.0", "threads": 2, "processor": "abacus", "instructions": "beads"}
EVERY = {"figure1", "codes", "samples", "milestones"}
# What the stage figures draws of these variants, the teaser left out, which is for the README.
FIGURES = {
    ("infogan", "gan", "infomax"): {*EVERY, "figure2", "figure2-infomax", "confusion"},
    ("infogan",): {*EVERY, "figure2", "confusion"},
    ("gan",): EVERY,
}


@cache
def needed() -> dict[str, float]:
    """A value of every metric that some claim needs."""
    return {metric: 0.5 for claim in claims.load(ROOT / "claims.yaml").values() for _, metric in claim.metrics()}


class Project:
    """A folder with the repository's own texts and parameters, and made-up metrics of every run."""

    def __init__(self, variants: tuple[str, ...] = ("infogan", "gan", "infomax"), seeds: tuple[int, ...] = (0,)):
        for name in ("params.yaml", "claims.yaml", "README.md", "METHODS.md"):
            shutil.copy(ROOT / name, ".")
        self.change_params(runs={"variants": list(variants), "seeds": list(seeds)})
        self.runs = {(variant, seed): needed() | OF_RUN for variant in variants for seed in seeds}
        self.of_no_run = dict(OF_NO_RUN)
        for variant, seed in self.runs:
            run = Run(variant, seed, None)
            stage.write_json(run.json("environment"), RECORD)
            tables.write(run.csv("milestones"), [self.milestone(1000, 0.2, 4.0), self.milestone(5000, 0.1234, 2.0)])
            self.confuse(run, {(4, 9): 800, (9, 4): 300, (3, 5): 100, (5, 8): 34})

    def milestone(self, iteration: int, error: float | None, frechet: float) -> dict:
        return {"iteration": iteration, "share_c1": 0.99, "error": error, "frechet": frechet}

    def confuse(self, run: Run, errors: dict[tuple[int, int], int]) -> None:
        """Write a confusion table of 900 right images a digit, and these errors by digit and by what c1 says."""
        rows = [{"digit": d} | {str(g): 900 * (d == g) + errors.get((d, g), 0) for g in range(10)} for d in range(10)]
        tables.write(run.csv("confusion"), rows)

    def change_params(self, **groups) -> None:
        yaml = YAML()
        content = yaml.load(Path("params.yaml"))
        content.update(groups)
        yaml.dump(content, Path("params.yaml"))

    def written(self) -> str:
        rows = [row for run, metrics in self.runs.items() for row in results.rows(metrics, *run)]
        results.write("metrics/results.csv", rows + results.rows(self.of_no_run))
        report.main()
        return Path("REPORT.md").read_text(encoding="utf-8")


@pytest.fixture
def project(tmp_path, monkeypatch) -> Project:
    monkeypatch.chdir(tmp_path)
    return Project()


def row(text: str, name: str) -> list[str]:
    """The cells of the row that begins with `name`, or has it in bold at the beginning of its second cell."""
    for line in text.splitlines():
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        if cells and (cells[0].startswith(name) or any(cell.startswith(f"**{name}**") for cell in cells[1:2])):
            return cells
    raise AssertionError(f"no row {name}")


def test_a_claim_stands_with_its_verdict_its_number_and_its_control(project):
    project.runs["gan", 0]["classification.error_one_to_one"] = 0.75
    text = project.written()
    verdict, statement, published, here, control = row(text, "error")
    assert verdict == "**does not hold, in 0 of 1**"
    assert "§7.2" in statement and published == "5 % error"
    assert "`classification.error_one_to_one` 0.123 (≤ 0.055, ≤ control − 0.3) ✗" in here
    assert control == "0.750"


def test_better_numbers_turn_a_verdict_and_the_same_numbers_give_the_same_bytes(project):
    assert project.written() == project.written()
    project.runs["gan", 0]["classification.error_one_to_one"] = 0.75
    project.runs["infogan", 0]["classification.error_one_to_one"] = 0.04
    text = project.written()
    assert row(text, "error")[0] == "**holds, in 1 of 1**"
    assert "✗" not in row(text, "error")[3]


def test_the_summary_counts_the_verdicts(project):
    text = project.written()
    verdicts = [row(text, name)[0].strip("*").split(",")[0] for name in claims.load()]
    summary = next(line for line in text.splitlines() if line.startswith("Of "))
    assert summary.startswith(f"Of {len(verdicts)} claims")
    plural = dict(zip(claims.VERDICTS, ("hold", "hold partly", "do not hold", "are not measured")))
    singular = dict(zip(claims.VERDICTS, ("holds", "holds partly", "does not hold", "is not measured")))
    for verdict in claims.VERDICTS:
        n = verdicts.count(verdict)
        assert re.search(rf"\b{n} {(singular if n == 1 else plural)[verdict]}[,.]", summary)


def test_the_readme_begins_with_the_answer_and_keeps_the_rest(project):
    rest = Path("README.md").read_text(encoding="utf-8").partition(report.MARKERS[1])[2]
    project.runs["infogan", 0]["classification.error_one_to_one"] = 0.2345
    project.written()
    _, answer, kept = re.split("<!-- /?answer -->", Path("README.md").read_text(encoding="utf-8"))
    assert kept == rest
    assert "5 %; here it is 23.4 % in one training." in answer
    cells = row(answer, claims.load()["error"].statement)
    assert cells[1:] == ["5 % error", "error 23.4 %", "**does not hold**"]
    assert len([line for line in answer.splitlines() if line.startswith("| ")]) <= 9


def test_a_readme_without_its_markers_is_left_alone(project):
    Path("README.md").write_text("mine")
    with pytest.raises(BadInput, match="README.md: expected <!-- answer -->"):
        project.written()
    assert Path("README.md").read_text() == "mine" and not Path("REPORT.md").exists()


def test_the_committed_readme_has_the_answer_of_the_committed_results(monkeypatch):
    monkeypatch.chdir(ROOT)
    text = Path("README.md").read_text(encoding="utf-8")
    answer = report.render("answer.md.j2", report.gather()["answer"])
    assert report.between_markers(text, answer) == text


def test_the_record_of_the_machine_is_no_mean_over_seeds(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = Project(seeds=(0, 1)).written()
    assert "`classification.error_one_to_one` 0.123 [0.123, 0.123]" in row(text, "error")[3]
    assert row(text, "free-cost")[0] == "**holds**"
    assert "`cost.ratio` 1.032 (≤ 1.05)" in row(text, "free-cost")[3]


def test_numbers_of_the_other_tables(project):
    project.runs["gan", 0] |= {"yardstick.lower_bound_c1": 0.234, "yardstick.gap_c1": -0.125}
    text = project.written()
    assert row(text, "c1, at least") == ["c1, at least", "2.295", "0.234", "2.295"]
    assert row(text, "λ L_I of c2 and c3")[1:] == ["0.930", "0.930", "0.930"]
    assert row(text, "gap: ")[1:] == ["0.005", "−0.125", "0.005"]
    assert row(text, "infogan-0, hidden layer of the head")[1:] == ["0.310", "0.210", "0.110", "0.410"]
    assert row(text, "pixels")[1:] == ["0.310", "0.210", "0.110", "0.470"]
    assert "0.991" in text and "1.032" in text
    assert "abacus with beads and 2 threads (infogan-0)" in text


def test_errors_are_named_by_their_largest_confusions(project):
    text = project.written()
    (line,) = [line for line in text.splitlines() if line.startswith("- **infogan-0**") and "read as" in line]
    assert "1234 images" in line and "0.123" in line
    assert re.findall(r"(\d) read as (\d) \((\d+) images\)", line) == [
        ("4", "9", "800"), ("9", "4", "300"), ("3", "5", "100")
    ]  # fmt: skip
    assert "97 %" in line  # 1200 of 1234
    assert "**gan-0**" not in text.split("## Why is the error")[1].split("##")[0].split("Milestones")[0]


def test_a_run_without_errors_names_no_confusion(project):
    project.confuse(Run("infogan", 0, None), {(4, 9): 2})
    project.confuse(Run("infomax", 0, None), {})
    text = project.written()
    lines = [line for line in text.splitlines() if re.match(r"- \*\*info\w+-0\*\*", line) and "test split" in line]
    assert re.findall(r"\d read as \d \(\d+ images\)", lines[0]) == ["4 read as 9 (2 images)"]
    assert "read as" not in lines[1]


def test_the_error_at_the_last_two_milestones(project):
    line = next(line for line in project.written().splitlines() if "at iteration 1000" in line)
    assert "infogan-0" in line and "0.200" in line and "0.123" in line and "5000" in line


def test_a_metric_without_a_value_reads_as_such(project):
    project.runs["infogan", 0]["classification.error_one_to_one"] = None
    text = project.written()
    assert "`classification.error_one_to_one` none (" in row(text, "error")[3]
    assert not re.search(r"\bNone\b|\bnan\b|Undefined", text)


def test_several_seeds_give_the_mean_and_its_interval(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    project = Project(seeds=(0, 1, 2))
    for seed, error in enumerate((0.03, 0.05, 0.07)):
        project.runs["infogan", seed]["classification.error_one_to_one"] = error
        project.runs["gan", seed]["classification.error_one_to_one"] = 0.8
    project.runs["infogan", 1]["information.share_at_end"] = None
    text = project.written()
    assert "`classification.error_one_to_one` 0.050 [0.000, 0.100] (" in row(text, "error")[3]
    assert row(text, "error")[0] == "**holds, in 2 of 3, not decided**"
    assert "none in 1 of 3 runs" in row(text, "mi-infogan")[3]
    assert "single training" not in text
    figures = [link for link in links(text) if link.startswith("figures/")]
    assert len(figures) == len(set(figures))


def links(text: str) -> list[str]:
    """The targets of all images, and of the links to files."""
    return [target for target in re.findall(r"\]\(([^)]+)\)", text) if not target.startswith(("http", "#"))]


@pytest.mark.parametrize("variants", FIGURES)
def test_every_file_that_is_linked_is_there_and_every_figure_is_linked(variants, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = Project(variants).written()
    assert set(links(text)) == {"claims.yaml", "METHODS.md"} | {f"figures/{name}.png" for name in FIGURES[variants]}
    assert all((ROOT / name).exists() for name in re.findall(r"`(replicate/[\w.]+)`", text))


def test_every_anchor_is_a_heading(project):
    text = project.written()
    headings = [re.sub(r"[^\w\- ]", "", line.lstrip("# ").lower()).replace(" ", "-") for line in text.splitlines()
                if line.startswith("#")]  # fmt: skip
    anchors = re.findall(r"\]\(#([^)]+)\)", text)
    assert anchors and set(anchors) <= set(headings)


def test_tables_stand_apart_and_have_as_many_cells_in_every_row(project):
    lines = project.written().splitlines()
    tables = 0
    for before, above, line, below in zip(lines, lines[1:], lines[2:], lines[3:]):
        pipes = [len(re.findall(r"(?<!\\)\|", text)) for text in (above, line, below)]
        if line.startswith("|---"):
            tables += 1
            assert before == "" and pipes[0] == pipes[1] == pipes[2], above
        elif line.startswith("|") and above.startswith("|"):
            assert pipes[0] == pipes[1], line
    assert tables == 4


def test_paragraphs_lists_and_figures_stand_apart(project):
    lines = project.written().splitlines()
    for above, line in pairwise(lines):
        if line.startswith(("![", "#", "**Each verdict")):
            assert above == "", line
        if line.startswith("- ") and above:
            assert above.startswith(("- ", "  ")), line


@pytest.mark.parametrize("missing", ["yardstick.lower_bound_c2", "representation.trunk.probe_error_10"])
def test_a_missing_number_that_no_claim_needs_is_an_error(project, missing):
    del project.runs["gan", 0][missing]
    with pytest.raises(BadInput, match=re.escape(missing)):
        project.written()
    assert not Path("REPORT.md").exists()


def test_a_missing_number_that_a_claim_needs_is_an_error(project):
    del project.runs["gan", 0]["yardstick.share_c1"]
    with pytest.raises(BadInput, match="mi-gan needs 'yardstick.share_c1'"):
        project.written()


@pytest.mark.parametrize(
    "path", ["metrics/environment/gan-0.json", "metrics/confusion/infogan-0.csv", "metrics/milestones/gan-0.csv"]
)
def test_missing_files_are_named_and_leave_no_report(project, path):
    Path(path).unlink()
    with pytest.raises(BadInput, match=path):
        project.written()
    assert not Path("REPORT.md").exists()


def test_a_run_that_was_not_measured_is_bad_input(project):
    del project.runs["infomax", 0]
    with pytest.raises(BadInput, match="metrics/results.csv.*infomax-0"):
        project.written()


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "none"), (10, "10"), (1.0, "1.000"), (-0.2258, "−0.226"), (333.3333, "333.3"), ("c2", "c2")],
)
def test_numbers(value, text):
    assert report.number(value) == text
