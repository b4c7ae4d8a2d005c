"""The training step of the minimax game between G, Q and D (§5).

As in the official implementation, an iteration is two steps, each with its own codes: the D step trains D and Q (so the
trunk that they share as well) on V(D, G) and L_I, the G step trains G alone. The objectives differ only in what G and Q
are given: `infogan` the variational bound L_I, `infomax` an InfoMax estimate in its place, `gan` (§7.1's baseline)
nothing for G, while Q learns to read the codes. Where the paper and its code differ, or a code is read from a view of
the image, the settings say so.
"""

import copy
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from replicate.base import mnist
from replicate.gan import latent, model, networks, views
from replicate.gan.latent import Codes
from replicate.gan.model import Model
from replicate.gan.settings import Settings
from replicate.gan.views import Changes, Reading

LOG_COLUMNS = ("loss_discriminator", "loss_generator", "information_c1", "information_c2", "information_c3")


class Training(NamedTuple):
    """Everything that an iteration reads and changes; all of it is in the checkpoint but for the images."""

    model: Model
    optimisers: dict[str, torch.optim.Adam]  # discriminator (with Q) and generator
    random: dict[str, torch.Generator]  # one stream each for data order, latent variables and views
    order: Tensor  # (training_images,) the current epoch's order of the images
    log: Tensor  # (iterations, 5) LOG_COLUMNS of every iteration, on the device
    images: Tensor  # (training_images, 28, 28) uint8


def streams(seed: int) -> dict[str, np.random.SeedSequence]:
    """The independent streams of random numbers that a run's seed gives."""
    purposes = ("weights", "data", "codes", "batchnorm", "views")
    return dict(zip(purposes, np.random.SeedSequence(seed).spawn(len(purposes))))


def start(seed: int, images: Tensor, settings: Settings, device: torch.device) -> Training:
    """A training before its first iteration."""
    seeds = streams(seed)
    fresh = model.fresh(settings, seeds["weights"]).to(device)

    def adam(parameters: Iterable[nn.Parameter], learning_rate: float) -> torch.optim.Adam:
        betas = (settings.train.adam_beta1, settings.train.adam_beta2)
        return torch.optim.Adam(parameters, lr=learning_rate, betas=betas, fused=True)

    discriminating, generating = list(fresh.discriminator.parameters()), list(fresh.generator.parameters())
    (generating if settings.train.recognition_step == "generator" else discriminating).extend(fresh.head.parameters())
    return Training(
        fresh,
        {
            "discriminator": adam(discriminating, settings.train.learning_rate_discriminator),
            "generator": adam(generating, settings.train.learning_rate_generator),
        },
        {purpose: model.stream(seeds[purpose]) for purpose in ("data", "codes", "views")},
        torch.empty(len(images), dtype=torch.int64),
        torch.empty(settings.train.iterations, len(LOG_COLUMNS), device=device),
        images.to(device),
    )


class Draws(NamedTuple):
    """What an iteration draws at random. The first axis of all but `real` is its two steps, D's and G's."""

    real: Tensor  # (N,) int64: which of the training images
    noise: Tensor  # (2, N, noise_variables), and so the other latent variables
    category: Tensor  # (2, N)
    continuous: Tensor  # (2, N, 2)
    maps: Tensor  # (2, m, 2, 2): how the m images change that codes are read from (see `views.Changes`)
    shifts: Tensor  # (2, m, 2)
    factors: Tensor  # (2, m)

    def codes(self, step: int) -> Codes:
        return Codes(self.noise[step], self.category[step], self.continuous[step])

    def changes(self, step: int) -> Changes:
        return Changes(self.maps[step], self.shifts[step], self.factors[step])


