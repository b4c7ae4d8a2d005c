"""What the explorer's page holds of each run, and how it is computed."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from replicate.base import mnist
from replicate.gan import latent, model
from replicate.gan.latent import Codes
from replicate.gan.model import Model
from replicate.gan.run import Run
from replicate.measures import classification, classifier
from replicate.measures.reading import Split
from replicate.page import compact
from replicate.parameters import Explorer, Parameters

LIMIT = 2.0  # c2 and c3 are shown from −2 to 2, as in the paper's Figure 2
OF_EACH = 10  # test images of each digit
PARTS = 20  # of 1, in which c2 and c3 are kept, as they are read
SAMPLES = 2000  # images, at most, to which G's components are fitted; with which they are checked; in which c1 is read
LEAST = 0.2  # share of a category's images from which on a digit is named on its button


def grid(noise: Tensor, order: np.ndarray, values: int) -> tuple[Codes, Tensor, Tensor]:
    """Every category of `order` (K,) with every draw of z, a row of `noise` (Z, noise_variables), and every pair of `values`
    values of c3 and c2, the last fastest: N = K · Z · values² latent variables, their draws (N,) and the places of their
    categories in the order (N,)."""
    places = [torch.arange(n) for n in (len(order), len(noise), values, values)]
    place, draw, c3, c2 = torch.cartesian_prod(*places).T
    continuous = torch.linspace(-LIMIT, LIMIT, values)[torch.stack([c2, c3], dim=1)]
    return Codes(noise[draw], torch.from_numpy(order)[place], continuous), draw, place


@torch.inference_mode()
def read(trained: Model, images: Tensor) -> tuple[Tensor, Tensor]:
    """What the head in Q's place reads in images (N, 1, 28, 28): the posterior of c1 (N, K), and c2 and c3 (N, 2)."""
    features = torch.cat([trained.discriminator.features(batch) for batch in images.split(500)])
    return trained.head.category_logits(features).softmax(dim=1), trained.head.continuous_codes(features)


def snapshot(this: Run, iteration: int, order: np.ndarray, named: nn.Sequential, options: Explorer) -> dict[str, Any]:
    """What the page holds of a run after some iterations: G, and what is read in its images.

    Categories are in the order `order` (K,). "read" has c1, c2 and c3 of each image of `grid`, one code after the other;
    "difference" is the root mean square by which images of the page's G differ from those of the full G. Of images of
    codes from their prior, "right" is the share in which c1 is read right, "digits" are those that the classifier `named`
    sees in LEAST of a category's or more.
    """
    prior, trained = this.settings.latent, this.load(iteration)
    random = torch.Generator().manual_seed(options.seed)
    noise = latent.sample(options.draws, prior, random).noise  # the same for every run of the same prior
    codes, draw, place = grid(noise, order, options.grid_values)
    images = model.generate(trained.generator, codes, prior)
    posterior, continuous = read(trained, images)
    read_place = np.argsort(order)[posterior.argmax(dim=1)]
    parts = np.rint(continuous.numpy().T * PARTS).clip(-128, 127)

    fitted, checked = torch.randperm(len(images), generator=random)[: 2 * SAMPLES].chunk(2)
    tables = compact.of(trained.generator, noise, Codes(*(part[fitted] for part in codes)), prior, options.rank)
    tables["category"] = compact.Table(*(part[order] for part in tables["category"]))
    shown = compact.images(tables, draw[checked], place[checked], codes.continuous[checked])

    sampled = latent.sample_every_category(SAMPLES // prior.categories, prior, random)
    drawn = model.generate(trained.generator, sampled, prior)
    seen = classifier.probabilities(named, drawn).argmax(dim=1)
    counts = classification.contingency(sampled.category.numpy(), seen.numpy(), prior.categories)
    shares = counts[order] / counts[order].sum(axis=1, keepdims=True)
    return {
        "iteration": iteration,
        "shapes": [(name, *table.whole.shape) for name, table in tables.items()],
        "generator": compact.packed(tables),
        "difference": float((shown - images[checked]).square().mean().sqrt()),
        "read": compact.text(np.vstack([read_place, parts]).astype(np.int8)),
        "right": float(read(trained, drawn)[0].argmax(dim=1).eq(sampled.category).double().mean()),
        "digits": [np.flatnonzero(of_category >= LEAST).tolist() for of_category in shares],
    }


def first_of_each(digits: Tensor) -> list[int]:
    """Places of the first OF_EACH images of each digit in `digits` (N,), digit by digit."""
    return [place for digit in range(10) for place in (digits == digit).nonzero()[:OF_EACH, 0].tolist()]


def explored(
    this: Run, label: str, found: Mapping[str, np.ndarray], named: nn.Sequential, params: Parameters, test: Split
) -> dict[str, Any]:
    """What the page holds of a run, called `label`: its snapshots, and what is read in the first test images of each digit.

    `found` has the categories that Q gives to the images of the run's training and of its test, as the stage classification
    writes them. Ten categories are in the order of the digits that they are matched to, as that stage matches them; other
    numbers of categories stay in their own order, each with its most frequent digit.
    """
    settings, K = this.settings, this.settings.latent.categories
    used = slice(params.classification.matching_images)
    digits = this.training_images(params.mnist)[1].numpy()
    counts = classification.contingency(found["train_category"][used].astype(int), digits[used], K)
    matched = (classification.match_one_to_one if K == 10 else classification.match_majority)(counts)
    order = np.argsort(matched) if K == 10 else np.arange(K)
    said = matched[found["test_category"].astype(int)]
    posterior, continuous = read(this.load(), mnist.as_input(test[0][first_of_each(test[1])]))
    train, shown = settings.train, params.explorer.milestones
    return {
        "run": this.name,
        "variant": this.variant,
        "label": label,
        "objective": settings.objective,
        "views": bool(settings.train.recognition_views.by_code()),
        "categories": K,
        "matched": matched[order].tolist(),
        "error": float(np.mean(said != mnist.select(*test, settings.train.digits)[1].numpy())),
        "posteriors": [[round(share, 4) for share in row] for row in posterior[:, order].tolist()],
        "continuous": [[round(code, 2) for code in row] for row in continuous.tolist()],
        "snapshots": [
            snapshot(this, iteration, order, named, params.explorer)
            for iteration in train.snapshots()
            if iteration in shown or iteration == train.iterations
        ],
    }
