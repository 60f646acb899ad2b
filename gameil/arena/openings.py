"""Where the games of a series start: random openings, each played once with every rotation of the seats."""

from dataclasses import dataclass

from gameil.games.game import CHANCE_PLAYER, Game
from gameil.rollout.matches import draw_chance
from gameil.seeding import generator

_TRIES = 20
"""Draws for one opening that is new and leaves the game open, before a repeated one is taken."""


@dataclass(frozen=True, slots=True)
class Opening:
    """A start that the games of one group (a pair for two players) share."""

    actions: tuple[int, ...]
    """Played from the initial state; empty where the game's own chance makes starts differ."""


def random_openings(game: Game, count: int, *, plies: int, seed: int) -> list[Opening]:
    """``count`` openings of ``plies`` random legal actions, distinct while the game has enough of them.

    An opening never ends the game. Where the initial state is a chance node (cards, dice) openings are empty: such
    games differ by themselves, and the games of a group are given the same chance draws. Opening ``i`` depends on the
    seed and on the openings before it only, so that a longer series begins with the games of a shorter one.
    """
    if plies == 0 or game.initial_state().current_player() == CHANCE_PLAYER:
        return [Opening(())] * count
    openings: list[Opening] = []
    seen: set[str] = set()
    for index in range(count):
        rng = generator(seed, "opening", index)
        actions: tuple[int, ...] = ()
        for _ in range(_TRIES):
            state = game.initial_state()
            drawn: list[int] = []
            while len(drawn) < plies or state.current_player() == CHANCE_PLAYER:
                if state.current_player() == CHANCE_PLAYER:
                    action = draw_chance(state, rng)
                else:
                    legal = state.legal_actions()
                    action = legal[int(rng.integers(len(legal)))]
                state.apply(action)
                drawn.append(action)
                if state.is_terminal():
                    break
            if state.is_terminal():
                continue
            actions = tuple(drawn)
            if str(state) not in seen:
                seen.add(str(state))
                break
        openings.append(Opening(actions))
    return openings


def default_plies(game: Game) -> int:
    """Random plies that make most openings differ without deciding the game: 1 in tiny games, 4 or 6 in others.

    Four plies of connect four give 2,401 starts; more would hand over more games that are lost already.
    """
    if game.max_game_length <= 10:
        return 1
    return 4 if game.num_actions < 200 else 6
