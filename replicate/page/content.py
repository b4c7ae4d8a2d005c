"""What the explorer's page holds of each run, and how it is computed."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from replicate.base import mnist
from replicate.gan import latent, model
from replicate.gan.latent import Codes
from replicate.gan.model import Model
from replicate.gan.run import Run
from replicate.gan.settings import Latent, Train
from replicate.measures import classification, morphometry, reading
from replicate.page import compact
from replicate.parameters import Explorer, Parameters

NAMES = {"infogan": "InfoGAN", "gan": "Regular GAN", "infomax": "InfoMax", "views": "InfoGAN with views"}
LIMIT = 2.0  # c2 and c3 are shown from −2 to 2, as in the paper's Figure 2
OF_EACH = 10  # test digits of each kind
HUNDREDTHS = 100  # in which c2 and c3 are kept, as they are read
SAMPLES = 2000  # images, at most, to which G's components are fitted; with which they are checked; in which c1 is read


def draws(prior: Latent, options: Explorer) -> Tensor:
    """Noise z (draws, noise_variables), the same for every run of the same prior."""
    return latent.sample(options.draws, prior, torch.Generator().manual_seed(options.seed)).noise


def grid(noise: Tensor, order: np.ndarray, values: int) -> tuple[Codes, Tensor, Tensor]:
    """Every category of `order` (K,) with every draw of z, a row of `noise` (Z, noise_variables), and every pair of `values`
    values of c3 and c2, the last fastest: N = K · Z · values² latent variables, their draws (N,) and the places of their
    categories in the order (N,)."""
    places = [torch.arange(n) for n in (len(order), len(noise), values, values)]
    place, draw, c3, c2 = torch.cartesian_prod(*places).T
    continuous = torch.linspace(-LIMIT, LIMIT, values)[torch.stack([c2, c3], dim=1)]
    return Codes(noise[draw], torch.from_numpy(order)[place], continuous), draw, place


def snapshots(options: Explorer, train: Train) -> list[int]:
    """The iterations at which a training is shown: the explorer's milestones, as far as it goes, and its end."""
    return sorted({min(milestone, train.iterations) for milestone in options.milestones} | {train.iterations})


@torch.inference_mode()
def read(trained: Model, images: Tensor) -> tuple[Tensor, Tensor]:
    """What the head in Q's place reads in images (N, 1, 28, 28): the posterior of c1 (N, K), and c2 and c3 (N, 2)."""
    features = map(trained.discriminator.features, images.split(500))
    read_in = [
        (trained.head.category_logits(each).softmax(dim=1), trained.head.continuous_codes(each)) for each in features
    ]
    posteriors, continuous = zip(*read_in)
    return torch.cat(posteriors), torch.cat(continuous)


def effects(trained: Model, noise: Tensor, prior: Latent) -> np.ndarray:
    """How far slant (degrees) and width (pixels) change from −1 to 1 of c2, then of c3, the other at 0: a mean over the
    draws of `noise` for each category, (K, 2 codes, 2 measures)."""
    K, Z = prior.categories, len(noise)
    ends = torch.tensor([[-1.0, 0.0], [1.0, 0.0], [0.0, -1.0], [0.0, 1.0]])
    category, draw, end = torch.cartesian_prod(torch.arange(K), torch.arange(Z), torch.arange(4)).T
    images = model.generate(trained.generator, Codes(noise[draw], category, ends[end]), prior)
    slant, width = morphometry.slant_and_width(images[:, 0].numpy())
    measured = np.stack([np.degrees(slant), width], axis=1).reshape(K, Z, 2, 2, 2)
    return (measured[:, :, :, 1] - measured[:, :, :, 0]).mean(axis=1)


def share_read_right(trained: Model, prior: Latent, random: torch.Generator) -> float:
    """In how many images, of codes from their prior, c1 is read right."""
    codes = latent.sample(SAMPLES, prior, random)
    posterior, _ = read(trained, model.generate(trained.generator, codes, prior))
    return float((posterior.argmax(dim=1) == codes.category).float().mean())


