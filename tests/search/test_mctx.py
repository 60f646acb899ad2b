"""Trees equal to those of ``mctx`` on random games: visits, values and improved policy, for both rules.

``GAMEIL_MCTX=check`` asks mctx again and compares, ``GAMEIL_MCTX=write`` writes the goldens; a minute, with the extra
``bench``.
"""

import json
import os
from pathlib import Path

import numpy as np
import pytest

from gameil.search.gumbel import GumbelConfig, GumbelSearch, visit_sequence
from gameil.search.puct import BatchedSearch, SearchConfig
from tests.search.random_game import CASES, SIMULATIONS, tables


@pytest.fixture(scope="module")
def goldens(repository: Path) -> dict:
    return json.loads((repository / "tests" / "goldens" / "mctx.json").read_text(encoding="utf-8"))


@pytest.mark.skipif("GAMEIL_MCTX" not in os.environ, reason="takes a minute and mctx: GAMEIL_MCTX=check asks for it")
@pytest.mark.filterwarnings("ignore")  # of other people's imports
def test_goldens_are_what_mctx_says(repository: Path) -> None:
    from tests.search.mctx_goldens import found_by_mctx

    path = repository / "tests" / "goldens" / "mctx.json"
    found = found_by_mctx()
    if os.environ["GAMEIL_MCTX"] == "write":
        path.write_text(json.dumps(found) + "\n", encoding="utf-8")
    written = json.loads(path.read_text(encoding="utf-8"))
    assert json.loads(json.dumps(found["sequences"])) == written["sequences"]
    for here, there in zip(found["trees"], written["trees"], strict=True):
        assert here["visit_counts"] == there["visit_counts"]
        np.testing.assert_allclose(here["action_weights"], there["action_weights"], atol=1e-5)


@pytest.mark.parametrize("number", range(len(CASES)))
def test_trees(number: int, goldens: dict) -> None:
    golden = goldens["trees"][number]
    common = {"simulations": SIMULATIONS, "prove": False}
    for game, table in enumerate(tables()):
        if golden["rule"] == "puct":
            search = BatchedSearch(table.evaluate, SearchConfig(first_play_reduction=0.0, **common))
        else:
            config = GumbelConfig(
                considered=golden["considered"], rescale=golden["rescale"], gumbel_scale=0.0, **common
            )
            search = GumbelSearch(table.evaluate, config)
        result = search.run([table.state()], [np.random.default_rng(0)])
        assert result.visit_counts[0].tolist() == golden["visit_counts"][game]
        np.testing.assert_allclose(result.values[0], golden["values"][game], atol=1e-5)
        np.testing.assert_allclose(result.q[0], golden["q"][game], atol=1e-5)
        np.testing.assert_allclose(result.action_weights[0], golden["action_weights"][game], atol=1e-5)
        if golden["rule"] == "gumbel":  # mctx's PUCT draws its action
            assert result.chosen[0] == golden["chosen"][game]


def test_sequential_halving(goldens: dict) -> None:
    for name, sequence in goldens["sequences"].items():
        considered, simulations = map(int, name.split())
        assert list(visit_sequence(considered, simulations)) == sequence
