"""The networks of Table 1, and the head of the InfoMax critic that takes Q's place in the objective `infomax`.

Every layer has a bias. Batchnorm comes before the non-linearity, as in the released code (Table 1 prints "ReLU.
batchnorm"). Images are (N, 1, 28, 28), pixels in [0, 1]. The 6272 features between a convolution and a fully connected
layer are in the order row, column, channel, which the convolutions' channels-last memory holds without a copy.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional as F

from replicate import latent
from replicate.latent import Codes
from replicate.params import Params
from replicate.stage import BadInput

FEATURES = 1024  # of the trunk that D and Q share
HIDDEN = 128  # of Q's own layer


def multiply(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """x Wᵀ + b, (N, in) and (out, in) -> (N, out): by oneDNN where that is at hand, faster than sgemm for few rows."""
    if x.device.type == "cpu" and x.dtype == torch.float32 and torch.backends.mkldnn.is_available():
        return torch.ops.mkldnn._linear_pointwise(x, weight, bias, "none", [], "")
    return F.linear(x, weight, bias)


class _Linear(torch.autograd.Function):
    """`multiply`, whose gradients are products of the same kind."""

    @staticmethod
    def forward(ctx, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        ctx.save_for_backward(x, weight)
        return multiply(x, weight, bias)

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        of_x, of_weight, of_bias = ctx.needs_input_grad
        return (
            multiply(gradient, weight.T) if of_x else None,
            multiply(gradient.T, x.T) if of_weight else None,
            gradient.sum(dim=0) if of_bias else None,
        )


class Linear(nn.Linear):
    """A fully connected layer: (N, in) -> (N, out). Half of the arithmetic of a training is in two of them."""

    def forward(self, x: Tensor) -> Tensor:
        return _Linear.apply(x, self.weight, self.bias)


class Generator(nn.Module):
    """G: (N, latent_size) -> images (N, 1, 28, 28)."""

    def __init__(self, latent_size: int):
        super().__init__()
        self.fully_connected = nn.Sequential(
            Linear(latent_size, 1024), nn.BatchNorm1d(1024), nn.ReLU(),
            Linear(1024, 7 * 7 * 128), nn.BatchNorm1d(7 * 7 * 128), nn.ReLU(),
        )  # fmt: skip
        self.upconvolutional = nn.Sequential(
            nn.ConvTranspose2d(128, 64, 4, stride=2, padding=1), nn.BatchNorm2d(64), nn.ReLU(),
            nn.ConvTranspose2d(64, 1, 4, stride=2, padding=1), nn.Sigmoid(),
        )  # fmt: skip

    def forward(self, inputs: Tensor) -> Tensor:
        return self.upconvolutional(self.fully_connected(inputs).unflatten(1, (7, 7, 128)).permute(0, 3, 1, 2))


class Trunk(nn.Module):
    """The layers that D and Q share: images (N, 1, 28, 28) -> features (N, 1024)."""

    def __init__(self, leaky_slope: float):
        super().__init__()
        self.leaky_slope = leaky_slope
        self.convolution1 = nn.Conv2d(1, 64, 4, stride=2, padding=1)
        self.convolution2 = nn.Conv2d(64, 128, 4, stride=2, padding=1)
        self.batchnorm2 = nn.BatchNorm2d(128)
        self.fully_connected = Linear(7 * 7 * 128, FEATURES)
        self.batchnorm3 = nn.BatchNorm1d(FEATURES)

    def forward(self, images: Tensor, batches: int = 1) -> Tensor:
        """`images` may hold several batches of equal size (real, generated): each is normalised by its own statistics."""

        def normalise(batchnorm: nn.Module, x: Tensor) -> Tensor:
            return batchnorm(x) if batches == 1 else torch.cat([batchnorm(part) for part in x.chunk(batches)])

        def rectify(x: Tensor) -> Tensor:
            return F.leaky_relu(x, self.leaky_slope, inplace=True)

        x = rectify(self.convolution1(images))
        x = rectify(normalise(self.batchnorm2, self.convolution2(x)))
        return rectify(normalise(self.batchnorm3, self.fully_connected(x.permute(0, 2, 3, 1).flatten(1))))


class Discriminator(nn.Module):
    """D: `features` is the trunk, `logit` its output (N, 1024) -> (N, 1): the log-odds that an image is real."""

    def __init__(self, leaky_slope: float):
        super().__init__()
        self.features = Trunk(leaky_slope)
        self.logit = nn.Linear(FEATURES, 1)


class Posterior(NamedTuple):
    """Q(c|x), factored: a categorical distribution over c1, a Gaussian for each of c2, c3."""

    logits: Tensor  # (N, K)
    mean: Tensor  # (N, 2)
    std: Tensor  # (N, 2)


class Head(nn.Module):
    """FC 128 – batchnorm – lReLU on the trunk's features: what Q and the critic have in common."""

    def __init__(self, outputs: int, leaky_slope: float):
        super().__init__()
        self.hidden = nn.Sequential(nn.Linear(FEATURES, HIDDEN), nn.BatchNorm1d(HIDDEN), nn.LeakyReLU(leaky_slope))
        self.output = nn.Linear(HIDDEN, outputs)

    def outputs(self, features: Tensor) -> Tensor:
        return self.output(self.hidden(features))


