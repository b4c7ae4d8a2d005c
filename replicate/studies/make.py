"""Make the runs of a variant that the studies lack, spread over the workers of a Dask cluster: `make study NAME=official JOBS=2`.

    python -m replicate.studies.make VARIANT ... [--jobs N] [--threads N] [--scheduler tcp://HOST:PORT]

variants.yaml lists the seeds of each variant. A run is there when its folder studies/runs/RUN is there, which appears whole or not
at all; nothing else decides whether it is made. A run that was interrupted goes on from its checkpoint. One that diverges or collapses
would do so again: run.json says so, and this is its result.
"""

import argparse
import json
import logging
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import dask
from cloudpickle import register_pickle_by_value
from dask.tokenize import tokenize
from distributed import Client, Future, LocalCluster, as_completed
from distributed.system import MEMORY_LIMIT

from replicate import parameters
from replicate.analysis.table import STUDIES
from replicate.base import files, mnist, source, stage
from replicate.base.stage import BadInput, Progress
from replicate.gan import run
from replicate.gan.run import Run
from replicate.measures import classifier
from replicate.parameters import Parameters
from replicate.studies import worker

CODE = Path(__file__).parents[1]
MEMORY = 1.2e9  # bytes: a training, and the worker that began it


def missing(variants: list[str], params: Parameters) -> list[Run]:
    """The runs of some variants that have no folder: the first seed of each, then the second, and so on. Raises BadInput."""
    of_each = [
        [run.of(variant, seed, params) for seed in run.variant(variant, params).seeds]
        for variant in dict.fromkeys(variants)
    ]
    longest = max(map(len, of_each))
    in_turn = [of_one[place] for place in range(longest) for of_one in of_each if place < len(of_one)]
    return [this for this in in_turn if not (STUDIES / this.name).exists()]


def project(params: Parameters) -> dict[str, bytes]:
    """The files that a worker needs: the code, the parameters, the classifier. Raises BadInput."""
    classifier.load()
    content = {f"replicate/{path.relative_to(CODE).as_posix()}": path.read_bytes() for path in CODE.rglob("*.py")}
    content["requirements.txt"] = (CODE.parent / "requirements.txt").read_bytes()
    content[classifier.WEIGHTS.as_posix()] = classifier.WEIGHTS.read_bytes()
    everything = params.model_dump(exclude_none=True)  # JSON is YAML
    content["variants.yaml"] = json.dumps(everything.pop("variants")).encode()
    content["params.yaml"] = json.dumps(everything).encode()
    return content


def store(results: dict[str, bytes], this: Run) -> None:
    """Put the files of a run into its folder."""
    folder = STUDIES / this.name
    temporary = STUDIES.with_name(f".{folder.name}")  # beside the folder of runs, of which every folder is read
    if temporary.exists():
        shutil.rmtree(temporary)
    temporary.mkdir(parents=True)
    for name, content in results.items():
        with files.whole_file(temporary / name) as path:
            path.write_bytes(content)
    STUDIES.mkdir(exist_ok=True)
    temporary.rename(folder)


def cluster(jobs: int, scheduler: str | None) -> Client:
    """A client of the cluster at an address, or of one on this machine with as many workers as jobs.

    Raises BadInput when the address is none or memory is too small for the jobs, OSError when nobody answers there.
    """
    if scheduler:
        try:
            return Client(scheduler)
        except ValueError as error:
            raise BadInput(f"scheduler: got {scheduler!r}, expected tcp://HOST:PORT ({error})") from error
    if jobs * MEMORY > MEMORY_LIMIT:
        memory = f"each needs {MEMORY / 1e9:g} GB, and there are {MEMORY_LIMIT / 1e9:.1f}"
        raise BadInput(f"jobs: got {jobs}, expected at most {int(MEMORY_LIMIT / MEMORY)}: {memory}")
    # Dask's profiler and its clock, 50 times a second, would take a tenth of a core from the trainings.
    dask.config.set({"distributed.worker.profile.enabled": False, "distributed.admin.tick.interval": "1s"})
    dask.config.set({"distributed.scheduler.worker-ttl": None})  # else a laptop that wakes takes its workers for lost
    local = LocalCluster(
        n_workers=jobs,
        threads_per_worker=1,
        processes=True,
        memory_limit=None,  # Dask's own may be less than a worker's modules take: it would be begun again for ever
        dashboard_address="127.0.0.1:0",  # a free port: Dask warns when its own is taken, as it is beside another study
        silence_logs=logging.CRITICAL,  # a failed run is named by `main`, and Ctrl-C is no error
    )
    client = Client(local)
    client.run(worker.begin_nothing_after_interrupt)
    return client


