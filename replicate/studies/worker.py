"""What a worker of a study does: one run, by the pipeline's own stages, in a folder of its own. Its task brings code and
settings, so that a worker on another machine needs requirements.txt's packages, no repository and no shared file system."""

import getpass
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from distributed import Worker, get_worker
from filelock import FileLock

MEASURES = ("classification", "codes", "milestones", "posthoc_q", "probes")
FAILED = re.compile(r"^error: (training (?:diverged|collapsed) .*)", re.MULTILINE)  # the last word of stage train


def begin_nothing_after_interrupt(dask_worker: Worker) -> None:
    """Let the worker outlive Ctrl-C and begin nothing after it; SIG_IGN would be passed on to the runs."""
    signal.signal(signal.SIGINT, lambda *_: setattr(dask_worker, "interrupted", True))


def perform(project: dict[str, bytes], key: str, variant: str, seed: int, threads: int) -> dict[str, bytes]:
    """Train and measure the run VARIANT-SEED of a project, whose files are given by their paths; the files of its metrics.

    It works in a temporary folder of this user's, named by `key`, and goes on from what a killed call has left there.
    Raises RuntimeError, with the last lines printed, when a stage fails.
    """
    name = f"{variant}-{seed}"
    user = getattr(os, "getuid", getpass.getuser)()  # Windows has no getuid
    folder = Path(tempfile.gettempdir(), f"infogan-{user}-{key}-{name}")
    folder.mkdir(exist_ok=True)
    folder.chmod(0o700)  # fails where the folder is another user's, whose code would run here
    with FileLock(folder / "checkpoints" / name / "lock"):
        pass  # where a worker was killed, its training may live on: let it finish
    for file, content in project.items():
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_bytes(content)
    # Dask's nanny sets all three to 1, and MKL's own wins over OMP's.
    threading = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), str(threads))
    run, trained = [variant, str(seed)], folder / "trained"
    for module, *arguments in (["download"], ["train", *run], *([f"measure.{measure}", *run] for measure in MEASURES)):
        if module == "train" and trained.exists():
            continue
        if getattr(get_worker(), "interrupted", False):
            raise RuntimeError(f"stage {module} of {name} was not begun: interrupted")
        command = [sys.executable, "-m", f"replicate.{module}", *arguments]
        piped = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        process = subprocess.run(command, cwd=folder, env=os.environ | threading, **piped)
        if process.returncode:
            said = "\n".join(process.stdout.splitlines()[-20:])
            if FAILED.search(said):  # as it would again
                shutil.rmtree(folder)
            raise RuntimeError(f"stage {module} of {name} in {folder} ended with status {process.returncode}:\n{said}")
        if module == "train":
            trained.touch()
    results = {path.name: path.read_bytes() for path in (folder / "metrics" / "runs" / name).iterdir()}
    shutil.rmtree(folder)
    return results