class RecognitionHead(Head):
    """The recognition network Q's own layers: features (N, 1024) -> Q(c|x). Its 14 outputs: logits, means, log stds."""

    def __init__(self, params: Params):
        self.sizes = (params.latent.categories, params.latent.continuous_codes, params.latent.continuous_codes)
        super().__init__(sum(self.sizes), params.networks.leaky_slope)
        self.fixed_std = params.networks.code_std == "fixed"

    def posterior(self, features: Tensor) -> Posterior:
        logits, mean, log_std = self.outputs(features).split(self.sizes, dim=1)
        return Posterior(logits, mean, torch.ones_like(mean) if self.fixed_std else log_std.exp())

    def category_logits(self, features: Tensor) -> Tensor:
        """log Q(c1|x) up to a constant: (N, 1024) -> (N, K)."""
        return self.posterior(features).logits


class CriticHead(Head):
    """The InfoMax critic's own layers: T_j(x, c_j), the scaled inner product of a projection of x and an embedding of c_j.

    A head of Q's size: a table embeds the categories of c1, a small network each continuous code. At the optimum of the
    estimators of `information`, T is the log-density ratio log p(x, c_j) / p(x) p(c_j), up to a constant.
    """

    EMBEDDING_HIDDEN = 64

    def __init__(self, params: Params):
        self.dimensions = params.train.critic_dimensions
        codes = 1 + params.latent.continuous_codes
        super().__init__(codes * self.dimensions, params.networks.leaky_slope)
        self.embed_category = nn.Embedding(params.latent.categories, self.dimensions)
        self.embed_continuous = nn.ModuleList(
            nn.Sequential(
                nn.Linear(1, self.EMBEDDING_HIDDEN),
                nn.LeakyReLU(params.networks.leaky_slope),
                nn.Linear(self.EMBEDDING_HIDDEN, self.dimensions),
            )
            for _ in range(params.latent.continuous_codes)
        )

    def _projections(self, features: Tensor) -> tuple[Tensor, ...]:
        return (self.outputs(features) / self.dimensions**0.5).split(self.dimensions, dim=1)

    def scores(self, features: Tensor, codes: Codes) -> list[Tensor]:
        """For each code c_j the matrix (N, N) of T_j(x_i, c_k): the joint on its diagonal, the marginals off it."""
        embedded = [self.embed_category(codes.category)]
        embedded += [embed(code) for embed, code in zip(self.embed_continuous, codes.continuous.split(1, dim=1))]
        return [x @ c.T for x, c in zip(self._projections(features), embedded)]

    def category_logits(self, features: Tensor) -> Tensor:
        """log p(c1|x) that T implies under the uniform prior, up to a constant: (N, 1024) -> (N, K)."""
        return self._projections(features)[0] @ self.embed_category.weight.T


class Run(NamedTuple):
    """The networks of one training."""

    generator: Generator
    discriminator: Discriminator
    head: RecognitionHead | CriticHead


def build(objective: str, params: Params) -> Run:
    """The networks of one training of `objective`, in training mode, their weights as PyTorch leaves them."""
    run = Run(
        Generator(params.latent.size),
        Discriminator(params.networks.leaky_slope),
        CriticHead(params) if objective == "infomax" else RecognitionHead(params),
    )
    for network in run:
        network.to(memory_format=torch.channels_last)
    return run


def initialise(run: Iterable[nn.Module], generator: torch.Generator) -> None:
    """Draw the initial weights, as the released code does: weights N(0, 0.02²), truncated at two standard deviations in
    D's convolutions; batchnorm gains N(1, 0.02²); biases 0. The critic's embeddings (ours): N(0, 1 / fan in)."""
    for network in run:
        for name, module in network.named_modules():
            if name.startswith("embed_"):
                if isinstance(module, nn.Linear | nn.Embedding):
                    for parameter in module.parameters():
                        fan_in = module.in_features if isinstance(module, nn.Linear) else 1
                        nn.init.normal_(parameter, std=fan_in**-0.5, generator=generator)
            elif isinstance(module, nn.Conv2d):
                nn.init.trunc_normal_(module.weight, std=0.02, a=-0.04, b=0.04, generator=generator)
                nn.init.zeros_(module.bias)
            elif isinstance(module, nn.Linear | nn.ConvTranspose2d):
                nn.init.normal_(module.weight, std=0.02, generator=generator)
                nn.init.zeros_(module.bias)
            elif isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
                nn.init.normal_(module.weight, mean=1, std=0.02, generator=generator)
                nn.init.zeros_(module.bias)


def to_tensors(run: Run) -> dict[str, Tensor]:
    """The weights of the three networks, named `generator.…`, `discriminator.…`, `head.…`, ready for safetensors."""
    return {
        f"{part}.{name}": tensor.detach().cpu().contiguous()
        for part, network in run._asdict().items()
        for name, tensor in network.state_dict().items()
    }


def from_tensors(run: Run, tensors: dict[str, Tensor]) -> None:
    """Set the weights of `run` to those that `to_tensors` gave; other tensors are passed over."""
    for part, network in run._asdict().items():
        prefix = f"{part}."
        network.load_state_dict({k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)})


def load(path: str | Path, objective: str, params: Params) -> Run:
    """A finished training: the networks in evaluation mode, with the population statistics of batchnorm.

    Raises BadInput when the file is missing, damaged, or of other networks than `params` describes.
    """
    run = build(objective, params)
    try:
        from_tensors(run, load_file(path))
    except (OSError, SafetensorError, RuntimeError) as error:
        raise BadInput(f"{path}: not the weights of a finished {objective} training of these parameters ({error})") from error
    for network in run:
        network.eval()
    return run


@torch.no_grad()
def generate(generator: Generator, codes: Codes, params: latent.Latent, batch_size: int = 500) -> Tensor:
    """Images (N, 1, 28, 28) of N latent variables."""
    return torch.cat([generator(batch) for batch in latent.inputs(codes, params).split(batch_size)])
