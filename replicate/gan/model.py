"""The model of a run: G, D and the head in Q's place together; built, initialised, given population statistics, kept."""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim.swa_utils import update_bn

from replicate.base import files, mnist
from replicate.gan import latent
from replicate.gan.latent import Codes
from replicate.gan.networks import CriticHead, Discriminator, Generator, RecognitionHead
from replicate.gan.settings import Latent, Settings


class Model(nn.Module):
    """The networks of one run."""

    def __init__(self, generator: Generator, discriminator: Discriminator, head: RecognitionHead | CriticHead):
        super().__init__()
        self.generator, self.discriminator, self.head = generator, discriminator, head


def build(settings: Settings) -> Model:
    """The networks of a run, in training mode, their weights as PyTorch leaves them."""
    head = CriticHead(settings) if settings.objective == "infomax" else RecognitionHead(settings)
    model = Model(Generator(settings.latent.size, settings.networks), Discriminator(settings.networks), head)
    return model.to(memory_format=torch.channels_last)


def stream(seed: np.random.SeedSequence) -> torch.Generator:
    """The random numbers of one purpose."""
    return torch.Generator().manual_seed(int(seed.generate_state(1)[0]))


def fresh(settings: Settings, seed: np.random.SeedSequence) -> Model:
    """The networks of a run with initial weights as in the official implementation: weights N(0, 0.02²), truncated at two
    standard deviations in convolutions; batchnorm's gains N(1, 0.02²); biases 0.

    Each layer draws from a stream of its own, so that models that differ in one layer start from the same in all others.
    """
    model = build(settings)
    for network in model.children():
        for module in network.modules():
            random = stream(seed.spawn(1)[0])
            if isinstance(module, nn.Conv2d):
                nn.init.trunc_normal_(module.weight, std=0.02, a=-0.04, b=0.04, generator=random)
            elif isinstance(module, nn.Linear | nn.ConvTranspose2d):
                nn.init.normal_(module.weight, std=0.02, generator=random)
            elif isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
                nn.init.normal_(module.weight, mean=1, std=0.02, generator=random)
            else:
                continue
            nn.init.zeros_(module.bias)
        if isinstance(network, CriticHead):
            network.initialise_embeddings(stream(seed.spawn(1)[0]))
    return model


def settle_batchnorm(model: Model, images: Tensor, prior: Latent, batch_size: int, random: torch.Generator) -> None:
    """Give batchnorm the population statistics of what each network reads after training: G of its latent variables, D
    and Q of real `images` uint8 (N, 28, 28). They are means over N // batch_size batches."""
    batches = images[: len(images) // batch_size * batch_size].split(batch_size)
    inputs = (latent.inputs(latent.sample(batch_size, prior, random).to(images.device), prior) for _ in batches)
    update_bn(inputs, model.generator)
    update_bn(map(mnist.as_input, batches), nn.Sequential(model.discriminator.features, model.head.hidden))


@torch.no_grad()
def generate(generator: Generator, codes: Codes, prior: Latent, batch_size: int = 500) -> Tensor:
    """Images (N, 1, 28, 28) of N latent variables."""
    return torch.cat([generator(batch) for batch in latent.inputs(codes, prior).split(batch_size)])


def to_tensors(model: Model) -> dict[str, Tensor]:
    """The weights of the networks, named `generator.…`, `discriminator.…`, `head.…`, ready for safetensors."""
    return {name: tensor.detach().cpu().contiguous() for name, tensor in model.state_dict().items()}


def from_tensors(model: Model, tensors: dict[str, Tensor]) -> None:
    """Set the weights of `model` to those that `to_tensors` gave; other tensors are passed over."""
    networks = tuple(f"{name}." for name, _ in model.named_children())
    model.load_state_dict({name: tensor for name, tensor in tensors.items() if name.startswith(networks)})


def save(path: Path, model: Model, run: str, iteration: int) -> None:
    """Write the weights with the name of their run and the iterations that made them, whole or not at all."""
    files.save_tensors(path, to_tensors(model), f"{run} after {iteration} iterations")


def load(path: str | Path, settings: Settings) -> Model:
    """The model that `save` wrote, in evaluation mode, with the population statistics of batchnorm.

    Raises BadInput when the file is missing or damaged.
    """
    model = build(settings)
    from_tensors(model, files.load_tensors(path)[0])
    return model.eval()
