from conftest import ROOT

from replicate.findings import claims, ways
from replicate.findings.results import Results


def test_ways_have_the_errors_of_their_trainings_and_what_they_take():
    asked = claims.load(ROOT / "claims.yaml")
    question = asked.studies.seeds
    runs = {
        "infogan": {0: {question.metric: 0.2}, 1: {question.metric: 0.1}},
        "views": {0: {question.metric: 0.02}},
        "k20": {0: {question.metric: None, ways.MAJORITY: 0.08}},
    }
    answer = {
        "runs": 2,
        "best": None,
        "medoid": {"seed": 0, "error": 0.2},
        "checked": {"error": 0.03},
        "consensus": None,
    }
    found = ways.to_a_lower_error({"seeds": answer, "selections": {"neighbours-choose": 0.3}}, asked, Results(runs, {}))
    assert [(way.kind, way.with_labels, way.price, way.errors) for way in found] == [
        (ways.HERE, False, 1, [0.2, 0.1]),
        (ways.HERE, True, 1, [0.08]),
        (ways.CHOICE, False, 2, [0.2]),
        (ways.CHOICE, False, 10, [0.3]),
        (ways.CHOICE, False, 2, [0.03]),
        (ways.VIEWS, False, 1, [0.02]),
    ]
