"""Searches by others, on the same game with a network of the same shape: peers of ``benchmarks/search.py``.

``mctx`` with ``pgx``'s rules in JAX on the CPU: the whole search is one compiled program, float32. ``open_spiel``: its
Python MCTS with an evaluator that asks a network about one state at a time, as its AlphaZero does in each actor.
"""

from collections.abc import Callable

import numpy as np
import pyspiel
from open_spiel.python.algorithms import mcts

from gameil.games.open_spiel import OpenSpielGame, OpenSpielState
from gameil.models.inference import NetworkEvaluator
from gameil.positions.encoder import ObservationEncoder

Clock = Callable[[], float]
"""Seconds: of the wall, or of all the process's threads."""


def mctx_simulations(
    game: str, *, batch: int, simulations: int, blocks: int, channels: int, repeats: int, clock: Clock
) -> float:
    """Simulations a second of ``mctx.gumbel_muzero_policy``; compiled before the clock starts.

    Raises ``ImportError`` where jax, mctx and pgx are not installed.
    """
    import jax
    import jax.numpy as jnp
    import mctx
    import pgx

    env = pgx.make(game)
    shape = env.observation_shape
    keys = iter(jax.random.split(jax.random.PRNGKey(0), 4 * blocks + 8))

    def weight(*dimensions: int) -> jax.Array:
        return jax.random.normal(next(keys), dimensions) / np.sqrt(np.prod(dimensions[:-1]))

    parameters = {
        "stem": weight(3, 3, shape[-1], channels),
        "blocks": [(weight(3, 3, channels, channels), weight(3, 3, channels, channels)) for _ in range(blocks)],
        "policy": weight(shape[0] * shape[1] * channels, env.num_actions),
        "value": weight(shape[0] * shape[1] * channels, 1),
    }

    def convolve(planes: jax.Array, kernel: jax.Array) -> jax.Array:
        return jax.lax.conv_general_dilated(planes, kernel, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"))

    def network(observation: jax.Array) -> tuple[jax.Array, jax.Array]:
        planes = jax.nn.relu(convolve(observation.astype(jnp.float32), parameters["stem"]))
        for first, second in parameters["blocks"]:
            planes = jax.nn.relu(planes + convolve(jax.nn.relu(convolve(planes, first)), second))
        flat = planes.reshape(len(planes), -1)
        return flat @ parameters["policy"], jnp.tanh((flat @ parameters["value"])[:, 0])

    step = jax.vmap(env.step)

    def recurrent(_: object, key: jax.Array, action: jax.Array, state: pgx.State) -> tuple[object, pgx.State]:
        mover = state.current_player
        state = step(state, action)
        logits, value = network(state.observation)
        logits = jnp.where(state.legal_action_mask, logits, jnp.finfo(logits.dtype).min)
        reward = state.rewards[jnp.arange(len(mover)), mover]
        output = mctx.RecurrentFnOutput(
            reward=reward,
            discount=jnp.where(state.terminated, 0.0, -1.0),
            prior_logits=logits,
            value=jnp.where(state.terminated, 0.0, value),
        )
        return output, state

    @jax.jit
    def search(state: pgx.State, key: jax.Array) -> jax.Array:
        logits, value = network(state.observation)
        root = mctx.RootFnOutput(prior_logits=logits, value=value, embedding=state)
        invalid = ~state.legal_action_mask
        policy = mctx.gumbel_muzero_policy((), key, root, recurrent, simulations, invalid_actions=invalid)
        return policy.action_weights

    state = jax.jit(jax.vmap(env.init))(jax.random.split(jax.random.PRNGKey(1), batch))
    return (
        batch * simulations / _fastest(lambda: search(state, jax.random.PRNGKey(2)).block_until_ready(), repeats, clock)
    )


class _OneByOne(mcts.Evaluator):
    """OpenSpiel's interface to a network."""

    def __init__(self, game: OpenSpielGame, evaluator: NetworkEvaluator, encoder: ObservationEncoder) -> None:
        self._game, self._evaluator, self._encoder = game, evaluator, encoder

    def _ask(self, raw: pyspiel.State) -> tuple[OpenSpielState, np.ndarray, float]:
        state = OpenSpielState(self._game, raw)
        legal = np.array(state.legal_actions())
        log_probs, values = self._evaluator.evaluate_legal(
            self._encoder.encode([state]), legal, np.zeros(len(legal), np.int64)
        )
        return state, np.exp(log_probs), float(values[0])

    def evaluate(self, raw: pyspiel.State) -> np.ndarray:
        value = self._ask(raw)[2]
        return np.array([value, -value] if raw.current_player() == 0 else [-value, value])

    def prior(self, raw: pyspiel.State) -> list[tuple[int, float]]:
        state, probs, _ = self._ask(raw)
        return [(state.to_raw(action), float(prob)) for action, prob in zip(state.legal_actions(), probs, strict=True)]


def open_spiel_simulations(
    game: OpenSpielGame,
    evaluator: NetworkEvaluator,
    encoder: ObservationEncoder,
    *,
    simulations: int,
    repeats: int,
    clock: Clock,
) -> float:
    """Simulations a second of one search by OpenSpiel's ``mcts.MCTSBot`` in Python."""
    bot = mcts.MCTSBot(
        game.raw,
        1.25,
        simulations,
        _OneByOne(game, evaluator, encoder),
        child_selection_fn=mcts.SearchNode.puct_value,
        random_state=np.random.RandomState(0),
    )
    root = game.raw.new_initial_state()
    return simulations / _fastest(lambda: bot.mcts_search(root), repeats, clock)


def _fastest(call: Callable[[], object], repeats: int, clock: Clock) -> float:
    """Seconds of the fastest of some calls after a first one."""
    call()
    seconds = []
    for _ in range(repeats):
        started = clock()
        call()
        seconds.append(clock() - started)
    return min(seconds)
