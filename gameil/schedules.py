"""Numbers that change as training goes on: pure functions of the step."""

import math
from dataclasses import dataclass
from typing import Literal

from gameil.errors import ConfigError


@dataclass(frozen=True)
class Schedule:
    """``start`` at step 0, ``end`` from step ``steps`` on, between them along ``kind``."""

    __pydantic_config__ = {"extra": "forbid"}

    start: float
    """Value at step 0."""
    end: float
    """Value at ``steps`` and after."""
    steps: int
    """Steps from ``start`` to ``end``; 0 means ``end`` at once."""
    kind: Literal["linear", "exponential", "cosine"] = "linear"
    """Shape of the way: equal differences, equal ratios (both ends positive), or half a cosine."""

    def __post_init__(self) -> None:
        if self.steps < 0:
            raise ConfigError(f"schedule steps must be at least 0, got {self.steps}")
        if self.kind == "exponential" and (self.start <= 0 or self.end <= 0):
            raise ConfigError(f"an exponential schedule needs positive ends, got {self.start} to {self.end}")

    def __call__(self, step: int) -> float:
        """Value at ``step`` (0-based)."""
        if step >= self.steps:
            return self.end
        share = step / self.steps
        if self.kind == "linear":
            return self.start + (self.end - self.start) * share
        if self.kind == "exponential":
            return float(self.start * (self.end / self.start) ** share)
        return self.end + (self.start - self.end) * 0.5 * (1.0 + math.cos(math.pi * share))


def warmup_cosine(step: int, *, peak: float, warmup_steps: int, total_steps: int, final_share: float = 0.02) -> float:
    """Learning rate at ``step``: linear up to ``peak``, then a cosine down to ``final_share * peak``.

    Loshchilov and Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts" (2017), equation 5, without
    restarts.
    """
    if step < warmup_steps:
        return peak * (step + 1) / warmup_steps
    share = min(1.0, (step - warmup_steps) / max(1, total_steps - warmup_steps))
    return peak * (final_share + (1.0 - final_share) * 0.5 * (1.0 + math.cos(math.pi * share)))
