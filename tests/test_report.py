"""The reports from made-up metrics, with the repository's own parameters, claims, studies and templates."""

import re
import shutil
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest
from conftest import ROOT
from ruamel.yaml import YAML

from replicate import compare, report
from replicate.base import stage
from replicate.base.stage import BadInput
from replicate.findings import claims, comparisons, results
from replicate.reporting import wording

SCORES = {"probe_error_10": 0.31, "probe_error_100": 0.21, "probe_error_all": 0.11, "kmeans_error": 0.41}
OF_RUN = results.flatten(
    {
        "classification": {"error_one_to_one": 0.1234},
        "yardstick": {"share_c1": 0.9967, "own_bound_c1": 2.29, "gap_c1": 0.005, "gap_standard_error_c1": 0.001},
        "representation": dict.fromkeys(("posterior_c1", "head_outputs", "head_hidden", "trunk"), SCORES),
        "pull": {"adversarial": 0.41, "c1": 0.07, "continuous": 0.93},
        "speed": {"distance_at_end": 0.12},
        "neighbours": {"agreement": 0.8},
        "environment": {
            "torch": "2.0+cpu",
            "device": "cpu",
            "threads": 2,
            "processor": "abacus",
            "instructions": "beads",
        },
    }
)
# What the stage compare adds, and what measures of studies' runs STUDIES.md shows besides.
OF_STUDY = results.flatten(
    {
        "representation": {"code": {"information_share": 0.8}}
        | {layer: SCORES | {"error_slant": 0.3, "error_thickness": 0.4} for layer in ("head_hidden", "trunk")},
        "classification": {"homogeneity": 0.81, "completeness": 0.82, "ami_ceiling": 1.0},
        "purity": {"one_to_one": 0.85},
        "sharing": {
            "pairs": 1,
            "which": "4-9",
            "styles": "slant:0.95",
            "error_without": 0.045,
            "error_by_style": 0.06,
        },
        "milestones": {"error_rise_at_end": -0.01},
        "kmeans": {"ami": 0.52, "information_share": 0.53},
    }
)
OF_NO_RUN = results.flatten(
    {
        "judge": {"test_accuracy": 0.9912},
        "baselines": dict.fromkeys(("pixels", "pca_128", "untrained_trunk"), SCORES | {"kmeans_error": 0.47}),
        "cost": {"ratio": 1.0321, "quartiles": [1.01, 1.05], "pairs": 40, "processor": "abacus", "threads": 2},
    }
)
EVERY = {"claims", "figure1", "codes", "samples", "milestones"}
# What the stage figures draws of these variants, the teaser left out, which is for the README.
FIGURES = {
    ("infogan", "gan", "infomax"): {*EVERY, "figure2", "figure2-infomax", "confusion"},
    ("infogan",): {*EVERY, "figure2", "confusion"},
    ("gan",): EVERY,
}


@cache
def needed() -> dict[str, float]:
    """A value of every metric that some claim needs."""
    return {metric: 0.5 for claim in claims.load(ROOT / "claims.yaml").claims.values() for _, metric in claim.metrics()}


WITHOUT = [
    f"sharing.{key}" for key in ("pairs", "which", "styles", "error_without", "error_by_style")
]  # no values of the regular GAN


