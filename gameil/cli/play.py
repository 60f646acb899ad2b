"""``gameil play``: a person plays against an agent in the terminal."""

import re
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from gameil.cli.arguments import common_flags, parse
from gameil.errors import GameilError, NotationError
from gameil.games.game import CHANCE_PLAYER, Game, State
from gameil.games.typed_moves import read_move, typed_notations
from gameil.seeding import generator, stream_seed

HELP = """    MOVE   play it, written as in the list that `moves` prints
    moves  list the legal moves
    undo   take back your last move and what followed
    board  show the board again
    quit   stop"""


@dataclass(frozen=True)
class PlayArguments:
    """Arguments of ``gameil play``."""

    __pydantic_config__ = {"extra": "forbid"}

    game: str
    """Game id, such as connect_four or go(board_size=9)."""
    agent: str = "builtin:medium"
    """Spec of the opponent, such as snapshot:runs/quickstart/dagger/snapshots/best, mcts:1000, builtin:easy."""
    seat: int = 0
    """Your seat, 0 moves first; the agent takes all others."""
    moves: str = ""
    """Your first moves, separated by spaces, played without asking."""
    seed: int = 0
    """Seed of the agent's random choices and of dice."""


class GameOverError(Exception):
    """The person stops; never leaves this module."""


class Table:
    """One game between a person and an agent. Remembers every state, so that moves can be taken back."""

    def __init__(self, game: Game, agent_spec: str, seat: int, seed: int) -> None:
        from gameil.agents.spec import build_agent

        if not 0 <= seat < game.num_players:
            raise GameilError(f"--seat {seat}: {game.id} has seats 0 to {game.num_players - 1}")
        self.game = game
        self.seat = seat
        self.state: State = game.initial_state()
        self.notations = typed_notations(game.name)
        self.agent = build_agent(agent_spec, game, seed=seed)
        self._seed = seed
        self._handle = 0
        self._before: list[State] = []
        """The states in which the person moved."""
        self.agent.begin([self._handle])

    def to_move(self) -> int:
        return self.state.current_player()

    def person_moves(self, text: str) -> str:
        """Plays the person's move; returns it as written. Raises ``NotationError``."""
        action = read_move(self.state, text, self.notations)
        written = self.state.text(action, self.notations[0])
        self._before.append(self.state.clone())
        self.state.apply(action)
        return written

    def others_move(self) -> str:
        """The agent's move, or a throw of the dice."""
        from gameil.agents.agent import Request

        ply = len(self.state.history)
        rng = generator(self._seed, "play", ply)
        if self.to_move() == CHANCE_PLAYER:
            outcomes = self.state.chance_outcomes()
            weights = np.array([weight for _, weight in outcomes])
            action = outcomes[int(rng.choice(len(outcomes), p=weights / weights.sum()))][0]
            who = "chance"
        else:
            decisions = self.agent.act([Request(self._handle, self.to_move(), self.state, rng)])
            action = int(decisions.actions[0])
            who = "agent"
        written = self.state.text(action, self.notations[0] if who == "agent" else "action")
        self.state.apply(action)
        return f"{who} plays {written}"

    def undo(self) -> bool:
        """Goes back to the person's last decision; False where there is none."""
        if not self._before:
            return False
        self.state = self._before.pop()
        # The agent's memory of this line is no longer true: a new handle starts afresh.
        self.agent.end([self._handle])
        self._handle += 1
        self.agent.begin([self._handle])
        return True

    def legal_moves(self) -> list[str]:
        return [self.state.text(action, self.notations[0]) for action in self.state.legal_actions()]

    def close(self) -> None:
        self.agent.end([self._handle])
        self.agent.close()


def main(argv: Sequence[str]) -> int:
    """Plays one game; the person's moves come from ``--moves``, then from standard input."""
    _, rest = common_flags(argv)
    arguments = parse(PlayArguments, rest, prog="gameil play", description="Play against an agent in the terminal.")
    from gameil.games.registry import make_game

    game = make_game(arguments.game)
    table = Table(game, arguments.agent, arguments.seat, stream_seed(arguments.seed, "play"))
    prepared = iter(re.split(r"[\s,]+", arguments.moves.strip()) if arguments.moves.strip() else [])
    try:
        print(f"{game.id}: you have seat {table.seat} against {table.agent.name}; `help` lists the commands")
        play(table, prepared, _ask)
    except GameOverError:
        print("stopped")
    finally:
        table.close()
    return 0


def play(table: Table, prepared: Iterator[str], ask: Callable[[str], str]) -> None:
    """Plays to the end of the game. Raises ``GameOverError`` where the person stops."""
    from gameil.reports.board_text import board_text

    show = True
    while not table.state.is_terminal():
        if table.to_move() != table.seat:
            print(table.others_move())
            show = True
            continue
        if show:
            print(board_text(table.game.name, str(table.state)))
        prepared_move = next(prepared, None)
        line = prepared_move if prepared_move is not None else ask("your move> ").strip()
        show = _obey(table, line, strict=prepared_move is not None)
    print(board_text(table.game.name, str(table.state)))
    print(result_text(table.state, table.seat))


def _obey(table: Table, line: str, *, strict: bool) -> bool:
    """One command or move; True where the board should be shown again."""
    word = line.lower()
    if word in ("quit", "exit", "q"):
        raise GameOverError
    if word in ("help", "?"):
        print(HELP)
        return False
    if word == "moves":
        print("    " + " ".join(table.legal_moves()))
        return False
    if word == "undo":
        undone = table.undo()
        print("taken back" if undone else "nothing to take back")
        return undone
    if word in ("board", ""):
        return word == "board"
    try:
        print(f"you play {table.person_moves(line)}")
    except NotationError as error:
        if strict:
            raise
        print(f"    {error}")
        return False
    return True


def result_text(state: State, seat: int) -> str:
    """Who won, from the person's seat."""
    returns = [float(value) for value in state.returns()]
    mine, best = returns[seat], max(returns)
    if mine == best and returns.count(best) == 1:
        outcome = "you win"
    else:
        outcome = "a draw" if mine == best else "you lose"
    return f"{outcome} (returns by seat: {', '.join(f'{value:g}' for value in returns)})"


def _ask(prompt: str) -> str:
    try:
        if sys.stdin.isatty():
            return input(prompt)
        line = sys.stdin.readline()
    except EOFError:
        line = ""
        print()
    if not line:
        raise GameOverError
    return line
