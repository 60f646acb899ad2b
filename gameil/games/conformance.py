"""A kit that checks any ``Game`` against its contract by random play. Differing behaviour only through capabilities.

``check_game`` raises ``AssertionError`` naming the game, the ply and what is broken. The proof that observation and
action share the mover's frame is in ``frame_proof``.
"""

import pickle
from collections.abc import Callable
from functools import partial
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from gameil.errors import GameError, IllegalActionError, NotationError
from gameil.games.frame_proof import check_frame
from gameil.games.game import CHANCE_PLAYER, RECENT_MOVES, TERMINAL_PLAYER, Game, State
from gameil.games.notation import notations
from gameil.games.registry import make_game
from gameil.games.symmetry_proof import check_symmetries
from gameil.seeding import generator

PROBES = 12
"""About how many plies of each random game get the expensive checks (clones, notations, refusals)."""
TEXTS = 12
"""At most so many legal actions of a probed state are written and read back."""


def check_game(game: Game, *, seed: int = 0, num_games: int = 10) -> None:
    """Plays ``num_games`` random games and checks every promise of ``Game`` and ``State``.

    Args:
        game: any adapter's game.
        seed: keys all random choices; equal seeds give equal checks.
        num_games: random games; each gives a few probes of the expensive checks.

    Raises:
        AssertionError: naming the game, where it was, and the promise that it breaks.
    """
    try:
        _check_all(game, seed=seed, num_games=num_games)
    except GameError as error:
        raise AssertionError(f"{game.id}: refuses what its contract allows: {error}") from error


def _check_all(game: Game, *, seed: int, num_games: int) -> None:
    _check_constants(game)
    seen: dict[str, tuple[list[int], bytes]] = {}
    expected = float(min(game.max_game_length, 60))
    for number in range(num_games):
        walk = _Walk(game, generator(seed, "conformance", game.id, number), probe_share=PROBES / expected, seen=seen)
        walk.play()
        walk.check_replay()
        expected = max(1.0, float(len(walk.actions)))
    check_frame(game, seed=seed, num_games=min(num_games, 3))
    check_symmetries(game, seed=seed, num_games=min(num_games, 3))


def require(holds: bool, game: Game, what: str) -> None:
    """Raises ``AssertionError`` with the game's id in front of ``what`` unless ``holds``."""
    if not holds:
        raise AssertionError(f"{game.id}: {what}")


def observe(game: Game, state: State, player: int | None = None) -> NDArray[np.float32]:
    """The observation, checked for dtype, extent and completeness, ``[*observation_shape]``."""
    batch = np.full((3, *game.observation_shape), np.nan, dtype=np.float32)
    state.write_observation(batch[1], player)
    require(bool(np.isfinite(batch[1]).all()), game, "an observation has cells not written or not finite")
    require(bool(np.isnan(batch[0]).all() and np.isnan(batch[2]).all()), game, "an observation writes beyond itself")
    shown: NDArray[np.float32] = batch[1]
    return shown


def raises(error: type[Exception], call: Callable[[], object]) -> bool:
    """Whether ``call`` raises ``error``; other exceptions pass through."""
    try:
        call()
    except error:
        return True
    return False


def _check_constants(game: Game) -> None:
    require(game.num_players >= 1 and game.num_actions >= 1, game, "has no players or no actions")
    require(game.max_action >= game.num_actions - 1, game, f"max_action {game.max_action} is below num_actions - 1")
    require(game.reward_range[0] <= game.reward_range[1], game, f"reward range {game.reward_range} is empty")
    require(game.max_game_length >= 1, game, "max_game_length is below 1")
    require(game.id.startswith(game.name) and game.family.startswith(game.name), game, "id does not start with name")
    require(make_game(game.id).id == game.id, game, "the registry makes another game of this id")
    require(make_game(game.family).observation_shape == game.observation_shape, game, "family has another shape")
    require(make_game(game.family).num_actions == game.num_actions, game, "family has other actions")
    require(pickle.loads(pickle.dumps(game)).id == game.id, game, "does not survive pickling")
    require(raises(GameError, lambda: game.initial_state("no position")), game, "accepts nonsense as a start position")
    board = game.board
    if board is None:
        plain = len(game.observation_shape) in (1, 3)
        require(plain, game, "an observation without a board layout is neither a vector nor planes")
        return
    cells = board.height * board.width
    require(game.observation_shape[1:] == (board.height, board.width), game, "planes are not of the board's size")
    index = board.action_index
    require(index.shape == (game.num_actions,), game, f"action_index has shape {index.shape}")
    placed = index[index >= 0]
    require(
        bool(np.all(index >= -1) and np.all(index < board.action_planes * cells)), game, "action_index out of range"
    )
    require(len(np.unique(placed)) == len(placed), game, "two actions share a place in action_index")
    require(board.action_cells.shape == (game.num_actions, 2), game, "action_cells is not [A, 2]")
    in_range = np.all(board.action_cells >= -1) and np.all(board.action_cells < cells)
    require(bool(in_range), game, "action_cells out of range")
    view = board.opponent_view
    require(view.shape == (cells,), game, "opponent_view is not [H * W]")
    require(bool(np.array_equal(view[view], np.arange(cells))), game, "opponent_view is no involution")


