"""What a learner is: it receives batches and changes weights; it sees no games, buffers or trackers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

Batch_contra = TypeVar("Batch_contra", contravariant=True)


@dataclass(frozen=True, slots=True)
class StepResult:
    """What one gradient update did."""

    metrics: Mapping[str, float] = field(default_factory=dict)
    """Namespaced scalars such as ``loss/policy``; stages write them, learners only return them."""


class Learner(Protocol[Batch_contra]):
    """Changes weights by one gradient update a batch. One file implements one algorithm."""

    def step(self, batch: Batch_contra) -> StepResult:
        """One update."""

    def state_dict(self) -> dict[str, Any]:
        """All that is needed to go on: ``{"tensors": {name: Tensor}, "state": plain JSON values}``."""

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Goes on from a ``state_dict``, bit for bit."""
