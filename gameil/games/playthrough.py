"""One random game as text: a golden file that shows any change of rules, ids, frames or observations.

After OpenSpiel's playthroughs (``open_spiel/integration_tests/playthroughs``).
"""

import hashlib
import re

import numpy as np

from gameil.games.game import CHANCE_PLAYER, Game, State
from gameil.games.notation import notations
from gameil.seeding import generator

WANDERING = 100
"""Decisions taken at random; later ones take the last legal action (Go's pass, a walk to and fro in chess)."""
PICTURE_EVERY = 25
"""A picture of the state stands before every so many plies, and at the end."""


def playthrough(game: Game, *, seed: int = 0) -> str:
    """A whole game: what the game is, then a line a ply, pictures, and the returns.

    A line shows ply, player, number and digest of the legal actions, digest of the mover's observation (float32 bytes,
    8 hexadecimal digits each), the action and its text in every notation.
    """
    rng = generator(seed, "playthrough", game.id)
    state = game.initial_state()
    lines = [*_header(game), ""]
    ply = 0
    while not state.is_terminal():
        if ply % PICTURE_EVERY == 0:
            lines += _picture(state)
        action = _choose(state, rng, ply)
        lines.append(_line(game, state, ply, action))
        state.apply(action)
        ply += 1
    lines += [*_picture(state), f"returns {state.returns().tolist()}", f"history digest {_digest(repr(state.history))}"]
    return "\n".join(lines) + "\n"


def file_name(game_id: str) -> str:
    """Name of the golden file of a game, by its canonical id."""
    return re.sub(r"[^A-Za-z0-9_.=-]+", "_", game_id).strip("_") + ".txt"


def _header(game: Game) -> list[str]:
    board = game.board
    layout = "none"
    if board is not None:
        arrays = [board.action_index, board.action_cells, board.opponent_view]
        digest = _digest("".join(repr(array.tolist()) for array in arrays))
        layout = f"{board.height}x{board.width}, {board.action_planes} action planes, digest {digest}"
    able = [name for name, has in sorted(vars(game.capabilities).items()) if has]
    return [
        f"game {game.id} (family {game.family})",
        f"players {game.num_players}, actions {game.num_actions}, largest id {game.max_action}",
        f"observation {list(game.observation_shape)}, board {layout}",
        f"returns {game.reward_range[0]:g} to {game.reward_range[1]:g}, at most {game.max_game_length} decisions",
        f"capabilities: {', '.join(able)}",
        f"symmetries: {', '.join(each.name + ('' if each.keeps_start else '*') for each in game.symmetries())}",
    ]


def _choose(state: State, rng: np.random.Generator, ply: int) -> int:
    legal = state.legal_actions()
    if state.current_player() != CHANCE_PLAYER:
        return legal[int(rng.integers(len(legal))) if ply < WANDERING else -1]
    return legal[int(rng.integers(len(legal)))]


def _line(game: Game, state: State, ply: int, action: int) -> str:
    player, legal = state.current_player(), state.legal_actions()
    if player == CHANCE_PLAYER:
        return f"{ply:3d} chance, {len(legal)} outcomes {_digest(repr(legal))}: {action} {state.text(action)!r}"
    shown = np.empty(game.observation_shape, dtype=np.float32)
    state.write_observation(shown)
    texts = " ".join(repr(state.text(action, notation)) for notation in notations(game.name))
    return (
        f"{ply:3d} player {player}, {len(legal)} legal {_digest(repr(legal))}, "
        f"sees {_digest(shown.tobytes())}: {action} {texts}"
    )


def _picture(state: State) -> list[str]:
    return [("| " + line).rstrip() for line in str(state).splitlines()]


def _digest(data: str | bytes) -> str:
    return hashlib.blake2b(data.encode() if isinstance(data, str) else data, digest_size=4).hexdigest()