class Project:
    """A folder with the repository's own texts and parameters, and made-up metrics of every run."""

    def __init__(self, variants: tuple[str, ...] = ("infogan", "gan", "infomax"), seeds: tuple[int, ...] = (0,)):
        for name in ("params.yaml", "claims.yaml", "README.md", "METHODS.md", "studies/studies.yaml"):
            Path(name).parent.mkdir(exist_ok=True)
            shutil.copy(ROOT / name, name)
        self.change_params(runs={"variants": list(variants), "seeds": list(seeds)})
        self.runs = {(variant, seed): needed() | OF_RUN for variant in variants for seed in seeds}
        self.of_studies: dict[tuple[str, int], dict] = {}
        choices = "neighbours", "medoid", "consensus", "checked", "splits"
        self.without_labels: dict[str, dict | None] = dict.fromkeys(choices)
        self.of_no_run = dict(OF_NO_RUN)

    def change_params(self, **groups) -> None:
        yaml = YAML()
        content = yaml.load(Path("params.yaml"))
        content.update(groups)
        yaml.dump(content, Path("params.yaml"))

    def study(self, errors: list[float], **changes) -> None:
        """Let the study of seeds have a run of InfoGAN of each error, and of the regular GAN."""
        for seed, error in enumerate(errors):
            common = needed() | OF_RUN | OF_STUDY | changes
            self.of_studies["infogan", seed] = common | {report.ERROR: error}
            self.of_studies["gan", seed] = common | {report.ERROR: 0.8, **dict.fromkeys(WITHOUT)}

    def written(self) -> str:
        rows = [row for run, metrics in self.runs.items() for row in results.rows(metrics, *run)]
        results.write("metrics/results.csv", rows + results.rows(self.of_no_run))
        rows = [row for run, metrics in self.of_studies.items() for row in results.rows(metrics, *run)]
        results.write("metrics/studies.csv", rows)
        measured, questions = results.collect(rows), claims.load().studies
        answers = {
            "seeds": compare.luck(measured, questions.seeds) | self.without_labels,
            "leak": compare.as_json(comparisons.leak(questions.leak, measured)),
            "infomax": [compare.as_json(each) for each in comparisons.infomax(questions.infomax, measured)],
            "choices": {},
        }
        stage.write_json("metrics/studies.json", answers)
        report.main()
        return Path("REPORT.md").read_text(encoding="utf-8").replace("\u00a0", " ")

    def studies(self) -> str:
        self.written()
        return Path("STUDIES.md").read_text(encoding="utf-8").replace("\u00a0", " ")

    def both(self) -> str:
        return self.written() + self.studies()


def flat(text: str) -> str:
    """Prose without its line breaks."""
    return " ".join(text.split())


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
    text = project.both()
    verdict, statement, published, here, control = row(text, "classification")
    assert verdict == "**does not hold**"
    assert "§7.2" in statement and published == "5 % error"
    assert "classification error 0.12 (≤ 0.055, ≤ control − 0.3) ✗" in here
    assert control == "0.75"


def test_better_numbers_turn_a_verdict_and_the_same_numbers_give_the_same_bytes(project):
    assert project.written() == project.written()
    project.runs["gan", 0]["classification.error_one_to_one"] = 0.75
    project.runs["infogan", 0]["classification.error_one_to_one"] = 0.04
    text = project.both()
    assert row(text, "classification")[0] == "**holds**"
    assert "✗" not in row(text, "classification")[3]


def test_the_summary_counts_the_verdicts(project):
    text = project.both()
    counted = {name: claim for name, claim in claims.load().claims.items() if not claim.same_as}
    verdicts = [row(text, name)[0].strip("*").split(",")[0] for name in counted]
    summary = next(line for line in text.splitlines() if line.startswith("Of ")).partition(" Trainings:")[0]
    assert summary.startswith(f"Of {len(verdicts)} claims")
    for verdict in set(verdicts):
        n = verdicts.count(verdict)
        assert re.search(rf"\b{n} {wording.VERBS[verdict][n != 1]}(,|\.| and)", summary)
    assert "undecided" not in summary


def test_the_readme_begins_with_the_answer_and_keeps_the_rest(project):
    rest = Path("README.md").read_text(encoding="utf-8").partition(report.MARKERS[1])[2]
    project.runs["infogan", 0]["classification.error_one_to_one"] = 0.2345
    project.written()
    _, answer, kept = re.split("<!-- /?answer -->", Path("README.md").read_text(encoding="utf-8"))
    assert kept == rest
    assert "5 %; here it is 23.4 % in one training." in answer and "One training decides little" in answer
    asked = claims.load().claims
    assert row(answer, asked["classification"].brief)[1:] == ["5 % error", "23 %, **does not hold**"]
    assert len([line for line in answer.splitlines() if line.startswith("| ")]) == 7
    for name in ("mi-infogan", "one-kind"):
        said = {claims.HOLDS: "What holds: ", claims.PARTLY: "Partly: ", claims.FAILS: "What does not: "}
        verdict = row(Path("STUDIES.md").read_text(encoding="utf-8"), name)[0].strip("*").split(" (")[0]
        assert asked[name].brief in next(line for line in answer.splitlines() if line.startswith(said[verdict]))


