"""What a page holds, made small: pictures of 4 bits, and G for a few draws of z.

Its weights have 8 bits, and its largest layer is the product of two smaller ones: for a few draws of z, what that layer
gives varies along few directions, its principal components, whatever the code. generator.js computes what `images`
computes here.
"""

import base64
import io
import zlib
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional as F

from replicate.gan.latent import Codes
from replicate.gan.networks import Generator
from replicate.gan.settings import Latent

GREYS = 16  # grey levels of a picture: a PNG of four bits a pixel, smaller than a JPEG or WebP of the same error
COARSE = 0.25  # step of the large matrices, in standard deviations; the larger, the smaller they are once compressed
FINE = 0.03  # step of what the components contribute, in standard deviations of what the largest layer gives


class Table(NamedTuple):
    """A matrix as whole numbers int8 (rows, columns) times a step for each row (rows, 1)."""

    whole: Tensor
    step: Tensor

    @property
    def value(self) -> Tensor:
        return self.whole * self.step


def table(matrix: Tensor, least_step: Tensor | float = 1e-12) -> Table:
    """A matrix (rows, columns) rounded to 127 steps or fewer on both sides of 0."""
    step = torch.maximum(matrix.abs().amax(dim=1, keepdim=True) / 127, torch.as_tensor(least_step))
    return Table((matrix / step).round().to(torch.int8), step)


def folded(layer: nn.Module, batchnorm: nn.Module, batchnorm_first: bool) -> tuple[Tensor, Tensor, Tensor]:
    """A layer with its batchnorm: weights (in, …, out), bias (out,), and gain and shift after the ReLU (2, out)."""
    weight = layer.weight.T if isinstance(layer, nn.Linear) else layer.weight.permute(0, 2, 3, 1)
    gain = batchnorm.weight / (batchnorm.running_var + batchnorm.eps).sqrt()
    shift = batchnorm.bias - gain * batchnorm.running_mean
    none = torch.stack([torch.ones_like(gain), torch.zeros_like(gain)])
    if batchnorm_first:
        return weight * gain, layer.bias * gain + shift, none
    return weight, layer.bias, torch.stack([gain, shift])


def activate(x: Tensor, after: Tensor) -> Tensor:
    """ReLU, then gain and shift `after` (2, channels), of x (…, channels)."""
    return x.relu() * after[0] + after[1]


@torch.no_grad()
def of(generator: Generator, noise: Tensor, codes: Codes, prior: Latent, rank: int) -> dict[str, Table]:
    """G in evaluation mode for draws of z (D, noise_variables), with `rank` principal components of its largest layer.

    `codes` are latent variables for which it shall be right, with these draws as noise. The tables are in the order in
    which G needs them; "noise" has a row a draw, "category" a row a category.
    """
    layers = [each for each in generator.modules() if isinstance(each, nn.Linear | nn.ConvTranspose2d)]
    norms = [each for each in generator.modules() if isinstance(each, nn.BatchNorm1d | nn.BatchNorm2d)]
    first = isinstance(generator.fully_connected[1], nn.BatchNorm1d)
    (W1, b1, after1), (W2, b2, after2), (W3, b3, after3) = (folded(*pair, first) for pair in zip(layers, norms))

    of_noise, of_category, of_continuous = W1.split([prior.noise_variables, prior.categories, prior.continuous_codes])
    hidden = activate(
        codes.noise @ of_noise + of_category[codes.category] + codes.continuous @ of_continuous + b1, after1
    )
    given = hidden @ W2
    torch.manual_seed(0)  # pca_lowrank starts from random directions
    _, spread, components = torch.pca_lowrank(given, q=min(rank, *given.shape))
    spread = (spread / len(given) ** 0.5).clamp(min=1e-6)  # standard deviation along each component

    project = table((W2 @ components).T, COARSE * (W2 @ components).std())
    basis = table(components.T, FINE * given.std() / spread[:, None])
    mean = hidden.mean(dim=0, keepdim=True)
    return {
        "noise": table(noise @ of_noise + b1),
        "category": table(of_category),
        "continuous": table(of_continuous),
        "after1": table(after1),
        "project": project,
        "basis": basis,
        "constant": table(mean @ W2 + b2 - mean @ project.value.T @ basis.value),  # right at the mean
        "after2": table(after2),
        "kernel3": table(W3.flatten(1), COARSE * W3.std()),
        "bias3": table(b3[None]),
        "after3": table(after3),
        "kernel4": table(layers[3].weight.flatten(1)),
        "bias4": table(layers[3].bias[None]),
    }


def images(tables: dict[str, Table], draw: Tensor, category: Tensor, continuous: Tensor) -> Tensor:
    """Images (N, 1, 28, 28) of draws of z (N,), categories (N,) and c2, c3 (N, 2)."""
    w = {name: each.value for name, each in tables.items()}
    hidden = activate(w["noise"][draw] + w["category"][category] + continuous @ w["continuous"], w["after1"])
    features = activate(hidden @ w["project"].T @ w["basis"] + w["constant"], w["after2"])
    kernel = w["kernel3"].view(128, 4, 4, 64).permute(0, 3, 1, 2)
    x = features.view(-1, 7, 7, 128).permute(0, 3, 1, 2)
    x = F.conv_transpose2d(x, kernel, w["bias3"][0], stride=2, padding=1)
    x = activate(x.permute(0, 2, 3, 1), w["after3"]).permute(0, 3, 1, 2)
    return F.conv_transpose2d(x, w["kernel4"].view(64, 1, 4, 4), w["bias4"][0], stride=2, padding=1).sigmoid()


def text(*arrays: np.ndarray) -> str:
    """The bytes of arrays, one after the other, in base64 of zlib's runs and Huffman codes, the smallest of such numbers."""
    zipped = zlib.compressobj(9, memLevel=7, strategy=zlib.Z_RLE)
    return base64.b64encode(zipped.compress(b"".join(each.tobytes() for each in arrays)) + zipped.flush()).decode()


def packed(tables: dict[str, Table]) -> str:
    """All steps, float32, then all whole numbers, as `text`."""
    steps, numbers = (
        torch.cat([part.flatten() for part in parts]).numpy() for parts in reversed(list(zip(*tables.values())))
    )
    return text(steps.astype("<f4"), numbers)


def sheet(images: np.ndarray) -> str:
    """Images uint8 (N, H, W), one below the other, as a PNG of GREYS greys, in base64."""
    picture = Image.fromarray(np.vstack(images)).quantize(GREYS)
    content = io.BytesIO()
    picture.save(content, "PNG", optimize=True)
    return base64.b64encode(content.getvalue()).decode()
