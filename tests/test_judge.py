import pytest
import torch
from safetensors.torch import save_file

from replicate import judge, mnist
from replicate.params import Params
from replicate.stage import BadInput


@pytest.fixture(scope="module")
def settings(config: Params):
    return config.judge.model_copy(update={"epochs": 3, "batch_size": 20})


@pytest.fixture(scope="module")
def bars() -> tuple[torch.Tensor, torch.Tensor]:
    """(400, 28, 28): a bar whose place is the label, on noise."""
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(400) % 10
    images = torch.randint(0, 60, (400, 28, 28), dtype=torch.uint8, generator=generator)
    for image, label in zip(images, labels):
        image[4:24, 4 + 2 * label : 6 + 2 * label] = 255
    return images, labels


def test_it_learns_to_read(bars, settings):
    images, labels = bars
    probabilities = judge.probabilities(judge.fit(images[:300], labels[:300], settings), mnist.as_input(images[300:]))
    assert probabilities.shape == (100, 10)
    assert probabilities.sum(dim=1).tolist() == pytest.approx([1] * 100)
    assert probabilities.argmax(dim=1).eq(labels[300:]).double().mean() > 0.9


def test_the_same_bits_every_time(bars, settings):
    first, second = (judge.fit(*bars, settings).state_dict() for _ in range(2))
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_divergence_is_said(bars, settings):
    with pytest.raises(BadInput, match="diverged"):
        judge.fit(bars[0], bars[1], settings.model_copy(update={"learning_rate": 1e30}))


def test_wrong_weights_are_refused(tmp_path):
    save_file({"a": torch.zeros(1)}, tmp_path / "judge.safetensors")
    for name in ("judge.safetensors", "absent.safetensors"):
        with pytest.raises(BadInput, match=f"{name}: not the weights of a judge"):
            judge.load(tmp_path / name)
