"""A transformer over the cells of a board, which attend to each other by content and by where they stand.

Letters: ``B`` batch, ``C`` channels, ``N`` cells, ``H`` and ``W`` board height and width, ``K`` attention heads.
"""

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class BoardAttention(nn.Module):
    """Attention between cells with a learned bias for each relative place and head: ``[B, N, C]`` to the same.

        softmax(q k^T / sqrt(C / K) + b_{drow, dcolumn}) v

    Liu et al., "Swin Transformer" (2021), equation 4, over the whole board instead of windows.
    """

    offsets: Tensor

    def __init__(self, channels: int, heads: int, height: int, width: int) -> None:
        super().__init__()
        self.heads = heads
        self.queries_keys_values = nn.Linear(channels, 3 * channels)
        self.out = nn.Linear(channels, channels)
        self.bias = nn.Parameter(torch.zeros(heads, (2 * height - 1) * (2 * width - 1)))
        row, column = torch.arange(height * width) // width, torch.arange(height * width) % width
        down = row[:, None] - row[None, :] + height - 1
        right = column[:, None] - column[None, :] + width - 1
        self.register_buffer("offsets", down * (2 * width - 1) + right, persistent=False)

    def forward(self, cells: Tensor) -> Tensor:
        batch, number, channels = cells.shape
        parts = self.queries_keys_values(cells).view(batch, number, 3, self.heads, channels // self.heads)
        queries, keys, values = parts.permute(2, 0, 3, 1, 4)
        bias = self.bias.index_select(1, self.offsets.flatten()).view(1, self.heads, number, number)
        # Spelled out: on CPUs, torch's fused attention falls back to twice the time where the bias is learned.
        weights = torch.softmax(queries @ keys.transpose(2, 3) * queries.shape[-1] ** -0.5 + bias, dim=-1)
        mixed = weights.to(values.dtype) @ values
        return cast(Tensor, self.out(mixed.transpose(1, 2).reshape(batch, number, channels)))


class TransformerBlock(nn.Module):
    """Attention, then two linear layers, each normalised before and beside an identity. Xiong et al. (2020), pre-LN."""

    def __init__(self, channels: int, heads: int, height: int, width: int) -> None:
        super().__init__()
        self.attention_norm = nn.LayerNorm(channels)
        self.attention = BoardAttention(channels, heads, height, width)
        self.dense_norm = nn.LayerNorm(channels)
        self.widen = nn.Linear(channels, 4 * channels)
        self.narrow = nn.Linear(4 * channels, channels)

    def forward(self, cells: Tensor) -> Tensor:
        cells = cells + self.attention(self.attention_norm(cells))
        return cells + cast(Tensor, self.narrow(F.gelu(self.widen(self.dense_norm(cells)))))


class BoardTransformer(nn.Module):
    """Observation planes to features: ``[B, planes, H, W]`` to ``[B, channels, H, W]``; one token a cell."""

    def __init__(self, planes: int, height: int, width: int, *, channels: int, blocks: int, heads: int) -> None:
        super().__init__()
        self.stem = nn.Linear(planes, channels)
        self.places = nn.Parameter(torch.randn(height * width, channels) * 0.02)
        self.blocks = nn.Sequential(*(TransformerBlock(channels, heads, height, width) for _ in range(blocks)))
        self.norm = nn.LayerNorm(channels)

    def forward(self, observations: Tensor, shift: Tensor | None = None) -> Tensor:
        """Features; ``shift [B, channels]`` (see ``conditioning``) is added to every token."""
        height, width = observations.shape[2:]
        cells = self.stem(observations.flatten(2).transpose(1, 2)) + self.places
        if shift is not None:
            cells = cells + shift[:, None, :]
        cells = self.norm(self.blocks(cells))
        return cast(Tensor, cells.transpose(1, 2).unflatten(2, (height, width)))
