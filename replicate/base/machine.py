"""What the bits and the speed of a run depend on besides parameters and code, recorded beside its results."""

import ctypes
import os
import platform
from pathlib import Path

import torch

from replicate.base.stage import BadInput


def prepare(name: str) -> torch.device:
    """The device that `machine.device` names, set up so that the same run gives the same bits.

    `auto` is cuda where there is one, else mps, else cpu.
    Raises BadInput when the device that is asked for is not there.
    """
    available = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name == "auto":
        name = next(kind for kind, there in available.items() if there)
    if not available[name]:
        raise BadInput(
            f"machine.device: got {name!r}, which PyTorch does not find on this machine; expected 'auto' or 'cpu'"
        )
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # without it cuBLAS may sum in any order
    torch.set_deterministic_debug_mode("error")  # unlike use_deterministic_algorithms it imports no compiler
    torch.backends.cudnn.allow_tf32 = False  # a GPU's convolutions in float32 too: TF32 would round to 10 bits
    torch.utils.deterministic.fill_uninitialized_memory = False  # a help in finding bugs that costs time
    torch.set_flush_denormal(True)  # moments of unused weights decay into denormals, which are slow
    if name == "cuda":
        torch.cuda.set_stream(torch.cuda.Stream())  # a graph cannot be recorded on the default stream
    if platform.libc_ver()[0] == "glibc":
        _keep_memory()
    return torch.device(name)


def _keep_memory() -> None:
    """Let glibc keep what is freed: else it hands large tensors back to the kernel, to get their pages anew, and empty, in
    the next iteration."""
    M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_THRESHOLD = -1, -2, -3  # malloc.h
    mallopt = ctypes.CDLL(None).mallopt
    mallopt(M_MMAP_THRESHOLD, 32 * 2**20)  # the most that it takes, and more than any tensor here
    mallopt(M_TRIM_THRESHOLD, 2**31 - 1)
    mallopt(M_TOP_PAD, 64 * 2**20)


def numerics(device: torch.device) -> dict[str, str | int]:
    """What the bits of a result depend on: versions, processor, threads."""
    return {
        "torch": torch.__version__,
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else device.type,
        "processor": _processor(),
        "instructions": torch.backends.cpu.get_cpu_capability(),
        "threads": torch.get_num_threads(),
    }


def _processor() -> str:
    if platform.system() == "Linux":
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def record(device: torch.device, seconds_per_iteration: float | None) -> dict[str, str | int | float | None]:
    """What is kept of the machine of a run on `device`; None where its iterations were not timed."""
    return numerics(device) | {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "seconds_per_iteration": seconds_per_iteration and round(seconds_per_iteration, 4),
    }
