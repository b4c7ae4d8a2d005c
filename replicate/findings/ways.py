"""Ways to a lower classification error, each with the errors that it leads to and its price in trainings."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from replicate.findings.claims import Claims
from replicate.findings.comparisons import SEEDS
from replicate.findings.results import Results

MAJORITY = "classification.error_majority"
KINDS = PAPER, HERE, NOTE, CHOICE, VIEWS = (
    "the paper and its code",
    "this replication",
    "the note's InfoMax",
    "a choice among trainings",
    "views",
)
# Variants that are ways by themselves: in words, and whose they are.
VARIANTS = {
    "as_printed": ("as Table 1 prints the layers", PAPER),
    "described": ("as the paper describes Q", PAPER),
    "minimax": ("the paper's loss of G, minimax", PAPER),
    "official": ("with the slope of the released code", PAPER),
    "infogan": ("InfoGAN, as trained here", HERE),
    "infogan_c1": ("no pull of c2 and c3", HERE),
    "lambda_01": ("λ = 0.1 for c1", HERE),
    "lambda_03": ("λ = 0.3 for c1", HERE),
    "lambda_05": ("λ = 0.5 for c1", HERE),
    "long": ("five times as many iterations", HERE),
    "infomax": ("InfoMax in place of Q", NOTE),
    "infomax_pull": ("InfoMax that pulls about as Q does", NOTE),
    "infonce_c1": ("InfoMax of c1 alone", NOTE),
    "jensen_shannon_c1": ("InfoMax of c1 alone, Jensen–Shannon", NOTE),
    "infomax_views": ("InfoMax, each code read from its view", VIEWS),
    "views_shear": ("c1 read from sheared and stretched images", VIEWS),
    "views_c1": ("c1 read from its view", VIEWS),
    "views_double": ("each code read from its view, twice the amounts", VIEWS),
    "views": ("each code read from its view", VIEWS),
}


class Way(NamedTuple):
    """A way to an error, as a share of the test images."""

    name: str
    kind: str
    with_labels: bool  # whether it uses labels beyond naming the categories in the end
    price: int  # trainings that it takes
    errors: list[float]  # of each training that goes this way, or of what is chosen among all


def to_a_lower_error(answers: Mapping[str, Any], asked: Claims, measured: Results) -> list[Way]:
    """The ways that there are trainings of, kind by kind; `answers` are metrics/studies.json.

    A choice without labels that was found on some trainings stands once for all of them, once for those that test it.
    """
    answer, question = answers[SEEDS], asked.studies.seeds
    tests = {
        hypothesis.selection: (len(hypothesis.of.seeds), answers["selections"][name])
        for name, hypothesis in asked.hypotheses.items()
        if name in answers["selections"]
    }

    def errors(variant: str, metric: str = question.metric) -> list[float]:
        return [run[metric] for run in measured.of(variant)]

    def choice(key: str, name: str) -> Way:
        return Way(name, CHOICE, False, answer["runs"], [answer[key]["error"]] if answer.get(key) else [])

    def tested(selection: str) -> Way:
        price, error = tests.get(selection, (0, None))
        name = f"the same, of {price} trainings that nobody had seen"
        return Way(name, CHOICE, False, price, [] if error is None else [error])

    best = answer.get("best")
    found = [
        *(Way(name, kind, False, 1, errors(variant)) for variant, (name, kind) in VARIANTS.items()),
        Way("20 categories, several for a digit", HERE, True, 1, errors("k20", MAJORITY)),
        Way("40 categories, several for a digit", HERE, True, 1, errors("k40", MAJORITY)),
        Way(
            f"the best of {question.best_of}, on average",
            CHOICE,
            True,
            question.best_of,
            [] if best is None else [best],
        ),
        choice("medoid", "the training that agrees most with the others"),
        choice("consensus", "the consensus of all"),
        choice("neighbours", "the training whose neighbours agree most"),
        tested("chosen"),
        choice("checked", "the consensus whose neighbours agree most"),
        tested("consensus"),
    ]
    return sorted((way for way in found if way.errors), key=lambda way: KINDS.index(way.kind))
