"""A study: many runs, spread over the workers of a Dask cluster. `make study NAME=seeds JOBS=2`.

    python -m replicate.studies.make NAME [--jobs N] [--threads N] [--scheduler tcp://HOST:PORT]

studies/studies.yaml lists the studies. The results of a run stand in studies/NAME/RUN, whole or not at all; only runs
that are missing there, or are not of the present settings, data and version of the training, are made. A run that was
interrupted goes on from its checkpoint. One whose training diverges or collapses would do so again: this is its result.
"""

import argparse
import json
import logging
import os
from collections.abc import Iterator
from pathlib import Path

import dask
from cloudpickle import register_pickle_by_value
from dask.tokenize import tokenize
from distributed import Client, Future, LocalCluster, as_completed
from distributed.system import MEMORY_LIMIT

from replicate.base import mnist, parameters, stage
from replicate.base.stage import BadInput, Progress
from replicate.gan.run import Run
from replicate.measures import judge
from replicate.parameters import Parameters
from replicate.studies import plan, worker

CODE = Path(__file__).parents[1]
MEMORY = 1.2e9  # bytes: a training, and the worker that began it


def project(params: Parameters) -> dict[str, bytes]:
    """The files that a worker needs: the code, the parameters with the studies' variants, the judge. Raises BadInput."""
    judge.load()
    files = {f"replicate/{path.relative_to(CODE).as_posix()}": path.read_bytes() for path in CODE.rglob("*.py")}
    files[judge.WEIGHTS.as_posix()] = judge.WEIGHTS.read_bytes()
    files["params.yaml"] = json.dumps(params.model_dump(exclude_none=True)).encode()  # JSON is YAML
    return files


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


def results(client: Client, missing: list[Run], files: dict[str, bytes], threads: int) -> Iterator[tuple[Run, Future]]:
    """The runs as they end, each with its future, under a progress bar of their iterations; `files` are the project's."""
    register_pickle_by_value(worker)
    key = tokenize(files)[:12]  # the same for the same files, whose checkpoints a worker finds by it
    perform = worker.perform
    futures = {
        # Dask pickles a lambda, and the code of a module that is registered, by value: a worker needs no `replicate`.
        client.submit(
            lambda *task: perform(*task),
            *(files, key, this.variant, this.seed, threads),
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


def positive(text: str) -> int:
    """The number of jobs or threads that an option names. Raises ArgumentTypeError."""
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"got {text!r}, expected a whole number above 0")
    return int(text)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name")
    parser.add_argument("--jobs", type=positive, default=1, help="runs at a time on this machine")
    parser.add_argument("--threads", type=positive, help="of a run; by default this machine's cores over the jobs")
    parser.add_argument("--scheduler", help="address of a Dask scheduler whose workers do it instead")
    options = parser.parse_args()
    pipeline = parameters.load()
    planned, params = plan.load(pipeline)
    folder = plan.FOLDER / options.name
    wanted = plan.runs(options.name, planned, params)
    missing = [this for this in wanted if not plan.current(folder / this.name, this, params)]
    print(f"study {options.name}: {len(wanted)} runs, of which {len(missing)} are to be made", flush=True)
    for name, why in plan.failed(pipeline)[options.name].items():
        print(f"{name}: {why}", flush=True)
    if not missing:
        return
    os.environ.setdefault("MNIST_DIR", str(mnist.FOLDER.resolve()))
    threads = options.threads or max((os.cpu_count() or 1) // options.jobs, 1)
    failed = []
    try:
        with cluster(options.jobs, options.scheduler) as client:
            for this, future in results(client, missing, project(params), threads):
                error = future.exception()
                if found := worker.FAILED.search(str(error)):
                    plan.store({}, folder / this.name, this, params, failed=found[1])
                    print(f"{this.name}: {found[1]}", flush=True)
                elif error:
                    failed.append(f"{this.name}: {error}")
                    print(f"failed: {this.name}", flush=True)
                else:
                    plan.store(future.result(), folder / this.name, this, params)
    except KeyboardInterrupt:
        raise KeyboardInterrupt("the same command goes on from each run's checkpoint") from None
    if failed:
        raise BadInput("\n".join([f"{len(failed)} of {len(missing)} runs failed:", *failed]))


if __name__ == "__main__":
    stage.run(main)