class _Walk:
    """One random game with its checks."""

    def __init__(
        self,
        game: Game,
        rng: np.random.Generator,
        *,
        probe_share: float,
        seen: dict[str, tuple[list[int], bytes]],
    ) -> None:
        self.game, self.rng, self.seen = game, rng, seen
        self.probe_share = probe_share
        self.actions: list[int] = []
        self.recent: list[tuple[int, int]] = []
        self.prints: list[bytes] = []

    def require(self, holds: bool, what: str) -> None:
        if not holds:
            require(False, self.game, f"ply {len(self.actions)} of {self.actions[-12:]}: {what}")

    def play(self) -> None:
        """From the start to the end, checking all the way."""
        game, state = self.game, self.game.initial_state()
        total = np.zeros(game.num_players)
        decisions = 0
        while not state.is_terminal():
            self.check_state(state)
            legal = state.legal_actions()
            action = self.draw(state, legal)
            player = state.current_player()
            state.apply(action)
            self.actions.append(action)
            if player >= 0:
                decisions += 1
                self.recent.insert(0, (player, action))
            rewards = state.rewards()
            self.require(rewards.shape == (game.num_players,) and rewards.dtype == np.float64, "rewards are not [P]")
            quiet = game.capabilities.intermediate_rewards or state.is_terminal()
            self.require(quiet or not rewards.any(), f"undeclared rewards {rewards} before the end")
            total += rewards
            self.require(bool(np.allclose(total, state.returns(), atol=1e-6)), "returns are not the sum of rewards")
            alike = not game.capabilities.common_payoff or bool(np.allclose(total, total[0]))
            self.require(alike, f"returns {total} differ where all are paid alike")
            self.require(decisions <= game.max_game_length, f"longer than max_game_length {game.max_game_length}")
        self.check_end(state)

    def draw(self, state: State, legal: list[int]) -> int:
        if state.current_player() != CHANCE_PLAYER:
            return int(legal[int(self.rng.integers(len(legal)))])
        actions, probabilities = zip(*state.chance_outcomes(), strict=True)
        return int(actions[int(self.rng.choice(len(actions), p=np.array(probabilities)))])

    def check_state(self, state: State) -> None:
        """All that must hold in a state that is not the end."""
        game, player, legal = self.game, state.current_player(), state.legal_actions()
        self.require(player == CHANCE_PLAYER or 0 <= player < game.num_players, f"current player {player}")
        self.require(len(legal) > 0, "nothing is legal and yet it is not the end")
        self.require(all(a < b for a, b in pairwise(legal)), "legal actions are not ascending and unique")
        self.require(all(type(action) is int for action in legal), "legal actions are not plain integers")
        bound = game.num_actions if player >= 0 else game.max_action + 1
        self.require(legal[0] >= 0 and legal[-1] < bound, f"legal actions {legal[0]}..{legal[-1]} beyond {bound}")
        self.require(state.history == self.actions, f"history is {state.history[-12:]}")
        self.require(state.recent == tuple(self.recent[:RECENT_MOVES]), f"recent is {state.recent}")
        self.prints.append(self.fingerprint(state))
        if player == CHANCE_PLAYER:
            self.check_chance(state)
        else:
            self.require(raises(GameError, state.chance_outcomes), "chance outcomes where a player moves")
            self.check_information(state, player)
        if self.rng.random() < self.probe_share:
            self.probe(state)

    def check_chance(self, state: State) -> None:
        self.require(self.game.capabilities.stochastic, "a chance node in a game declared without")
        outcomes = state.chance_outcomes()
        self.require(
            [action for action, _ in outcomes] == state.legal_actions(), "chance outcomes are not the legal ones"
        )
        self.require(all(probability > 0 for _, probability in outcomes), "a chance outcome without probability")
        total = sum(probability for _, probability in outcomes)
        self.require(abs(total - 1.0) < 1e-9, f"chance probabilities sum to {total}")
        out = np.empty(self.game.observation_shape, dtype=np.float32)
        self.require(raises(GameError, lambda: state.write_observation(out)), "observation with nobody to move")

    def check_information(self, state: State, player: int) -> None:
        """States with equal information are equal for their player: same choices, same observation."""
        try:
            key = f"{player}|{state.information_state(player)}"
        except GameError:
            self.require(
                not self.game.capabilities.perfect_information, "no information state though nothing is hidden"
            )
            return
        shown = (state.legal_actions(), observe(self.game, state).tobytes())
        known = self.seen.setdefault(key, shown)
        self.require(known[0] == shown[0], "equal information states have different legal actions")
        self.require(known[1] == shown[1], "equal information states have different observations")

    def probe(self, state: State) -> None:
        """The expensive checks. None of them may change the state."""
        before = self.fingerprint(state)
        self.check_refusals(state)
        self.check_texts(state)
        for player in range(self.game.num_players):
            if state.current_player() >= 0:
                observe(self.game, state, player)
        self.require(self.fingerprint(state) == before, "refusals, texts or observations changed the state")
        if self.game.capabilities.clonable:
            self.check_clone(state)
            self.require(self.fingerprint(state) == before, "playing on a clone changed the state")
            self.check_resample(state)
            self.require(self.fingerprint(state) == before, "resampling changed the state")

    def check_refusals(self, state: State) -> None:
        legal = set(state.legal_actions())
        others = [a for a in self.rng.integers(0, self.game.max_action + 1, size=4).tolist() if a not in legal]
        for action in (-1, self.game.max_action + 1, *others):
            self.require(raises(IllegalActionError, partial(state.apply, action)), f"illegal {action} is not refused")
        self.require(
            raises(GameError, lambda: observe(self.game, state, self.game.num_players)), "observes for no seat"
        )

    def check_texts(self, state: State) -> None:
        legal = state.legal_actions()
        chosen = [legal[i] for i in sorted(self.rng.permutation(len(legal))[:TEXTS].tolist())]
        for notation in notations(self.game.name):
            for action in chosen:
                text = state.text(action, notation)
                self.require(state.parse(text, notation) == action, f"{notation} {text!r} is not read back as {action}")
            bad = raises(NotationError, partial(state.parse, "\x00 no move", notation))
            self.require(bad, f"nonsense is read as {notation}")

    def check_clone(self, state: State) -> None:
        first, second = state.clone(), state.clone()
        same = self.fingerprint(first) == self.fingerprint(state)
        self.require(same and first.recent == state.recent, "a clone differs from its state")
        action = self.draw(first, first.legal_actions())
        first.apply(action)
        self.require(self.fingerprint(second) == self.fingerprint(state), "clones share something")
        second.apply(action)
        self.require(self.fingerprint(first) == self.fingerprint(second), "equal actions on equal clones differ")

    def check_resample(self, state: State) -> None:
        player = state.current_player()
        if player < 0:
            return
        try:
            other = state.resample(player, self.rng)
        except GameError:
            self.require(not self.game.capabilities.perfect_information, "cannot resample where nothing is hidden")
            return
        same = other.information_state(player) == state.information_state(player)
        self.require(same, "a resampled state is not what the player knows")
        self.require(other.current_player() == player, "a resampled state has another player to move")
        self.require(other.legal_actions() == state.legal_actions(), "a resampled state has other legal actions")

    def check_end(self, state: State) -> None:
        game, returns = self.game, state.returns()
        self.require(state.current_player() == TERMINAL_PLAYER, f"current player {state.current_player()} at the end")
        self.require(state.legal_actions() == [], "legal actions at the end")
        self.require(returns.shape == (game.num_players,) and returns.dtype == np.float64, "returns are not [P]")
        low, high = game.reward_range
        inside = bool(np.all(returns >= low - 1e-6) and np.all(returns <= high + 1e-6))
        self.require(inside, f"returns {returns} outside {game.reward_range}")
        self.prints.append(self.fingerprint(state))
        for action in {0, game.num_actions - 1, self.actions[-1]}:
            self.require(raises(IllegalActionError, partial(state.apply, action)), f"{action} is accepted")
        out = np.empty(game.observation_shape, dtype=np.float32)
        self.require(raises(GameError, lambda: state.write_observation(out)), "observation with nobody to move")
        self.require(self.fingerprint(state) == self.prints[-1], "refusals at the end changed the state")

    def check_replay(self) -> None:
        """Actions alone give the same game again, where that is promised."""
        if not self.game.capabilities.replayable:
            return
        state = self.game.initial_state()
        for ply, action in enumerate(self.actions):
            self.require(self.fingerprint(state) == self.prints[ply], f"replaying differs at ply {ply}")
            state.apply(action)
        self.require(self.fingerprint(state) == self.prints[-1], "replaying ends differently")

    def fingerprint(self, state: State) -> bytes:
        """All that can be seen of a state from outside."""
        player = state.current_player()
        shown = observe(self.game, state).tobytes() if player >= 0 else b""
        visible = (player, state.history, state.legal_actions(), state.returns().tolist(), str(state))
        return repr(visible).encode() + shown
