"""A run as figures show it, from its folder alone."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from replicate.base import files
from replicate.gan.run import Run
from replicate.gan.settings import Settings
from replicate.measures import grids
from replicate.reporting.style import percent


class Shown:
    """What the folder of a run holds, in metrics/runs or in studies/runs alike; `label` is its variant's."""

    def __init__(self, folder: Path, label: str):
        record, scores, self.codes, posthoc_q = (
            files.read_json(folder / f"{name}.json") for name in ("run", "classification", "codes", "posthoc_q")
        )
        self.folder, self.label = folder, label
        self.run = Run(record["variant"], record["seed"], Settings.model_validate(record["settings"]))
        self.error: float | None = scores["error_one_to_one"]  # None where K is not the number of digits
        self.bound: float = posthoc_q["lower_bound_c1"]

    @property
    def title(self) -> str:
        return f"{self.label}, seed {self.run.seed}: test error {percent(self.error)}"

    def table(self, name: str) -> pd.DataFrame:
        """training, milestones, traversal or confusion."""
        return pd.read_csv(self.folder / f"{name}.csv")

    def role(self, name: str) -> tuple[int, int]:
        """Which code came to control `name`, rotation or width: 0 for c2 and 1 for c3; and its sign."""
        return int(self.codes[name]["code"] == "c3"), self.codes[name]["sign"]

    def samples(self) -> np.ndarray:
        """Generated images, a row for each category: (K, n, 28, 28) in [0, 1]."""
        return grids.read(self.folder / "samples.png")

    def traversals(self) -> np.ndarray:
        """Images along c2 and along c3: (2, K, draws, values, 28, 28) in [0, 1]."""
        tiles = grids.read(self.folder / "traversals.png")
        return tiles.reshape(2, self.run.settings.latent.categories, -1, *tiles.shape[1:])


Series = Mapping[str, Sequence[Shown]]  # runs that are drawn alike, by what the legend calls them
