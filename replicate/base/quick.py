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
    "train": {"iterations": 4, "batch_size": 20, "training_images": 540, "batchnorm_images": 40, "log_every": 2,
              "milestones": [2]},
    "classifier": {"epochs": 1},
    "classification": {"matching_images": 100, "neighbour_images": 50},
    "codes": {"samples_per_category": 6, "bound_samples": 20, "real_images": 40, "traversals_per_category": 1},
    "milestones": {"matching_images": 100, "samples": 150, "gradient_images": 20},
    "posthoc_q": {"training_samples": 40, "least_epochs": 1, "most_epochs": 1, "batch_size": 20,
                  "validation_samples": 20, "test_samples": 20},
    "probes": {"labels_per_digit": 5, "label_draws": 1, "penalties": [0.1], "style_images": 140},
    "kmeans": {"images": 100},
    "cost": {"pairs": 2},
    "explorer": {"draws": 1, "grid_values": 2},
}  # fmt: skip


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
