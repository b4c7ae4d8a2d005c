"""A run that is interrupted and goes on; divergence; what the stage writes and leaves alone; what a run sees."""

import math
import shutil
import sys
from collections.abc import Callable
from contextlib import nullcontext
from functools import cache
from pathlib import Path

import pytest
import torch
from conftest import CPU, DEVICES, ROOT, change, write
from safetensors.torch import load_file
from torch import Tensor

from replicate import train
from replicate.base import files, mnist
from replicate.base.mnist import Mnist
from replicate.base.stage import BadInput
from replicate.gan import run, step
from replicate.gan.run import Run
from replicate.parameters import Parameters
from replicate.studies import worker


def finish(
    this: Run, digits: Tensor, params: Parameters, device: torch.device = CPU, seconds: float = 0
) -> dict[str, Tensor]:
    """Train to the end in the working folder: the log, and the weights of all snapshots."""
    log, _ = train.train(this, digits, params.mnist, device, checkpoint_seconds=seconds)
    found = {"log": log}
    for iteration in this.settings.train.snapshots():
        weights = load_file(this.checkpoints / run.snapshot(iteration))
        found |= {f"{iteration} {name}": tensor for name, tensor in weights.items()}
    return found


@pytest.fixture(scope="session")
def finished(digits, small: Parameters, tmp_path_factory) -> Callable[..., tuple[dict[str, Tensor], Path]]:
    """Train without an interruption, once on each device: what it found, and where."""

    @cache
    def train_once(device: torch.device = CPU) -> tuple[dict[str, Tensor], Path]:
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(folder := tmp_path_factory.mktemp("whole"))
            return finish(run.of("views", 0, small), digits, small, device, math.inf), folder

    return train_once


@pytest.fixture
def this(small: Parameters, tmp_path, monkeypatch) -> Run:
    """A run in a working folder of its own; that of a variant with views draws from every stream of random numbers."""
    monkeypatch.chdir(tmp_path)
    return run.of("views", 0, small)


# A whole run and one that goes on in another process's place end alike: so the same run gives the same bits, too.
@pytest.mark.parametrize("device", DEVICES, ids=str)
def test_a_resumed_run_ends_with_the_same_bits(finished, device, this: Run, digits, small: Parameters, monkeypatch):
    whole, _ = finished(device)
    draw, done = step.draw, []

    def killed(training, iteration, settings):
        done.append(iteration)
        if len(done) == 2:
            raise KeyboardInterrupt
        return draw(training, iteration, settings)

    monkeypatch.setattr(step, "draw", killed)
    with pytest.raises(KeyboardInterrupt, match="the next call goes on from iteration 1 of 4"):
        finish(this, digits, small, device)
    found = finish(this, digits, small, device, math.inf)
    assert found.keys() == whole.keys() and [key for key in whole if not torch.equal(found[key], whole[key])] == []
    assert done == [0, 1, 1, 2, 3]
    # Batchnorm's statistics are of batchnorm_images, here one batch, and not of the training's batches.
    assert {int(whole[key]) for key in whole if key.endswith("num_batches_tracked")} == {1}


def test_checkpoints_come_no_sooner_than_asked_and_none_of_a_training_that_diverged(this, digits, small, monkeypatch):
    written, save, iterate = [], files.save_tensors, step.iterate

    def spoiled(training, iteration, settings):
        iterate(training, iteration, settings)
        if iteration == 3:
            next(iter(training.optimisers["generator"].state.values()))["exp_avg"].view(-1)[0] = math.nan

    monkeypatch.setattr(files, "save_tensors", lambda path, *of: written.append(path.name) or save(path, *of))
    monkeypatch.setattr(train, "monotonic", iter(range(100)).__next__)  # an iteration takes a second
    monkeypatch.setattr(step, "iterate", spoiled)
    with pytest.raises(BadInput, match="diverged by iteration 4: a weight is not finite"):
        finish(this, digits, small, seconds=2)
    assert written.count(train.CHECKPOINT) == 1
    assert load_file(this.checkpoints / train.CHECKPOINT)["log"].shape == (2, 5)


def test_a_checkpoint_is_loaded_by_its_own_training_alone(tmp_path, capsys):
    path = tmp_path / "checkpoint.safetensors"
    assert train.checkpoint(path, "abc") is None and capsys.readouterr().out == ""
    files.save_tensors(path, {"log": torch.ones(2, 5)}, "abc")
    assert torch.equal(train.checkpoint(path, "abc")["log"], torch.ones(2, 5))
    assert train.checkpoint(path, "abd") is None
    assert "of other settings, code or machine: starting from the first iteration" in capsys.readouterr().out
    path.write_bytes(path.read_bytes()[:-1])
    assert train.checkpoint(path, "abc") is None and "starting from the first" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("losses", "message"),
    [
        ([30.0, 1.4, 1.4, 1.4], None),  # one bad iteration, as a regular training may start with
        ([251.0, 120.0, 60.0, 35.0], r"diverged by iteration 4: .* loss has been 116\.5 nats on average since"),
        ([1e-5] * 4, "collapsed by iteration 4"),
        ([1.4, 1.4, math.nan, 1.4], "diverged by iteration 4: a loss is not finite"),
    ],
)
def test_a_discriminator_that_is_thrown_about_or_collapses_stops_the_run(losses, message: str | None, digits):
    log = torch.ones(4, 5)
    log[:, 0] = torch.tensor(losses)
    with pytest.raises(BadInput, match=message) if message else nullcontext() as error:
        train.check(step.Training(None, {}, {}, None, log, digits), 0, 4)
    if message:  # what a study knows a failed run by
        assert worker.FAILED.search(f"error: {error.value}")[1] == str(error.value)


