"""Stage explorer: explorer/index.html, a page on which a reader moves the latent code, from the weights of each variant.

    python -m replicate.explorer

The page needs nothing but itself. It runs G, made small, at a few moments of the training; it holds what Q, or the critic in
its place, reads in G's images over a grid of codes and in a hundred test digits. Runs are of the first of params.yaml's
seeds.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from replicate.base import environment, mnist, parameters, stage
from replicate.base.stage import Progress
from replicate.gan import run
from replicate.measures.reading import Split
from replicate.page import compact, content
from replicate.parameters import Explorer

SHOWN = 4  # draws of z that are seen at once


def opening(runs: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    """What the page opens with: the code and the category of the first InfoGAN that lean its digits furthest, and what they
    do to the first regular GAN's; slants in degrees. None where there is no InfoGAN."""
    first = {of_run["objective"]: of_run["snapshots"][-1] for of_run in reversed(runs)}
    slants = {objective: np.array(snapshot["effects"])[:, :, 0] for objective, snapshot in first.items()}
    if "infogan" not in first:
        return None
    c1, code = np.unravel_index(abs(slants["infogan"]).argmax(), slants["infogan"].shape)
    return {
        "c1": int(c1),
        "code": ("c2", "c3")[code],
        "slant": slants["infogan"][c1, code],
        "others": np.delete(slants["infogan"][:, code], c1),
        "gan": {"slant": slants["gan"][c1, code], "right": first["gan"]["right"]} if "gan" in first else None,
    }


def render(runs: Sequence[dict[str, Any]], test: Split, options: Explorer) -> str:
    """The page, of what `content.explored` gave of each run and of the test split: images uint8 (N, 28, 28), labels (N,)."""
    loader = FileSystemLoader(Path(__file__).parent / "page")
    page = Environment(loader=loader, undefined=StrictUndefined, autoescape=True, trim_blocks=True, lstrip_blocks=True)
    places = content.first_of_each(test[1])
    seen = min(SHOWN, options.draws)
    return page.get_template("explorer.html.j2").render(
        runs=runs,
        opening=opening(runs),
        by_digit=all(of_run["categories"] == 10 for of_run in runs),
        moments=max(len(of_run["snapshots"]) for of_run in runs),
        difference=f"{max(snapshot['difference'] for of_run in runs for snapshot in of_run['snapshots']):.1%}",
        sheet=compact.sheet(mnist.as_input(test[0][places]).numpy()),
        options=options,
        seen=seen,
        of_each=content.OF_EACH,
        samples=content.SAMPLES,
        data={
            "limit": content.LIMIT,
            "values": options.grid_values,
            "draws": options.draws,
            "seen": seen,
            "hundredths": content.HUNDREDTHS,
            "digits": [{"place": place, "digit": int(test[1][place])} for place in places],
            "runs": runs,
        },
    )


def main() -> None:
    params = parameters.load()
    environment.prepare("cpu")
    run.remove_others(params)
    test = mnist.load("t10k", params.mnist)
    shown = [each for each in run.of_pipeline(params) if each.seed == params.runs.seeds[0]]
    runs = [content.explored(this, params, test) for this in Progress(shown, desc="explorer", unit="run")]
    with stage.whole_file("explorer/index.html") as path:
        path.write_text(render(runs, test, params.explorer), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    stage.run(main)
