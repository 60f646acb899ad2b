"""A sequential test over games that end in any order: they are counted in the order of their numbers."""

from gameil.errors import ConfigError
from gameil.ratings.sprt import SequentialTest, SprtConfig, SprtResult


class OrderedTest:
    """Feeds a sequential test with games of a series between two agents.

    A game counts once all games before it have ended: otherwise short games would come first, and what the test finds
    would depend on how many games run at once and on interruptions.
    """

    def __init__(self, config: SprtConfig, players: int) -> None:
        if players != 2:
            raise ConfigError(f"a sequential test is for two players, not {players}")
        self._test = SequentialTest(config)
        self._per_trial = config.games_per_trial
        self._waiting: dict[int, float | None] = {}
        self._next = 0

    @property
    def result(self) -> SprtResult:
        return self._test.result

    @property
    def games(self) -> int:
        """Games counted: those numbered below this."""
        return self._next

    def hear(self, match: int, score: float | None) -> bool:
        """Takes the unit score of one game, None where an agent failed in it; True once the test has decided.

        A trial with a game that failed is left out.
        """
        self._waiting[match] = score
        trial = range(self._next, self._next + self._per_trial)
        while self.result.decision == "undecided" and all(game in self._waiting for game in trial):
            scores = [score for game in trial if (score := self._waiting.pop(game)) is not None]
            if len(scores) == self._per_trial:
                self._test.add(sum(scores) / self._per_trial)
            self._next = trial.stop
            trial = range(self._next, self._next + self._per_trial)
        return self.result.decision != "undecided"
