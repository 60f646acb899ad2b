"""What training from self-play came to: the result against its parent, against others, and what it forgot."""

from typing import Any

from gameil.agents.network import NetworkAgent
from gameil.agents.spec import build_agent
from gameil.arena.tables import score_metrics
from gameil.checkpoints.snapshot import save_snapshot
from gameil.models.inference import NetworkEvaluator
from gameil.stages.self_play_training import SelfPlayTraining


def finish_training(training: SelfPlayTraining) -> dict[str, Any]:
    """Compares the result with its parent at the parent's best temperature, keeps the better one as ``best``, and
    collects the results."""
    config, run = training.config, training.run
    seconds = training.elapsed()
    model = training.learner.evaluation_model()
    evaluator = training.freeze(model)
    metrics = training.measure_forgetting("after", evaluator)
    finetuned = training.agent("finetuned", evaluator)
    temperature = best_temperature(training)
    parent = training.agent("parent", training.parent, temperature)
    series = training.series("series against the parent", finetuned, parent, config.series_games)
    improved = series.score > 0.5
    team: dict[str, float] = {}
    if training.game.capabilities.common_payoff:
        team = _team_returns(training, evaluator)
        improved = team["finetuned"] > team["parent"]
    metrics |= score_metrics("arena/score_against_parent", series)
    yardstick: dict[str, float] = {}
    if config.yardstick:
        yardstick = _yardstick(training, parent, finetuned)
        improved = improved and yardstick["finetuned"] >= yardstick["parent"]
        metrics["arena/score_against_yardstick"] = yardstick["finetuned"]
    run.log(training.iteration, metrics)
    save_snapshot(training.snapshots / "last", model, training.card(metrics))
    if improved:
        save_snapshot(training.best, model, training.card(metrics))
    else:
        save_snapshot(training.best, training.parent_model, training.parent_card)
    low, high = series.interval.low, series.interval.high
    if team:
        run.say(
            f"mean return of the team: {team['parent']:.1f} before, {team['finetuned']:.1f} after"
            + ("" if improved else "; no improvement, so the parent stays the best snapshot")
        )
    else:
        run.say(
            f"against its parent (temperature {temperature:g}): {series.score:.1%} of {series.games} games "
            f"(95 %: {low:.1%} to {high:.1%})"
            + ("" if improved else "; no improvement, so the parent stays the best snapshot")
        )
    if len(training.forgetting) == 2:
        before, after = training.forgetting["before"], training.forgetting["after"]
        run.say(
            f"human moves: top-1 {before['top1']:.1%} before, {after['top1']:.1%} after; "
            f"NLL {before['nll']:.3f} before, {after['nll']:.3f} after"
        )
    return {
        "snapshot": str(training.best),
        "last": str(training.snapshots / "last"),
        "game": training.game.id,
        "improved": improved,
        "score_against_parent": series.score,
        "interval": [low, high],
        "parent_temperature": temperature,
        "yardstick": yardstick,
        "team": team,
        "iterations": training.iteration,
        "games": training.games,
        "frames": training.frames,
        "rollbacks": training.guard.rollbacks,
        "seconds": seconds,
        "forgetting": training.forgetting,
    }


def _team_returns(training: SelfPlayTraining, evaluator: NetworkEvaluator) -> dict[str, float]:
    """Mean returns of a game that is won together, before and after: with the partners, or without any with itself.

    All draw from their policies as they were trained: two deterministic cooks that block one another do so for ever.
    """
    games = training.config.series_games
    found = {}
    for name, own in (("parent", training.parent), ("finetuned", evaluator)):
        agent = training.agent(name, own, 1.0)
        others = [training.agent("partner", partner, 1.0) for partner in training.pool.evaluators.values()]
        beside = others if training.partners else [agent]
        returns = [training.series(f"{name} in a team", agent, other, games).mean_return for other in beside]
        found[name] = sum(returns) / len(returns)
    return found


def best_temperature(training: SelfPlayTraining) -> float:
    """At which of the configured temperatures the parent scores best against its own likeliest moves."""
    config = training.config
    if len(config.parent_temperatures) == 1:
        return config.parent_temperatures[0]
    likeliest = training.agent("likeliest", training.parent)
    scores = {0.0: 0.5}
    for temperature in config.parent_temperatures:
        if temperature:
            agent = training.agent("parent", training.parent, temperature)
            games = max(2, config.series_games // 2)
            scores[temperature] = training.series(f"parent at {temperature:g}", agent, likeliest, games).score
    return max(config.parent_temperatures, key=lambda temperature: scores[temperature])


def _yardstick(training: SelfPlayTraining, parent: NetworkAgent, finetuned: NetworkAgent) -> dict[str, float]:
    """Scores of both against the third agent."""
    config = training.config
    third = build_agent(config.yardstick, training.game, seed=config.seed)
    scores = {
        name: training.series(f"{name} against {config.yardstick}", agent, third, config.series_games).score
        for name, agent in (("parent", parent), ("finetuned", finetuned))
    }
    third.close()
    training.run.say(f"against {config.yardstick}: {scores['parent']:.1%} before, {scores['finetuned']:.1%} after")
    return scores