def test_a_readme_without_its_markers_is_left_alone(project):
    Path("README.md").write_text("mine")
    with pytest.raises(BadInput, match="README.md: expected <!-- answer -->"):
        project.written()
    assert Path("README.md").read_text() == "mine" and not Path("REPORT.md").exists()


def test_a_readme_that_is_no_text_is_named(project):
    Path("README.md").write_bytes(b"\xff")
    with pytest.raises(BadInput, match="README.md cannot be read: .*decode byte 0xff"):
        project.written()


def test_a_claim_that_the_answer_lacks_is_named(project):
    content = Path("claims.yaml").read_text(encoding="utf-8")
    Path("claims.yaml").write_text(content.replace("  fig2d:\n", "  figure2d:\n"), encoding="utf-8")
    with pytest.raises(BadInput, match="claims.yaml: expected the claims of README's answer, got none of fig2d"):
        project.written()


def test_the_committed_report_is_short():
    assert len((ROOT / "REPORT.md").read_text(encoding="utf-8").split()) <= 1800


def test_the_committed_readme_has_the_answer_of_the_committed_results(monkeypatch):
    monkeypatch.chdir(ROOT)
    text = Path("README.md").read_text(encoding="utf-8")
    answer = report.render("answer.md.j2", report.gather())
    assert report.between_markers(text, answer) == text


