"""Where half precision pays, and how observations become tensors."""

from contextlib import AbstractContextManager, nullcontext
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from gameil.errors import ConfigError

Precision = Literal["auto", "float32", "bfloat16"]
"""``auto``: bfloat16 for convolutional networks where the hardware multiplies it natively, float32 elsewhere."""


def select_device(name: str) -> torch.device:
    """The device called ``name``: ``auto`` (CUDA where there is one), ``cpu``, ``cuda``, ``cuda:1``.

    Raises ``ConfigError`` when it is not there.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise ConfigError(f"device {name!r} is not known: use auto, cpu or cuda") from error
    if device.type not in ("cpu", "cuda"):
        raise ConfigError(f"device {name!r} is not supported: use auto, cpu or cuda")
    if device.type == "cuda" and (not torch.cuda.is_available() or (device.index or 0) >= torch.cuda.device_count()):
        raise ConfigError(f"device {name!r} is not there: torch sees {torch.cuda.device_count()} CUDA devices")
    return device


def native_bfloat16(device: torch.device) -> bool:
    """Whether ``device`` has bfloat16 multiplications of its own (emulated ones are slower than float32)."""
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)
    # Not public before torch 2.13, and absent on some platforms: then float32 is the safe answer.
    probe = getattr(torch.cpu, "_is_avx512_bf16_supported", None)
    return bool(probe()) if probe is not None else False


def is_convolutional(model: nn.Module) -> bool:
    """Whether most of the work is convolutions or attention, where half precision pays even on CPUs."""
    return any(isinstance(module, nn.Conv2d) for module in model.modules())


def compute_dtype(precision: Precision, device: torch.device, *, convolutional: bool) -> torch.dtype:
    """What ``precision`` means for a network on ``device``."""
    if precision == "float32":
        return torch.float32
    if precision == "bfloat16":
        return torch.bfloat16
    return torch.bfloat16 if convolutional and native_bfloat16(device) else torch.float32


def autocast(device: torch.device, dtype: torch.dtype) -> AbstractContextManager[None]:
    """Autocast to ``dtype``; nothing for float32."""
    if dtype == torch.float32:
        return nullcontext()
    return torch.autocast(device.type, dtype=dtype)


def host_tensor(array: NDArray[Any]) -> Tensor:
    """The array as a CPU tensor, without a copy where it is writable (torch has no read-only tensors)."""
    return torch.from_numpy(array if array.flags.writeable else array.copy())


def observation_tensor(
    observations: NDArray[np.float16] | NDArray[np.float32], device: torch.device, dtype: torch.dtype
) -> Tensor:
    """Observations ``[B, *shape]`` as a tensor of ``dtype``; planes ``[B, C, H, W]`` in channels_last order."""
    tensor = host_tensor(observations).to(device, non_blocking=True)
    if tensor.ndim == 4:
        return tensor.to(dtype, memory_format=torch.channels_last)
    return tensor.to(dtype)


def use_channels_last(model: nn.Module) -> None:
    """Lays convolution weights out as ``[out, H, W, in]`` in memory, in place: the fastest order."""
    for parameter in model.parameters():
        if parameter.ndim == 4:
            parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)
