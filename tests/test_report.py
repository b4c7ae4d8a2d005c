"""The texts: numbers by name, requirements that name their line, and studies that no run of the pipeline moves."""

import json
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import ROOT

from replicate import report
from replicate.analysis import table
from replicate.analysis.statistics import welch
from replicate.base.stage import BadInput
from replicate.reporting.numbers import Numbers, estimate, require, write

TEMPLATES = [*report.TEXTS, "readme.md.j2"]
OF_PIPELINE = "pipeline.md.j2"  # the one text that moves with the pipeline's runs


@pytest.fixture(scope="module")
def texts() -> dict[str, str]:
    """Every text of the repository, over the runs that are in git."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        context = report.context()
        return {name: report.render(name, context) for name in TEMPLATES}


def edit(path: Path, change: Callable[[dict], None]) -> None:
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def test_every_text_of_the_repository_is_rendered(texts):
    for name, text in texts.items():
        assert text.strip() and "{{" not in text and "{%" not in text and not re.search(r"\bnan\b", text), name
    assert "| test error of c1 (published: 5 %) |" in texts["readme.md.j2"]


def test_seeds_that_a_hypothesis_was_found_on_are_in_no_number_with_those_that_test_it(texts, monkeypatch):
    monkeypatch.chdir(ROOT)
    context, label = report.context(), "| λ = 0.3 for c1, "
    runs = {"exploratory seeds": 3, "test seeds": context["n"]("lambda_03") - 3}
    rows = [line.removeprefix(label) for line in texts["appendix.md.j2"].splitlines() if line.startswith(label)]
    rows = {tuple(row.split(" | ")[:2]) for row in rows if "seeds" in row}
    assert rows == {(name, str(n)) for name, n in runs.items()}
    seeds, values = range(3, 10), context["values"]
    p = welch(values("lambda_03", "error", seeds), values("infogan", "error")).p
    assert p <= context["ablations"]["lambda_03"] <= 14 * p


def test_the_pipelines_own_runs_move_no_text_but_theirs(texts, tmp_path, monkeypatch):
    for name in ("params.yaml", "variants.yaml", "metrics.yaml", "claims.yaml", "studies"):
        os.symlink(ROOT / name, tmp_path / name)
    shutil.copytree(ROOT / "metrics", tmp_path / "metrics")
    monkeypatch.chdir(tmp_path)
    edit(Path("metrics/runs/infogan-0/classification.json"), lambda of: of.update(error_one_to_one=0.7654))
    edit(Path("metrics/runs/gan-0/codes.json"), lambda of: of["consistency"].update(mean=None))
    edit(Path("metrics/runs/views-0/codes.json"), lambda of: of.pop("disentanglement"))
    context = report.context()
    assert {name for name in TEMPLATES if report.render(name, context) != texts[name]} == {OF_PIPELINE}
    before, after = (text.splitlines() for text in (texts[OF_PIPELINE], report.render(OF_PIPELINE, context)))
    assert len(before) == len(after)
    moved = [line for line, other in zip(after, before) if line != other]
    assert [line.split(" | ")[0] for line in moved] == ["| infogan-0", "| gan-0", "| views-0"]
    assert moved[0].split(" | ")[1] == "76.5 % *" and moved[1].split(" | ")[3] == "none"
    assert moved[2].split(" | ")[6] == "– |"


def test_a_template_that_asks_in_vain_is_named_with_its_line(tmp_path, monkeypatch):
    monkeypatch.setattr(report, "TEMPLATES", tmp_path)
    numbers = Numbers(table.Table(None), {"gan": None}, {}, None, {}, {})
    for line, said in (
        ("{{ require(count('gann', 'error') == 0) }}", "KeyError: 'gann'"),
        ("{{ require(number < 0.5) }}", "TemplateRuntimeError: the results no longer say this"),
        ("{{ values['eror'] }}", "UndefinedError: .*eror"),
        ("{{ require(none < 0.5) }}", "TypeError: .*NoneType"),
    ):
        (tmp_path / "text.md.j2").write_text(f"{{{{ require(number > 0.5) }}}}\nfirst\n{line}\nlast\n")
        with pytest.raises(BadInput, match=rf"^text\.md\.j2:3: {said}"):
            report.render("text.md.j2", {"require": require, "number": 0.75, "values": {}, "count": numbers.count})


def test_readme_is_written_between_its_marks_alone():
    first, last = report.MARKERS
    assert report.between_markers(f"a\n{first}\nold\n{last}\nb\n", "new\n") == f"a\n{first}\nnew\n{last}\nb\n"
    for broken in (first, last + first, first + first + last):
        with pytest.raises(BadInput, match="once each"):
            report.between_markers(broken, "")


def test_fewer_than_five_runs_are_listed_and_five_have_an_interval(monkeypatch):
    values = {"four": [0.1, 0.2, 0.3, 0.4], "five": [0.1, 0.2, 0.3, 0.4, 0.5], "missing": [0.1, 0.2, None, 0.4, 0.5]}
    assert estimate(values["four"], "%") == "10.0, 20.0, 30.0, 40.0 %"
    assert estimate(values["five"], "%") == "30.0 [10.4,\u00a049.6] %"  # ± 2.776 · 0.1581 / √5
    assert estimate(values["missing"], "%") == "none in 1 of 5"
    assert estimate(values["missing"][:3], "") == "0.10, 0.20, none"
    assert estimate([], "%") == "–"
    error = table.Metric.model_validate({"from": "a.b", "label": "error", "unit": "%", "definition": "d"})
    number = Numbers(table.Table(None), {}, {"error": error}, None, {}, dict.fromkeys(("four", "five"), 0.0123))
    monkeypatch.setattr(number, "values", lambda variant, metric, seeds=None: values[variant])
    monkeypatch.setattr(number, "n", lambda variant, seeds: len(values[variant]))
    assert (number.p_value("four"), number.p_value("five"), number.p_value("other")) == ("–", "p = 0.012", "–")
    assert number.difference("four", "five", "error") == "–"
    assert number.difference("five", "five", "error") == "0.0 [−23.1,\u00a023.1] points"
    assert number.difference("missing", "five", "error") == "–"


def test_k_nn_consistency_is_looked_at_in_runs_with_a_low_error_and_in_others(monkeypatch):
    runs = {"error": [0.02, 0.05, 0.04, 0.2, 0.06], "knn_consistency": [0.92, 0.90, 0.91, 0.80, 0.95]}
    number = Numbers(table.Table(None), {}, {}, None, {}, {})
    monkeypatch.setattr(number, "values", lambda variant, metric, seeds: runs[metric][seeds])
    two = {"a": slice(0, 2), "b": slice(2, 5)}
    assert number.neighbours_agree(two, 0.91, 0.05) == ([True, False, True], [False, True])


def test_numbers_are_written_with_their_unit():
    assert (write(0.18765, "%"), write(-0.0004, "%"), write(None, "%")) == ("18.8 %", "0.0 %", "none")
    assert (write(-1.5, "nats"), write(0.0123, ""), write(7, "")) == ("−1.50 nats", "0.012", "7")
