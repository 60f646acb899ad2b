"""Memory of the game so far: what a position's features are told of the positions before it.

Letters: ``T`` steps (positions of a game in the order they were played), ``B`` games beside each other, ``C`` channels,
``M`` width of the memory, ``K`` attention heads.
"""

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gameil.errors import ShapeError

PLANES = 4
"""Planes through which a memory sees a board and speaks to it: places matter, so neither is a mean over the board."""


class GameMemory(nn.Module):
    """Reads one vector a position, lets a core carry them along the game, and adds what it says to the features.

        x_t = relu(W_r (planes of f_t)),    y_t = core(x_0 .. x_t),    f_t + planes of (W_w y_t)

    The last layer starts at 0: the network begins as one without memory. The core starts empty at the first step it is
    given. Rahmatizadeh et al., "Vision-based multi-task manipulation for inexpensive robots using end-to-end learning
    from demonstration" (2018), put an LSTM behind a convolutional trunk likewise.
    """

    def __init__(self, features: tuple[int, ...], width: int, core: nn.Module) -> None:
        """
        Args:
            features: shape of a position's features, ``(C, H, W)`` or ``(C,)``.
            width: ``M``.
            core: ``[T, B, M]`` to the same, looking back only.
        """
        super().__init__()
        channels, *self.board = features
        self.core = core
        if self.board:
            inputs = PLANES * self.board[0] * self.board[1]
            self.looking: nn.Module = nn.Sequential(nn.Conv2d(channels, PLANES, 1), nn.ReLU(), nn.Flatten())
            self.saying: nn.Module = nn.Linear(width, inputs)
            self.adding: nn.Module = nn.Conv2d(PLANES, channels, 1)
        else:
            inputs = channels
            self.looking, self.saying, self.adding = nn.Identity(), nn.Identity(), nn.Linear(width, channels)
        self.reading = nn.Linear(inputs, width)
        for parameter in self.adding.parameters():
            nn.init.zeros_(parameter)

    def forward(self, features: Tensor, steps: int) -> Tensor:
        """Features with what the memory adds; step ``t`` of game ``b`` is row ``t * B + b``.

        Raises ``ShapeError`` when the rows are no whole number of games.
        """
        if steps < 1 or features.shape[0] % steps:
            raise ShapeError(f"{features.shape[0]} positions cannot be {steps} steps of some games")
        read = self.read(features)
        return self.add(features, self.core(read.view(steps, -1, read.shape[1])).flatten(0, 1))

    def read(self, features: Tensor) -> Tensor:
        """One vector a position: ``[R, C, H, W]`` or ``[R, C]`` to ``[R, M]``."""
        return torch.relu(cast(Tensor, self.reading(self.looking(features))))

    def add(self, features: Tensor, core: Tensor) -> Tensor:
        """Features plus what the core's ``[R, M]`` says about each position."""
        said = cast(Tensor, self.saying(core))
        if self.board:
            said = said.view(-1, PLANES, *self.board)
        return features + cast(Tensor, self.adding(said))


class LstmCore(nn.Module):
    """Long short-term memory: ``[T, B, M]`` to the same. Hochreiter and Schmidhuber (1997)."""

    def __init__(self, width: int, layers: int) -> None:
        super().__init__()
        self.lstm = nn.LSTM(width, width, num_layers=layers)

    def forward(self, read: Tensor) -> Tensor:
        return cast(Tensor, self.lstm(read)[0])


class CausalCore(nn.Module):
    """A transformer over the last ``window`` plies: ``[T, B, M]`` to the same. Vaswani et al. (2017), pre-LN.

    A learned bias for each distance and head in place of position embeddings, so that a step's answer does not depend
    on where a window of the game begins.
    """

    def __init__(self, width: int, layers: int, *, heads: int, window: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(_CausalLayer(width, heads, window) for _ in range(layers))
        self.norm = nn.LayerNorm(width)

    def forward(self, read: Tensor) -> Tensor:
        plies = read.transpose(0, 1)
        for layer in self.layers:
            plies = layer(plies)
        return cast(Tensor, self.norm(plies)).transpose(0, 1)


class _CausalLayer(nn.Module):
    """``[B, T, M]`` to the same: attention to this and earlier plies, then two linear layers."""

    def __init__(self, width: int, heads: int, window: int) -> None:
        super().__init__()
        self.heads = heads
        self.window = window
        self.attention_norm = nn.LayerNorm(width)
        self.queries_keys_values = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.bias = nn.Parameter(torch.zeros(heads, window))
        self.dense_norm = nn.LayerNorm(width)
        self.widen = nn.Linear(width, 4 * width)
        self.narrow = nn.Linear(4 * width, width)

    def forward(self, plies: Tensor) -> Tensor:
        batch, steps, width = plies.shape
        parts = self.queries_keys_values(self.attention_norm(plies)).view(batch, steps, 3, self.heads, -1)
        queries, keys, values = parts.permute(2, 0, 3, 1, 4)
        places = torch.arange(steps, device=plies.device)
        back = places[:, None] - places[None, :]
        seen = (back >= 0) & (back < self.window)
        bias = self.bias.index_select(1, back.clamp(0, self.window - 1).flatten()).view(1, self.heads, steps, steps)
        mask = bias.masked_fill(~seen, torch.finfo(bias.dtype).min).to(queries.dtype)
        mixed = F.scaled_dot_product_attention(queries, keys, values, attn_mask=mask)
        plies = plies + self.out(mixed.transpose(1, 2).reshape(batch, steps, width))
        return plies + cast(Tensor, self.narrow(F.gelu(self.widen(self.dense_norm(plies)))))
