"""Stage explorer: explorer/index.html, a page on which a reader moves the latent code, from the weights of each variant.

    python -m replicate.explorer

The page needs nothing but itself. It holds images of G over a grid of c2 and c3, for every category and a few draws of z,
with their slant and width; and what Q of an InfoGAN reads in a hundred test digits. Runs are of the first of
params.yaml's seeds.
"""

import base64
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from PIL import Image
from torch import Tensor

from replicate.base import environment, mnist, parameters, stage
from replicate.base.parameters import Explorer, Latent
from replicate.base.progress import Progress
from replicate.gan import latent, model, run
from replicate.gan.latent import Codes
from replicate.gan.model import Model
from replicate.gan.networks import Generator
from replicate.gan.run import Run
from replicate.measures import morphometry

GREYS = 16  # grey levels of an image: a PNG of four bits a pixel, smaller than a JPEG or WebP of the same error
LIMIT = 2.0  # c2 and c3 are shown from −2 to 2, as in the paper's Figure 2
OF_EACH = 10  # test digits of each kind
DEGREES, PIXELS = 10, 100  # slant is kept in tenths of a degree, width in hundredths of a pixel


def draws(prior: Latent, options: Explorer) -> Tensor:
    """Noise z (draws, noise_variables), the same for every run of the same prior."""
    return latent.sample(options.draws, prior, torch.Generator().manual_seed(options.seed)).noise


def grid(noise: Tensor, prior: Latent, values: int) -> Codes:
    """Every category with every row of `noise` (Z, noise_variables) and every pair of `values` values of c3 and c2, the
    last fastest: K · Z · values² latent variables."""
    places = [torch.arange(n) for n in (prior.categories, len(noise), values, values)]
    category, draw, c3, c2 = torch.cartesian_prod(*places).T
    return Codes(noise[draw], category, torch.linspace(-LIMIT, LIMIT, values)[torch.stack([c2, c3], dim=1)])


def sheet(images: np.ndarray) -> str:
    """Images (rows, columns, H, W) in [0, 1] as one PNG, in base64."""
    pixels = images.transpose(0, 2, 1, 3).reshape(images.shape[0] * images.shape[2], -1)
    picture = Image.fromarray(np.rint(pixels * (GREYS - 1)).astype(np.uint8))
    picture.putpalette(np.linspace(0, 255, GREYS).round().astype(np.uint8).repeat(3).tobytes())
    content = io.BytesIO()
    picture.save(content, "PNG", bits=4, optimize=True)
    return base64.b64encode(content.getvalue()).decode()


def measures(images: np.ndarray) -> str:
    """Slants, then widths, of images (N, 28, 28): 2 N little-endian 16-bit integers, in base64."""
    slant, width = morphometry.slant_and_width(images)
    numbers = np.concatenate([np.degrees(slant) * DEGREES, width * PIXELS])
    return base64.b64encode(np.rint(numbers).astype("<i2").tobytes()).decode()


def explored(this: Run, generator: Generator, options: Explorer) -> dict[str, Any]:
    """What the page holds of a run: a sheet a category, a row a draw of z and a value of c3, a column a value of c2; and
    what every image measures."""
    prior, values = this.settings.latent, options.grid_values
    codes = grid(draws(prior, options), prior, values)
    images = model.generate(generator, codes, prior)[:, 0].numpy()
    return {
        "name": this.name,
        "variant": this.variant,
        "objective": this.settings.objective,
        "iterations": this.settings.train.iterations,
        "categories": prior.categories,
        "sheets": [sheet(of_category) for of_category in images.reshape(prior.categories, -1, values, 28, 28)],
        "measures": measures(images),
    }


def first_of_each(digits: Tensor) -> list[int]:
    """Places of the first OF_EACH images of each digit in `digits` (N,), digit by digit."""
    return [place for digit in range(10) for place in (digits == digit).nonzero()[:OF_EACH, 0].tolist()]


@torch.inference_mode()
def read(this: Run, trained: Model, test: tuple[Tensor, Tensor], options: Explorer) -> dict[str, Any]:
    """What Q of a run reads in the first digits of each kind of the test split, images uint8 (N, 28, 28) and labels (N,):
    its posterior of c1, its means of c2 and c3, and the images that G makes of the likeliest c1 and these means."""
    prior, noise = this.settings.latent, draws(this.settings.latent, options)
    places = first_of_each(test[1])
    images = mnist.as_input(test[0][places])
    posterior = trained.head.posterior(trained.discriminator.features(images))
    probabilities = posterior.logits.softmax(dim=1)
    likeliest = probabilities.argmax(dim=1)
    codes = Codes(
        noise.repeat(len(places), 1),
        likeliest.repeat_interleave(len(noise)),
        posterior.mean.repeat_interleave(len(noise), dim=0),
    )
    redrawn = model.generate(trained.generator, codes, prior).view(len(places), len(noise), 28, 28)
    return {
        "run": this.name,
        "digits": [
            {
                "place": place,
                "digit": int(test[1][place]),
                "posterior": [round(share, 4) for share in probabilities[i].tolist()],
                "c1": int(likeliest[i]),
                **{code: round(mean, 3) for code, mean in zip(("c2", "c3"), posterior.mean[i].tolist())},
            }
            for i, place in enumerate(places)
        ],
        "sheet": sheet(images.numpy()),
        "redrawn": sheet(redrawn.numpy()),
    }


def render(runs: Sequence[dict[str, Any]], reading: dict[str, Any] | None, options: Explorer) -> str:
    """The page, of what `explored` gave of each run and `read` of one, if any."""
    loader = FileSystemLoader(Path(__file__).parent / "page")
    page = Environment(loader=loader, undefined=StrictUndefined, autoescape=True, trim_blocks=True, lstrip_blocks=True)
    return page.get_template("explorer.html.j2").render(
        runs=runs,
        reading=reading,
        options=options,
        of_each=OF_EACH,
        greys=GREYS,
        data={
            "limit": LIMIT,
            "values": options.grid_values,
            "draws": options.draws,
            "degrees": DEGREES,
            "pixels": PIXELS,
            "runs": runs,
            "reading": reading,
        },
    )


def main() -> None:
    params = parameters.load()
    environment.prepare("cpu")
    run.remove_others(params)
    runs, reading = [], None
    shown = [each for each in run.of_pipeline(params) if each.seed == params.runs.seeds[0]]
    for this in Progress(shown, desc="explorer", unit="run"):
        trained = this.load()
        runs.append(explored(this, trained.generator, params.explorer))
        if reading is None and this.settings.objective == "infogan":
            reading = read(this, trained, mnist.load("t10k", params.mnist), params.explorer)
    with stage.whole_file("explorer/index.html") as path:
        path.write_text(render(runs, reading, params.explorer), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    stage.run(main)
