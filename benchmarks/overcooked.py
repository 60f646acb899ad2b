"""People as partners: the experiment of Carroll et al. (2019, figure 4) with gameil's commands, and two beside it.

    python benchmarks/overcooked.py partners cramped_room --minutes 8      the figure's rows for one kitchen
    python benchmarks/overcooked.py population cramped_room --minutes 8    beside many that learned with themselves
    python benchmarks/overcooked.py views cramped_room                     cloning from planes and from pictures
    python benchmarks/overcooked.py worth cramped_room --minutes 5         by number of people's trials shown

``partners``: a clone of people (BC, on the train trials), a clone of other people who stand for people (the proxy, BC
on the test trials), cooks that learned with themselves (self-play) and cooks that learned beside the clone. Rows are
mean points of a team in 400 steps, both seatings, over seeds, with 95 % intervals over seeds. ``--minutes`` is for each
training of each seed. ``population`` goes on from there: cooks that learned beside all seeds' self-play as it was at
the start, half-way and at the end (Strouse et al., "Collaborating with Humans without Human Data", 2021: fictitious
co-play), so beside strangers of all strengths, without any data of people. All runs lie below ``--out`` and are not
made again where they are finished. Needs the trials of ``pip install --no-deps overcooked-ai==1.1.0``.
"""

import argparse
import importlib.util
import json
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gameil.cli.main import main as gameil
from gameil.dataset.dataset import Dataset
from gameil.dataset.split import SplitRule
from gameil.dataset.writer import DatasetWriter
from gameil.tracking.log import read_log
from gameil.tracking.run import LOG_FILE

CONFIGS = Path(__file__).parents[1] / "configs"
T_95 = {2: 12.71, 3: 4.30, 4: 3.18, 5: 2.78}
"""Student's t by number of seeds."""


VIEWS = {
    "planes": ("", "overcooked"),
    "four frames of planes": (",frames=4", "overcooked"),
    "four pictures": (",frames=4,view=pixels", "overcooked-pixels"),
}
"""What is seen: parameters of the game's id, and the configuration of a clone."""


class Kitchen:
    """One kitchen's datasets and runs."""

    def __init__(self, name: str, out: Path, view: str = "planes") -> None:
        parameters, self.config = VIEWS[view]
        self.out = out / name
        self.out.mkdir(parents=True, exist_ok=True)
        self.game = f"pettingzoo:overcooked(layout={name}{parameters})"
        self.shaped = f"pettingzoo:overcooked(layout={name}{parameters},shaping=1.0)"
        self.view = "" if view == "planes" else f"-{view.replace(' ', '-')}"

    def command(self, *arguments: object) -> None:
        if gameil([*map(str, arguments)]):
            raise SystemExit(f"gameil {' '.join(map(str, arguments))} failed")

    def people(self, which: str) -> Path:
        """The dataset of the train or test trials."""
        dataset = self.out / f"{which}{self.view}.lmdb"
        if not dataset.exists():
            package = importlib.util.find_spec("overcooked_ai_py")
            assert package is not None
            assert package.submodule_search_locations
            place = Path(next(iter(package.submodule_search_locations))) / "data" / "human_data"
            file = place / f"clean_{which}_trials.pickle"
            split = ["--split.validation", "0.15", "--split.test", "0.0"]
            self.command("ingest", file, "--game", self.game, "--out", dataset, *split)
        return dataset

    def run(self, name: str, *arguments: object) -> dict[str, Any]:
        """A run's results; made where it is not finished yet."""
        directory = self.out / f"{name}{self.view}"
        if not (directory / "results.json").exists():
            self.command(*arguments, "--runs", self.out, "--name", directory.name, "--resume")
        found: dict[str, Any] = json.loads((directory / "results.json").read_text(encoding="utf-8"))
        return found

    def clone(self, name: str, dataset: Path, seed: int) -> Path:
        config = CONFIGS / "pretrain" / f"{self.config}.toml"
        found = self.run(name, "pretrain", config, "--dataset", dataset, "--seed", seed)
        return Path(found["snapshot"])

    def learned(self, name: str, minutes: float, seed: int, *arguments: object) -> Path:
        """Reinforcement learning: most of the time with pay for useful deeds, the rest without."""
        config = CONFIGS / "finetune" / "overcooked.toml"
        common = ["--seed", seed, *arguments]
        begun = self.run(
            f"{name}-shaped", "finetune", config, "--game", self.shaped, "--minutes", 0.7 * minutes, *common
        )
        common += ["--init", begun["last"]]
        ended = self.run(name, "finetune", config, "--game", self.game, "--minutes", 0.3 * minutes, *common)
        return Path(ended["last"])

    def team(self, name: str, one: Path | str, other: Path | str, games: int, seed: int) -> float:
        """Mean points of two agents, each drawing from its policy."""
        specs = [part if isinstance(part, str) else f"snapshot:{part},temperature=1" for part in (one, other)]
        asked = ["--agent", specs[0], "--against", specs[1], "--games", games, "--openings.plies", 0, "--seed", seed]
        return float(self.run(name, "evaluate", "--game", self.game, *asked)["mean_return"])


