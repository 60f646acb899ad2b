"""Games as boards that can be stepped through in a page: every position as a list of drawn elements, told by what
changes from one to the next, and a small script that puts them together.

Without scripts, and in print, the last position is seen.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import pairwise
from typing import Any

from gameil.games.game import CHANCE_PLAYER
from gameil.games.registry import make_game
from gameil.positions.played_game import PlayedGame
from gameil.reports.boards import DRAWERS, Position, read_position
from gameil.reports.games import MOVE_NOTATION, title_of
from gameil.reports.svg import Drawing, escape

_LONGEST_TEXT = 4000
"""Characters of a position shown as text."""


@dataclass(frozen=True)
class Replay:
    """A game ready to be put into a page."""

    title: str
    note: str
    first: str
    """HTML of the position shown without scripts, the last one."""
    data: dict[str, Any]
    """What the script reads: ``moves`` (``[ply, mover, text]``), and either ``texts`` (one a position) or ``parts``
    with ``frames``: the first position's list of parts, then ``[from, to, new parts]`` splices for every next one."""


def replay(played: PlayedGame, *, note: str = "") -> Replay:
    """A game with all its positions. Raises ``GameilError`` where it cannot be played through."""
    game = make_game(played.game_id)
    state = game.initial_state(played.start)
    notation = MOVE_NOTATION.get(game.name, "action")
    drawings: list[Drawing | None] = []
    texts: list[str] = []
    moves: list[tuple[int, int, str]] = []
    before: Position | None = None
    for ply in range(len(played.actions) + 1):
        text = str(state)
        position = read_position(game.name, text)
        marked = position.changes(before) if position is not None and ply else set()
        drawings.append(_drawn(position, marked, f"{game.name}, after {ply} plies"))
        texts.append(text[:_LONGEST_TEXT])
        before = position
        if ply < len(played.actions):
            action, player = int(played.actions[ply]), state.current_player()
            if player != CHANCE_PLAYER:
                moves.append((ply, player, state.text(action, notation)))
            state.apply(action)
    data: dict[str, Any] = {"moves": moves}
    known = [drawing for drawing in drawings if drawing is not None]
    if len(known) == len(drawings):
        data["parts"], data["frames"] = _frames(known)
        first = str(known[-1])
    else:
        data["texts"] = texts
        first = f'<pre class="board">{escape(texts[-1])}</pre>'
    return Replay(title_of(played), note, first, data)


def replays_html(replays: Sequence[Replay]) -> str:
    """All of them side by side; the page needs ``SCRIPT`` once."""
    return f'<div class="replays">{"".join(map(_replay_html, replays))}</div>' if replays else ""


def _replay_html(one: Replay) -> str:
    # "<" would end the element that holds the data.
    data = json.dumps(one.data, separators=(",", ":"), ensure_ascii=False).replace("<", "\\u003c")
    buttons = "".join(
        f'<button type="button" data-step="{step}" aria-label="{label}" title="{label}">{sign}</button>'
        for step, label, sign in (
            ("first", "to the start", "«"),
            ("-1", "one ply back", "‹"),
            ("play", "play", "▶"),
            ("1", "one ply on", "›"),
            ("last", "to the end", "»"),
        )
    )
    note = f'<p class="quiet">{escape(one.note)}</p>' if one.note else ""
    return (
        f'<section class="replay" tabindex="0"><h3>{escape(one.title)}</h3>{note}'
        f'<div class="stage">{one.first}</div><div class="steps" hidden>{buttons}'
        '<input type="range" min="0" aria-label="ply"><output></output></div><p class="moves"></p>'
        f'<script type="application/json">{data}</script></section>'
    )


def _drawn(position: Position | None, marked: set[tuple[int, int]], label: str) -> Drawing | None:
    if position is None:
        return None
    return DRAWERS[position.kind](position.sheet(), position.cells, marked, label)


def _frames(drawings: Sequence[Drawing]) -> tuple[list[str], list[Any]]:
    """The distinct parts, and each drawing as numbers of parts: the first whole, the others as splices."""
    numbers: dict[str, int] = {}
    lists = [[numbers.setdefault(part, len(numbers)) for part in drawing.parts] for drawing in drawings]
    frames: list[Any] = [lists[0]]
    for old, new in pairwise(lists):
        edits = SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
        # From the back, so that places in front stay what they were.
        frames.append([[i, j, new[k:m]] for tag, i, j, k, m in reversed(edits) if tag != "equal"])
    return list(numbers), frames


SCRIPT = """
for (const box of document.querySelectorAll(".replay")) {
  const data = JSON.parse(box.querySelector("script").textContent);
  const stage = box.querySelector(".stage"), bar = box.querySelector(".steps"), list = box.querySelector(".moves");
  const range = bar.querySelector("input"), told = bar.querySelector("output");
  const play = bar.querySelector('[data-step="play"]');
  const frames = [];
  if (data.frames) {
    let now = data.frames[0];
    frames.push(now);
    for (const edits of data.frames.slice(1)) {
      now = now.slice();
      for (const [from, to, parts] of edits) now.splice(from, to - from, ...parts);
      frames.push(now);
    }
  }
  const last = (data.frames || data.texts).length - 1;
  let ply = last, timer = null;
  const words = new Map();
  let number = 0;
  data.moves.forEach(([at, player, text], index) => {
    if (player === 0 || index === 0) {
      const mark = document.createElement("span");
      mark.className = "number";
      mark.textContent = ++number + ".";
      list.append(mark, " ");
    }
    const word = document.createElement("a");
    word.textContent = text;
    word.onclick = () => show(at + 1);
    words.set(at + 1, word);
    list.append(word, " ");
  });
  function show(wanted) {
    words.get(ply)?.classList.remove("now");
    ply = Math.max(0, Math.min(last, wanted));
    if (data.frames) stage.firstElementChild.innerHTML = frames[ply].map((part) => data.parts[part]).join("");
    else stage.firstElementChild.textContent = data.texts[ply];
    const word = words.get(ply);
    if (word) {
      word.classList.add("now");
      list.scrollTop = word.offsetTop - list.offsetTop - list.clientHeight / 2;
    }
    range.value = ply;
    told.textContent = ply + " / " + last;
  }
  function stop() {
    clearInterval(timer);
    timer = null;
    play.textContent = "\\u25b6";
  }
  function step(what) {
    if (what === "play") {
      if (timer) return stop();
      if (ply === last) show(0);
      play.textContent = "\\u25a0";
      timer = setInterval(() => { show(ply + 1); if (ply === last) stop(); }, 700);
      return;
    }
    stop();
    show(what === "first" ? 0 : what === "last" ? last : ply + Number(what));
  }
  range.max = last;
  range.oninput = () => { stop(); show(Number(range.value)); };
  bar.onclick = (event) => {
    const button = event.target.closest("button");
    if (button) step(button.dataset.step);
  };
  box.onkeydown = (event) => {
    const known = { ArrowLeft: "-1", ArrowRight: "1", Home: "first", End: "last" }[event.key];
    if (known && event.target !== range) { step(known); event.preventDefault(); }
  };
  bar.hidden = false;
  show(last);
}
"""
"""Brings all replays of a page to life; reads nothing from anywhere else."""
