"""Layers that are faster than nn.Linear, nn.Conv2d and nn.ConvTranspose2d; the mathematics is the same."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn import grad


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
    """A fully connected layer: (N, in) -> (N, out). Half of the arithmetic of a run is in two of them."""

    def forward(self, x: Tensor) -> Tensor:
        return _Linear.apply(x, self.weight, self.bias)


def patches(x: Tensor, size: int, stride: int, padding: int) -> Tensor:
    """What each place of a convolution reads: (N, in, H, W) -> (N, h, w, size · size · in), channels last."""
    padded = F.pad(x, 4 * (padding,))
    return padded.unfold(2, size, stride).unfold(3, size, stride).permute(0, 2, 3, 4, 5, 1).flatten(3)


def input_gradient(size: Sequence[int], weight: Tensor, gradient: Tensor, stride: int, padding: int) -> Tensor:
    """The gradient of a convolution by its input: weights (out, in, k, k), (N, out, h, w) -> (N, in, *size).

    oneDNN and cuDNN are slow where the input has one channel, as an image has. There a product gives the patch of each
    place, and `F.fold` adds the patches up. With more channels cuDNN is slow still.
    """
    N, channels = gradient.shape[:2]
    if weight.shape[1] > 1:
        if gradient.device.type == "cuda":
            return by_parity(weight, gradient, stride, padding)
        return grad.conv2d_input((N, weight.shape[1], *size), weight, gradient, stride, padding)
    rows = multiply(gradient.permute(0, 2, 3, 1).reshape(-1, channels), weight.flatten(1).T)
    of_places = rows.unflatten(0, (N, -1)).transpose(1, 2)
    return F.fold(of_places, size, weight.shape[2:], stride=stride, padding=padding)


def by_parity(weight: Tensor, gradient: Tensor, stride: int, padding: int) -> Tensor:
    """`input_gradient` of a convolution whose size is twice its stride, as one product.

    Each place of the input is read from 2 × 2 places, which neighbour each other, and by weights that its row and column
    choose modulo the stride: for stride 2, by their parity. So a convolution of size 2 gives the gradients of all of them.
    """
    N, out, h, w = gradient.shape
    split = weight.unflatten(3, (2, stride)).unflatten(2, (2, stride)).flip(2, 4)  # out, in, 2, parity, 2, parity
    matrix = split.permute(2, 4, 0, 3, 5, 1).reshape(4 * out, -1)
    places = (patches(gradient, 2, 1, 1) @ matrix).view(N, h + 1, w + 1, stride, stride, -1)
    whole = places.transpose(2, 3).reshape(N, stride * (h + 1), stride * (w + 1), -1)
    inside = slice(padding, -padding)
    return whole[:, inside, inside].permute(0, 3, 1, 2).contiguous(memory_format=torch.channels_last)


def weight_gradient(x: Tensor, size: Sequence[int], gradient: Tensor, stride: int, padding: int) -> Tensor:
    """The gradient of a convolution by its weights: (N, in, H, W), (N, out, h, w) -> `size`, which is (out, in, k, k).

    The product with the patches is faster than oneDNN where the input has one channel, and than cuDNN anyway.
    """
    if size[1] > 1 and gradient.device.type != "cuda":
        return grad.conv2d_weight(x, size, gradient, stride, padding)
    out, channels, k, _ = size
    product = gradient.permute(0, 2, 3, 1).flatten(0, 2).T @ patches(x, k, stride, padding).flatten(0, 2)
    return product.view(out, k, k, channels).permute(0, 3, 1, 2)


class _Conv2d(torch.autograd.Function):
    """A convolution whose gradients are `input_gradient` and `weight_gradient`."""

    @staticmethod
    def forward(ctx, x: Tensor, weight: Tensor, bias: Tensor, stride: int, padding: int) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.stride, ctx.padding = stride, padding
        return F.conv2d(x, weight, bias, stride, padding)

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        of_x, of_weight, of_bias, *_ = ctx.needs_input_grad
        return (
            input_gradient(x.shape[2:], weight, gradient, ctx.stride, ctx.padding) if of_x else None,
            weight_gradient(x, weight.shape, gradient, ctx.stride, ctx.padding) if of_weight else None,
            gradient.sum(dim=(0, 2, 3)) if of_bias else None,
            None,
            None,
        )


class Conv2d(nn.Conv2d):
    """A convolution: (N, in, h, w) -> (N, out, (h + 2 padding - size) / stride + 1, …)."""

    def forward(self, x: Tensor) -> Tensor:
        if self.in_channels > 1 and x.device.type != "cuda":
            return super().forward(x)  # whose gradients are oneDNN's
        return _Conv2d.apply(x, self.weight, self.bias, self.stride[0], self.padding[0])


class _ConvTranspose2d(torch.autograd.Function):
    """A transposed convolution is the gradient of a convolution by its input, and oneDNN is faster at it under that name.

    Its own gradients are then a convolution, and the gradient of a convolution by its weights.
    """

    @staticmethod
    def forward(ctx, x: Tensor, weight: Tensor, bias: Tensor, stride: int, padding: int) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.stride, ctx.padding = stride, padding
        size = [(x.shape[i] - 1) * stride - 2 * padding + weight.shape[i] for i in (2, 3)]
        return input_gradient(size, weight, x, stride, padding) + bias.view(-1, 1, 1)

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        of_x, of_weight, of_bias, *_ = ctx.needs_input_grad
        return (
            F.conv2d(gradient, weight, None, ctx.stride, ctx.padding) if of_x else None,
            weight_gradient(gradient, weight.shape, x, ctx.stride, ctx.padding) if of_weight else None,
            gradient.sum(dim=(0, 2, 3)) if of_bias else None,
            None,
            None,
        )


class ConvTranspose2d(nn.ConvTranspose2d):
    """A transposed convolution: (N, in, h, w) -> (N, out, stride (h − 1) − 2 padding + size, …)."""

    def forward(self, x: Tensor) -> Tensor:
        return _ConvTranspose2d.apply(x, self.weight, self.bias, self.stride[0], self.padding[0])
