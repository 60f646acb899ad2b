"""What ``mctx`` finds on random games, for the goldens of ``test_mctx``. Needs the extra ``bench``."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import mctx
import numpy as np

from tests.search.random_game import ACTIONS, CASES, GAMES, SIMULATIONS, tables


def stacked(name: str):
    return jnp.stack([getattr(table, name) for table in tables()])


def recurrent(_, key, action, node):
    games = jnp.arange(GAMES)
    ended = stacked("ends")[games, node]
    child = jnp.minimum(ACTIONS * node + 1 + action, tables()[0].nodes - 1)
    ends = stacked("ends")[games, child]
    output = mctx.RecurrentFnOutput(
        reward=jnp.where(ends & ~ended, stacked("returns")[games, child], 0.0),
        discount=jnp.where(ends | ended, 0.0, -1.0),
        prior_logits=stacked("logits")[games, child],
        value=jnp.where(ends | ended, 0.0, stacked("values")[games, child]),
    )
    return output, jnp.where(ended, node, child)


def root():
    numbers = jnp.zeros(GAMES, jnp.int32)
    return mctx.RootFnOutput(prior_logits=stacked("logits")[:, 0], value=stacked("values")[:, 0], embedding=numbers)


def mean_where_untried(tree, node):
    return jnp.where(tree.children_visits[node] > 0, tree.qvalues(node), tree.node_values[node])


def policy(case):
    """mctx's policy output of one case of ``CASES``."""
    if case["rule"] == "puct":
        search = functools.partial(
            mctx.muzero_policy, qtransform=mean_where_untried, dirichlet_fraction=0.0, pb_c_init=1.25
        )
    else:
        search = functools.partial(
            mctx.gumbel_muzero_policy,
            qtransform=functools.partial(mctx.qtransform_completed_by_mix_value, rescale_values=case["rescale"]),
            max_num_considered_actions=case["considered"],
            gumbel_scale=0.0,
        )
    return jax.jit(lambda: search((), jax.random.PRNGKey(0), root(), recurrent, SIMULATIONS))()


def found_by_mctx() -> dict[str, Any]:
    """The content of the golden file."""
    goldens = []
    for case in CASES:
        output = policy(case)
        summary = output.search_tree.summary()
        arrays = {
            "visit_counts": summary.visit_counts,
            "values": summary.value,
            "q": jnp.where(summary.visit_counts > 0, summary.qvalues, 0.0),
            "action_weights": output.action_weights,
            "chosen": output.action,
        }
        goldens.append({**case, **{name: np.asarray(array).tolist() for name, array in arrays.items()}})
    sequences = {
        f"{considered} {simulations}": mctx._src.seq_halving.get_sequence_of_considered_visits(considered, simulations)
        for considered in (0, 1, 2, 3, 5, 16, 30)
        for simulations in (1, 7, 64, 200)
    }
    return {"mctx": mctx.__version__, "trees": goldens, "sequences": sequences}
