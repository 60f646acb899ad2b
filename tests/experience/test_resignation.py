"""The resign threshold, on games whose answer is plain."""

import pytest

from gameil.errors import ConfigError
from gameil.experience.resignation import NEVER, Resignation, ResignConfig

CONFIG = ResignConfig(enabled=True, least_games=20, games=100, most_wrong=0.05, highest=-0.5)


def calibrated(config: ResignConfig = CONFIG) -> Resignation:
    """Of 100 games, 90 are lost by who falls to -0.6, and 10 are won by who had fallen to -0.7."""
    resignation = Resignation(config)
    for number in range(100):
        if number % 10:
            resignation.add((-0.6, 0.1), (-1.0, 1.0))
        else:
            resignation.add((0.2, -0.7), (-1.0, 1.0))
    return resignation


def test_nobody_resigns_before_enough_games_are_known() -> None:
    resignation = Resignation(CONFIG)
    for _ in range(19):
        resignation.add((-0.9, 0.9), (-1.0, 1.0))
    assert resignation.threshold() == NEVER
    resignation.add((-0.9, 0.9), (-1.0, 1.0))
    assert resignation.threshold() == CONFIG.highest
    assert Resignation(ResignConfig()).threshold() == NEVER, "off by default"


def test_wrong_resignations_bound_the_threshold() -> None:
    # Below any value above -0.6 lie all 100 games, 10 of them wrong; below -0.6 only the wrong ones.
    assert calibrated().threshold() == NEVER
    ten_in_a_hundred = ResignConfig(enabled=True, least_games=20, games=100, most_wrong=0.1, highest=-0.5)
    assert calibrated(ten_in_a_hundred).threshold() == -0.5
    narrow = ResignConfig(enabled=True, least_games=20, games=100, most_wrong=0.1, highest=-0.65)
    assert calibrated(narrow).threshold() == NEVER


def test_old_games_are_forgotten_and_the_state_survives() -> None:
    resignation = calibrated()
    again = Resignation(CONFIG)
    again.load(resignation.state())
    assert again.state() == resignation.state()
    for _ in range(100):
        again.add((-0.8, 0.5), (-1.0, 1.0))
    assert again.threshold() == -0.5


def test_a_draw_is_not_lost() -> None:
    resignation = Resignation(CONFIG)
    for _ in range(30):
        resignation.add((-0.9, -0.9), (0.0, 0.0))
    assert resignation.threshold() == NEVER
    with pytest.raises(ConfigError, match="least_games"):
        ResignConfig(games=10, least_games=20)
