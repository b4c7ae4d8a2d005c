"""The stage on made-up results of runs: its table, and what it says of runs of InfoGAN together."""

import json
from pathlib import Path

import conftest
import numpy as np
import pytest
from conftest import ROOT

from replicate import compare
from replicate.base import tables
from replicate.base.stage import BadInput
from replicate.findings import claims, results
from replicate.findings.gathering import Digits
from replicate.gan.run import Run
from replicate.measures.morphometry import Morphometry
from replicate.studies import plan

ASKED = claims.load(ROOT / "claims.yaml")
SEEDS = ASKED.studies.seeds


DIGITS = tuple(range(10))
DISENTANGLEMENT = {"rotation_own": 3.0, "rotation_other": 1.0, "width_own": 2.0, "width_other": 1.0}


@pytest.fixture
def about() -> dict[tuple[int, ...], Digits]:
    """Images by their digit; neighbours have the same digit; slants are all there are of style."""
    random = np.random.default_rng(0)
    train_digit, test_digit = random.integers(0, 10, 600), random.integers(0, 10, 2000)
    nearest = np.stack([random.choice(np.flatnonzero(train_digit[:400] == d), 10) for d in train_digit[:400]])
    styles = Morphometry(*random.normal(size=(4, 2000)))
    return {DIGITS: Digits(None, train_digit, None, test_digit, nearest, styles)}


@pytest.fixture
def folders(tmp_path, monkeypatch, params, about) -> dict[Path, Run]:
    """The results of three runs of InfoGAN, the second of which errs least, and one of the regular GAN.

    Categories of the third divide 4 and 9 by slant, beside what is wrong at random.
    """
    monkeypatch.chdir(tmp_path)
    random = np.random.default_rng(0)
    _, digit, _, test_digit, _, styles = about[DIGITS]
    made = {}
    for variant, seed, wrong in (("infogan", 0, 0.3), ("infogan", 1, 0.2), ("infogan", 2, 0.02), ("gan", 0, 0.9)):
        folder = Path("studies", "seeds", f"{variant}-{seed}")
        folder.mkdir(parents=True)
        made[folder] = Run(variant, seed, params.settings(variant))
        names = random.permutation(10)
        given = digit, np.where(np.isin(test_digit, (4, 9)) & (seed == 2), np.where(styles.slant > 0, 4, 9), test_digit)
        codes = {
            f"{split}_category": np.where(random.random(len(of)) < wrong, random.integers(0, 10, len(of)), names[of])
            for split, of in zip(("train", "test"), given)
        }
        np.savez(folder / "codes.npz", **codes)
        error = float(np.mean(codes["test_category"] != names[test_digit]))
        evaluation = {"classification": {"error_one_to_one": error}, "disentanglement": DISENTANGLEMENT}
        evaluation |= {"rotation": {"code": "c2", "sign": 1}}
        (folder / "evaluation.json").write_text(json.dumps(evaluation))
        for kind in ("milestones", "yardstick", "representation", "environment"):
            (folder / f"{kind}.json").write_text(json.dumps({f"of_{kind}": seed}))
        errors = {100: None, 2000: 0.3, 5000: error if seed else None}
        tables.write(folder / "milestones.csv", [{"iteration": n, "error": error} for n, error in errors.items()])
        log = [{"iteration": 10 * i, "loss_discriminator": 1.4 if i < 18 else 0.5 + i % 2} for i in range(20)]
        tables.write(folder / "training.csv", log)
        slants = {(v, k): v * (k + 0.5 - seed) for v in (-1, 1) for k in range(10)}
        steps = [{"code": "c2", "value": v, "category": k, "slant": slant} for (v, k), slant in slants.items()]
        tables.write(folder / "traversal.csv", steps)
    return made


@pytest.fixture
def measured(folders, about, params) -> results.Results:
    return results.collect(compare.gather(folders, about, params, ASKED))


def test_every_run_is_in_the_table_with_what_was_measured_of_it(measured):
    assert {variant: sorted(runs) for variant, runs in measured.runs.items()} == {"infogan": [0, 1, 2], "gan": [0]}
    run = measured.runs["infogan"][2]
    assert run["yardstick.of_yardstick"] == run["of_milestones"] == run["representation.of_representation"] == 2
    assert run["environment.of_environment"] == 2
    assert run["milestones.error_rise_at_end"] == pytest.approx(run[SEEDS.metric] - 0.3)
    assert run["disentanglement.specificity_within_lowest"] == pytest.approx(
        2 / 3, abs=0.02
    )  # styles of digits are alike
    assert run["training.loss_discriminator"] == 1.0  # over the last two of twenty rows
    assert [len(each["rotation.against"].split()) for each in measured.of("infogan")] == [0, 1, 2]
    assert measured.runs["infogan"][0]["milestones.error_rise_at_end"] is None
    assert [run["neighbours.agreement"] for run in measured.of("infogan")] == pytest.approx([0.6, 0.7, 0.96], abs=0.04)


def test_a_pair_that_a_style_divides_is_named_with_its_part_of_the_error(measured):
    run = measured.runs["infogan"][2]
    assert (run["sharing.pairs"], run["sharing.which"]) == (1, "4-9") and run["sharing.styles"].startswith("slant:0.9")
    assert run["sharing.error_without"] < 0.03 < 0.08 < run["sharing.error_by_style"]
    assert run["sharing.error_by_style"] + run["sharing.error_without"] == pytest.approx(run[SEEDS.metric])
    unshared = measured.runs["infogan"][1]
    assert (unshared["sharing.which"], unshared["sharing.styles"], unshared["sharing.error_by_style"]) == ("", "", 0.0)
    assert measured.runs["gan"][0]["sharing.which"] is None


