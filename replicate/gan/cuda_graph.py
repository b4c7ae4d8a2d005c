"""The iterations of a run, one after the other; on a GPU with CUDA as a graph.

An iteration is some four hundred small operations, which a GPU does in less time than a CPU takes to launch them. So they
are recorded once, as a CUDA graph, which is launched as a whole. The bits are the same.
"""

import math

import torch

from replicate.gan import step
from replicate.gan.settings import Settings
from replicate.gan.step import Draws, Training

FIRST = 3  # iterations that are not recorded, in which the libraries set themselves up and Adam makes its moments


class Stepper:
    """`step.iterate` of a run."""

    def __init__(self, training: Training, settings: Settings):
        self.training, self.settings = training, settings
        self.unrecorded = FIRST if training.images.device.type == "cuda" else math.inf

    def iterate(self, iteration: int) -> None:
        """One iteration."""
        if self.unrecorded:
            self.unrecorded -= 1
            step.iterate(self.training, iteration, self.settings)
            return
        drawn = step.draw(self.training, iteration, self.settings)
        if not hasattr(self, "graph"):
            self.record(drawn)
        for read, now in zip(self.draws, drawn):
            read.copy_(now.pin_memory(), non_blocking=True)
        self.graph.replay()
        self.training.log[iteration] = self.row

    def record(self, drawn: Draws) -> None:
        """Record what is done with draws like these, computing nothing: `graph` reads `draws` and writes `row`."""
        for optimiser in self.training.optimisers.values():
            for group in optimiser.param_groups:
                group["capturable"] = True
        self.draws = Draws(*(torch.empty_like(each, device=self.training.images.device) for each in drawn))
        self.graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self.graph, stream=torch.cuda.current_stream()):
            self.row = step.train_step(self.training, self.draws, self.settings)
