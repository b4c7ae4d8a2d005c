"""Bring runs from the layout studies/STUDY/RUN into studies/runs/RUN, with the field's names; can be run again.

    python studies/convert.py

Numbers are moved, never changed. What was derived from a run's predictions and kept in metrics/studies.csv alone goes into the
run's own files. run.json gets all settings: what a setting was before it existed is its default of today in these cases.
"""

import csv
import json
import shutil
import sys
from pathlib import Path

sys.path.insert(0, ".")
from replicate import parameters
from replicate.gan.settings import Settings, merge

OLD = Path("metrics/studies.csv")
BEFORE = {
    "networks": {"layer_order": "batchnorm_first"},
    "train": {
        "generator_loss": "non_saturating",
        "recognition_step": "discriminator",
        "recognition_trunk": "shared",
        "recognition_views": {},
    },
}


def load(path):
    return json.loads(path.read_text())


def save(path, content):
    path.write_text(json.dumps(content, indent=2, allow_nan=False) + "\n")


def value(cell):
    try:
        return json.loads(cell)
    except ValueError:
        return cell or None


def derived():
    """By run what metrics/studies.csv has of it."""
    found = {}
    with open(OLD, newline="") as file:
        for row in csv.DictReader(file):
            name = f"{row['variant'].replace('released', 'official')}-{row['seed']}"
            found.setdefault(name, {})[row["metric"]] = value(row["value"])
    return found


def part(of, prefix):
    return {key.removeprefix(prefix): of[key] for key in of if key.startswith(prefix)}


def convert(old, new, of):
    record, evaluation = load(old / "run.json"), load(old / "evaluation.json")
    representation, milestones = load(old / "representation.json"), load(old / "milestones.json")
    variant, _, seed = old.name.rpartition("-")
    settings = Settings.model_validate(merge(BEFORE, record["settings"])).model_dump(mode="json")
    new.mkdir(parents=True)
    run = {"variant": variant, "seed": int(seed), "settings": settings, "mnist": record["mnist"]["sha256"]}
    save(new / "run.json", run | {"environment": load(old / "environment.json")})
    code = representation.pop("code")
    merged = part(of, "sharing.")
    if merged["pairs"] is not None:
        merged |= {key: merged[key] or "" for key in ("which", "styles")}
    classification = evaluation.pop("classification")
    classification["ami_ceiling"] = of["classification.ami_ceiling"]
    classification |= {key: code[key] for key in ("information", "information_share")}
    classification["knn_consistency"] = of["neighbours.agreement"]
    save(new / "classification.json", classification | {"merged": merged, "kmeans": part(of, "kmeans.")})
    evaluation["consistency"] = evaluation.pop("purity")
    evaluation["disentanglement"]["specificity_within_lowest"] = of["disentanglement.specificity_within_lowest"]
    against = of["rotation.against"] or ""
    evaluation["rotation"]["against"] = against
    evaluation["rotation"]["digits_against"] = len({each.partition(":")[0] for each in against.split()} - {"-1"})
    save(new / "codes.json", evaluation)
    milestones["gradient"] = milestones.pop("pull")
    milestones["training"] = {"loss_discriminator": of["training.loss_discriminator"]}
    milestones["progress"] = {"error_rise_at_end": of["milestones.error_rise_at_end"]}
    save(new / "milestones.json", milestones)
    rows = (old / "milestones.csv").read_text().replace("pull_", "gradient_").replace("purity", "consistency")
    (new / "milestones.csv").write_text(rows)
    shutil.copy(old / "yardstick.json", new / "posthoc_q.json")
    save(new / "probes.json", representation)
    shutil.copy(old / "codes.npz", new / "predictions.npz")
    for name in ("training.csv", "traversal.csv", "confusion.csv", "samples.png", "traversals.png"):
        shutil.copy(old / name, new / name)


def check(old, new, of):
    """The numbers of metrics/studies.csv beside those in the new folder: which differ."""

    def flat(content, prefix=""):
        if not isinstance(content, (dict, list)):
            return {prefix: content}
        items = content.items() if isinstance(content, dict) else enumerate(content)
        return {name: v for key, each in items for name, v in flat(each, f"{prefix}.{key}").items()}

    found = {name: v for path in new.glob("*.json") for name, v in flat(load(path), path.stem).items()}
    names = {
        "yardstick.": "posthoc_q.", "representation.code.": None, "representation.": "probes.", "environment.": "run.environment.",
        "neighbours.agreement": "classification.knn_consistency", "sharing.": "classification.merged.", "kmeans.": "classification.kmeans.",
        "milestones.error_rise": "milestones.progress.error_rise", "training.": "milestones.training.", "pull.": "milestones.gradient.",
        "speed.": "milestones.speed.", "classification.": "classification.", "purity.": "codes.consistency.",
    }  # fmt: skip
    wrong = 0
    for name, expected in of.items():
        prefix = next((each for each in names if name.startswith(each)), "")
        if prefix == "representation.code.":
            target = f"classification.{name.removeprefix(prefix)}"
        else:
            target = names.get(prefix, "codes.") + name.removeprefix(prefix)
        got = found.get(target, "absent")
        if got != expected and not (expected is None and got == ""):
            wrong += 1
            print(f"{old.name}: {name} is {expected!r}, {target} {got!r}")
    return len(of), wrong


def gathered():
    """The pipeline's runs, whose files stood in a folder a kind, as if each were a study's."""
    old = Path("checkpoints/old-pipeline")
    for path in Path("metrics/evaluation").glob("*.json"):
        folder = old / path.stem
        folder.mkdir(parents=True, exist_ok=True)
        for kind in (
            "evaluation",
            "milestones",
            "yardstick",
            "representation",
            "environment",
            "confusion",
            "traversal",
            "training",
        ):
            for each in Path("metrics", kind).glob(f"{path.stem}.*"):
                shutil.copy(each, folder / f"{kind}{each.suffix}")
        for each in Path("metrics/evidence", path.stem).iterdir():
            shutil.copy(each, folder / each.name)
        variant, _, seed = path.stem.rpartition("-")
        params = parameters.load()
        record = {
            "settings": params.settings(variant).model_dump(mode="json"),
            "mnist": params.mnist.model_dump(mode="json"),
        }
        save(folder / "run.json", record)
        yield folder


def main():
    global OLD
    OLD = Path("metrics/results.csv")
    of_runs = derived()
    for old in gathered():
        new, of = Path("metrics/runs", old.name), of_runs[old.name] | {f"kmeans.{name}": None for name in ()}
        if not new.exists():
            convert(old, new, of)
        print(new, check(old, new, of))
    OLD = Path("metrics/studies.csv")
    of_runs, numbers, wrong, done = derived(), 0, 0, 0
    for old in sorted(path.parent for path in Path("studies").glob("*/*/evaluation.json")):
        new = Path("studies/runs", old.name)
        if not new.exists():
            convert(old, new, of_runs[old.name])
        n, differ = check(old, new, of_runs[old.name])
        numbers, wrong, done = numbers + n, wrong + differ, done + 1
    print(f"{done} runs, {numbers} numbers, of which {wrong} differ")


main()