def test_the_record_of_the_machine_is_no_mean_over_seeds(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = Project(seeds=(0, 1)).both()
    assert "classification error 0.12 and 0.12 (" in row(text, "classification")[3]
    assert row(text, "free-cost")[0] == "**holds**"
    assert "time of a step, over one without Q 1.03 (≤ 1.05)" in row(text, "free-cost")[3]


def test_a_metric_without_a_value_reads_as_such(project):
    project.runs["infogan", 0]["classification.error_one_to_one"] = None
    text = project.both()
    assert "classification error none (" in row(text, "classification")[3]
    assert not re.search(r"\bNone\b|\bnan\b|Undefined", text)


def test_several_seeds_give_the_mean_and_its_interval(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    project = Project(seeds=(0, 1, 2))
    for seed, error in enumerate((0.03, 0.05, 0.07)):
        project.runs["infogan", seed]["classification.error_one_to_one"] = error
        project.runs["gan", seed]["classification.error_one_to_one"] = 0.8
    project.runs["infogan", 1]["information.share_at_end"] = None
    text = project.both()
    assert "classification error 0.050 [0.000, 0.100] (" in row(text, "classification")[3]
    assert row(text, "classification")[0] == "**holds (2 of 3, borderline)**"
    assert "none in 1 of 3 runs" in row(text, "mi-infogan")[3]
    assert "decides little" not in text
    figures = [link for link in links(text) if link.startswith("figures/")]
    assert len(figures) == len(set(figures))


def test_a_missing_number_that_a_claim_needs_is_an_error(project):
    del project.runs["gan", 0]["yardstick.share_c1"]
    with pytest.raises(BadInput, match="mi-gan needs 'yardstick.share_c1'"):
        project.written()


def test_of_several_seeds_the_one_whose_neighbours_agree_most_is_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    project = Project(("infogan", "gan"), (0, 4))
    project.runs["infogan", 4] |= {report.AGREEMENT: 0.9, report.ERROR: 0.07}
    assert "Of the 2 trainings, infogan-4 has the highest" in project.written()
    assert "needs no label. Its error is 7.0 %." in project.written()


def test_a_run_that_was_not_measured_is_bad_input(project):
    del project.runs["infomax", 0]
    with pytest.raises(BadInput, match="metrics/results.csv.*infomax-0"):
        project.written()


def test_other_conventions_of_the_error_stand_beside_it(project):
    project.runs["infogan", 0] |= {
        "classification.error_batch_statistics": 0.142,
        "classification.error_majority": 0.137,
    }
    line = flat(project.written()).split("By other conventions")[1]
    assert "14.2 % with batchnorm's statistics of each test batch" in line and "13.7 % with each category" in line


def test_infomax_stands_beside_infogan(project):
    project.runs["infogan", 0] |= {"pull.continuous": 0.031, "purity.mean": 0.91}
    text = flat(project.written()).split("## Does an InfoMax")[1].split("##")[0]
    assert "0.93 (0.031)" in text and "50.0 % (91.0 %)" in text


def test_the_report_of_all_studies_is_short(project):
    project.study([0.04 + 0.01 * seed for seed in range(10)])
    variants = ("infomax", "k5", "k20", "five", "five_k5", "infogan_c1", "infonce_c1", "jensen_shannon_c1")
    for seed in range(10):
        project.of_studies["infogan", seed]["sharing.which"] = f"{seed % 4}-9 3-5 {seed % 3}-8"
        jitter = {metric: value + seed / 1000 for metric, value in needed().items()}
        for variant in variants:
            project.of_studies[variant, seed] = project.of_studies["infogan", seed] | jitter
    assert len(project.written().split()) <= 1800


def test_studies_give_the_verdicts_and_the_answer(project):
    project.study([0.03, 0.05, 0.07])
    text = project.both()
    assert row(text, "classification")[0] == "**holds (2 of 3, borderline)**"
    assert "classification error 0.050 [0.000, 0.100] (" in row(text, "classification")[3]
    text = flat(text)
    assert "here it is 5.0 [0.0, 10.0] % on average over 3 trainings, and at most 5.5 % in 2 of them." in text
    assert "Trainings: 3 of InfoGAN, 3 of the regular GAN and 1 of InfoMax." in text
    assert "Digits share a category in 3 of 3 trainings (most often 4–9 in 3)." in text
    assert "is 4.5 [4.5, 4.5] %" in text


def test_the_pipeline_s_run_is_placed_among_those_of_the_study(project):
    project.study([0.10, 0.11, 0.12])
    project.runs["infogan", 0][report.ERROR] = 0.2
    project.runs["gan", 0][report.ERROR] = 0.8
    assert "Outside: classification error (infogan-0)." in project.written()
    text = project.studies()
    rows = [line for line in text.splitlines() if line.startswith("| infogan-0 | classification error |")]
    assert len(rows) == 1 and "| 0.200 | [0.060, 0.160] | **outside** |" in rows[0]  # 0.11 ± 4.303 · 0.01 · √(4/3)
    assert "| infogan-0 | images of the category's digit | 0.500 | [0.500, 0.500] | within |" in text
    assert "| infomax-0 |" not in text
    project.of_studies.clear()
    project.study([0.1, 0.2])
    assert "too few runs" in project.written()


def test_the_study_of_seeds_says_what_its_runs_were(project):
    project.study([0.05, 0.11, 0.12, 0.2, 0.3, 0.4])
    project.of_studies["infogan", 0] |= {"sharing.pairs": 0, "sharing.which": ""}
    project.of_studies["infogan", 2]["sharing.which"] = "3-5 4-9"
    chosen = {"neighbours": {"seed": 0, "error": 0.05, "correlation": -1.0}, "medoid": {"seed": 3, "error": 0.2}}
    project.without_labels |= chosen | {"consensus": {"error": 0.07}}
    text, written = project.studies(), flat(project.written())
    assert "5 %; here it is 19.7 [5.8, 33.5] % on average over 6 trainings, and at most 5.5 % in 1 of them." in written
    assert "a choice that needs no label, is seed 3; its error is 20.0 %." in written
    assert "11 of 30 trainings are made" in text  # more of each are planned
    assert "from 5.0 % to 40.0 %" in text and "in 1 of 6 trainings. Of many trainings that would be 3 % to 56 %" in text
    # 5 of the 6 choices have the 0.05, the other 0.11.
    assert row(text, "the best of 5")[1:] == ["yes", "5", "1", "6.0 %"]
    assert row(text, "the training that agrees most")[1:] == ["no", "6", "1", "20.0 %"]
    assert row(text, "the consensus of all")[4] == "7.0 %"
    assert "to the end, it changes by −1.0 [−1.0, −1.0] %" in text
    assert row(text, "0")[:4] == ["0", "5.0 %", "4.5 %", "none"]
    assert row(text, "2")[3] == "3–5, 4–9"
    assert "Digits share a category in 5 of 6 trainings (most often 4–9 in 5 and 3–5 in 1)." in flat(text)
    assert "Not answered" in text and "0 of 20" in text
    assert row(text, "hidden layer, 100 labels")[1:] == ["21.0 [21.0, 21.0] %"] * 2


def test_studies_of_k_and_of_estimators_answer(project):
    project.study([0.1, 0.11, 0.12])
    amis = {"k5": 0.6, "k20": 0.7, "five": 0.7, "five_k5": 0.95, "infogan_c1": 0.8, "infonce_c1": 0.8}
    for variant, ami in amis.items():
        for seed in range(3):
            jitter = (seed - 1) / 1000
            project.of_studies[variant, seed] = project.of_studies["infogan", seed] | {
                "classification.ami": ami + jitter, "purity.one_to_one": ami + 2 * jitter
            }  # fmt: skip
    for seed in range(3):
        project.of_studies["infogan", seed]["classification.ami"] = 0.85
    text = project.studies()
    assert row(text, "leak")[0] == "**holds partly**"
    assert "(p after Holm's correction: A 0.000, B 1.00 and C 0.000" in text
    assert "| InfoGAN less K = 5 | 3 | 0.250 [0.248, 0.252] | 0.250 [0.248, 0.252] |" in text
    assert (
        "| InfoNCE for c1 less InfoGAN for c1 | 3 | 0.000 [0.000, 0.000] | 0.000 [−0.005, 0.005] | non-inferior |"
        in text
    )
    assert "| Jensen–Shannon for c1 less InfoGAN for c1 | – | – | – | – |" in text


def test_the_studies_say_what_their_trainings_ran_on(project):
    project.study([0.10, 0.11, 0.12])
    project.of_studies["infogan", 1] |= {"environment.device": "an abacus of 128 rods", "environment.torch": "2.1.0"}
    text = project.studies()
    assert row(text, "abacus with beads and 2 threads") == [
        "abacus with beads and 2 threads", "2.0+cpu", "5", "infogan 0, 2; gan 0, 1, 2"
    ]  # fmt: skip
    assert row(text, "an abacus of 128 rods")[1:] == ["2.1.0", "1", "infogan 1"]


def test_without_runs_of_these_settings_the_studies_say_so(project):
    text = project.studies()
    assert "| machine |" not in text
    assert "No training of InfoGAN" in text and "figures/" not in text


def test_every_metric_of_a_claim_is_explained():
    lines = [line.split("|") for line in (ROOT / "METHODS.md").read_text(encoding="utf-8").splitlines()]
    words = {
        metric: line[2]
        for line in lines
        if len(line) == 5
        for metric in re.findall(r"`([a-z_]+\.[a-z0-9_.]+)`", line[1])
    }
    asked = {metric for claim in claims.load(ROOT / "claims.yaml").claims.values() for _, metric in claim.metrics()}
    assert asked <= set(words)
    assert all(said in words[metric] for metric, said in wording.METRICS.items())


def links(text: str) -> list[str]:
    """The targets of all images, and of the links to files."""
    return [target for target in re.findall(r"\]\(([^)]+)\)", text) if not target.startswith(("http", "#"))]


@pytest.mark.parametrize("variants", FIGURES)
def test_every_file_that_is_linked_is_there_and_every_figure_is_linked(variants, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    project = Project(variants)
    files = {link.partition("#")[0] for link in links(project.written())}
    assert files == {"claims.yaml", "METHODS.md", "STUDIES.md"} | {f"figures/{name}.png" for name in FIGURES[variants]}
    project.study([0.1, 0.2])
    project.of_studies["k5", 0] = project.of_studies["infogan", 0]
    files = {link.partition("#")[0] for link in links(project.studies())}
    drawn = {f"figures/{name}.png" for name in ("ways", "studies-error", "studies-k")}
    assert {name for name in files if name.startswith("figures")} == drawn
    assert all((ROOT / name).exists() for name in files)
    for text in (Path("REPORT.md").read_text(), Path("STUDIES.md").read_text()):
        assert all((ROOT / name).exists() for name in re.findall(r"`((?:replicate|studies|metrics)/[a-z_./]+)`", text))


def test_every_anchor_is_a_heading(project):
    text = project.written() + (ROOT / "README.md").read_text(encoding="utf-8")
    for name in ("STUDIES.md", "METHODS.md"):
        headings = [
            re.sub(r"[^\w\- ]", "", line.lstrip("# ").lower()).replace(" ", "-")
            for line in Path(name).read_text(encoding="utf-8").splitlines()
            if line.startswith("#")
        ]
        anchors = re.findall(rf"\]\({name}#([^)]+)\)", text)
        assert anchors and set(anchors) <= set(headings)


def both(project: Project) -> list[list[str]]:
    """The lines of both texts, of a project whose study has runs."""
    project.study([0.1, 0.11, 0.12])
    return [project.written().splitlines(), project.studies().splitlines()]


def test_tables_stand_apart_and_have_as_many_cells_in_every_row(project):
    for lines, expected in zip(both(project), (0, 12)):
        tables = 0
        for before, above, line, below in zip(lines, lines[1:], lines[2:], lines[3:]):
            pipes = [len(re.findall(r"(?<!\\)\|", text)) for text in (above, line, below)]
            if line.startswith(("|---", "|--:")):
                tables += 1
                assert before == "" and pipes[0] == pipes[1] == pipes[2], above
            elif line.startswith("|") and above.startswith("|"):
                assert pipes[0] == pipes[1], line
        assert tables == expected


def test_paragraphs_lists_and_figures_stand_apart(project):
    for lines in both(project):
        for above, line in pairwise(lines):
            if line.startswith(("![", "#")):
                assert above == "", line
            if line.startswith("- ") and above:
                assert above.startswith(("- ", "  ")), line


def test_a_missing_number_that_no_claim_needs_is_an_error(project):
    del project.runs["infogan", 0]["representation.head_hidden.probe_error_100"]
    with pytest.raises(BadInput, match=re.escape("representation.head_hidden.probe_error_100")):
        project.written()
    assert not Path("REPORT.md").exists()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "none"),
        (10, "10"),
        (1.0, "1.00"),
        (-0.2258, "−0.23"),
        (-0.0001, "0.000"),
        (333.3333, "333.3"),
        ("c2", "c2"),
    ],
)
def test_numbers(value, text):
    assert wording.number(value) == text


def test_an_interval_has_as_many_decimals_as_it_is_narrow_and_no_line_break():
    assert wording.estimate(0.5, -0.25, 1.25) == "0.50 [−0.25,\u00a01.25]"
    assert wording.estimate(0.9966, 0.9957, 0.9975) == "0.997 [0.996,\u00a00.998]"


def test_words():
    assert wording.listed([]) == "" and wording.listed(["a"]) == "a" and wording.listed(["a", "b", "c"]) == "a, b and c"
    assert [wording.count(n, "run") for n in (0, 1, 2)] == ["no run", "1 run", "2 runs"]
    assert wording.percent(-0.1234) == "−12.3 %"
