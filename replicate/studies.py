"""The studies: which runs each one has, and where their results are.

studies/studies.yaml says what is run; studies/NAME/RUN holds what was measured of a run and its evidence, in git. A run
is current when it was made with the present version of the training, settings and data.
"""

import hashlib
import json
import shutil
from pathlib import Path
from typing import Annotated, Any

from annotated_types import Len
from pydantic import ValidationError

from replicate import parameters, run, stage, train
from replicate.parameters import Checked, Parameters, Positive
from replicate.run import Run
from replicate.stage import BadInput

FOLDER = Path("studies")
RECORD = "run.json"


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
    try:
        with_theirs = Parameters.model_validate(content)
    except ValidationError as error:
        raise BadInput(
            "\n  ".join([f"{path} is not as expected:", *map(parameters.explain, error.errors())])
        ) from error
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


def fingerprint(this: Run, params: Parameters) -> str:
    """What decides whether a result is current: the version of the training, the run's settings and the data."""
    everything = {
        "version": train.VERSION,
        "seed": this.seed,
        "settings": this.settings.model_dump(),
        "mnist": params.mnist.model_dump(),
    }
    return hashlib.sha256(json.dumps(everything, sort_keys=True).encode()).hexdigest()


def checksums(files: dict[str, bytes]) -> dict[str, str]:
    return {name: hashlib.sha256(content).hexdigest() for name, content in sorted(files.items())}


def recorded(folder: Path) -> str:
    """The fingerprint of the results in a folder. Raises BadInput when they are not to the bit as they were stored."""
    record = stage.read_json(folder / RECORD)
    found = checksums({path.name: path.read_bytes() for path in folder.iterdir() if path.name != RECORD})
    if record.keys() != {"fingerprint", "files"} or record["files"] != found:
        raise BadInput(
            f"{folder}: its files are not those of its {RECORD}; to have them again: git checkout {folder}, or, to make "
            f"them anew, make study NAME={folder.parent.name}"
        )
    return record["fingerprint"]


def is_current(folder: Path, this: Run, params: Parameters) -> bool:
    """Whether a folder holds the results of this run, to the bit as they were stored."""
    try:
        return recorded(folder) == fingerprint(this, params)
    except (BadInput, OSError):
        return False


def store(results: dict[str, bytes], folder: Path, this: Run, params: Parameters) -> None:
    """Put the results of a run into `folder`, in the place of older ones: KIND/RUN.csv becomes KIND.csv."""
    files = {}
    for name, content in results.items():
        kind, file = name.split("/", 1)
        files[file.split("/")[1] if "/" in file else f"{kind}{Path(file).suffix}"] = content
    temporary = folder.with_name(f".{folder.name}")
    for old in (temporary, folder):
        if old.exists():
            shutil.rmtree(old)
    temporary.mkdir(parents=True)
    for name, content in files.items():
        with stage.whole_file(temporary / name) as path:
            path.write_bytes(content)
    stage.write_json(temporary / RECORD, {"fingerprint": fingerprint(this, params), "files": checksums(files)})
    temporary.rename(folder)


def made(params: Parameters) -> dict[str, dict[Path, Run]]:
    """The current runs of each study, by the folder of their results; `params` are the pipeline's.

    Results of other settings are passed over. Raises BadInput (see `load` and `recorded`).
    """
    planned, params = load(params)
    found = {}
    for name in planned.studies:
        folders = {FOLDER / name / this.name: this for this in runs(name, planned, params)}
        found[name] = {
            folder: this
            for folder, this in folders.items()
            if folder.exists() and recorded(folder) == fingerprint(this, params)
        }
    return found