def line(name: str, values: Sequence[float]) -> str:
    if len(values) < 2:
        return f"{name:34} {values[0]:7.1f}"
    half = T_95.get(len(values), 2.0) * statistics.stdev(values) / len(values) ** 0.5
    return f"{name:34} {statistics.mean(values):7.1f} ± {half:5.1f}   {' '.join(f'{value:.1f}' for value in values)}"


def partners(name: str, options: argparse.Namespace) -> None:
    kitchen = Kitchen(name, options.out)
    train, test = kitchen.people("train"), kitchen.people("test")
    rows: dict[str, list[float]] = {}
    for seed in range(options.seeds):
        clone, proxy = kitchen.clone(f"clone-{seed}", train, seed), kitchen.clone(f"proxy-{seed}", test, seed)
        alone = kitchen.learned(f"self-{seed}", options.minutes, seed)
        beside = kitchen.learned(
            f"beside-{seed}", options.minutes, seed, "--partners", clone, "--self-play.self-share", 0
        )
        pairs: dict[str, tuple[Path | str, Path | str]] = {
            "clone + proxy": (clone, proxy),
            "self-play + self-play": (alone, alone),
            "self-play + proxy": (alone, proxy),
            "learned beside clone + proxy": (beside, proxy),
            "learned beside clone + clone": (beside, clone),
            "proxy + proxy": (proxy, proxy),
            "random + proxy": ("random", proxy),
        }
        for row, (one, other) in pairs.items():
            team = kitchen.team(f"team-{row.replace(' ', '')}-{seed}", one, other, options.games, seed)
            rows.setdefault(row, []).append(team)
    print(f"\n{name}: points of a team in 400 steps, mean over {options.seeds} seeds, 95 %")
    print("\n".join(line(row, values) for row, values in rows.items()))


def population(name: str, options: argparse.Namespace) -> None:
    kitchen = Kitchen(name, options.out)
    test = kitchen.people("test")
    others: list[Path] = []
    for seed in range(options.seeds):
        end = kitchen.learned(f"self-{seed}", options.minutes, seed)
        shaped = kitchen.out / f"self-{seed}-shaped"
        others += [shaped / "snapshots" / "start", half_way(shaped), end]
    found, alone = [], []
    for seed in range(options.seeds):
        proxy = kitchen.clone(f"proxy-{seed}", test, seed)
        beside = kitchen.learned(
            f"population-{seed}", options.minutes, seed, "--partners", *others, "--self-play.self-share", 0
        )
        found.append(kitchen.team(f"team-population+proxy-{seed}", beside, proxy, options.games, seed))
        alone.append(kitchen.team(f"team-population+population-{seed}", beside, beside, options.games, seed))
    print(f"\n{name}: points of a team in 400 steps, mean over {options.seeds} seeds, 95 %")
    print(line("learned beside population + proxy", found))
    print(line("the same with itself", alone))


def half_way(run: Path) -> Path:
    """The past self of a run when games first brought half of what they brought at best."""
    returns = dict(read_log(run / LOG_FILE).curve("self_play/return"))
    reached = min(step for step, points in returns.items() if points >= max(returns.values()) / 2)
    pasts = sorted((run / "snapshots").glob("past-*"))
    return min(pasts, key=lambda past: abs(int(past.name.removeprefix("past-")) - reached))


