"""The whole pipeline at toy length, in a temporary copy that leaves the committed results as they are.

python -m replicate.base.quick
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from replicate.base import stage

ROOT = Path(__file__).parents[2]
COPIED = (
    *("replicate", "studies", "dvc.yaml", "params.yaml", "variants.yaml", "metrics.yaml", "claims.yaml"),
    *("requirements.txt", "README.md", ".dvc/config", ".dvcignore"),
)
TOY = {
    "train": {"iterations": 100, "training_images": 10_000, "milestones": [50], "batchnorm_images": 1000},
    "classifier": {"epochs": 1},
    "classification": {"matching_images": 2000, "neighbour_images": 1000},
    "codes": {"samples_per_category": 50, "bound_samples": 500, "real_images": 200, "traversals_per_category": 3},
    "milestones": {"matching_images": 1000, "samples": 500, "gradient_images": 128},
    "posthoc_q": {"training_samples": 5000, "least_epochs": 1, "most_epochs": 1, "test_samples": 500},
    "probes": {"label_draws": 1, "penalties": [0.01]},
    "kmeans": {"images": 2000},
    "cost": {"pairs": 3},
    "explorer": {"grid_values": 5},
}


def copy(folder: Path, changes: Mapping[str, Mapping[str, Any]]) -> None:
    """Copy the pipeline into `folder`, with `changes` to groups of its params.yaml, and without git."""
    for name in COPIED:
        source, target = ROOT / name, folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target)
    (folder / ".dvc/config.local").write_text("[core]\n    no_scm = true\n")
    yaml = YAML()
    params = yaml.load(folder / "params.yaml")
    for group, values in changes.items():
        params[group].update(values)
    yaml.dump(params, folder / "params.yaml")


def dvc(*arguments: str, cwd: Path, **options: Any) -> subprocess.CompletedProcess:
    """DVC by this very Python, and its stages too, which find `python` by PATH; `options` are those of subprocess.run."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    command = [sys.executable, "-m", "dvc", *arguments]
    return subprocess.run(command, cwd=cwd, env=os.environ | {"PATH": path}, **options)


def main() -> None:
    folder = Path(tempfile.mkdtemp(prefix="infogan-quick-"))
    copy(folder, TOY)
    mnist = Path(os.environ.get("MNIST_DIR", ROOT / "data/mnist"))  # no second download
    os.environ["MNIST_DIR"] = str(mnist.resolve())
    if dvc("repro", cwd=folder).returncode:
        sys.exit(f"error: the pipeline failed; see above, and {folder}")
    shutil.rmtree(folder)
    print("\nThe pipeline works here. What it made, of toy runs, means nothing and is removed.")


if __name__ == "__main__":
    stage.run(main)
