"""What the head in Q's place reads from images: categories of real ones, information in generated ones, its hidden layer."""

import copy

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from replicate.base import mnist
from replicate.gan import latent
from replicate.gan.model import Model
from replicate.gan.settings import Settings

Split = tuple[Tensor, Tensor]  # images uint8 (N, 28, 28) and digits (N,)


@torch.inference_mode()
def categories(trained: Model, images: Tensor, batch_size: int = 500) -> np.ndarray:
    """c1 of real images, the category that is likeliest by Q(c1|x): uint8 (N, 28, 28) -> (N,)."""
    batches = (mnist.as_input(batch) for batch in images.split(batch_size))
    logits = [trained.head.category_logits(trained.discriminator.features(batch)) for batch in batches]
    return torch.cat(logits).argmax(dim=1).numpy()


@torch.inference_mode()
def trunk(trained: Model, images: Tensor, batch_size: int = 500) -> Tensor:
    """Features (N, 1024) of real images uint8 (N, 28, 28) by D's trunk."""
    return torch.cat([trained.discriminator.features(mnist.as_input(batch)) for batch in images.split(batch_size)])


@torch.inference_mode()
def hidden(trained: Model, images: Tensor, batch_size: int = 500) -> Tensor:
    """Features (N, 128) of real images uint8 (N, 28, 28) by the head's hidden layer."""
    return torch.cat([trained.head.hidden(batch) for batch in trunk(trained, images, batch_size).split(batch_size)])


@torch.inference_mode()
def codes(trained: Model, images: Tensor, batch_size: int = 500) -> tuple[np.ndarray, np.ndarray]:
    """c1 of real images, as `categories` has it, and c2 and c3 as the head expects them: (N,) and float32 (N, 2)."""
    features = trunk(trained, images, batch_size)
    category = trained.head.category_logits(features).argmax(dim=1)
    return category.numpy(), trained.head.continuous_codes(features).numpy()


@torch.inference_mode()
def lower_bounds(trained: Model, samples: int, settings: Settings, random: torch.Generator) -> list[float]:
    """What the run's own objective estimates of c1, c2, c3 on `samples` fresh latent variables, in batches of the training's
    size. Codes are read from the images themselves, also where the training reads them from views."""
    size = settings.train.batch_size
    bounds = []
    for _ in range(max(samples // size, 1)):
        codes = latent.sample(size, settings.latent, random)
        features = trained.discriminator.features(trained.generator(latent.inputs(codes, settings.latent)))
        bounds.append(trained.head.lower_bounds(features, codes))
    return torch.stack(bounds).mean(dim=0).tolist()


def with_batch_statistics(trained: Model) -> Model:
    """A copy of the model, without gradients of its weights, whose batchnorm takes its statistics from the batch at hand."""
    return copy.deepcopy(trained).train().requires_grad_(False)


def gradient_rms(trained: Model, samples: int, settings: Settings, random: torch.Generator) -> dict[str, float]:
    """The RMS, over images and pixels, of the gradient of each term of G's loss with respect to a generated image, as in a G
    step with the non-saturating loss and no views: nats, summed over a batch, per unit of brightness.

    adversarial, c1, continuous: of −log D(G(z, c)), of λ L_I of c1, and of λ L_I of c2 and c3 together.
    """
    copied = with_batch_statistics(trained)
    generator, discriminator, head = copied.generator, copied.discriminator, copied.head
    size = settings.train.batch_size
    squares = []
    for _ in range(max(samples // size, 1)):
        codes = latent.sample(size, settings.latent, random)
        images = generator(latent.inputs(codes, settings.latent)).requires_grad_()
        features = discriminator.features(images)
        bounds = head.lower_bounds(features, codes)
        terms = {
            "adversarial": F.softplus(-discriminator.logit(features)).mean(),
            "c1": settings.train.lambda_discrete * bounds[0],
            "continuous": settings.train.lambda_continuous * bounds[1:].sum(),
        }
        gradients = [torch.autograd.grad(term, images, retain_graph=True)[0] for term in terms.values()]
        squares.append([(size * gradient).square().mean().item() for gradient in gradients])
    return dict(zip(terms, np.sqrt(np.mean(squares, axis=0)).tolist()))
