"""Stage explorer: explorer/index.html, a page on which a reader moves the latent code, from the weights of each variant.

    python -m replicate.explorer

The page needs nothing but itself. It runs G, made small, at a few moments of each run; it holds what Q, or the critic in
its place, reads in G's images over a grid of codes and in a hundred test images. Runs are of the first of params.yaml's
seeds.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from replicate import parameters
from replicate.base import files, machine, mnist, stage
from replicate.base.stage import Progress
from replicate.gan import run
from replicate.measures import classifier
from replicate.measures.reading import Split
from replicate.page import compact, content
from replicate.parameters import Explorer

SHOWN = 4  # draws of z that are seen at once


def render(runs: Sequence[dict[str, Any]], test: Split, options: Explorer) -> str:
    """The page, of what `content.explored` gave of each run and of the test split: images uint8 (N, 28, 28), labels (N,).

    It opens with the category whose button names most digits, of the first InfoGAN, or of the first run where there is none.
    """
    loader = FileSystemLoader(Path(__file__).parent / "page")
    page = Environment(loader=loader, undefined=StrictUndefined, autoescape=True, trim_blocks=True, lstrip_blocks=True)
    first = next((of_run for of_run in runs if of_run["objective"] == "infogan"), runs[0])
    places = content.first_of_each(test[1])
    data = {
        "limit": content.LIMIT,
        "values": options.grid_values,
        "draws": options.draws,
        "seen": min(SHOWN, options.draws),
        "parts": content.PARTS,
        "digits": [{"place": place, "digit": int(test[1][place])} for place in places],
        "opening": int(np.argmax([len(digits) for digits in first["snapshots"][-1]["digits"]])),
        "runs": runs,
    }
    return page.get_template("explorer.html.j2").render(
        data,
        data=data,
        first=first,
        by_digit=all(of_run["categories"] == 10 for of_run in runs),
        moments=max(len(of_run["snapshots"]) for of_run in runs),
        difference=max(snapshot["difference"] for of_run in runs for snapshot in of_run["snapshots"]),
        sheet=compact.sheet(test[0][places].numpy()),
        options=options,
        content=content,
    )


def main() -> None:
    params = parameters.load()
    machine.prepare("cpu")
    test, named = mnist.load("t10k", params.mnist), classifier.load()
    runs = []
    for this in Progress(run.of_pipeline(params), desc="explorer", unit="run"):
        if this.seed == params.runs.seeds[0]:
            label, found = params.variants[this.variant].label, np.load(this.folder / "predictions.npz")
            runs.append(content.explored(this, label[0].upper() + label[1:], found, named, params, test))
    with files.whole_file("explorer/index.html") as path:
        path.write_text(render(runs, test, params.explorer), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    stage.run(main)