def results(client: Client, wanted: list[Run], content: dict[str, bytes], threads: int) -> Iterator[tuple[Run, Future]]:
    """The runs as they end, each with its future, under a progress bar of their iterations; `content` are the project's files."""
    register_pickle_by_value(worker)
    perform, code = worker.perform, source.fingerprint("replicate.train")
    keys = {
        this.name: tokenize(code, this.settings.model_dump())[:12] for this in wanted
    }  # by which a worker finds checkpoints
    futures = {
        # Dask pickles a lambda, and the code of a module that is registered, by value: a worker needs no `replicate`.
        client.submit(
            lambda *task: perform(*task),
            *(content, keys[this.name], this.variant, this.seed, threads),
            key=f"{keys[this.name]}-{this.name}",
            priority=-position,  # in the order of the runs, which Dask would not keep
        ): this
        for position, this in enumerate(wanted)
    }
    done = dict.fromkeys((this.name for this in wanted), 0)
    with Progress(desc="study", total=sum(t.settings.train.iterations for t in wanted), unit="iteration") as progress:

        def show(name: str, iterations: int) -> None:
            progress.update(max(iterations - done[name], 0))
            done[name] = max(iterations, done[name])

        client.subscribe_topic("progress", lambda event: show(*event[1]))
        for future in as_completed(futures):
            this = futures[future]
            show(this.name, this.settings.train.iterations)
            yield this, future


def positive(text: str) -> int:
    """The number of jobs or threads that an option names. Raises ArgumentTypeError."""
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"got {text!r}, expected a whole number above 0")
    return int(text)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("variants", nargs="+", metavar="VARIANT")
    parser.add_argument("--jobs", type=positive, default=1, help="runs at a time on this machine")
    parser.add_argument("--threads", type=positive, help="of a run; by default this machine's cores over the jobs")
    parser.add_argument("--scheduler", help="address of a Dask scheduler whose workers do it instead")
    options = parser.parse_args()
    params = parameters.load()
    wanted = missing(options.variants, params)
    print(f"{len(wanted)} runs are to be made", flush=True)
    if not wanted:
        return
    os.environ.setdefault("MNIST_DIR", str(mnist.FOLDER.resolve()))  # for workers on this machine
    threads = options.threads or max((os.cpu_count() or 1) // options.jobs, 1)
    failed = []
    try:
        with cluster(options.jobs, options.scheduler) as client:
            for this, future in results(client, wanted, project(params), threads):
                error = future.exception()
                if found := worker.FAILED.search(str(error)):
                    record = run.record(this, params.mnist) | {"failed": found[1]}
                    store({"run.json": json.dumps(record, indent=2).encode()}, this)
                    print(f"{this.name}: {found[1]}", flush=True)
                elif error:
                    failed.append(f"{this.name}: {error}")
                    print(f"failed: {this.name}", flush=True)
                else:
                    store(future.result(), this)
    except KeyboardInterrupt:
        raise KeyboardInterrupt("the same command goes on from each run's checkpoint") from None
    if failed:
        raise BadInput("\n".join([f"{len(failed)} of {len(wanted)} runs failed:", *failed]))


if __name__ == "__main__":
    stage.run(main)
