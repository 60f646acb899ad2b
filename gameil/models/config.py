"""Which network: stored in every snapshot, so that weights always come with the shape they belong to."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from gameil.errors import ConfigError

MAX_CHANNELS = 2048
"""Bound on every width: a snapshot from a stranger must not make us allocate the whole machine."""
MAX_DEPTH = 128
"""Bound on blocks and layers, for the same reason."""
MAX_MODES = 32
"""Bound on the modes of a latent policy."""

Kind = Literal["mlp", "residual", "transformer", "pixels"]
Size = Literal["tiny", "small", "medium", "large"]
Policy = Literal["auto", "flat", "planes", "from_to", "autoregressive", "gaussian"]
Memory = Literal["none", "lstm", "causal"]
Condition = Literal["rating", "opponent_rating", "seconds", "year"]

SIZES: Mapping[tuple[Kind, Size], Mapping[str, int]] = {
    ("residual", "tiny"): {"channels": 32, "blocks": 4},
    ("residual", "small"): {"channels": 64, "blocks": 6},
    ("residual", "medium"): {"channels": 128, "blocks": 10},
    ("residual", "large"): {"channels": 192, "blocks": 15},
    ("transformer", "tiny"): {"channels": 64, "blocks": 3},
    ("transformer", "small"): {"channels": 96, "blocks": 5},
    ("transformer", "medium"): {"channels": 160, "blocks": 8},
    ("transformer", "large"): {"channels": 256, "blocks": 10},
    ("mlp", "tiny"): {"hidden": 128, "layers": 1},
    ("mlp", "small"): {"hidden": 256, "layers": 2},
    ("mlp", "medium"): {"hidden": 512, "layers": 3},
    ("mlp", "large"): {"hidden": 1024, "layers": 4},
    ("pixels", "tiny"): {"channels": 16, "hidden": 128},
    ("pixels", "small"): {"channels": 32, "hidden": 256},
    ("pixels", "medium"): {"channels": 48, "hidden": 512},
    ("pixels", "large"): {"channels": 64, "hidden": 1024},
}
"""Widths and depths of the named sizes. Small residual is Maia's tower (McIlroy-Young et al. 2020: 6 blocks of 64); on
an 8x8 board, transformers cost about as much as residual towers of the same name."""


@dataclass(frozen=True)
class ModelConfig:
    """A policy-value network. ``residual``, ``transformer`` and ``pixels`` need planes; ``mlp`` takes any observation,
    flattened."""

    __pydantic_config__ = {"extra": "forbid"}

    kind: Kind = "residual"
    """``residual``: convolutional tower; ``transformer``: attention between cells; ``mlp``: fully connected;
    ``pixels``: strided convolutions down to a few cells, for pictures."""
    size: Size = "small"
    """Gives the widths and depths that are not given below (``SIZES``)."""
    channels: int | None = None
    """Width of a residual tower or transformer, or of the first layer of ``pixels``; None for that of the size."""
    blocks: int | None = None
    """Residual blocks of two 3x3 convolutions each, or transformer blocks; None for that of the size."""
    stem_kernel: Literal[1, 3, 5, 7] = 3
    """Side of a residual tower's first convolution. 5 pays on large boards (Go), where shapes are wider than 3."""
    squeeze: int = 16
    """Width of the squeeze-and-excitation bottleneck in every residual block, 0 for none."""
    global_pooling: int = 0
    """Every so manieth residual block pools channels over the board and adds them back everywhere; 0 for none."""
    attention_heads: int = 4
    """Heads of attention; divides the ``channels`` of a transformer and the ``memory_width`` of a causal memory."""
    policy: Policy = "auto"
    """``flat``: one linear layer; ``planes``: planes of actions over the board; ``from_to``: dot product of source and
    target; ``autoregressive``: source, then target, then kind; ``gaussian``: a
    mixture of Gaussians over actions that stand for real numbers; ``auto``: planes on a board, else flat."""
    components: int = 1
    """Gaussians of a ``gaussian`` policy; 1 for a single one, which cannot choose between two good answers."""
    modes: int = 1
    """Modes of a latent mixture of policies; 1 for a single policy."""
    policy_channels: int = 64
    """Width of the policy head; with ``planes`` that of a 3x3 convolution before them, which 0 leaves out."""
    value: Literal["scalar", "outcome"] = "scalar"
    """``scalar``: expected return; ``outcome``: chances of win, draw and loss, whose difference is the value."""
    value_channels: int = 8
    """Planes that the value head flattens, or pools."""
    value_pool: bool = False
    """The value head sees each plane's mean and maximum over the board instead of its cells, with more planes at equal
    size. A residual tower with policy ``planes`` then plays boards of any size with the same weights."""
    value_hidden: int = 64
    """Width of the hidden layer of the value head and of ``moves_left``."""
    moves_left: bool = False
    """Train a head that predicts the plies still to come; not used in play."""
    ownership: bool = False
    """Train a head that predicts who owns each cell in the end (Go, Othello); not used in play."""
    conditions: tuple[Condition, ...] = ()
    """What the policy is told of the game around it, each of which may be unknown: the mover's and the opponent's
    rating, seconds a player has for a game, the year."""
    opening: int = 0
    """Decisions at a game's beginning of which the policy may be told what it should play in them: a dial for openings,
    learned by ``gameil finetune`` (``openings``); 0 for none."""
    memory: Memory = "none"
    """What carries over from the game's earlier positions: nothing, an LSTM, or a causal transformer over plies."""
    memory_width: int = 128
    """Width of the memory."""
    memory_layers: int = 1
    """Layers of the memory."""
    memory_window: int = 64
    """Plies that a causal transformer looks back; an LSTM keeps what it can."""
    hidden: int | None = None
    """Width of the ``mlp`` layers, or of the last one of ``pixels``; None for that of the size."""
    layers: int | None = None
    """Number of ``mlp`` layers before the heads; None for that of the size."""

    def __post_init__(self) -> None:
        for name in ("channels", "value_channels", "value_hidden", "hidden", "memory_width", "memory_window"):
            _check(name, getattr(self, name), 1, MAX_CHANNELS)
        for name in ("squeeze", "policy_channels"):
            _check(name, getattr(self, name), 0, MAX_CHANNELS)
        for name in ("blocks", "global_pooling"):
            _check(name, getattr(self, name), 0, MAX_DEPTH)
        _check("layers", self.layers, 1, MAX_DEPTH)
        _check("opening", self.opening, 0, MAX_DEPTH)
        _check("memory_layers", self.memory_layers, 1, MAX_DEPTH)
        _check("modes", self.modes, 1, MAX_MODES)
        _check("components", self.components, 1, MAX_MODES)
        _check("attention_heads", self.attention_heads, 1, MAX_CHANNELS)
        if len(set(self.conditions)) != len(self.conditions):
            raise ConfigError(f"model.conditions names one twice: {', '.join(self.conditions)}")
        channels = self.channels or SIZES[self.kind, self.size].get("channels", 0)
        if self.kind == "transformer" and channels % self.attention_heads:
            raise ConfigError(f"model.attention_heads must divide {channels} channels, got {self.attention_heads}")
        if self.memory == "causal" and self.memory_width % self.attention_heads:
            raise ConfigError(
                f"model.attention_heads must divide memory_width {self.memory_width}, got {self.attention_heads}"
            )
        for name in ("ownership", "value_pool"):
            if self.kind in ("mlp", "pixels") and getattr(self, name):
                raise ConfigError(f"model.{name} needs a trunk with a board: residual or transformer")

    def resolved(self) -> "ModelConfig":
        """The same with every width and depth spelled out, which later changes of ``SIZES`` cannot move."""
        named = SIZES[self.kind, self.size]
        missing: dict[str, Any] = {name: value for name, value in named.items() if getattr(self, name) is None}
        return replace(self, **missing)


def _check(name: str, value: int | None, low: int, high: int) -> None:
    if value is not None and not low <= value <= high:
        raise ConfigError(f"model.{name} must be {low} to {high}, got {value}")
