"""Studies, with stages that train nothing: what is tested is that runs are spread, resumed, stored and told apart."""

import contextlib
import gc
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path

import pytest
from conftest import ROOT, change
from distributed import Client

from replicate.base import parameters
from replicate.base.stage import BadInput
from replicate.gan import run
from replicate.gan.run import Run
from replicate.parameters import Parameters
from replicate.studies import make, plan, worker

STEPS = 12
TRAIN = f"""
import os, pathlib, sys, time
name = "-".join(sys.argv[1:])
if name == "gan-2":
    sys.exit("error: training diverged at iteration 1")
state = pathlib.Path("checkpoints", name, "steps")
state.parent.mkdir(parents=True, exist_ok=True)
pathlib.Path("worker").write_text(str(os.getppid()))
for step in range(int(state.read_text()) if state.exists() else 0, {STEPS}):
    time.sleep(0.1)
    state.write_text(str(step + 1))
    print(f"train {{name}}:  1%| | {{step + 1}}/{STEPS} [00:00<00:01]", flush=True)
metrics = pathlib.Path("metrics", "training", f"{{name}}.csv")
metrics.parent.mkdir(parents=True, exist_ok=True)
metrics.write_text(f"{{name}} with {{os.environ['OMP_NUM_THREADS']}} thread after {{state.read_text()}} steps")
"""
OTHER = """
import pathlib, sys
if len(sys.argv) > 1:
    folder = pathlib.Path("metrics", pathlib.Path(__file__).stem, "-".join(sys.argv[1:]))
    folder.mkdir(parents=True)
    (folder / (pathlib.Path(__file__).stem + ".txt")).write_text("measured")
"""


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    """The files of a project."""
    stages = dict.fromkeys(("download", *worker.STAGES), OTHER) | {"train": TRAIN}
    return {f"replicate/{name}.py": code.encode() for name, code in stages.items()}


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Where the workers work."""
    return tmp_path_factory.mktemp("workers")


@pytest.fixture(scope="module")
def client(folder: Path) -> Iterator[Client]:
    """A client of a scheduler and two workers, each a process of its own on the loopback."""
    dask, address = [sys.executable, "-m", "dask"], folder / "scheduler.json"
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "env": os.environ | {"TMPDIR": str(folder)}}
    of_scheduler = ["--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", str(address)]
    of_worker = ["--scheduler-file", str(address), "--no-nanny", "--no-dashboard", "--nthreads", "1"]
    commands = [[*dask, "scheduler", *of_scheduler], *2 * [[*dask, "worker", *of_worker]]]
    processes = [subprocess.Popen(command, cwd=folder, **quiet) for command in commands]
    try:
        while not address.exists():
            assert all(process.poll() is None for process in processes)
            time.sleep(0.1)
        with Client(scheduler_file=str(address)) as client:
            client.wait_for_workers(2)
            yield client
    finally:
        for process in processes:
            process.kill()
            process.wait()


def kill_a_worker(folder: Path) -> None:
    """Kill the worker of the first run that is in training, in the middle of it; give up after a minute."""
    for _ in range(3000):
        for steps in folder.glob("infogan-*/checkpoints/*/steps"):
            if (steps.read_text() or "0") > "1":
                os.kill(int((steps.parents[2] / "worker").read_text()), signal.SIGKILL)
                return
        time.sleep(0.02)


def test_a_killed_worker_is_replaced_and_a_failed_run_stops_no_other(client, files, folder, params):
    wanted = [run.of(variant, seed, params) for variant, seed in (("infogan", 0), ("gan", 2), ("infogan", 1))]
    killer = threading.Thread(target=kill_a_worker, args=[folder])
    killer.start()
    found = {this.name: future for this, future in make.results(client, wanted, files, threads=1)}
    killer.join()
    assert "training diverged" in str(found["gan-2"].exception())
    assert len(client.scheduler_info()["workers"]) == 1
    for name in ("infogan-0", "infogan-1"):
        metrics = found[name].result()
        assert metrics[f"training/{name}.csv"].decode() == f"{name} with 1 thread after {STEPS} steps"
        assert metrics[f"evidence/{name}/evidence.txt"] == b"measured"
        assert len(metrics) == len(worker.STAGES)
    assert not list(folder.glob("infogan-*"))


@pytest.fixture
def mine(params: Parameters, tmp_path, monkeypatch) -> list[Run]:
    """The runs of a study in the working directory."""
    monkeypatch.chdir(tmp_path)
    plan.FOLDER.mkdir()
    (plan.FOLDER / "studies.yaml").write_text(json.dumps({"variants": {}, "studies": {"mine": {"gan": 4}}}))
    return plan.runs("mine", *plan.load(params))


def test_results_are_stored_whole_and_known_again(mine: list[Run], params: Parameters):
    this, place = mine[1], plan.FOLDER / "mine" / "gan-1"
    assert not plan.current(place, this, params)
    files = {"training/gan-1.csv": b"1", "milestones/gan-1.json": b"2", "evidence/gan-1/codes.npz": b"3"}
    for _ in range(2):
        plan.store(files, place, this, params)
        assert {path.name for path in place.iterdir()} == {"codes.npz", "milestones.json", "run.json", "training.csv"}
        assert [path.name for path in place.parent.iterdir()] == ["gan-1"]
    assert plan.made(params) == {"mine": {place: this}}


def test_results_of_another_version_other_data_or_settings_are_passed_over(mine, params, monkeypatch):
    plan.store({}, plan.FOLDER / "mine" / "gan-0", mine[0], params)
    other_data = change(params, mnist={"sha256": dict.fromkeys(params.mnist.sha256, "0" * 64)})
    other_settings = change(params, train={"lambda_continuous": 0.5})
    assert plan.made(other_data) == plan.made(other_settings) == {"mine": {}} != plan.made(params)
    monkeypatch.setattr(plan.game, "VERSION", plan.game.VERSION + 1)
    assert plan.made(params) == {"mine": {}}


def test_of_a_setting_that_is_newer_than_a_run_the_code_says_what_it_was(mine: list[Run], params, monkeypatch):
    place, slope = plan.FOLDER / "mine" / "gan-0", params.networks.leaky_slope
    plan.store({}, place, mine[0], params)
    record = json.loads((place / plan.RECORD).read_text())
    del record["settings"]["networks"]["leaky_slope"]
    (place / plan.RECORD).write_text(json.dumps(record))
    for before, current in ({}, 0), ({"leaky_slope": slope / 2}, 0), ({"leaky_slope": slope}, 1):
        monkeypatch.setattr(plan, "BEFORE", {"networks": before})
        assert len(plan.made(params)["mine"]) == current


def test_a_training_that_diverges_is_a_result_and_another_failure_is_an_error(mine, params, monkeypatch, capsys):
    ends = {
        "gan-0": "training diverged at iteration 3",
        "gan-1": "training collapsed by iteration 9",
        "gan-2": "no space",
    }

    def results(client, missing, files, threads):
        for this in missing:
            future = Future()
            if said := ends.get(this.name):
                future.set_exception(RuntimeError(f"stage train of {this.name} in /tmp/x:\ntrain: 1%\nerror: {said}\n"))
            else:
                future.set_result({f"training/{this.name}.csv": b"1"})
            yield this, future

    monkeypatch.setattr(sys, "argv", ["study", "mine"])
    monkeypatch.setattr(parameters, "load", lambda: params)
    monkeypatch.setattr(make, "project", lambda params: {})
    monkeypatch.setattr(make, "cluster", lambda *_: contextlib.nullcontext())
    monkeypatch.setattr(make, "results", results)
    with pytest.raises(BadInput, match="1 of 4 runs failed:\ngan-2: stage train of gan-2(.|\n)*no space"):
        make.main()
    assert [path.name for path in (plan.FOLDER / "mine" / "gan-0").iterdir()] == [plan.RECORD]
    del ends["gan-2"]
    assert plan.failed(params) == {"mine": ends}
    assert list(plan.made(params)["mine"].values()) == [mine[3]]
    capsys.readouterr()
    make.main()
    assert f"4 runs, of which 1 are to be made\ngan-0: {ends['gan-0']}\n" in capsys.readouterr().out


def test_the_committed_studies_are_possible_and_pair_their_seeds(params, monkeypatch):
    monkeypatch.chdir(ROOT)
    planned, theirs = plan.load(params)
    with pytest.raises(BadInput, match="study: got 'seed', expected one of seeds, leak, infomax"):
        plan.runs("seed", planned, theirs)
    made = {name: {this.name: this.settings for this in plan.runs(name, planned, theirs)} for name in planned.studies}
    assert list(made["seeds"])[:4] == ["infogan-0", "gan-0", "gan_detached-0", "infogan-1"]
    five, alone = made["leak"]["five_k5-0"], made["infomax"]["jensen_shannon_c1-0"]
    assert five.latent.categories == 5 and five.train.digits == [0, 1, 2, 3, 4]
    assert alone.train.lambda_continuous == 0 and alone.critic.estimator == "jensen_shannon"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"variants": {}, "studies": {"mine": {"k30": 5}}}, "studies.mine: got 'k30', expected variants: infogan, gan"),
        ({"variants": {"gan": {}}, "studies": {"mine": {"gan": 5}}}, "variants: got gan, expected none of those in"),
        ({"variants": {"k5": {"latents": {}}}, "studies": {"mine": {"k5": 5}}}, "variants.k5.latents: unknown key"),
        ({"variants": {}, "studies": {"mine": {"gan": 0}}}, "studies.mine.gan: got 0, expected to be greater than 0"),
    ],
)
def test_a_mistake_in_the_studies_is_named(content, message, mine, params):
    (plan.FOLDER / "studies.yaml").write_text(json.dumps(content))
    with pytest.raises(BadInput, match=message):
        plan.load(params)


@pytest.mark.parametrize(("option", "number"), [("--jobs", "0"), ("--threads", "1.5")])
def test_a_number_of_jobs_or_threads_is_above_0(option: str, number: str, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["study", "seeds", f"{option}={number}"])
    with pytest.raises(SystemExit):
        make.main()
    assert f"argument {option}: got '{number}', expected a whole number above 0" in capsys.readouterr().err


def test_more_jobs_than_memory_are_refused(monkeypatch):
    monkeypatch.setattr(make, "MEMORY_LIMIT", 8e9)
    with pytest.raises(BadInput, match="jobs: got 7, expected at most 6: each needs 1.2 GB, and there are 8.0"):
        make.cluster(7, None)


def test_a_worker_lives_whatever_dask_takes_for_its_share_of_memory_and_however_long_a_laptop_sleeps():
    with make.cluster(1, None) as client, client.cluster:
        assert client.cluster.scheduler.worker_ttl is None
        (of_worker,) = client.scheduler_info()["workers"].values()
        assert not of_worker["memory_limit"]


def test_a_scheduler_that_has_no_address_is_named():
    with pytest.raises(BadInput, match="scheduler: got 'nonsense', expected tcp://HOST:PORT"):
        make.cluster(1, "nonsense")
    gc.collect()  # of a client that came to nothing; in a later one's thread its end would wait for that one's beginning


BEGIN = f"""
import sys
sys.path.insert(0, {str(ROOT)!r})  # and not PYTHONPATH, by which the stages would be this repository's
from replicate.base import stage
from replicate.studies import make
make.project = lambda params: {{files!r}}
stage.run(make.main)
"""


def test_ctrl_c_ends_workers_and_trainings_and_says_what_comes_next(files, tmp_path):
    (tmp_path / plan.FOLDER).mkdir()
    for name in ("params.yaml", plan.FOLDER / "studies.yaml"):
        shutil.copy(ROOT / name, tmp_path / name)
    command = [sys.executable, "-c", BEGIN.format(files=files), "seeds", "--threads", "1"]
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "env": os.environ | {"TMPDIR": str(tmp_path)}}
    # A group of its own, of which Ctrl-C would tell every process.
    process = subprocess.Popen(command, cwd=tmp_path, text=True, start_new_session=True, **options)
    try:
        while not list(tmp_path.glob("infogan-*/checkpoints/*/steps")):
            assert process.poll() is None, process.stdout.read()
            time.sleep(0.1)
        os.killpg(process.pid, signal.SIGINT)
        printed, _ = process.communicate(timeout=60)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
    assert process.returncode == 1
    assert "interrupted: the same command goes on" in printed and "Traceback" not in printed
    (steps,) = tmp_path.glob("infogan-*/checkpoints/*/steps")
    assert steps.parents[2].stat().st_mode & 0o777 == 0o700  # of other users of the machine
    done = steps.read_text()
    time.sleep(0.5)
    assert steps.read_text() == done  # no training lives on
    assert not list(tmp_path.glob("studies/seeds/*"))
