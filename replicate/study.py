"""A study: many runs, spread over the workers of a Dask cluster. `make study NAME=seeds JOBS=2`.

    python -m replicate.study NAME [--jobs N] [--threads N] [--scheduler tcp://HOST:PORT]

studies/studies.yaml lists the studies. The results of a run stand in studies/NAME/RUN, whole or not at all; only runs
that are missing there, or are not of the present settings, data and version of the training, are made. A run that was
interrupted goes on from its checkpoint.
"""

import argparse
import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

from annotated_types import Len
from cloudpickle import register_pickle_by_value
from distributed import Client, Future, LocalCluster, as_completed
from pydantic import ValidationError

from replicate import judge, mnist, parameters, run, stage, train, worker
from replicate.parameters import Checked, Parameters, Positive
from replicate.progress import Progress
from replicate.run import Run
from replicate.stage import BadInput

FOLDER = Path("studies")
RECORD = "run.json"
CODE = Path(__file__).parent


class Studies(Checked):
    """studies/studies.yaml: further variants, and each study's number of seeds by variant."""

    variants: dict[str, dict[str, Any]]
    studies: Annotated[dict[str, dict[str, Positive]], Len(1)]


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
    """The runs of a study: seed 0 of each variant, then seed 1. Raises BadInput when there is no such study."""
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


def is_current(folder: Path, this: Run, params: Parameters) -> bool:
    """Whether a folder holds the results of this run, to the bit as they were stored."""
    try:
        record = stage.read_json(folder / RECORD)
    except BadInput:
        return False
    files = {path.name: path.read_bytes() for path in folder.iterdir() if path.name != RECORD}
    return record == {"fingerprint": fingerprint(this, params), "files": checksums(files)}


def store(results: bytes, folder: Path, this: Run, params: Parameters) -> None:
    """Put the results of a run into `folder`, in the place of older ones: metrics/KIND/RUN.csv becomes KIND.csv."""
    files = {}
    for name, content in worker.unpack(results).items():
        kind, file = name.split("/", 1)
        files[file.split("/")[1] if "/" in file else f"{kind}{Path(file).suffix}"] = content
    temporary = folder.with_name(f".{folder.name}")
    for old in (temporary, folder):
        if old.exists():
            shutil.rmtree(old)
    temporary.mkdir(parents=True)
    for name, content in files.items():
        (temporary / name).write_bytes(content)
    stage.write_json(temporary / RECORD, {"fingerprint": fingerprint(this, params), "files": checksums(files)})
    temporary.rename(folder)


def project(params: Parameters) -> bytes:
    """What a worker needs: the code, the parameters with the studies' variants, the judge. Raises BadInput."""
    judge.load()
    files = {f"replicate/{path.relative_to(CODE).as_posix()}": path.read_bytes() for path in CODE.rglob("*.py")}
    files[judge.WEIGHTS.as_posix()] = judge.WEIGHTS.read_bytes()
    files["params.yaml"] = json.dumps(params.model_dump(exclude_none=True)).encode()  # JSON is YAML
    return worker.pack(files)


def cluster(jobs: int, scheduler: str | None) -> Client:
    """A client of the cluster at an address, or of one on this machine with as many workers as jobs."""
    if scheduler:
        return Client(scheduler)
    return Client(LocalCluster(n_workers=jobs, threads_per_worker=1, processes=True, dashboard_address=None))


def results(client: Client, missing: list[Run], packed: bytes, threads: int) -> Iterator[tuple[Run, Future]]:
    """The runs as they end, each with its future, under a progress bar of their iterations."""
    register_pickle_by_value(worker)
    key = hashlib.sha256(packed).hexdigest()[:12]
    perform = worker.perform
    futures = {
        # Dask pickles a lambda, and the code of a module that is registered, by value: a worker needs no `replicate`.
        client.submit(
            lambda *task: perform(*task),
            *(packed, key, this.variant, this.seed, threads),
            key=f"{key}-{this.name}",
            priority=-position,  # in the order of the runs, which Dask would not keep
        ): this
        for position, this in enumerate(missing)
    }
    done = dict.fromkeys((this.name for this in missing), 0)
    with Progress(desc="study", total=sum(t.settings.train.iterations for t in missing), unit="iteration") as progress:

        def show(name: str, iterations: int) -> None:
            progress.update(max(iterations - done[name], 0))
            done[name] = max(iterations, done[name])

        client.subscribe_topic("progress", lambda event: show(*event[1]))
        for future in as_completed(futures):
            this = futures[future]
            show(this.name, this.settings.train.iterations)
            yield this, future


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name")
    parser.add_argument("--jobs", type=int, default=1, help="runs at a time on this machine")
    parser.add_argument("--threads", type=int, help="of a run; by default this machine's cores over the jobs")
    parser.add_argument("--scheduler", help="address of a Dask scheduler whose workers do it instead")
    options = parser.parse_args()
    studies, params = load(parameters.load())
    folder = FOLDER / options.name
    wanted = runs(options.name, studies, params)
    missing = [this for this in wanted if not is_current(folder / this.name, this, params)]
    print(f"study {options.name}: {len(wanted)} runs, of which {len(missing)} are to be made", flush=True)
    if not missing:
        return
    os.environ.setdefault("MNIST_DIR", str(mnist.FOLDER.resolve()))
    threads = options.threads or max((os.cpu_count() or 1) // options.jobs, 1)
    failed = []
    with cluster(options.jobs, options.scheduler) as client:
        for this, future in results(client, missing, project(params), threads):
            if error := future.exception():
                failed.append(f"{this.name}: {error}")
                print(f"failed: {this.name}", flush=True)
            else:
                store(future.result(), folder / this.name, this, params)
    if failed:
        raise BadInput("\n".join([f"{len(failed)} of {len(missing)} runs failed:", *failed]))


if __name__ == "__main__":
    stage.run(main)
