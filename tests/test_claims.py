"""Verdicts at and around thresholds, on the repository's own claims.yaml; and claims.yaml broken on purpose."""

import math
from pathlib import Path

import pytest

from replicate import claims
from replicate.claims import Claim, Condition
from replicate.stage import BadInput

COMMITTED = claims.load(Path(__file__).parent.parent / "claims.yaml")
MEASURED = [name for name, claim in COMMITTED.items() if claim.run]
PAPER = {"mi-infogan", "mi-gan", "fig2a", "fig2b", "fig2c", "fig2d", "error", "extrapolate", "natural", "tight",
         "free-cost", "free-speed"}  # fmt: skip
NOTE = {"infomax", "leak"}
GOOD = """
good:
  statement: It works
  where: §1
  published: by eye
  run: infogan
  holds:
  - {metric: a.b, at_least: 0.5}
"""


def at_limit(conditions: list[Condition]) -> dict[str, float]:
    """Metrics that lie on the limit of every condition, on the first where two limits enclose a metric."""
    metrics = {}
    for condition in conditions:
        if condition.at_most_metric:
            metrics |= {condition.metric: 100, condition.at_most_metric: 100}
        else:
            limit = condition.at_least if condition.at_most is None else condition.at_most
            metrics.setdefault(condition.metric, limit)
    return metrics


def miss(condition: Condition) -> float:
    """A value just beyond the limit."""
    if condition.at_most_metric:
        return 101
    if condition.at_least is not None:
        return math.nextafter(condition.at_least, -math.inf)
    return math.nextafter(condition.at_most, math.inf)


def verdict(claim: Claim, *runs: dict) -> str:
    beside = dict.fromkeys(claim.beside or [], 0.0)
    return claims.assess(claim, [beside | run for run in runs]).verdict


def test_every_claim_of_the_paper_and_of_the_note_is_there():
    assert set(COMMITTED) == PAPER | NOTE


@pytest.mark.parametrize("name", MEASURED)
def test_on_every_limit_a_claim_holds(name):
    assert verdict(COMMITTED[name], at_limit(COMMITTED[name].holds)) == claims.HOLDS


@pytest.mark.parametrize("name", MEASURED)
def test_just_beyond_any_limit_a_claim_does_not_hold(name):
    claim = COMMITTED[name]
    for condition in claim.holds:
        metrics = at_limit(claim.holds) | {condition.metric: miss(condition)}
        partly = claim.partly and all(claims.find(other, [metrics]).passed for other in claim.partly)
        assert verdict(claim, metrics) == (claims.PARTLY if partly else claims.FAILS)


@pytest.mark.parametrize("name", [name for name in MEASURED if COMMITTED[name].partly])
def test_partly_asks_for_no_more_than_holds_and_is_missed_beyond_its_limits(name):
    claim = COMMITTED[name]
    assert all(claims.find(condition, [at_limit(claim.holds)]).passed for condition in claim.partly)
    nothing = dict.fromkeys([condition.metric for condition in claim.holds], None)
    assert verdict(claim, nothing | at_limit(claim.partly)) == claims.PARTLY
    for condition in claim.partly:
        assert verdict(claim, nothing | at_limit(claim.partly) | {condition.metric: miss(condition)}) == claims.FAILS


@pytest.mark.parametrize(
    ("error", "expected"), [(0.055, "holds"), (0.0551, "holds partly"), (0.1, "holds partly"), (0.101, "does not hold")]
)
def test_error(error, expected):
    assert verdict(COMMITTED["error"], {"classification.error_one_to_one": error}) == expected


@pytest.mark.parametrize(
    ("information", "adversarial", "expected"),
    [(None, 100, claims.FAILS), (100, None, claims.HOLDS), (None, None, claims.FAILS)],
)
def test_what_never_converges_is_slower_than_what_does(information, adversarial, expected):
    metrics = {"convergence.iterations_information": information, "convergence.iterations_adversarial": adversarial}
    assert verdict(COMMITTED["free-speed"], metrics) == expected


def test_over_seeds_the_mean_decides_and_one_seed_without_a_value_fails():
    claim = COMMITTED["error"]
    runs = [{"classification.error_one_to_one": error} for error in (0.03, 0.05, 0.08)]
    assert verdict(claim, *runs) == claims.HOLDS
    assert verdict(claim, *runs, {"classification.error_one_to_one": None}) == claims.FAILS
    measured = claims.measure("classification.error_one_to_one", runs)
    assert measured.mean == pytest.approx(0.16 / 3) and measured.seeds == 3
    assert measured.spread == pytest.approx(0.0251661, abs=1e-6)  # sample standard deviation
    assert claims.measure("classification.error_one_to_one", runs[:1]).spread is None


def test_what_is_not_measured_says_why():
    assessment = claims.assess(COMMITTED["leak"], [])
    assert assessment.verdict == claims.NOT_MEASURED and assessment.reason == COMMITTED["leak"].not_measured
    assessment = claims.assess(COMMITTED["mi-gan"], [])
    assert assessment.verdict == claims.NOT_MEASURED and "no run of gan" in assessment.reason


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("  where: §1\n", "", ["good.where", "missing"]),
        ("where:", "were:", ["good.were", "unknown key"]),
        ("run: infogan", "run: wgan", ["good.run", "'wgan'", "'infogan'"]),
        ("at_least: 0.5", "at_least: high", ["good.holds.0.at_least", "'high'", "number"]),
        ("at_least: 0.5", "at_least: .nan", ["good.holds.0.at_least", "finite"]),
        ("at_least: 0.5", "atleast: 0.5", ["good.holds.0.atleast", "unknown key"]),
        (", at_least: 0.5", "", ["good.holds.0", "no limit", "at_most_metric"]),
        ("at_least: 0.5", "at_least: 0.5, at_most: 1", ["good.holds.0", "['at_least', 'at_most']"]),
        ("  run: infogan\n", "", ["good", "expected either run and holds"]),
        ("  run: infogan\n", "  run: infogan\n  not_measured: too long\n", ["good", "not_measured"]),
        ("  holds:\n  - {metric: a.b, at_least: 0.5}\n", "  holds: []\n", ["good.holds", "at least 1"]),
        ("statement: It works", "statement: 3", ["good.statement", "got 3", "string"]),
        (GOOD, "{}", ["the file", "at least 1"]),
        (GOOD, "good: [", ["cannot be read"]),
    ],
)
def test_broken_claims_are_refused_naming_the_key(tmp_path, old, new, said):
    path = tmp_path / "claims.yaml"
    path.write_text(GOOD)
    assert list(claims.load(path)) == ["good"]
    assert old in GOOD
    path.write_text(GOOD.replace(old, new))
    with pytest.raises(BadInput) as refusal:
        claims.load(path)
    for words in said:
        assert words in str(refusal.value)


def test_a_metric_that_does_not_exist_is_refused_naming_claim_metric_and_what_exists(tmp_path):
    path = tmp_path / "claims.yaml"
    path.write_text(GOOD)
    loaded = claims.load(path)
    assert claims.assess_all(loaded, {"infogan": [{"a.b": 0.6}]})["good"].verdict == claims.HOLDS
    with pytest.raises(BadInput, match=r"good needs 'a\.b'.*infogan.*a\.c, a\.d"):
        claims.assess_all(loaded, {"infogan": [{"a.d": 1, "a.c": 2}]})
    with pytest.raises(BadInput, match=r"good needs a number.*\[1, 2\]"):
        claims.assess_all(loaded, {"infogan": [{"a.b": [1, 2]}]})
