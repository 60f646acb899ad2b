"""The league's page: everybody is on it, as one file without scripts; standings by hand."""

import numpy as np
import pytest

from gameil.league.config import LeagueConfig, OpponentConfig, PlayConfig, SnapshotConfig
from gameil.league.payoff import Payoff, Result
from gameil.league.players import LeaguePlayer, Roster
from gameil.league.standings import cyclic_share, league_standings
from gameil.reports.league_page import thinned
from gameil.reports.report import report_html
from gameil.tracking.run import Run
from tests.league.stubs import stub_league

CONFIG = LeagueConfig(
    game="tic_tac_toe",
    play=PlayConfig(jobs=2, games=4, evaluation_games=8),
    snapshots=SnapshotConfig(min_steps=1, max_steps=2),
    opponents=(OpponentConfig("noise", "random"),),
)


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    directory = tmp_path_factory.mktemp("leagues") / "made"
    with Run.open(directory, CONFIG, stage="league", resume=False, track=False, quiet=True):
        league = stub_league(directory, CONFIG)
        for _ in range(30):
            league.run_turn()
    return report_html(directory)


def test_all_that_was_asked_for_is_on_the_page(page: str) -> None:
    for name in ("main-0.0", "main-exploiter-0.0", "noise", "Lineage", "Payoffs", "Elo by the turn", "30 turns"):
        assert name in page
    assert page.count("<svg") >= 3
    assert "<script" not in page


def two_of_a_kind(results: list[tuple[int, int, float]], number: int) -> tuple[Roster, Payoff]:
    roster, payoff = Roster(), Payoff()
    for player in range(number):
        roster.add(LeaguePlayer(f"p{player}", "fixed"))
        payoff.add_player(learns=False)
    for home, away, score in results:
        payoff.add(Result(home, away, score))
    return roster, payoff


def test_standings_of_a_ladder() -> None:
    results = [(low, high, score) for low in range(3) for high in range(low + 1, 3) for score in (0.0, 0.0, 0.0, 1.0)]
    standings = league_standings(*two_of_a_kind(results, 4))
    assert [player.name for player in standings.players] == ["p0", "p1", "p2"]  # the fourth met nobody
    assert standings.order() == [2, 1, 0]
    assert standings.best_responses == (1, 2, 0)
    assert standings.nash is not None
    assert standings.nash[2] > 0.99


def test_rock_paper_scissors_goes_in_circles() -> None:
    results = [(0, 1, 1.0), (1, 2, 1.0), (2, 0, 1.0)] * 10
    standings = league_standings(*two_of_a_kind(results, 3))
    assert standings.cyclic_share == pytest.approx(1.0)
    assert standings.ratings is not None
    np.testing.assert_allclose(standings.ratings.elo, 0.0, atol=1e-6)
    np.testing.assert_allclose(standings.nash, 1 / 3, atol=1e-3)


def test_what_a_rating_explains_is_not_cyclic() -> None:
    skill = np.array([0.0, 0.7, 1.9, -1.0])
    rates = 1.0 / (1.0 + np.exp(skill[None, :] - skill[:, None]))
    met = ~np.eye(4, dtype=bool)
    assert cyclic_share(rates, met) == pytest.approx(0.0, abs=1e-12)
    assert cyclic_share(np.full((4, 4), 0.5), met) == 0.0


def test_large_leagues_are_thinned() -> None:
    assert thinned([3, 1, 2], 5) == [3, 1, 2]
    assert thinned(list(range(1000)), 40)[:21] == [*range(20), 20]
    assert len(thinned(list(range(1000)), 40)) == 40
    assert thinned(list(range(1000)), 40)[-1] == 999