def test_kmeans_stands_in_for_c1_with_as_many_clusters(params):
    """Images of bars, a place a digit: ten clusters know the digits, five know all that five can."""
    digit = np.arange(400) % 10
    images = np.zeros((400, 28, 28), np.uint8)
    for image, d in zip(images, digit):
        image[4:24, 2 * d : 2 * d + 3] = 255
    images[:, 26:] = np.random.default_rng(0).integers(0, 20, (400, 2, 28))
    ten = Run("infogan", 0, params.settings("infogan"))
    five = Run("k5", 0, conftest.change(ten.settings, latent={"categories": 5}))
    about = {DIGITS: Digits(images, digit, images, digit, None, None)}
    measured = results.collect(compare.kmeans_controls([ten, five], about, params))
    assert measured.runs["infogan"][0]["kmeans.ami"] == pytest.approx(1)
    found = measured.runs["k5"][0]
    assert found["kmeans.information_share"] > 0.9 and found["kmeans.completeness"] > 0.9 > found["kmeans.homogeneity"]


def test_what_runs_of_infogan_say_together(folders, measured, about):
    of_infogan = {folder: this for folder, this in folders.items() if this.variant == "infogan"}
    found = compare.without_labels(of_infogan, measured, about[DIGITS], ASKED)
    errors = [run[SEEDS.metric] for run in measured.of("infogan")]
    assert found["neighbours"] == {"seed": 2, "error": errors[2], "correlation": pytest.approx(-1)}
    assert found["medoid"]["error"] == errors[found["medoid"]["seed"]]
    assert max(found["consensus"]["error"], found["checked"]["error"]) < sorted(errors)[1]
    by_style = sum(run["sharing.error_by_style"] for run in measured.of("infogan"))
    assert found["splits"] == pytest.approx(
        by_style / sum(errors[i] - run["sharing.error_without"] for i, run in enumerate(measured.of("infogan")))
    )
    alone = dict(list(of_infogan.items())[1:])
    assert set(compare.without_labels(alone, measured, about[DIGITS], ASKED).values()) == {None}


def test_hypotheses_on_choices_are_answered_when_all_their_runs_are_there(folders, measured, about):
    def asked(seeds: list[int]) -> claims.Claims:
        of = next(iter(ASKED.hypotheses.values())).of.model_copy(update={"variant": "infogan", "seeds": seeds})
        return ASKED.model_copy(
            update={"hypotheses": {name: each.model_copy(update={"of": of}) for name, each in ASKED.hypotheses.items()}}
        )

    found = compare.selections(folders, measured, about[DIGITS], asked([0, 1, 2]))
    assert found.keys() == {"neighbours-know", "neighbours-choose", "consensus-checked", "splits-by-style"}
    assert found["neighbours-know"] == pytest.approx(-1)
    assert found["neighbours-choose"] == measured.runs["infogan"][2][SEEDS.metric]
    assert compare.selections(folders, measured, about[DIGITS], asked([0, 1, 2, 3])) == {}


def test_luck_counts_the_runs_within_the_limit():
    runs = {
        seed: {SEEDS.metric: error, "sharing.pairs": seed % 2} for seed, error in enumerate((0.2, 0.055, 0.03, 0.3))
    }
    found = compare.luck(results.Results({"infogan": runs}, {}), SEEDS)
    assert (found["runs"], found["within"], found["without_sharing"]) == (4, 2, 2)
    assert found["best"] is None  # of five, where there are four
    assert 0.1 < found["share_low"] < 0.5 < found["share_high"] < 0.9
    assert compare.luck(results.Results({}, {}), SEEDS) == {"runs": 0}


def test_what_is_asked_of_no_variant_is_refused_before_any_computing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    conftest.copy_texts(["infogan"])
    text = Path("claims.yaml").read_text(encoding="utf-8")
    for key, old, new in (
        ("variant", "variant: gan_detached\n", "variant: wgan\n"),
        ("control", "control: gan\n", "control: wgan\n"),
        ("of.variant", "of: {variant: k40}", "of: {variant: wgan}"),
        ("difference.than", "than: infogan, at_most", "than: wgan, at_most"),
        ("choices.variants", "variants: [described,", "variants: [wgan,"),
    ):
        Path("claims.yaml").write_text(text.replace(old, new), encoding="utf-8")
        with pytest.raises(
            BadInput, match=rf"{key}: got 'wgan', expected a variant of params.yaml or studies.yaml: inf"
        ):
            compare.main()


def test_the_committed_table_holds_the_committed_runs(params, monkeypatch):
    monkeypatch.chdir(ROOT)
    made, failed = plan.made(params), plan.failed(params)
    measured = results.read("metrics/studies.csv")
    runs = {this.name for folders in made.values() for this in folders.values()}
    assert runs == {f"{variant}-{seed}" for variant, of_seed in measured.runs.items() for seed in of_seed}
    for study, folders in made.items():
        there = {path for path in Path("studies", study).glob("*") if path.is_dir()}
        assert there == {*folders, *(Path("studies", study, name) for name in failed[study])}, (
            "a folder of results is not current"
        )
