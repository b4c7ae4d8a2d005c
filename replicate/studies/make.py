"""Make the runs that the studies lack, spread over the workers of a Dask cluster: `make study NAME=k20 JOBS=2`.

    python -m replicate.studies.make VARIANT ... [--jobs N] [--threads N] [--scheduler tcp://HOST:PORT]

variants.yaml lists the seeds of each variant. A run is there when its folder studies/runs/RUN is, which appears whole. An
interrupted one goes on from its checkpoint; one that diverges or collapses would do so again, and its run.json says so.
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
from distributed import Client, Future, LocalCluster, as_completed

from replicate import parameters
from replicate.analysis.table import STUDIES
from replicate.base import mnist, source, stage
from replicate.base.stage import BadInput, Progress
from replicate.gan import run
from replicate.gan.run import Run
from replicate.measures import classifier
from replicate.parameters import Parameters
from replicate.studies import worker


def missing(variants: list[str], params: Parameters) -> list[Run]:
    """The runs of some variants that have no folder, variant by variant. Raises BadInput."""
    runs = [run.of(name, seed, params) for name in dict.fromkeys(variants) for seed in run.variant(name, params).seeds]
    return [this for this in runs if not (STUDIES / this.name).exists()]


def project() -> dict[str, bytes]:
    """The files that a worker needs: code, requirements, parameters, the classifier. Raises BadInput."""
    classifier.load()
    others = ("requirements.txt", "params.yaml", "variants.yaml", classifier.WEIGHTS)
    return {path.as_posix(): path.read_bytes() for path in (*Path("replicate").rglob("*.py"), *map(Path, others))}


def store(results: dict[str, bytes], this: Run) -> None:
    """Put the files of a run into its folder, all or none."""
    temporary = STUDIES.with_name(f".{this.name}")  # beside the folder of runs, of which every folder is read
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    for name, content in results.items():
        (temporary / name).write_bytes(content)
    STUDIES.mkdir(exist_ok=True)
    temporary.rename(STUDIES / this.name)


def cluster(jobs: int, scheduler: str | None) -> Client:
    """A client of the cluster at an address, or of one here with a worker for each job."""
    if scheduler:
        return Client(scheduler)
    # Dask's profiler and its clock, 50 times a second, would take a tenth of a core from the runs.
    dask.config.set({"distributed.worker.profile.enabled": False, "distributed.admin.tick.interval": "1s"})
    dask.config.set({"distributed.scheduler.worker-saturation": 1.0})  # a worker holds no run that another could begin
    dask.config.set({"distributed.scheduler.worker-ttl": None})  # else a laptop that wakes takes its workers for lost
    local = LocalCluster(
        n_workers=jobs,
        threads_per_worker=1,
        memory_limit=None,  # Dask's own may be less than a worker's modules take: it would be begun again for ever
        dashboard_address="127.0.0.1:0",  # a free port: its own is taken beside another study
        silence_logs=logging.CRITICAL,  # a failed run is named by `main`, and Ctrl-C is no error
    )
    client = Client(local)
    client.run(worker.begin_nothing_after_interrupt)
    return client


def results(client: Client, wanted: list[Run], content: dict[str, bytes], threads: int) -> Iterator[tuple[Run, Future]]:
    """The runs as they end, each with its future, under a bar; `content` are the project's files."""
    register_pickle_by_value(worker)
    perform, code, futures = worker.perform, source.fingerprint("replicate.train"), {}
    for position, this in enumerate(wanted):
        key = dask.base.tokenize(code, this.settings.model_dump(), threads)[:12]  # by which a worker finds checkpoints
        # Dask pickles a lambda, and the code of a module that is registered, by value: a worker needs no `replicate`.
        future = client.submit(
            lambda *task: perform(*task),
            *(content, key, this.variant, this.seed, threads),
            key=("study", f"{key}-{this.name}"),  # a group, whose tasks wait at the scheduler and begin by priority
            priority=-position,
        )
        futures[future] = this
    for future in Progress(as_completed(futures), desc="study", total=len(futures), unit="run"):
        yield futures[future], future


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("variants", nargs="+", metavar="VARIANT")
    parser.add_argument("--jobs", type=int, default=1, help="runs at a time on this machine")
    parser.add_argument("--threads", type=int, help="of a run; by default this machine's cores over the jobs")
    parser.add_argument("--scheduler", help="address of a Dask scheduler whose workers do it instead")
    options = parser.parse_args()
    if any(each is not None and each < 1 for each in (options.jobs, options.threads)):
        parser.error("--jobs and --threads are 1 or more")
    params = parameters.load()
    wanted, failed = missing(options.variants, params), []
    print(f"{len(wanted)} runs are to be made", flush=True)
    if not wanted:
        return
    os.environ.setdefault("MNIST_DIR", str(mnist.FOLDER.resolve()))  # for workers on this machine
    threads, content = options.threads or max((os.cpu_count() or 1) // options.jobs, 1), project()
    try:
        with cluster(options.jobs, options.scheduler) as client:
            for this, future in results(client, wanted, content, threads):
                error = future.exception()
                if not error:
                    store(future.result(), this)
                elif found := worker.FAILED.search(str(error)):
                    record = run.record(this, params.mnist) | {"failed": found[1]}
                    store({"run.json": json.dumps(record, indent=2).encode()}, this)
                    print(f"{this.name}: {found[1]}", flush=True)
                else:
                    failed.append(f"{this.name}: {error}")
                    print(f"failed: {this.name}", flush=True)
    except KeyboardInterrupt:
        raise KeyboardInterrupt("the same command goes on from each run's checkpoint") from None
    if failed:
        raise BadInput("\n".join([f"{len(failed)} of {len(wanted)} runs failed:", *failed]))


if __name__ == "__main__":
    stage.run(main)
