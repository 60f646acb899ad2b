"""``gameil league run|status|standings|evaluate NAME``: a league of agents that learn by beating each other."""

import json
from collections.abc import Sequence
from pathlib import Path

from gameil.cli.arguments import CommonFlags, common_flags, parse
from gameil.errors import ConfigError

USAGE = """usage: gameil league run NAME [--resume] [--turns N] [--minutes M] [--workers N] [--ray auto|HOST:PORT]
       gameil league status NAME       how far it is
       gameil league standings NAME    ratings, best responses, lineage
       gameil league evaluate NAME [--player main-0] [--games N] [--temperature T] [--opponents SPEC ...] ...
                                       the main as it is against its past, all exploiters and others, in games apart

NAME is defined by leagues/NAME.toml; its state is kept in leagues/NAME/. Another directory than leagues: --leagues DIR.
Flags of every long command: --resume, --json, --quiet, --debug."""


def main(argv: Sequence[str]) -> int:
    """Runs the command; returns its exit code."""
    flags, rest = common_flags(argv)
    if not rest or rest[0] in ("-h", "--help"):
        print(USAGE)
        return 0
    if rest[0] not in ("run", "status", "standings", "evaluate"):
        raise ConfigError(f"league {rest[0]!r}: there are run, status, standings and evaluate (gameil league --help)")
    if len(rest) < 2 or rest[1].startswith("-"):
        if rest[1:] and rest[1] in ("-h", "--help"):
            print(USAGE)
            return 0
        raise ConfigError(f"league {rest[0]}: which league? (gameil league --help)")
    leagues, rest = _leagues(rest)
    name = rest[1]
    if Path(name).name != name or name in (".", ".."):
        raise ConfigError(f"league {name!r}: the name of a league is one plain name, without slashes")
    if rest[0] == "run":
        return _run(leagues, name, flags, rest[2:])
    if rest[0] == "evaluate":
        return _evaluate(leagues / name, flags, rest[2:])
    if len(rest) > 2:
        raise ConfigError(f"league {rest[0]}: unknown argument {rest[2]!r} (gameil league --help)")
    return _show(rest[0], leagues / name, flags)


def _leagues(rest: list[str]) -> tuple[Path, list[str]]:
    """Takes ``--leagues DIR`` out of the arguments."""
    for place, argument in enumerate(rest):
        if argument == "--leagues":
            if place + 1 >= len(rest):
                raise ConfigError("--leagues needs a value")
            return Path(rest[place + 1]), rest[:place] + rest[place + 2 :]
        if argument.startswith("--leagues="):
            return Path(argument.partition("=")[2]), rest[:place] + rest[place + 1 :]
    return Path("leagues"), rest


def _run(leagues: Path, name: str, flags: CommonFlags, rest: list[str]) -> int:
    from gameil.cli.league_text import standings_text
    from gameil.config import parse_config, read_toml
    from gameil.league.config import LeagueConfig
    from gameil.stages.league import LeagueBudget, run_league
    from gameil.tracking.run import Run

    budget = parse(LeagueBudget, rest, prog="gameil league run NAME", description="Runs a league.")
    path = leagues / f"{name}.toml"
    config = parse_config(LeagueConfig, read_toml(path), str(path))
    quiet = flags.quiet or flags.json
    with Run.open(leagues / name, config, stage="league", resume=flags.resume, track=True, quiet=quiet) as run:
        results = run_league(config, budget, run)
        run.finish(results)
        if not flags.json:
            print(standings_text(results["standings"]))
            run.say(f"league: {leagues / name}")
    if flags.json:
        print(json.dumps({"league": str(leagues / name), **results}))
    return 0


def _evaluate(directory: Path, flags: CommonFlags, rest: list[str]) -> int:
    from gameil.cli.league_text import evaluation_text
    from gameil.league.reading import read_league
    from gameil.stages.league_evaluate import LeagueEvaluateConfig, league_evaluate
    from gameil.tracking.run import Run

    config = parse(LeagueEvaluateConfig, rest, prog="gameil league evaluate NAME", description="Measures a league.")
    league = read_league(directory)
    own = directory / "evaluations" / f"turn-{league.state.turn:06}"
    quiet = flags.quiet or flags.json
    with Run.open(own, config, stage="league-evaluate", resume=flags.resume, track=False, quiet=quiet) as run:
        results = run.results() if run.finished else league_evaluate(directory, league, config, run)
        if not run.finished:
            run.finish(results)
        if not flags.json:
            print(evaluation_text(results))
            run.say(f"games and results: {own}")
    if flags.json:
        print(json.dumps({"run": str(own), **results}))
    return 0


def _show(what: str, directory: Path, flags: CommonFlags) -> int:
    from gameil.cli.league_text import lineage_text, standings_text, status_text
    from gameil.league.reading import read_league
    from gameil.league.standings import league_standings

    found = read_league(directory)
    if what == "status":
        values = found.status()
        print(json.dumps(values) if flags.json else status_text(values))
        return 0
    standings = league_standings(found.roster, found.payoff).values()
    if flags.json:
        print(json.dumps(standings))
    else:
        print(standings_text(standings))
        print()
        print(lineage_text(found.roster.players))
    return 0