def next_batch(training: Training, iteration: int, batch_size: int) -> Tensor:
    """Which images (batch_size,) an iteration reads.

    Each epoch has its own order; its remainder is left out.
    """
    position = iteration % (len(training.images) // batch_size) * batch_size
    if position == 0:
        training.order.copy_(torch.randperm(len(training.images), generator=training.random["data"]))
    return training.order[position : position + batch_size]


def draw(training: Training, iteration: int, settings: Settings) -> Draws:
    """All that an iteration draws, on the CPU."""
    N = settings.train.batch_size

    def sample() -> Codes:
        return latent.sample(N, settings.latent, training.random["codes"])

    of_discriminator = sample()
    of_generator = sample() if settings.train.new_codes_for_generator else of_discriminator
    changes = [views.draw(N, settings.train.recognition_views, training.random["views"]) for _ in range(2)]
    steps = [torch.stack(both) for both in (*zip(of_discriminator, of_generator), *zip(*changes))]
    return Draws(next_batch(training, iteration, N), *steps)


def weighted(bounds: Tensor, settings: Settings) -> Tensor:
    """λ L_I: the bounds (3,) of c1, c2, c3, weighted by the λ of discrete and of continuous codes (§6)."""
    return settings.train.lambda_discrete * bounds[0] + settings.train.lambda_continuous * bounds[1:].sum()


def discriminator_loss(
    discriminator: networks.Discriminator, real: Tensor, fake: Tensor, views: list[Tensor]
) -> tuple[Tensor, list[Tensor]]:
    """−V(D, G), nats, of images (N, 1, 28, 28), and the trunk's features (n, 1024) of the generated ones, then of each batch
    of `views` of them.

    All pass the trunk together, each batch normalised by its own statistics.
    """
    sizes = [len(batch) for batch in (real, fake, *views)]
    features = discriminator.features(torch.cat([real, fake, *views]), sizes)
    real_logit, fake_logit = discriminator.logit(features[: len(real) + len(fake)]).split(sizes[:2])
    return F.softplus(-real_logit).mean() + F.softplus(fake_logit).mean(), list(features.split(sizes))[1:]


def generator_loss(
    discriminator: networks.Discriminator, fake: Tensor, form: str, views: list[Tensor]
) -> tuple[Tensor, list[Tensor]]:
    """G's loss, nats, and the features as in `discriminator_loss`. Its form is non_saturating, −log D(G(z, c)), as in the
    official implementation, or minimax, log(1 − D(G(z, c))), as in eq. 1."""
    sizes = [len(batch) for batch in (fake, *views)]
    features = discriminator.features(torch.cat([fake, *views]) if views else fake, sizes)
    logit = discriminator.logit(features[: len(fake)])
    loss = F.softplus(-logit).mean() if form == "non_saturating" else -F.softplus(logit).mean()
    return loss, list(features.split(sizes))


def lower_bounds(head: networks.Head, codes: Codes, features: list[Tensor], seen: list[Reading]) -> Tensor:
    """L_I of c1, c2, c3: (3,) nats; of the images themselves, whose features stand first, or of a code's own reading."""
    bounds = list(head.lower_bounds(features[0], codes))
    for reading, of_reading in zip(seen, features[1:]):
        bounds[reading.code] = head.lower_bounds(of_reading, reading.codes)[reading.code]
    return torch.stack(bounds)


def minimise(loss: Tensor, optimiser: torch.optim.Optimizer) -> None:
    loss.backward()
    optimiser.step()
    optimiser.zero_grad()


def discriminator_step(
    training: Training, real: Tensor, fake: Tensor, draws: Draws, settings: Settings
) -> tuple[Tensor, Tensor | None]:
    """Train D, and on L_I Q and the trunk, unless `recognition_step` leaves Q to G's step: −V(D, G), and L_I (3,)."""
    discriminator, head = training.model.discriminator, training.model.head
    if settings.train.recognition_step == "generator":
        adversarial, _ = discriminator_loss(discriminator, real, fake, [])
        minimise(adversarial, training.optimisers["discriminator"])
        return adversarial, None
    codes = draws.codes(0)
    seen = views.readings(fake, codes, settings.train.recognition_views, draws.changes(0))
    adversarial, features = discriminator_loss(discriminator, real, fake, [reading.images for reading in seen])
    if settings.train.recognition_trunk == "detached":
        features = [each.detach() for each in features]
    bounds = lower_bounds(head, codes, features, seen)
    minimise(adversarial - weighted(bounds, settings), training.optimisers["discriminator"])
    return adversarial, bounds


def generator_step(training: Training, fake: Tensor, draws: Draws, settings: Settings) -> tuple[Tensor, Tensor]:
    """Train G, on L_I too unless it is a regular GAN's, and Q with it where the settings say so: G's loss, and L_I
    (3,), zeros for a regular GAN."""
    discriminator, head = training.model.discriminator, training.model.head
    discriminator.requires_grad_(False)  # gradients pass through D, and through Q, whose weights need none
    head.requires_grad_(settings.train.recognition_step == "generator")
    codes, regular = draws.codes(1), settings.objective == "gan"
    seen = [] if regular else views.readings(fake, codes, settings.train.recognition_views, draws.changes(1))
    of_views = [reading.images for reading in seen]
    loss, features = generator_loss(discriminator, fake, settings.train.generator_loss, of_views)
    bounds = loss.new_zeros(3) if regular else lower_bounds(head, codes, features, seen)
    minimise(loss - weighted(bounds, settings), training.optimisers["generator"])
    discriminator.requires_grad_(True)
    head.requires_grad_(True)
    return loss, bounds


def train_step(training: Training, draws: Draws, settings: Settings) -> Tensor:
    """A D step and a G step with what was drawn for them, on the device: LOG_COLUMNS (5,). Nothing waits for the device."""
    generator = training.model.generator
    real = mnist.as_input(training.images[draws.real])
    with torch.set_grad_enabled(not settings.train.new_codes_for_generator):
        fake = generator(latent.inputs(draws.codes(0), settings.latent))
    adversarial, bounds = discriminator_step(training, real, fake.detach(), draws, settings)
    if settings.train.new_codes_for_generator:
        fake = generator(latent.inputs(draws.codes(1), settings.latent))
    loss, of_generator = generator_step(training, fake, draws, settings)
    bounds = of_generator if bounds is None else bounds
    return torch.cat([adversarial.detach()[None], loss.detach()[None], bounds.detach()])


def iterate(training: Training, iteration: int, settings: Settings) -> None:
    """One iteration."""
    drawn = draw(training, iteration, settings)
    draws = Draws(*(latent.to_device(each, training.images.device) for each in drawn))
    training.log[iteration] = train_step(training, draws, settings)


def settled(training: Training, seed: int, settings: Settings) -> Model:
    """A copy of the model as it is now, on the CPU, with batchnorm's population statistics."""
    now = copy.deepcopy(training.model)
    random = model.stream(streams(seed)["batchnorm"])
    images = training.images[: settings.train.batchnorm_images]
    model.settle_batchnorm(now, images, settings.latent, settings.train.batch_size, random)
    return now.cpu().eval()