def test_a_run_is_stopped_where_its_discriminator_collapses(this: Run, digits, small: Parameters, monkeypatch):
    monkeypatch.setattr(step, "iterate", lambda training, iteration, _: training.log[iteration].fill_(1e-5))
    with pytest.raises(BadInput, match="collapsed by iteration 1"):
        finish(this, digits, small)


def test_the_fingerprint_tells_trainings_apart(small: Parameters, monkeypatch):
    settings, other_mnist = small.settings("infogan"), Mnist(sha256=dict.fromkeys(small.mnist.sha256, "0" * 64))
    trainings = [(0, settings, small.mnist), (1, settings, small.mnist), (0, settings, other_mnist)]
    trainings += [(0, change(settings, latent={"categories": 20}), small.mnist)]
    monkeypatch.setattr(train.source, "fingerprint", lambda module: f"code of {module}")
    prints = [train.fingerprint(*training, CPU) for training in trainings]
    monkeypatch.setattr(train.source, "fingerprint", lambda module: f"other code of {module}")
    prints.append(train.fingerprint(*trainings[0], CPU))
    monkeypatch.setattr(train.machine, "numerics", lambda _: {"threads": 99})
    prints.append(train.fingerprint(*trainings[0], CPU))
    assert len(set(prints)) == len(prints)


def test_the_stage_writes_its_outputs_in_the_place_of_others_and_nothing_of_a_users_goes(
    finished, this: Run, digits, small: Parameters, monkeypatch
):
    """Its training was killed when its last checkpoint was written: no iteration may follow."""
    shutil.copytree(finished()[1] / this.checkpoints, this.checkpoints)
    monkeypatch.setattr(run, "from_command_line", lambda description: (this, small))
    monkeypatch.setattr(Run, "training_images", lambda self, mnist_files: (digits, None))
    monkeypatch.setattr(step, "iterate", lambda *_: pytest.fail("it trains"))
    mine = [Path("runs/views-0-backup", run.snapshot(4)), this.weights / "notes.txt"]
    for path in (*mine, this.weights / run.snapshot(100)):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("mine")
    with train.alone(this.checkpoints), pytest.raises(BadInput, match="another process is training views-0"):
        train.main()
    with monkeypatch.context() as patch:  # it outlives the process that began it: the next call needs its checkpoint
        patch.setattr(train.os, "getppid", iter([1, 2]).__next__)
        train.main()
    assert (this.checkpoints / train.CHECKPOINT).exists()
    train.main()
    assert [path.read_text() for path in mine] == ["mine"] * len(mine)
    assert {path.name for path in this.weights.iterdir()} == {run.snapshot(2), run.snapshot(4), "notes.txt"}
    for name, tensor in load_file(this.weights / run.snapshot(4)).items():
        assert torch.equal(tensor, finished()[0][f"4 {name}"])
    record = files.read_json(this.folder / "run.json")
    assert (record["variant"], record["seed"], record["environment"]["device"]) == ("views", 0, "cpu")
    assert record["settings"] == this.settings.model_dump(mode="json")
    assert (this.folder / "training.csv").exists()
    assert not list(this.checkpoints.glob("*.safetensors"))


def test_the_log_has_a_row_for_each_window():
    first, last = train.log_rows(torch.arange(20.0).view(4, 5), every=2)
    assert list(first) == ["iteration", *step.LOG_COLUMNS]
    assert list(first.values()) == [2, "2.500000", "3.500000", "4.500000", "5.500000", "6.500000"]
    assert list(last.values()) == [4, "12.500000", "13.500000", "14.500000", "15.500000", "16.500000"]


def test_a_run_sees_the_last_images_and_of_its_digits_alone(mnist_files, pinned_mnist, small, tmp_path, monkeypatch):
    write(tmp_path / mnist.FOLDER, mnist_files)
    monkeypatch.chdir(tmp_path)
    (images, labels), (_, tested) = (mnist.load(split, pinned_mnist) for split in ("train", "t10k"))
    digits = labels[[2, 5]]
    train = {"training_images": 5, "digits": digits.tolist()}
    this = Run("infogan", 0, change(small.settings("infogan"), train=train))
    for found, first, end in ((this.training_images, 8, 13), (this.held_out_images, 0, 8)):
        named = torch.isin(labels[first:end], digits)
        assert all(map(torch.equal, found(pinned_mnist), (images[first:end][named], labels[first:end][named])))
    assert torch.equal(this.test_images(pinned_mnist)[1], tested[torch.isin(tested, digits)])


def test_a_run_that_there_cannot_be_is_named(monkeypatch):
    monkeypatch.chdir(ROOT)
    for *given, message in (("wgan", "0", "variant: got 'wgan', expected one of"), ("infogan", "-5", "seed: got -5")):
        monkeypatch.setattr(sys, "argv", ["train", *given])
        with pytest.raises(BadInput, match=message):
            run.from_command_line(None)
