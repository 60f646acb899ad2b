"""How long do people wait for an agent's move when many play on one site at once?

Real clients: each fetches the pages and speaks the site's own protocol over a WebSocket of its own, as a browser does,
but draws nothing. A move takes from the click that completes the person's move until the update that shows the agent's
answer and says whose turn it is has arrived. Clients and site are processes of this machine and share its cores.
The bound: 95 of 100 moves answered within a second, 50 games, a small network.

    python benchmarks/serving.py [--game othello] [--games 50] [--moves 12] [--think 1.0] [--search 16]
"""

import argparse
import asyncio
import html
import json
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import numpy as np
import torch
from websockets.asyncio.client import ClientConnection, connect

from gameil.checkpoints.snapshot import SnapshotCard, save_snapshot
from gameil.games.registry import make_game
from gameil.models.config import ModelConfig
from gameil.models.policy_value import build_model
from gameil.positions.encoder import EncoderConfig, ObservationEncoder

YOURS = "Your move"
_OVER = ("You win", "You lose", "A draw")
_ELEMENTS = re.compile(r"parseElements\(String\.raw`(.*?)`\)", re.S)
_CLIENT = re.compile(r"'client_id': '([0-9a-f-]+)'")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--game", default="othello")
    parser.add_argument("--games", type=int, default=50)
    parser.add_argument("--moves", type=int, default=12, help="moves of each person")
    parser.add_argument("--think", type=float, default=1.0, help="seconds that a person thinks on average; 0: none")
    parser.add_argument("--search", type=int, default=16, help="simulations of the opponents' search; 0: bare policy")
    arguments = parser.parse_args()
    game = make_game(arguments.game)
    config = ModelConfig(kind="residual", channels=32, blocks=4)
    torch.manual_seed(0)
    model = build_model(config, game, ObservationEncoder(game, EncoderConfig()).shape)
    with tempfile.TemporaryDirectory() as directory:
        snapshot = Path(directory) / "snapshot"
        save_snapshot(snapshot, model, SnapshotCard(game_id=game.id, model=config, encoder=EncoderConfig()))
        search = f",search={arguments.search}" if arguments.search else ""
        command = [sys.executable, "-m", "gameil", "serve", "--port", "0", "--data", f"{directory}/served"]
        command += ["--runs", f"{directory}/runs", "--agents", f"small=snapshot:{snapshot}{search}"]
        # All clients come from one address here.
        for name in ("pages-per-second", "pages-burst", "connections-per-address"):
            command += [f"--limits.{name}", "10000"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as site:
            try:
                assert site.stdout is not None
                address = re.search(r"http://\S+", site.stdout.readline())
                assert address is not None, "the site did not start"
                waits = asyncio.run(play_all(address[0], arguments))
                memory = resident_megabytes(site.pid)
            finally:
                site.terminate()
    waits = sorted(waits)
    print(f"{arguments.games} games of {game.id} at once, opponent {config.blocks}x{config.channels} channels,")
    print(f"search={arguments.search}, people think {arguments.think:g} s, {len(waits)} moves measured\n")
    p95 = waits[int(0.95 * len(waits))]
    for name, value in (("median", statistics.median(waits)), ("95th percentile", p95), ("slowest", waits[-1])):
        print(f"{name:<18}{1000 * value:8.0f} ms")
    print(f"{'against the bound':<18}{p95:8.2f} of 1 s, {'kept' if p95 <= 1.0 else 'NOT kept'}")
    print(f"{'memory of the site':<18}{memory:8.0f} MB")
    versions = ", ".join(f"{name} {version(name)}" for name in ("gameil", "nicegui", "torch"))
    print(f"\n{platform.processor() or platform.machine()}, {os.cpu_count()} cores, {versions}")


async def play_all(address: str, arguments: argparse.Namespace) -> list[float]:
    """Plays all games at once; returns the seconds of all waits but each game's first, when the network is loaded."""
    people = [Person(address, arguments.game, np.random.default_rng(seed)) for seed in range(arguments.games)]
    for person in people:  # one after the other, as people come
        await person.sit_down()
    waits = await asyncio.gather(*(person.play(arguments.moves, arguments.think) for person in people))
    return [wait for row in waits for wait in row[1:]]


@dataclass
class Person:
    """One client: its page, its connection, what it sees."""

    address: str
    game: str
    rng: np.random.Generator
    elements: dict[str, Any] = field(default_factory=dict)
    client_id: str = ""
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    opened: str = ""
    cookies: str = ""
    socket: ClientConnection | None = None
    listener: "asyncio.Task[None] | None" = None

    async def sit_down(self) -> None:
        """Chooses the game and the first opponent offered, the network, and starts."""
        await self.visit(f"/new?game={self.game}")
        await self.send(self.find("q-btn", label="Start"), [])
        async with asyncio.timeout(30):
            while not self.opened:
                await self.next_change()
        await self.visit(self.opened)

    async def visit(self, path: str) -> None:
        """Fetches a page and connects as its scripts would."""
        await self.leave()
        async with httpx.AsyncClient(timeout=60) as http:
            page = await http.get(self.address + path, headers={"Cookie": self.cookies})
            page.raise_for_status()
        given = "; ".join(f"{name}={value}" for name, value in page.cookies.items())
        self.cookies = given or self.cookies
        elements, client = _ELEMENTS.search(page.text), _CLIENT.search(page.text)
        assert elements is not None
        assert client is not None
        text = elements[1].replace("&#36;", "$").replace("&#96;", "`")
        self.elements = json.loads(html.unescape(text.replace("&quot;", '\\"')))
        self.client_id = client[1]
        query = {
            "EIO": 4,
            "transport": "websocket",
            "client_id": self.client_id,
            "next_message_id": 0,
            "implicit_handshake": "true",
            "tab_id": os.urandom(8).hex(),
            "document_id": os.urandom(8).hex(),
        }
        place = self.address.replace("http", "ws", 1) + "/_nicegui_ws/socket.io/?" + urlencode(query)
        self.socket = await connect(
            place,
            origin=self.address,
            additional_headers={"Cookie": self.cookies},
            max_size=None,  # type: ignore[arg-type]
        )
        await self.socket.recv()  # engine.io's greeting
        await self.socket.send("40")
        self.listener = asyncio.create_task(self.listen(self.socket))

    async def leave(self) -> None:
        if self.socket is not None and self.listener is not None:
            self.listener.cancel()
            await self.socket.close()

    async def listen(self, socket: ClientConnection) -> None:
        """Reads engine.io 4 and socket.io 5: pings, and events as ``42["name", message]``."""
        async for text in socket:
            assert isinstance(text, str)
            if text == "2":
                await socket.send("3")
            elif text.startswith("42"):
                name, message = json.loads(text[2:])
                if name == "update":
                    self.update(message)
                elif name == "open":
                    self.opened = message["path"]
                    self.changed.set()

    async def play(self, moves: int, think: float) -> list[float]:
        """Plays random moves; returns the seconds that each answer took."""
        waits: list[float] = []
        while len(waits) < moves:
            async with asyncio.timeout(120):
                while not self.status().startswith((YOURS, *_OVER)):
                    await self.next_change()
            if self.status() != YOURS:
                break
            await asyncio.sleep(float(self.rng.exponential(think)) if think else 0.0)
            began, before = time.monotonic(), self.number_of_moves()
            await self.one_move()
            async with asyncio.timeout(120):
                while self.number_of_moves() < before + 2 or not self.status().startswith((YOURS, *_OVER)):
                    if self.status().startswith(_OVER):
                        break
                    await self.next_change()
            waits.append(time.monotonic() - began)
        await self.leave()
        return waits

    async def one_move(self) -> None:
        """Clicks on cells that are open until the list of moves has grown; a pass is a button."""
        before = self.number_of_moves()
        for _ in range(8):
            live = re.findall(r'class="hit live" data-cell="([\d,]+)"', self.board()["props"]["innerHTML"])
            if live:
                shown = self.board()["props"]["innerHTML"]
                await self.send(self.board(), [str(self.rng.choice(live))])
                async with asyncio.timeout(60):
                    while self.board()["props"]["innerHTML"] == shown and self.number_of_moves() == before:
                        await self.next_change()
            else:
                await self.send(self.find("q-btn", class_="action"), [])
                async with asyncio.timeout(60):
                    while self.number_of_moves() == before:
                        await self.next_change()
            if self.number_of_moves() > before:
                return

    def board(self) -> dict[str, Any]:
        return self.find("nicegui-html", class_="board-frame")

    def status(self) -> str:
        return str(self.find("div", class_="status").get("text", ""))

    def number_of_moves(self) -> int:
        return len(re.findall(r'class="move', self.find("nicegui-html", class_="moves")["props"]["innerHTML"]))

    def find(self, tag: str, *, class_: str = "", label: str = "") -> dict[str, Any]:
        for number, element in self.elements.items():
            fits = element["tag"] == tag and (not class_ or class_ in element.get("class", ()))
            if fits and (not label or element.get("props", {}).get("label") == label):
                return {**element, "id": int(number)}
        raise LookupError(f"no {tag} {class_} {label}")

    async def send(self, element: dict[str, Any], values: list[Any]) -> None:
        assert self.socket is not None
        (event,) = [event for event in element["events"] if event["type"] == "click"]
        message = {
            "id": element["id"],
            "client_id": self.client_id,
            "listener_id": event["listener_id"],
            "args": [json.dumps(value) for value in values],
        }
        await self.socket.send("42" + json.dumps(["event", message], separators=(",", ":")))

    async def next_change(self) -> None:
        self.changed.clear()
        await self.changed.wait()

    def update(self, message: dict[str, Any]) -> None:
        for number, element in message.items():
            if element is None:
                self.elements.pop(number, None)
            elif number != "_id":
                self.elements[number] = element
        self.changed.set()


def resident_megabytes(pid: int) -> float:
    """Memory of a process, where the system says so; 0 elsewhere."""
    status = Path(f"/proc/{pid}/status")
    found = re.search(r"VmRSS:\s+(\d+) kB", status.read_text()) if status.exists() else None
    return int(found[1]) / 1024 if found else 0.0


if __name__ == "__main__":
    main()