def snapshot(this: Run, iteration: int, order: np.ndarray, options: Explorer) -> dict[str, Any]:
    """What the page holds of a run after some iterations: G, what is read in its images, and what c2 and c3 do.

    Categories are in the order `order` (K,). "read" has c1, c2 and c3 of each image of `grid`, one code after the other;
    "difference" is the root mean square by which images of the page's G differ from those of the full G.
    """
    prior, trained = this.settings.latent, this.load(iteration)
    random = torch.Generator().manual_seed(options.seed)
    noise = draws(prior, options)
    codes, draw, place = grid(noise, order, options.grid_values)
    images = model.generate(trained.generator, codes, prior)
    posterior, continuous = read(trained, images)
    read_place = np.argsort(order)[posterior.argmax(dim=1)]
    hundredths = np.rint(continuous.numpy().T * HUNDREDTHS).clip(-32768, 32767)

    fitted, checked = torch.randperm(len(images), generator=random)[: 2 * SAMPLES].chunk(2)
    tables = compact.of(trained.generator, noise, Codes(*(part[fitted] for part in codes)), prior, options.rank)
    tables["category"] = compact.Table(*(part[order] for part in tables["category"]))
    shown = compact.images(tables, draw[checked], place[checked], codes.continuous[checked])
    return {
        "iteration": iteration,
        "shapes": [(name, *table.whole.shape) for name, table in tables.items()],
        "generator": compact.packed(tables),
        "difference": float((shown - images[checked]).square().mean().sqrt()),
        "read": compact.text(np.vstack([read_place, hundredths]).astype("<i2")),
        "right": share_read_right(trained, prior, random),
        "effects": effects(trained, noise, prior)[order].tolist(),
    }


def first_of_each(digits: Tensor) -> list[int]:
    """Places of the first OF_EACH images of each digit in `digits` (N,), digit by digit."""
    return [place for digit in range(10) for place in (digits == digit).nonzero()[:OF_EACH, 0].tolist()]


def explored(this: Run, params: Parameters, test: reading.Split) -> dict[str, Any]:
    """What the page holds of a run: its snapshots, and what is read in the first test digits of each kind.

    Ten categories are in the order of the digits that they are matched to, as the stage evaluate matches them; other
    numbers of categories stay in their own order, each with its most frequent digit.
    """
    trained, prior, K = this.load(), this.settings.latent, this.settings.latent.categories
    images, digits = mnist.training_images(params.mnist, this.settings.train)
    used = slice(params.evaluate.matching_images)
    counts = classification.contingency(reading.categories(trained, images[used]), digits[used].numpy(), K)
    matched = (classification.match_one_to_one if K == 10 else classification.match_majority)(counts)
    order = np.argsort(matched) if K == 10 else np.arange(K)
    scored = mnist.select(*test, this.settings.train.digits)
    posterior, continuous = read(trained, mnist.as_input(test[0][first_of_each(test[1])]))
    at_zero = Codes(draws(prior, params.explorer)[:1].expand(K, -1), torch.from_numpy(order), torch.zeros(K, 2))
    still = model.generate(trained.generator, at_zero, prior)
    return {
        "run": this.name,
        "variant": this.variant,
        "name": NAMES.get(this.variant, this.variant),
        "objective": this.settings.objective,
        "views": bool(this.settings.train.recognition_views.by_code()),
        "categories": K,
        "digits": matched[order].tolist(),
        "error": float(np.mean(matched[reading.categories(trained, scored[0])] != scored[1].numpy())),
        "posteriors": [[round(share, 4) for share in row] for row in posterior[:, order].tolist()],
        "continuous": [[round(code, 2) for code in row] for row in continuous.tolist()],
        "still": compact.sheet(still[None, :, 0].numpy()),
        "snapshots": [
            snapshot(this, iteration, order, params.explorer)
            for iteration in snapshots(params.explorer, this.settings.train)
        ],
    }
