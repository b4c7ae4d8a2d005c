"""The reports from made-up metrics, with the repository's own parameters, claims, studies and templates."""

import re
from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest
from conftest import ROOT, claimed, copy_texts

from replicate import compare, report
from replicate.base import stage
from replicate.base.stage import BadInput
from replicate.findings import claims, comparisons, results
from replicate.reporting import wording

ERROR = report.ERROR
SCORES = {"probe_error_10": 0.31, "probe_error_100": 0.21, "probe_error_all": 0.11, "kmeans_error": 0.41}
ENVIRONMENT = {"torch": "2.0+cpu", "device": "cpu", "threads": 2, "processor": "abacus", "instructions": "beads"}
OF_RUN = results.flatten(
    {
        "classification": {"error_one_to_one": 0.1234},
        "yardstick": {"share_c1": 0.9967, "own_bound_c1": 2.29, "gap_c1": 0.005, "gap_standard_error_c1": 0.001},
        "representation": dict.fromkeys(("posterior_c1", "head_outputs", "head_hidden", "trunk"), SCORES),
        "pull": {"adversarial": 0.41, "c1": 0.07, "continuous": 0.93},
        "speed": {"distance_at_end": 0.12},
        "neighbours": {"agreement": 0.8},
        "environment": ENVIRONMENT,
    }
)
SHARING = {"pairs": 1, "which": "4-9", "styles": "slant:0.95", "error_without": 0.045, "error_by_style": 0.06}
# What the stage compare adds, and what measures of studies' runs STUDIES.md shows besides.
OF_STUDY = results.flatten(
    {
        "representation": {"code": {"information_share": 0.8}}
        | {layer: SCORES | {"error_slant": 0.3, "error_thickness": 0.4} for layer in ("head_hidden", "trunk")},
        "classification": {"homogeneity": 0.81, "completeness": 0.82, "ami_ceiling": 1.0},
        "purity": {"one_to_one": 0.85},
        "sharing": SHARING,
        "milestones": {"error_rise_at_end": -0.01},
        "rotation": {"against": "1:-0.62"},
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


class Project:
    """A folder with the repository's own texts and parameters, and made-up metrics of every run."""

    def __init__(self, variants: tuple[str, ...] = ("infogan", "gan", "infomax"), seeds: tuple[int, ...] = (0,)):
        copy_texts(variants, seeds)
        self.runs = {(variant, seed): claimed() | OF_RUN for variant in variants for seed in seeds}
        self.of_studies: dict[tuple[str, int], dict] = {}
        choices = "neighbours", "medoid", "consensus", "checked", "splits"
        self.without_labels: dict[str, dict | None] = dict.fromkeys(choices)

    def study(self, errors: list[float]) -> None:
        """Let the study of seeds have a run of InfoGAN of each error, and of the regular GAN, where sharing has no value."""
        without = results.flatten({"sharing": dict.fromkeys(SHARING)})
        for seed, error in enumerate(errors):
            common = claimed() | OF_RUN | OF_STUDY
            self.of_studies["infogan", seed] = common | {ERROR: error}
            self.of_studies["gan", seed] = common | without | {ERROR: 0.8}

    def written(self) -> tuple[str, str]:
        """REPORT.md and STUDIES.md, written anew."""
        rows = [row for run, metrics in self.runs.items() for row in results.rows(metrics, *run)]
        results.write("metrics/results.csv", rows + results.rows(OF_NO_RUN))
        rows = [row for run, metrics in self.of_studies.items() for row in results.rows(metrics, *run)]
        results.write("metrics/studies.csv", rows)
        measured, questions = results.collect(rows), claims.load().studies
        answers = {
            "seeds": compare.luck(measured, questions.seeds) | self.without_labels,
            "leak": compare.as_json(comparisons.leak(questions.leak, measured)),
            "infomax": [compare.as_json(each) for each in comparisons.infomax(questions.infomax, measured)],
            "selections": {},
            "failed": [],
        }
        stage.write_json("metrics/studies.json", answers)
        report.main()
        texts = (Path(name).read_text(encoding="utf-8") for name in ("REPORT.md", "STUDIES.md"))
        return tuple(text.replace("\u00a0", " ") for text in texts)


def flat(text: str) -> str:
    """Prose without its line breaks."""
    return " ".join(text.split())


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def project() -> Project:
    return Project()


def row(text: str, name: str) -> list[str]:
    """The cells of the row that begins with `name`, or has it in bold at the beginning of its second cell."""
    for line in text.splitlines():
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        if cells and (cells[0].startswith(name) or any(cell.startswith(f"**{name}**") for cell in cells[1:2])):
            return cells
    raise AssertionError(f"no row {name}")


def test_a_claim_stands_with_its_verdict_its_number_and_its_control(project):
    project.runs["gan", 0][ERROR] = 0.75
    verdict, statement, published, here, control = row(project.written()[1], "classification")
    assert (verdict, published, control) == ("**does not hold**", "5 % error", "0.75")
    assert "§7.2" in statement and "classification error 0.12 (≤ 0.055, ≤ control − 0.3) ✗" in here
    project.runs["infogan", 0][ERROR] = 0.04
    verdict, _, _, here, _ = row(project.written()[1], "classification")
    assert verdict == "**holds**" and "✗" not in here


def test_the_summary_counts_the_verdicts(project):
    text, studies = project.written()
    counted = [name for name, claim in claims.load().claims.items() if not claim.same_as]
    summary = re.search(r"^Of the paper's \d+ claims .*?\.", text, re.M)[0]
    of_sources = [[*map(int, re.findall(r"\d+", part))] for part in summary.split(";")]
    assert all(n == sum(of_each) for n, *of_each in of_sources)
    assert sum(n for n, *_ in of_sources) == len(counted)
    of_paper = [name for name in counted if claims.load().claims[name].where != wording.NOTE]
    for verdict, n in Counter(row(studies, name)[0].strip("*") for name in of_paper).items():
        assert f" {n} {wording.VERBS[verdict][n != 1]}" in summary.split(";")[0]


def test_the_readme_begins_with_the_answer_and_keeps_the_rest(project):
    project.runs["infogan", 0][ERROR] = 0.2345
    _, studies = project.written()
    before, answer, after = re.split("<!-- /?answer -->", Path("README.md").read_text(encoding="utf-8"))
    assert [before, after] == re.split("<!-- /?answer -->", (ROOT / "README.md").read_text(encoding="utf-8"))[::2]
    assert "23.4 % in one training." in answer and "One training decides little" in answer
    asked = claims.load().claims
    assert row(answer, asked["classification"].brief)[1:] == ["5 % error", "23 %, **does not hold**"]
    assert answer.count("\n| ") == 7
    begins = {claims.HOLDS: "What holds: ", claims.PARTLY: "Partly: ", claims.FAILS: "What does not: "}
    for name in ("mi-infogan", "one-kind"):
        said = begins[row(studies, name)[0].strip("*")]
        assert asked[name].brief in next(line for line in answer.splitlines() if line.startswith(said))


@pytest.mark.parametrize(("content", "said"), [(b"mine", "expected <!-- answer -->"), (b"\xff", "decode byte 0xff")])
def test_a_readme_without_a_place_for_the_answer_is_left_alone(project, content, said):
    Path("README.md").write_bytes(content)
    with pytest.raises(BadInput, match=f"README.md.*{said}"):
        project.written()
    assert Path("README.md").read_bytes() == content and not Path("REPORT.md").exists()


def test_a_claim_that_the_answer_lacks_is_named(project):
    content = Path("claims.yaml").read_text(encoding="utf-8")
    Path("claims.yaml").write_text(content.replace("fig2d", "figure2d"), encoding="utf-8")
    with pytest.raises(BadInput, match="claims.yaml: .* fig2d$"):
        project.written()


def test_the_committed_report_is_short():
    assert len((ROOT / "REPORT.md").read_text(encoding="utf-8").split()) <= 1800


def test_the_committed_readme_has_the_answer_of_the_committed_results(monkeypatch):
    monkeypatch.chdir(ROOT)
    text = Path("README.md").read_text(encoding="utf-8")
    answer = report.render("answer.md.j2", report.gather())
    assert report.between_markers(text, answer) == text


def test_a_metric_without_a_value_reads_as_such(project):
    project.runs["infogan", 0][ERROR] = None
    text, studies = project.written()
    assert "classification error none (" in row(studies, "classification")[3]
    assert not re.search(r"\bNone\b|\bnan\b|Undefined", text + studies)


def test_several_seeds_give_the_mean_and_its_interval_but_the_record_of_the_machine():
    project = Project(seeds=(0, 1, 2))
    for seed, error in enumerate((0.03, 0.05, 0.07)):
        project.runs["infogan", seed][ERROR] = error
        project.runs["gan", seed][ERROR] = 0.8
    project.runs["infogan", 1]["information.share_at_end"] = None
    text, studies = project.written()
    verdict, _, _, here, _ = row(studies, "classification")
    assert verdict == "**holds (2 of 3, borderline)**" and "classification error 0.050 [0.000, 0.100] (" in here
    assert "none in 1 of 3, 0.50 in the others" in row(studies, "mi-infogan")[3]
    assert row(studies, "free-cost")[0] == "**holds**" and " 1.03 (≤ 1.05)" in row(studies, "free-cost")[3]
    assert "decides little" not in text
    assert max(Counter(re.findall("figures/.*?png", text)).values()) == 1


def test_of_several_seeds_the_one_whose_neighbours_agree_most_is_named():
    project = Project(("infogan", "gan"), (0, 4))
    project.runs["infogan", 4] |= {report.AGREEMENT: 0.9, ERROR: 0.07}
    assert re.search(r"2 trainings, infogan-4 has the highest .* Its error is 7\.0 %\.", project.written()[0])


def test_what_was_not_measured_is_named_and_nothing_is_written(project):
    for run, metric in ("infogan", "representation.head_hidden.probe_error_100"), ("gan", "yardstick.share_c1"):
        del project.runs[run, 0][metric]
        with pytest.raises(BadInput, match=f"'{metric}'"):
            project.written()
    assert not Path("REPORT.md").exists()


def test_numbers_of_the_pipeline_stand_where_they_belong(project):
    of_conventions = {"error_batch_statistics": 0.142, "error_majority": 0.137}
    project.runs["infogan", 0] |= results.flatten({"classification": of_conventions})
    project.runs["infogan", 0] |= {"pull.continuous": 0.031, "purity.mean": 0.91}
    text = flat(project.written()[0])
    assert re.search(r"14\.2 % with batchnorm.* 13\.7 % with each category", text)
    assert "0.93 (0.031)" in text and "50.0 % (91.0 %)" in text  # of InfoMax, and in brackets of InfoGAN


def test_studies_give_the_verdicts_and_the_answer(project):
    project.study([0.03, 0.05, 0.07])
    text, studies = project.written()
    verdict, _, _, here, _ = row(studies, "classification")
    assert verdict == "**holds (2 of 3, borderline)**" and "classification error 0.050 [0.000, 0.100] (" in here
    text = flat(text)
    assert "5.0 [0.0, 10.0] % on average over 3 trainings, and at most 5.5 % in 2 of them." in text
    assert "3 of InfoGAN, 3 of the regular GAN and 1 of InfoMax" in text
    assert "in 3 of 3 trainings (most often 4–9 in 3)" in text and "is 4.5 [4.5, 4.5] %" in text


def test_the_pipeline_s_run_is_placed_among_those_of_the_study(project):
    project.study([0.9, 0.10, 0.11, 0.12])  # the first has the seed of the pipeline's, with which it is not compared
    project.runs["infogan", 0][ERROR], project.runs["gan", 0][ERROR] = 0.2, 0.8
    text, studies = project.written()
    assert "would lie outside; here it is 1: classification error (infogan-0)." in text
    assert studies.count("| infogan-0 | classification error |") == 1
    assert "| 0.200 | [0.060, 0.160] |" in studies  # 0.11 ± 4.303 · 0.01 · √(4/3)
    assert "| infogan-0 | images of the category's digit |" not in studies and "| infomax-0 |" not in studies
    project.of_studies.clear()
    project.study([0.1, 0.2])
    assert "too few runs" in project.written()[0]


def test_the_study_of_seeds_says_what_its_runs_were(project):
    project.study([0.05, 0.11, 0.12, 0.2, 0.3, 0.4])
    project.of_studies["infogan", 0] |= {"sharing.pairs": 0, "sharing.which": ""}
    project.of_studies["infogan", 2]["sharing.which"] = "3-5 4-9"
    chosen = {"neighbours": {"seed": 0, "error": 0.05, "correlation": -1.0}, "medoid": {"seed": 3, "error": 0.2}}
    project.without_labels |= chosen | {"consensus": {"error": 0.07}}
    text, studies = project.written()
    assert "19.7 [5.8, 33.5] % on average over 6 trainings, and at most 5.5 % in 1 of them." in flat(text)
    assert "is seed 3; its error is 20.0 %." in flat(text)
    assert "11 of 30 trainings are made" in studies  # more of each are planned
    assert "from 5.0 % to 40.0 %" in studies and "in 1 of 6 trainings" in studies and " 3 % to 56 % " in studies
    # 5 of the 6 choices have the 0.05, the other 0.11.
    assert row(studies, "the best of 5")[1:] == ["yes", "5", "1", "6.0 %"]
    assert row(studies, "the training that agrees most")[1:] == ["no", "6", "1", "20.0 %"]
    assert row(studies, "the consensus of all")[4] == "7.0 %"
    assert "to the end, it changes by −1.0 [−1.0, −1.0] %" in studies
    assert row(studies, "0")[:4] == ["0", "5.0 %", "4.5 %", "none"] and row(studies, "2")[3] == "3–5, 4–9"
    assert "in 5 of 6 trainings (most often 4–9 in 5 and 3–5 in 1)" in flat(studies)
    assert "Not answered" in studies and "0 of 20" in studies
    assert row(studies, "hidden layer, 100 labels")[1:] == ["21.0 [21.0, 21.0] %"] * 2


def test_with_views_it_is_said_how_often_a_style_code_is_not_what_it_seems(project):
    project.study([0.2, 0.3])
    for seed, (thickness, against) in enumerate([(-2.0, "7:-0.10 7:-0.20"), (0.1, None)]):
        changed = {"width.thickness_change": thickness, "rotation.against": against}
        project.of_studies["views", seed] = project.of_studies["infogan", seed] | changed
    _, studies = project.written()
    assert "in 1 of 2 trainings with views, and in 0 of 2 of InfoGAN" in flat(studies)
    leaning = "against the others in 1 of 2 (always the 7), in InfoGAN in 2 of 2 (always the 1)"
    assert leaning in flat(studies)
    assert "further than the width in 1 of 2 trainings" in Path("README.md").read_text(encoding="utf-8")


def test_studies_of_k_and_of_estimators_answer(project):
    project.study([0.1, 0.11, 0.12])
    amis = {"k5": 0.6, "k20": 0.7, "five": 0.7, "five_k5": 0.95, "infogan_c1": 0.8, "infonce_c1": 0.8}
    for seed, jitter in enumerate((-0.001, 0, 0.001)):
        for variant, ami in amis.items():
            measured = {"classification.ami": ami + jitter, "purity.one_to_one": ami + 2 * jitter}
            project.of_studies[variant, seed] = project.of_studies["infogan", seed] | measured
        project.of_studies["infogan", seed]["classification.ami"] = 0.85
    _, studies = project.written()
    assert row(studies, "leak")[0] == "**holds partly**"
    assert "A 0.000, B 1.00 and C 0.000" in studies
    assert "| InfoGAN less K = 5 | 3 | 0.250 [0.248, 0.252] | 0.250 [0.248, 0.252] |" in studies
    differences = ["3", "0.000 [0.000, 0.000]", "0.000 [−0.005, 0.005]", "non-inferior"]
    assert row(studies, "InfoNCE for c1 less InfoGAN for c1")[1:] == differences
    assert row(studies, "Jensen–Shannon for c1 less InfoGAN for c1")[1:] == ["–"] * 4


def test_each_claim_is_judged_for_infomax_too(project):
    project.study([0.04, 0.05])
    for seed in (0, 1):
        changed = {"classification.error_one_to_one": 0.2 + 0.2 * seed}
        project.of_studies["infomax_pull", seed] = project.of_studies["infogan", seed] | changed
    report, studies = project.written()
    of_critic = studies[studies.index("judged for the critic") :]
    assert row(of_critic, "c1 errs by 5 %")[1:] == ["holds (2 of 2, borderline)", "does not hold (0 of 2, borderline)"]
    said = "c1 errs by 20.0 and 40.0 % (2 trainings): that it then does what Q does is open for c1, and open for c2 and c3."
    assert said in flat(report) and said in flat(Path("README.md").read_text(encoding="utf-8"))


def test_the_studies_say_what_their_trainings_ran_on(project):
    project.study([0.10, 0.11, 0.12])
    project.of_studies["infogan", 1] |= {"environment.device": "an abacus of 128 rods", "environment.torch": "2.1.0"}
    _, studies = project.written()
    assert row(studies, "abacus with beads and 2 threads")[1:] == ["2.0+cpu", "5", "infogan 0, 2; gan 0, 1, 2"]
    assert row(studies, "an abacus of 128 rods")[1:] == ["2.1.0", "1", "infogan 1"]


def test_without_runs_of_these_settings_the_studies_say_so(project):
    _, studies = project.written()
    assert "No training of InfoGAN" in studies
    assert "| machine |" not in studies and "figures/" not in studies


def test_every_metric_of_a_claim_is_explained():
    rows = [line.split("|") for line in (ROOT / "METHODS.md").read_text(encoding="utf-8").splitlines()]
    tables = [(cells[1], cells[2]) for cells in rows if len(cells) == 5]
    words = {metric: said for names, said in tables for metric in re.findall(r"`([a-z_]+\.[a-z0-9_.]+)`", names)}
    assert claimed().keys() <= words.keys()
    assert all(said in words[metric] for metric, said in wording.METRICS.items())


def links(text: str) -> set[str]:
    """The files that a text links to or shows."""
    return {name for name in re.findall(r"\]\(([^)#]+)", text) if not name.startswith("http")}


@pytest.mark.parametrize("variants", FIGURES)
def test_every_file_that_is_linked_is_there_and_every_figure_is_linked(variants):
    project = Project(variants)
    of_pipeline = {f"figures/{name}.png" for name in FIGURES[variants]}
    assert links(project.written()[0]) == {"claims.yaml", "METHODS.md", "STUDIES.md"} | of_pipeline
    project.study([0.1, 0.2])
    project.of_studies["k5", 0] = project.of_studies["infogan", 0]
    text, studies = project.written()
    of_studies = {f"figures/{name}.png" for name in ("ways", "studies-error", "studies-k")}
    assert {name for name in links(studies) if name.startswith("figures")} == of_studies
    named = re.findall(r"`((?:replicate|studies|metrics)/[a-z_./]+)`", text + studies)
    assert all((ROOT / name).exists() for name in [*links(studies), *named])


def test_every_anchor_is_a_heading(project):
    text = project.written()[0] + (ROOT / "README.md").read_text(encoding="utf-8")
    for name in ("STUDIES.md", "METHODS.md"):
        headings = re.findall("^#+ (.*)", Path(name).read_text(encoding="utf-8"), re.M)
        known = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
        anchors = re.findall(rf"\]\({name}#([^)]+)\)", text)
        assert anchors and set(anchors) <= known


def test_tables_paragraphs_lists_and_figures_stand_apart_and_rows_have_as_many_cells(project):
    project.study([0.1, 0.11, 0.12])
    for text in project.written():
        for above, line in pairwise(text.splitlines()):
            if above.startswith("|") and line.startswith("|"):
                cells, more_cells = (len(re.findall(r"(?<!\\)\|", each)) for each in (above, line))
                assert cells == more_cells, line
            elif above.startswith("|") or line.startswith(("|", "![", "#")):
                assert "" in (above, line), line
            elif line.startswith("- ") and above:
                assert above.startswith(("- ", "  ")), line


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
    assert wording.spread(claims.measure("m", [{"m": 0.1}, {"m": 0.2}])) == "0.10 and 0.20"  # without one


def test_words():
    assert [wording.listed([*parts]) for parts in ("", "a", "abc")] == ["", "a", "a, b and c"]
    assert [wording.count(n, "run") for n in (0, 1, 2)] == ["no run", "1 run", "2 runs"]
    assert wording.percent(-0.1234) == "−12.3 %"
