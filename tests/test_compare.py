"""The stage on made-up results of runs: its table, and what it says of runs of InfoGAN together."""

import json
from pathlib import Path

import conftest
import numpy as np
import pytest
import torch
from conftest import ROOT

from replicate import compare
from replicate.base import mnist, tables
from replicate.base.stage import BadInput
from replicate.findings import claims, results
from replicate.gan.run import Run
from replicate.studies import plan

SEEDS = claims.questions(ROOT / "claims.yaml").seeds


@pytest.fixture
def folders(tmp_path, monkeypatch, params) -> dict[Path, Run]:
    """The results of three runs of InfoGAN, the second of which errs least, and one of the regular GAN."""
    monkeypatch.chdir(tmp_path)
    random = np.random.default_rng(0)
    digit, test_digit = random.integers(0, 10, 600), random.integers(0, 10, 200)
    monkeypatch.setattr(mnist, "training_images", lambda *_: (None, torch.from_numpy(digit)))
    monkeypatch.setattr(mnist, "test_images", lambda *_: (None, torch.from_numpy(test_digit)))
    made = {}
    for variant, seed, wrong in (("infogan", 0, 0.3), ("infogan", 1, 0.1), ("infogan", 2, 0.3), ("gan", 0, 0.9)):
        folder = Path("studies", "seeds", f"{variant}-{seed}")
        folder.mkdir(parents=True)
        made[folder] = Run(variant, seed, params.settings(variant))
        names = random.permutation(10)
        codes = {
            f"{split}_category": np.where(random.random(len(of)) < wrong, random.integers(0, 10, len(of)), names[of])
            for split, of in (("train", digit), ("test", test_digit))
        }
        np.savez(folder / "codes.npz", **codes)
        error = float(np.mean(codes["test_category"] != names[test_digit]))
        (folder / "evaluation.json").write_text(json.dumps({"classification": {"error_one_to_one": error}}))
        for kind in ("milestones", "yardstick", "representation", "environment"):
            (folder / f"{kind}.json").write_text(json.dumps({f"of_{kind}": seed}))
        errors = {100: None, 2000: 0.3, 5000: error if seed else None}
        tables.write(folder / "milestones.csv", [{"iteration": n, "error": error} for n, error in errors.items()])
        log = [{"iteration": 10 * i, "loss_discriminator": 1.4 if i < 18 else 0.5 + i % 2} for i in range(20)]
        tables.write(folder / "training.csv", log)
        counts = [
            {"digit": d} | {str(g): 80 * (d == g) + 20 * ((d, g) == (4, 9)) for g in range(10)} for d in range(10)
        ]
        tables.write(folder / "confusion.csv", counts)
    return made


def test_every_run_is_in_the_table_with_what_its_digits_share(folders):
    measured = results.collect(compare.gather({"seeds": folders}, SEEDS.shared))
    assert {variant: sorted(runs) for variant, runs in measured.runs.items()} == {"infogan": [0, 1, 2], "gan": [0]}
    run = measured.runs["infogan"][2]
    assert run["yardstick.of_yardstick"] == run["of_milestones"] == run["representation.of_representation"] == 2
    assert run["environment.of_environment"] == 2
    assert (run["sharing.pairs"], run["sharing.which"], run["sharing.error_without"]) == (1, "4-9", 0.0)
    assert run["milestones.error_rise_at_end"] == pytest.approx(run[SEEDS.metric] - 0.3)
    assert run["training.loss_discriminator"] == 1.0  # over the last two of twenty rows
    assert measured.runs["infogan"][0]["milestones.error_rise_at_end"] is None
    assert measured.runs["gan"][0]["sharing.which"] is None


def test_kmeans_stands_in_for_c1_with_as_many_clusters(folders, params, monkeypatch):
    """Images of bars, a place a digit: ten clusters know the digits, five know all that five can."""
    digit = torch.arange(400) % 10
    images = torch.zeros(400, 28, 28, dtype=torch.uint8)
    for image, d in zip(images, digit):
        image[4:24, 2 * d : 2 * d + 3] = 255
    images[:, 26:] = torch.randint(0, 20, (400, 2, 28), dtype=torch.uint8)
    for split in ("training_images", "test_images"):
        monkeypatch.setattr(mnist, split, lambda *_: (images, digit))
    ten, *_ = folders.values()
    five = Run("k5", 0, conftest.change(ten.settings, latent={"categories": 5}))
    measured = results.collect(compare.kmeans_controls([ten, five], params))
    assert measured.runs["infogan"][0]["kmeans.ami"] == pytest.approx(1)
    found = measured.runs["k5"][0]
    assert found["kmeans.information_share"] > 0.9 and found["kmeans.completeness"] > 0.9 > found["kmeans.homogeneity"]


def test_medoid_and_consensus_of_the_runs_of_infogan(folders, params):
    measured = results.collect(compare.gather({"seeds": folders}, SEEDS.shared))
    found = compare.without_labels(folders, measured, SEEDS, params)
    errors = [run[SEEDS.metric] for run in measured.of("infogan")]
    assert found["medoid"]["seed"] == 1 and found["medoid"]["error"] == errors[1] == min(errors)
    assert found["consensus"]["error"] < errors[1]
    alone = dict(list(folders.items())[1:])  # two of InfoGAN, one of the regular GAN
    assert compare.without_labels(alone, measured, SEEDS, params) == {"medoid": None, "consensus": None}


def test_luck_counts_the_runs_within_the_limit():
    runs = {
        seed: {SEEDS.metric: error, "sharing.pairs": seed % 2} for seed, error in enumerate((0.2, 0.055, 0.03, 0.3))
    }
    found = compare.luck(results.Results({"infogan": runs}, {}), SEEDS)
    assert (found["runs"], found["within"], found["least"], found["without_sharing"]) == (4, 2, 0.03, 2)
    assert found["best"] is None  # of five, where there are four
    assert 0.1 < found["share_low"] < 0.5 < found["share_high"] < 0.9
    assert compare.luck(results.Results({}, {}), SEEDS) == {"runs": 0}


def test_broken_evidence_is_named(folders, params):
    measured = results.collect(compare.gather({"seeds": folders}, SEEDS.shared))
    (next(iter(folders)) / "codes.npz").write_bytes(b"broken")
    with pytest.raises(BadInput, match=r"evidence of studies/seeds/infogan-0"):
        compare.without_labels(folders, measured, SEEDS, params)


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
