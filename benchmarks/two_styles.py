"""The average of two good answers: one Gaussian against a mixture and against bins, cloned from people of two styles.

    python benchmarks/two_styles.py tree --plot tree.svg     half pass the tree on the left, half on the right
    python benchmarks/two_styles.py pistonball               half of the pistons' crews rest low, half high

Everything goes through gameil's commands: record, ingest, pretrain, evaluate. The demonstrators are those of
``policy:...``. NLL is in nats an action over the same values for all policies; returns are at temperature 1 (the policy
itself) and 0 (its likeliest answer), with 95 % intervals over seeds. Beside them: the demonstrators, and random.
"""

import argparse
import json
import statistics
from pathlib import Path

import numpy as np

from gameil.agents.spec import build_agent
from gameil.cli.main import main as gameil
from gameil.games.registry import make_game
from gameil.rollout.matches import Pairing, play_matches

CONFIGS = Path(__file__).parents[1] / "configs" / "pretrain"
GAMES = {
    "tree": ("pettingzoo:tree", "tree", ("policy:tree-left", "policy:tree-right"), 300),
    "pistonball": (
        "pettingzoo:pistonball_v6(bins=41,n_pistons=10,size=48)",
        "pistonball",
        ("policy:pistons-low", "policy:pistons-high"),
        40,
    ),
}
POLICIES = {
    "one Gaussian": ("--model.policy", "gaussian", "--model.components", 1),
    "two Gaussians": ("--model.policy", "gaussian", "--model.components", 2),
    "five Gaussians": ("--model.policy", "gaussian", "--model.components", 5),
    "bins": ("--model.policy", "flat"),
}
T_95 = {2: 12.71, 3: 4.30, 4: 3.18, 5: 2.78}


def command(*arguments: object) -> None:
    if gameil([*map(str, arguments)]):
        raise SystemExit(f"gameil {' '.join(map(str, arguments))} failed")


def run(out: Path, name: str, *arguments: object) -> dict:
    """A run's results; made where it is not finished yet."""
    if not (out / name / "results.json").exists():
        command(*arguments, "--runs", out, "--name", name, "--resume", "--quiet")
    return json.loads((out / name / "results.json").read_text(encoding="utf-8"))


def people(out: Path, game: str, specs: tuple[str, ...], games: int) -> Path:
    """The dataset of both styles."""
    dataset = out / "people.lmdb"
    if not dataset.exists():
        files = [out / f"{spec.partition(':')[2]}.jsonl" for spec in specs]
        for spec, file in zip(specs, files, strict=True):
            asked = ["--agent", spec, "--games", games, "--openings.plies", 0, "--out", file]
            run(out, file.stem, "record", "--game", game, *asked)
        split = ["--split.validation", 0.1, "--split.test", 0.1]
        command("ingest", *files, "--game", game, "--out", dataset, *split, "--quiet")
    return dataset


def mean_return(game_id: str, spec: str, games: int, seed: int) -> float:
    """Mean return of a player, the agent in every seat."""
    game = make_game(game_id)
    agent = build_agent(spec, game)
    pairings = (Pairing(match, (agent,) * game.num_players) for match in range(games))
    return statistics.mean(result.returns[0] for result in play_matches(game, pairings, seed=seed))


def interval(values: list[float]) -> str:
    if len(values) < 2:
        return f"{values[0]:8.3f}"
    half = T_95.get(len(values), 2.0) * statistics.stdev(values) / len(values) ** 0.5
    return f"{statistics.mean(values):8.3f} ± {half:.3f}"


def draw(snapshots: dict[str, str], path: Path) -> None:
    """Forty ways down the slope for each policy's likeliest answers and for its own draws."""
    game = make_game("pettingzoo:tree")
    panels = []
    shown = {
        f"{name}, {word}": f"{spec},temperature={t}"
        for name, spec in snapshots.items()
        for t, word in ((0, "its likeliest answer"), (1, "drawn"))
    }
    for number, (title, spec) in enumerate(shown.items()):
        agent = build_agent(f"snapshot:{spec}", game)
        left = 20 + 190 * number
        lines = [f'<text x="{left}" y="18" font-size="12" font-family="sans-serif" fill="currentColor">{title}</text>']
        for result in play_matches(game, [Pairing(match, (agent,)) for match in range(40)], seed=7):
            state, places = game.initial_state(), []
            for action in result.played.actions.tolist():
                state.apply(action)
                places.append(float(state.raw_observation(0)[0]))  # type: ignore[attr-defined]
            points = " ".join(f"{left + 85 + 80 * place:.1f},{35 + 25 * y}" for y, place in enumerate(places))
            colour = "#2a7" if result.returns[0] else "#c33"
            lines.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-opacity="0.5"/>')
        tree = f'<rect x="{left + 49}" y="104" width="72" height="12" rx="6" fill="#852"/>'
        panels += [*lines, tree]
    width = 20 + 190 * len(shown)
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} 250" width="{width}" height="250">'
    path.write_text("\n".join([head, *panels, "</svg>\n"]), encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("game", choices=tuple(GAMES))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--games", type=int, default=200)
    parser.add_argument("--policies", nargs="*", default=list(POLICIES))
    parser.add_argument("--plot", type=Path)
    parser.add_argument("--out", type=Path, default=Path("runs/two-styles"))
    options = parser.parse_args()
    game, config, specs, demonstrations = GAMES[options.game]
    out = options.out / options.game
    out.mkdir(parents=True, exist_ok=True)
    dataset = people(out, game, specs, demonstrations)
    kept = {}
    for name in options.policies:
        nll, likeliest, drawn = [], [], []
        for seed in range(options.seeds):
            asked = ["--dataset", dataset, "--seed", seed, *POLICIES[name]]
            found = run(out, f"{name.replace(' ', '-')}-{seed}", "pretrain", CONFIGS / f"{config}.toml", *asked)
            nll.append(float(found["test"]["nll"]))
            likeliest.append(mean_return(game, f"snapshot:{found['snapshot']}", options.games, seed))
            drawn.append(mean_return(game, f"snapshot:{found['snapshot']},temperature=1", options.games, seed))
            kept.setdefault(name, found["snapshot"])
        row = f"NLL {interval(nll)}   return drawn {interval(drawn)}   likeliest {interval(likeliest)}"
        print(f"{name:15} {row}", flush=True)
    for spec in (*specs, "random"):
        found = [mean_return(game, spec, max(10, options.games // 10), seed) for seed in range(options.seeds)]
        print(f"{spec:22} return {interval(found)} (uniform NLL {np.log(make_game(game).num_actions):.3f})")
    if options.plot is not None:
        draw({name: kept[name] for name in ("one Gaussian", "two Gaussians")}, options.plot)


if __name__ == "__main__":
    main()
