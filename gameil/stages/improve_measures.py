"""How an improving network is measured: series with and without search, and how much of people's play is left."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gameil.agents.agent import Agent
from gameil.agents.network import NetworkAgent, state_judge
from gameil.agents.search import SearchAgent
from gameil.agents.spec import build_agent
from gameil.arena.series import SeriesResult
from gameil.arena.tables import score_metrics
from gameil.errors import ConfigError
from gameil.games.game import Game
from gameil.learners.held_out import measure_held_out
from gameil.models.inference import NetworkEvaluator
from gameil.models.policy_value import PolicyValueNet
from gameil.positions.encoder import ObservationEncoder
from gameil.search.rules import RuleConfig, build_search
from gameil.seeding import stream_seed
from gameil.stages.forgetting import held_out_positions
from gameil.stages.search_networks import NetworkConfig, state_evaluators
from gameil.stages.shown_series import shown_series
from gameil.tracking.run import Run


@dataclass(frozen=True)
class MeasuringConfig:
    """Against whom the network is measured. Time spent here is not part of the budget."""

    __pydantic_config__ = {"extra": "forbid"}

    every: int = 0
    """Iterations between two measurements; 0: only at the end."""
    opponents: tuple[str, ...] = ()
    """Specs of agents to play; none given, and with ``init``: the snapshot that the run started from, playing its
    likeliest move."""
    games: int = 100
    """Of each series, in pairs with seats swapped."""
    simulations: int = 64
    """Of the network with search, which plays the same series; 0: the bare policy only."""
    look_ahead: bool = False
    """Of that search, as of ``puct.SearchConfig``."""
    held_out_positions: int = 4096
    """Positions of the dataset's validation split for the forgetting meter."""
    max_plies: int = 0
    """Games are cut after so many plies and count as drawn; 0: only the rules end them."""
    network: NetworkConfig = field(default_factory=NetworkConfig)
    """What runs the network in series."""

    def __post_init__(self) -> None:
        if min(self.every, self.simulations, self.held_out_positions, self.max_plies) < 0 or self.games < 1:
            raise ConfigError(
                "measuring: every, simulations, held_out_positions and max_plies must be at least 0 and games 1"
            )


class Measuring:
    """The measurements of one run."""

    def __init__(
        self,
        config: MeasuringConfig,
        run: Run,
        game: Game,
        encoder: ObservationEncoder,
        *,
        seed: int,
        dataset: Path | None,
        parent: Path | None,
    ) -> None:
        """Builds the opponents, so that a typing error does not wait for the end of training."""
        self.config = config
        self.rows: list[dict[str, Any]] = []
        """One a measurement: iteration, minutes, scores by opponent with and without search, human accuracy."""
        self._run = run
        self._game = game
        self._encoder = encoder
        self._seed = seed
        specs = config.opponents or (() if parent is None else (f"snapshot:{parent}",))
        self._opponents: dict[str, Agent] = {spec: build_agent(spec, game, seed=seed) for spec in specs}
        self._held_out = held_out_positions(
            dataset, "validation", game, encoder.config, positions=config.held_out_positions
        )

    @property
    def active(self) -> bool:
        """Whether there is anything to measure."""
        return bool(self._opponents or self._held_out)

    def due(self, iteration: int, *, over: bool) -> bool:
        """Whether an iteration is measured."""
        return self.active and (over or (self.config.every > 0 and iteration % self.config.every == 0))

    def is_best(self, score: float) -> bool:
        """Whether the newest measurement's score is the highest; the start, where it was measured, counts."""
        return all(score >= row["score"] for row in self.rows)

    def measure(self, iteration: int, model: PolicyValueNet, *, minutes: float) -> float:
        """Plays all series; returns the mean score (0.5 without opponents) and keeps a row."""
        row: dict[str, Any] = {"iteration": iteration, "minutes": round(minutes, 2), "series": []}
        evaluator = NetworkEvaluator(model)
        agents: list[Agent] = [NetworkAgent("policy", state_judge(self._encoder, evaluator))]
        if self.config.simulations:
            search = build_search(
                state_evaluators(model, self._encoder, self.config.network, device="cpu"),
                RuleConfig(simulations=self.config.simulations, look_ahead=self.config.look_ahead),
            )
            agents.append(SearchAgent(f"search={self.config.simulations}", self._game, search))
        metrics: dict[str, float] = {}
        for spec, opponent in self._opponents.items():
            for agent in agents:
                result = self._series(agent, opponent, spec)
                low, high = result.interval.low, result.interval.high
                row["series"].append(
                    {"agent": agent.name, "opponent": spec, "score": result.score, "low": low, "high": high}
                )
                metrics |= score_metrics(f"arena/{agent.name.replace('=', '_')}_against_{_plain(spec)}", result)
                self._run.say(
                    f"iteration {iteration} ({minutes:.1f} min): {agent.name} against {spec}: {result.score:.1%} of "
                    f"{result.games} games (95 %: {low:.1%} to {high:.1%})"
                )
        scores = [one["score"] for one in row["series"]]
        row["score"] = sum(scores) / len(scores) if scores else 0.5
        if self._held_out:
            found = measure_held_out(evaluator, self._held_out)
            if "nll" in found:
                row |= {"human_top1": found["top1"], "human_nll": found["nll"]}
                metrics |= {"human/top1": found["top1"], "human/nll": found["nll"]}
                self._run.say(f"iteration {iteration}: human moves top-1 {found['top1']:.1%}, NLL {found['nll']:.3f}")
        self.rows.append(row)
        self._run.log(iteration, metrics)
        return float(row["score"])

    def _series(self, agent: Agent, opponent: Agent, spec: str) -> SeriesResult:
        return shown_series(
            self._run,
            f"{agent.name} against {spec}",
            self._game,
            agent,
            opponent,
            games=self.config.games,
            seed=stream_seed(self._seed, "series"),
            max_plies=self.config.max_plies,
        )

    def close(self) -> None:
        """Ends the opponents."""
        for opponent in self._opponents.values():
            opponent.close()


def _plain(spec: str) -> str:
    """A spec as part of a metric's name."""
    return "".join(letter if letter.isalnum() else "_" for letter in spec)
