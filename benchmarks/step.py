"""How close is a training step to the fastest that this machine could do? `make bench`.

The bound: the step's floating-point operations at the speed of this machine's sgemm of 2048 × 2048 matrices. Both are
timed in turn, in one process. README.md beside this file says what was tried to come close.
"""

import statistics
from functools import partial
from unittest.mock import patch

import torch
from torch.utils.flop_counter import FlopCounterMode

from replicate import cost, parameters
from replicate.base import machine, stage
from replicate.gan import step
from replicate.gan.cuda_graph import Stepper
from replicate.gan.settings import Settings

VARIANTS = ("infogan", "gan", "infomax", "views")
ROUNDS = 20
SIZE = 2048  # of the matrices


def operations(settings: Settings) -> int:
    """Floating-point operations of an iteration's products and convolutions, as on a CPU; the smaller rest is left out."""
    training = cost.noise_training(settings, torch.device("cpu"))
    # Without oneDNN's product, which the counter does not know; PyTorch's own takes as many.
    with patch("torch.backends.mkldnn.is_available", return_value=False), FlopCounterMode(display=False) as counter:
        step.iterate(training, 0, settings)
    return counter.get_total_flops()


def main() -> None:
    params = parameters.load()
    device = machine.prepare(params.machine.device)
    settings = {variant: params.settings(variant) for variant in VARIANTS}
    matrix = torch.rand(SIZE, SIZE, device=device)
    steppers = {variant: Stepper(cost.noise_training(of, device), of) for variant, of in settings.items()}
    steps = {variant: partial(stepper.iterate, 0) for variant, stepper in steppers.items()}
    seconds = cost.in_turn({"sgemm": lambda: matrix @ matrix, **steps}, ROUNDS, "bench")
    median = {name: statistics.median(times) for name, times in seconds.items()}
    peak = 2 * SIZE**3 / median["sgemm"]  # operations a second
    counted = {variant: operations(of) for variant, of in settings.items()}
    bound = {variant: counted[variant] / peak for variant in VARIANTS}
    rows = [
        *((key, str(value)) for key, value in machine.numerics(device).items()),
        (f"sgemm {SIZE} × {SIZE}", f"{peak / 1e9:.1f} GFLOP/s"),
        *((f"operations of {variant}", f"{counted[variant] / 1e9:.1f} GFLOP") for variant in ("infogan", "views")),
        *((f"bound of {variant}", f"{bound[variant] * 1e3:.1f} ms") for variant in ("infogan", "views")),
        *((f"step of {variant}", f"{median[variant] * 1e3:.1f} ms") for variant in VARIANTS),
        *((f"step of {variant} / bound", f"{median[variant] / bound[variant]:.2f}") for variant in VARIANTS),
    ]
    for name, value in rows:
        print(f"{name:<28}{value}")
    print(f"step / bound ratio: {median['infogan'] / bound['infogan']:.2f}")


if __name__ == "__main__":
    stage.run(main)