def views(name: str, options: argparse.Namespace) -> None:
    for view in VIEWS:
        kitchen = Kitchen(name, options.out, view)
        train, test = kitchen.people("train"), kitchen.people("test")
        top1, nll, points = [], [], []
        for seed in range(options.seeds):
            clone = kitchen.clone(f"clone-{seed}", train, seed)
            asked = ["--dataset", test, "--split", "train", "--positions", 20_000]
            found = kitchen.run(f"accuracy-{seed}", "accuracy", "--agent", f"snapshot:{clone}", *asked)
            top1.append(100 * found["overall"]["top1"])
            nll.append(found["overall"]["nll"])
            points.append(kitchen.team(f"team-clones-{seed}", clone, clone, options.games, seed))
        print(line(f"{name}, {view}: top-1 on others, %", top1))
        print(line(f"{name}, {view}: NLL, nats x 100", [100 * value for value in nll]))
        print(line(f"{name}, {view}: points with itself", points))
    shares = frequencies(Kitchen(name, options.out).people("test"))
    print(f"{name}: chance is {100 / 6:.1f} %, the most frequent action {100 * shares.max():.1f} % of people's,")
    print(f"the best that says the same everywhere has {-100 * (shares * np.log(shares)).sum():.1f} nats x 100")


def frequencies(dataset: Path) -> NDArray[np.float64]:
    """Shares of people's actions, ``[6]``."""
    data = Dataset(dataset)
    counts = np.zeros(6)
    for game_id in range(len(data)):
        counts += np.bincount(data.game_for_replay(game_id).actions, minlength=6)
    data.close()
    shares: NDArray[np.float64] = counts / counts.sum()
    return shares


def worth(name: str, options: argparse.Namespace) -> None:
    """Trials shown: 0, 1, 2, 4 and all; a clone of so many, and one that learns on beside a clone of all."""
    kitchen = Kitchen(name, options.out)
    train, test = kitchen.people("train"), kitchen.people("test")
    whole = Dataset(train)
    for shown in (0, 1, 2, 4, len(whole)):
        cloned, learned = [], []
        for seed in range(options.seeds):
            partner, proxy = kitchen.clone(f"clone-{seed}", train, seed), kitchen.clone(f"proxy-{seed}", test, seed)
            begin: Path | None = None
            if shown:
                some = kitchen.out / f"some-{shown}-{seed}.lmdb"
                if not some.exists():
                    order = sorted(range(len(whole)), key=lambda game_id: (game_id * 7 + 3 * seed) % len(whole))
                    rule = SplitRule(validation=0.0, test=0.0)
                    with DatasetWriter(some, whole.meta.family, split=rule) as writer:
                        for game_id in order[:shown]:
                            writer.add(whole.game(game_id))
                config = CONFIGS / "pretrain" / "overcooked.toml"
                found = kitchen.run(
                    f"clone-{shown}-{seed}", "pretrain", config, "--dataset", some, "--seed", seed, "--steps", 600
                )
                begin = Path(found["snapshot"]).with_name("last")
            cloned.append(kitchen.team(f"worth-bc-{shown}-{seed}", begin or "random", proxy, options.games, seed))
            config = CONFIGS / "finetune" / "overcooked.toml"
            asked = ["--minutes", options.minutes, "--partners", partner, "--self-play.self-share", 0, "--seed", seed]
            asked += ["--init", begin] if begin else []
            after = kitchen.run(f"worth-{shown}-{seed}", "finetune", config, "--game", kitchen.shaped, *asked)
            team = kitchen.team(f"worth-rl-{shown}-{seed}", Path(after["last"]), proxy, options.games, seed)
            learned.append(team)
        print(line(f"{name}, {shown} trials: clone + proxy", cloned))
        print(line(f"{name}, {shown} trials: then PPO + proxy", learned))
    whole.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("partners", "population", "views", "worth"))
    parser.add_argument("kitchens", nargs="+")
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--games", type=int, default=100)
    parser.add_argument("--out", type=Path, default=Path("runs/overcooked"))
    options = parser.parse_args()
    for name in options.kitchens:
        {"partners": partners, "population": population, "views": views, "worth": worth}[options.what](name, options)


if __name__ == "__main__":
    main()
