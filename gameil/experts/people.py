"""People as experts: positions are queued, somebody labels them in a browser, and the labels land in the dataset.

People answer late, elsewhere and one at a time, so they are no ``Expert`` that is called and waited for: the site
(``gameil serve``) writes each answer to the dataset at once, under the name of who gave it, and whoever asked waits for
the dataset to have them. DAgger with people as experts: Ross, Gordon and Bagnell (2011), section 3.
"""

import time
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np

from gameil.dataset.dataset import Dataset
from gameil.dataset.label_queue import QueuedPosition, write_queue
from gameil.errors import ConfigError
from gameil.positions.label import Label

PEOPLE = "people"
"""Spec of this expert in ``gameil dagger``."""
PREFIX = f"{PEOPLE}:"
LONGEST_NAME = 40
"""Characters of a person's name."""
_POLL_SECONDS = 1.0


def person_name(text: str) -> str:
    """A person's name as it stands in labels and records: letters, digits, single spaces and ``.'_-``, NFC.

    Raises:
        ConfigError: it is empty, too long, or holds other characters.
    """
    if len(text) > 4 * LONGEST_NAME:
        raise ConfigError(f"a name has at most {LONGEST_NAME} characters, got {len(text)}")
    name = " ".join(unicodedata.normalize("NFC", text).split())
    if not 0 < len(name) <= LONGEST_NAME:
        raise ConfigError(f"a name has 1 to {LONGEST_NAME} characters, got {len(name)}")
    # Some scripts write vowels as marks (categories M) on letters.
    wrong = [char for char in name if not (char.isalnum() or char in " .'_-" or unicodedata.category(char)[0] == "M")]
    if wrong or not any(char.isalnum() for char in name):
        raise ConfigError("a name consists of letters, digits, spaces and .'_-")
    return name


def people_expert(name: str) -> str:
    """The expert's name that a person's labels carry: ``people:NAME``. Raises ``ConfigError`` for a bad name."""
    return PREFIX + person_name(name)


def chosen_label(name: str, round: int, actions: Sequence[int], value: float | None = None) -> Label:
    """The label of a person who would play any of ``actions``, each as gladly as the others.

    Args:
        name: the person's.
        round: of labelling.
        actions: one or more legal actions, none twice.
        value: what the person expects of the game for the mover, in [-1, 1]; None: not said.

    Raises:
        ConfigError: no action, one twice, a value out of bounds, or a bad name.
    """
    if not actions or len(set(actions)) != len(actions):
        raise ConfigError(f"a label needs at least one action, each once, got {len(actions)}")
    if value is not None and not -1.0 <= value <= 1.0:
        raise ConfigError(f"a label's value must lie in [-1, 1], got {value}")
    probs = np.full(len(actions), 1.0 / len(actions), np.float32)
    return Label(people_expert(name), round, np.array(sorted(actions), np.int32), probs, value)


def people_labels(dataset: Dataset, game_ids: Iterable[int]) -> dict[QueuedPosition, set[str]]:
    """Who has labelled what of these games: position and round -> people's names."""
    found: dict[QueuedPosition, set[str]] = {}
    for game_id in game_ids:
        for ply, label in dataset.all_labels(game_id):
            if label.expert.startswith(PREFIX):
                names = found.setdefault(QueuedPosition(game_id, ply, label.round), set())
                names.add(label.expert.removeprefix(PREFIX))
    return found


def ask_people(
    dataset: Path,
    positions: Sequence[QueuedPosition],
    *,
    progress: Callable[[int], None],
    poll_seconds: float = _POLL_SECONDS,
) -> None:
    """Queues positions and waits until somebody has labelled each; labels given before count. No writer may be open.

    Args:
        dataset: path of the dataset with the games.
        positions: what to ask.
        progress: told how many more labels there are, now and then (0 too), so that it can interrupt by raising.
        poll_seconds: between two looks into the dataset.
    """
    write_queue(dataset, positions)
    reader = Dataset(dataset)
    game_ids = sorted({position.game_id for position in positions})
    seen = 0
    while True:
        labelled = people_labels(reader, game_ids)
        done = sum(position in labelled for position in positions)
        progress(done - seen)
        seen = done
        if done == len(positions):
            reader.close()
            return
        time.sleep(poll_seconds)
