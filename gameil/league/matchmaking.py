"""Who plays whom, and when a copy is made: AlphaStar's rules, by role.

Vinyals et al. 2019, Methods and published pseudocode, whose defects are left out: the past may be empty, weights may
all be nothing, and a copy is made of the player *before* it starts anew.
"""

import numpy as np
from numpy.typing import NDArray

from gameil.league.config import MatchmakingConfig, SnapshotConfig
from gameil.league.payoff import Payoff
from gameil.league.pfsp import Weighting, draw, pfsp_probs, without_monotone_suffix
from gameil.league.players import Roster


def draw_opponent(
    player: int, roster: Roster, payoff: Payoff, config: MatchmakingConfig, rng: np.random.Generator
) -> int:
    """The opponent of a learning player's next games; itself for self-play."""
    role = roster[player].role
    if role == "main":
        return _of_main(player, roster, payoff, config, rng)
    if role == "main_exploiter":
        return _of_main_exploiter(player, roster, payoff, config, rng)
    if role == "league_exploiter":
        return _pfsp(player, roster.past(), payoff, "linear_capped", rng)
    raise ValueError(f"{roster[player].name} does not learn and draws no opponents")


def _of_main(player: int, roster: Roster, payoff: Payoff, config: MatchmakingConfig, rng: np.random.Generator) -> int:
    coin = rng.random()
    past = roster.past()
    if coin < config.pfsp_share and len(past):
        return _pfsp(player, past, payoff, "squared", rng)
    mains = roster.mains()
    other = int(mains[int(rng.integers(len(mains)))])
    if coin < config.pfsp_share + config.verification_share:
        found = _to_verify(player, other, roster, payoff, config)
        if len(found):
            return _pfsp(player, found, payoff, "squared", rng)
    copies = roster.copies_of(roster[other].name)
    if other == player or payoff.win_rate(player, other) > config.self_play or not len(copies):
        return other
    return _pfsp(player, copies, payoff, "variance", rng)


def _to_verify(player: int, other: int, roster: Roster, payoff: Payoff, config: MatchmakingConfig) -> NDArray[np.intp]:
    """Exploiters of the past where some still beat a main; else the past of ``other`` as far as it is forgotten."""
    exploiters = roster.copies_of_role("main_exploiter")
    if len(exploiters) and payoff.win_rates(player, exploiters).min() < config.unbeaten_exploiter:
        return exploiters
    copies = roster.copies_of(roster[other].name)
    rates = payoff.win_rates(player, copies)
    left = without_monotone_suffix(rates)
    if left and rates[:left].min() < config.forgotten:
        return copies[:left]
    return copies[:0]


def _of_main_exploiter(
    player: int, roster: Roster, payoff: Payoff, config: MatchmakingConfig, rng: np.random.Generator
) -> int:
    mains = roster.mains()
    main = int(mains[int(rng.integers(len(mains)))])
    copies = roster.copies_of(roster[main].name)
    if payoff.win_rate(player, main) > config.exploitable or not len(copies):
        return main
    return _pfsp(player, copies, payoff, "variance", rng)


def _pfsp(player: int, others: NDArray[np.intp], payoff: Payoff, weighting: Weighting, rng: np.random.Generator) -> int:
    return int(others[draw(pfsp_probs(payoff.win_rates(player, others), weighting), rng)])


def is_due(
    player: int, steps: int, roster: Roster, payoff: Payoff, config: SnapshotConfig, *, min_games: float
) -> bool:
    """Whether a learning player, ``steps`` turns after its last copy, leaves another one.

    A win rate counts with at least ``min_games``. Fixed players are left out: a perfect one would forbid all copies.
    """
    if steps < config.min_steps:
        return False
    if steps >= config.max_steps:
        return True
    others = roster.mains() if roster[player].role == "main_exploiter" else roster.historical()
    if not len(others) or payoff.recent_games(player, others).min() < min_games:
        return False
    return bool(payoff.win_rates(player, others).min() > config.win_rate)


def starts_anew(player: int, roster: Roster, config: SnapshotConfig, rng: np.random.Generator) -> bool:
    """Whether a player that has just left a copy starts anew: main exploiters do, league exploiters by chance."""
    role = roster[player].role
    return role == "main_exploiter" or (role == "league_exploiter" and rng.random() < config.reset)


def least_met(roster: Roster, payoff: Payoff, rng: np.random.Generator) -> tuple[int, int] | None:
    """Two different players that no longer learn, of those pairs that met least; None with fewer than two."""
    past = roster.past()
    if len(past) < 2:
        return None
    games = payoff.games(past.tolist())
    rows, columns = np.triu_indices(len(past), 1)
    met = games[rows, columns]
    candidates = np.flatnonzero(met == met.min())
    pair = int(candidates[int(rng.integers(len(candidates)))])
    return int(past[rows[pair]]), int(past[columns[pair]])
