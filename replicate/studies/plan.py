"""The studies: which runs each one has, and where their results are.

studies/studies.yaml says what is run; studies/NAME/RUN holds what was measured of a run and its evidence, in git. A run
is current when it was made with the present version of the training, settings and data.
"""

import json
import shutil
from pathlib import Path
from typing import Annotated, Any

from annotated_types import Len

from replicate.base import parameters, stage
from replicate.base.checked import Checked, Positive
from replicate.base.stage import BadInput
from replicate.gan import game, run
from replicate.gan.run import Run
from replicate.parameters import Parameters

FOLDER = Path("studies")
RECORD = "run.json"
# What the code did before it had a setting, in groups like the settings themselves: for the runs that were made then.
BEFORE: dict[str, Any] = {
    "networks": {"layer_order": "batchnorm_first"},
    "train": {
        "generator_loss": "non_saturating",
        "recognition_step": "discriminator",
        "recognition_trunk": "shared",
        "recognition_views": {"c1": None, "c2": None, "c3": None},
    },
}


class Studies(Checked):
    """studies/studies.yaml: further variants, and each study's number of seeds by variant."""

    variants: dict[str, dict[str, Any]]
    studies: Annotated[dict[str, Annotated[dict[str, Positive], Len(1)]], Len(1)]


def load(params: Parameters) -> tuple[Studies, Parameters]:
    """The studies, and the parameters with their variants beside the pipeline's own. Raises BadInput."""
    path = FOLDER / "studies.yaml"
    studies = parameters.read(path, Studies)
    if both := sorted(studies.variants.keys() & params.variants.keys()):
        raise BadInput(f"{path}: variants: got {', '.join(both)}, expected none of those in params.yaml")
    content = params.model_dump(exclude_none=True)
    content["variants"] |= studies.variants
    with_theirs = parameters.check(path, content, Parameters)
    for name, variants in studies.studies.items():
        for variant in variants:
            if variant not in with_theirs.variants:
                known = ", ".join(with_theirs.variants)
                raise BadInput(f"{path}: studies.{name}: got {variant!r}, expected variants: {known}")
    return studies, with_theirs


def runs(name: str, studies: Studies, params: Parameters) -> list[Run]:
    """The runs of a study: seed 0 of each variant, then seed 1, and so on. Raises BadInput when there is no such study."""
    if name not in studies.studies:
        raise BadInput(f"study: got {name!r}, expected one of {', '.join(studies.studies)} ({FOLDER}/studies.yaml)")
    variants = studies.studies[name]
    seeds = range(max(variants.values()))
    return [run.of(variant, seed, params) for seed in seeds for variant in variants if seed < variants[variant]]


def record(this: Run, params: Parameters) -> dict[str, Any]:
    """What is kept of how a run is made: the version of the training, the data and the settings."""
    return {
        "version": game.VERSION,
        "mnist": params.mnist.model_dump(mode="json"),
        "settings": this.settings.model_dump(mode="json"),
    }


def current(folder: Path, this: Run, params: Parameters) -> dict[str, Any] | None:
    """The record in the folder of a run's results; None where there are none, or they are not made as they would be now."""
    if not (folder / RECORD).exists():
        return None
    found = json.loads((folder / RECORD).read_text(encoding="utf-8"))
    made, now = found | {"settings": parameters.merge(BEFORE, found["settings"])}, record(this, params)
    return found if {key: made[key] for key in now} == now else None


def store(results: dict[str, bytes], folder: Path, this: Run, params: Parameters, failed: str | None = None) -> None:
    """Put the results of a run into `folder`, in the place of older ones: KIND/RUN.csv becomes KIND.csv.

    `failed` says why there are none, and never will be with these settings.
    """
    temporary = folder.with_name(f".{folder.name}")
    for old in (temporary, folder):
        if old.exists():
            shutil.rmtree(old)
    temporary.mkdir(parents=True)
    for name, content in results.items():
        kind, file = name.split("/", 1)
        stored = file.split("/")[1] if "/" in file else f"{kind}{Path(file).suffix}"
        with stage.whole_file(temporary / stored) as path:
            path.write_bytes(content)
    stage.write_json(temporary / RECORD, record(this, params) | ({"failed": failed} if failed else {}))
    temporary.rename(folder)


def records(params: Parameters) -> dict[str, dict[Path, tuple[Run, dict[str, Any]]]]:
    """The current runs of each study and their records, by the folder of their results; `params` are the pipeline's.

    Raises BadInput (see `load`).
    """
    planned, params = load(params)
    found = {}
    for name in planned.studies:
        folders = {FOLDER / name / this.name: this for this in runs(name, planned, params)}
        kept = {folder: (this, current(folder, this, params)) for folder, this in folders.items()}
        found[name] = {folder: (this, record) for folder, (this, record) in kept.items() if record}
    return found


def made(params: Parameters) -> dict[str, dict[Path, Run]]:
    """The runs of each study that have current results, by the folder of these. Raises BadInput (see `load`)."""
    return {
        name: {folder: this for folder, (this, record) in found.items() if "failed" not in record}
        for name, found in records(params).items()
    }


def failed(params: Parameters) -> dict[str, dict[str, str]]:
    """Why the training of a run failed, by study and name of the run. Raises BadInput (see `load`)."""
    return {
        name: {this.name: record["failed"] for this, record in found.values() if "failed" in record}
        for name, found in records(params).items()
    }
