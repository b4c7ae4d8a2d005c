"""How close is a training step to the fastest that this machine could do? `make bench`.

The bound: the step's floating-point operations at the speed of this machine's sgemm of 2048 × 2048 matrices. Both are
timed in turn, in one process. README.md beside this file says what was tried to come close.
"""

import statistics
from functools import partial

import torch
from torch.profiler import ProfilerActivity, profile

from replicate import cost, parameters
from replicate.base import machine, stage
from replicate.gan import step
from replicate.gan.cuda_graph import Stepper
from replicate.gan.settings import Settings

VARIANTS = ("infogan", "gan", "infomax", "views")
ROUNDS = 20
SIZE = 2048  # of the matrices
PROFILED = 5  # steps
KINDS = {  # what a step's time goes to, by the beginning of the operations' names
    "fully connected": ("mkldnn::_linear", "aten::addmm", "aten::mm"),
    "convolutions": ("aten::convolution", "aten::_convolution", "aten::mkldnn_convolution", "aten::cudnn_convolution"),
    "batchnorm": ("aten::native_batch_norm", "aten::cudnn_batch_norm"),
    "Adam": ("aten::_fused_adam", "Optimizer"),
}


def multiply_adds(settings: Settings) -> int:
    """Multiply-adds that one sample costs in an iteration of InfoGAN.

    A layer's forward pass is as many as its weights, times the places of a convolution; so is the gradient of its
    weights, and that of its input. The smallest terms (biases, batchnorm, Adam) are left out.
    """
    g_first, g_rest = settings.latent.size * 1024, 1024 * 6272 + 7 * 7 * 128 * 64 * 16 + 14 * 14 * 64 * 16
    d_first, d_rest = 14 * 14 * 64 * 16, 7 * 7 * 64 * 128 * 16 + 6272 * 1024 + 1024
    g, d = g_first + g_rest, d_first + d_rest
    q = 1024 * 128 + 128 * (settings.latent.categories + 2 * settings.latent.continuous_codes)
    # Forward; weights; input. D's input is an image, of which the D step needs no gradient, and G's a latent variable.
    # With views of all codes what Q reads in the images themselves counts for nothing, and has no gradients.
    by_code = settings.train.recognition_views.by_code()
    counted = q * (len(by_code) < 3)
    d_step = (g + 2 * d + q) + (2 * d + counted) + (2 * d_rest + counted)
    # The same codes in both steps (train.new_codes_for_generator: false) save G one forward pass.
    g_step = (g * settings.train.new_codes_for_generator + d + q) + g + (g_rest + d + counted)
    # Views pass D, and Q, as further images: a batch of them for c1, and one that c2 and c3 share.
    views = (0 in by_code) + (len(by_code.keys() - {0}) > 0)
    d_step += views * ((d + q) + (d + q) + (d_rest + q))
    g_step += views * ((d + q) + (d + q))
    return d_step + g_step


def shares(training: step.Training, settings: Settings) -> dict[str, float]:
    """The share of each of KINDS, and of the rest, in the time of a step of InfoGAN."""
    with profile(activities=[ProfilerActivity.CPU]) as profiled:
        for _ in range(PROFILED):
            step.iterate(training, 0, settings)
    times = dict.fromkeys([*KINDS, "rest"], 0.0)
    for event in profiled.key_averages():
        kind = next((kind for kind, names in KINDS.items() if event.key.startswith(names)), "rest")
        times[kind] += event.self_cpu_time_total
    return {kind: time / sum(times.values()) for kind, time in times.items()}


def spread(values: list[float], unit: str, scale: float = 1.0) -> str:
    """Median and quartiles."""
    low, middle, high = (scale * quartile for quartile in statistics.quantiles(values, n=4))
    return f"{middle:.1f} {unit} ({low:.1f}–{high:.1f})"


def main() -> None:
    params = parameters.load()
    device = machine.prepare(params.machine.device)
    settings = {variant: params.settings(variant) for variant in VARIANTS}
    trainings = {variant: cost.noise_training(settings[variant], device) for variant in VARIANTS}
    matrix = torch.rand(SIZE, SIZE, device=device)
    steps = {variant: partial(Stepper(trainings[variant], settings[variant]).iterate, 0) for variant in VARIANTS}
    seconds = cost.in_turn({"sgemm": lambda: matrix @ matrix, **steps}, ROUNDS, "bench")
    median = {name: statistics.median(times) for name, times in seconds.items()}
    peak = 2 * SIZE**3 / median["sgemm"]  # operations a second
    operations = {variant: 2 * multiply_adds(of) * of.train.batch_size for variant, of in settings.items()}
    bound = {variant: operations[variant] / peak for variant in VARIANTS}
    kinds = shares(trainings["infogan"], settings["infogan"])
    rows = [
        *((key, str(value)) for key, value in machine.numerics(device).items()),
        (f"sgemm {SIZE} × {SIZE}", spread([2 * SIZE**3 / time for time in seconds["sgemm"]], "GFLOP/s", 1e-9)),
        *((f"operations of {variant}", f"{operations[variant] / 1e9:.1f} GFLOP") for variant in ("infogan", "views")),
        *((f"bound of {variant}", f"{bound[variant] * 1e3:.1f} ms") for variant in ("infogan", "views")),
        *((f"step of {variant}", spread(seconds[variant], "ms", 1e3)) for variant in VARIANTS),
        *((f"step of {variant} / bound", f"{median[variant] / bound[variant]:.2f}") for variant in VARIANTS),
        ("images of infogan", f"{settings['infogan'].train.batch_size / median['infogan']:.0f} a second"),
        *((f"share of {kind}", f"{share:.0%}") for kind, share in kinds.items()),
    ]
    for name, value in rows:
        print(f"{name:<28}{value}")
    print(f"step / bound ratio: {median['infogan'] / bound['infogan']:.2f}")


if __name__ == "__main__":
    stage.run(main)
