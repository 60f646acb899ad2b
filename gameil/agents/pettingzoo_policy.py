"""Any agent as a policy in PettingZoo's loops, over ``env.agent_iter()`` and over all agents at once."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from gameil.agents.loaded import LoadedAgent
from gameil.errors import AgentError
from gameil.games.game import CHANCE_PLAYER, State
from gameil.games.pettingzoo_environment import raw_environment
from gameil.games.registry import PETTINGZOO


class PettingZooPolicy:
    """Follows an episode of a PettingZoo environment and chooses actions in it.

    Agents judge states, which an environment does not show: the policy replays every action on rules of its own.

        env.reset(seed=7)
        policy.reset(seed=7)
        for name in env.agent_iter():
            observation, _, terminated, truncated, _ = env.last()
            action = None if terminated or truncated else policy(observation)
            env.step(action)
            policy.follow(action)

    Where all move at once, the agents are asked in the order of ``env.agents``:

        actions = {}
        for name in env.agents:
            actions[name] = policy(observations[name])
            policy.follow(actions[name])
        observations, *_ = env.step(actions)

    Actions are the environment's own: whole numbers, arrays, dictionaries.
    """

    def __init__(self, agent: LoadedAgent) -> None:
        """Raises ``AgentError`` for an agent of a game that is not ``pettingzoo:NAME``."""
        if not agent.game.id.startswith(PETTINGZOO):
            raise AgentError(f"agent {agent.name!r} plays {agent.game.id}, which is not PettingZoo's")
        self._agent = agent
        self._codecs = raw_environment(agent.game).codecs
        self._state: State | None = None

    def reset(self, seed: int) -> None:
        """Begins the episode that ``env.reset(seed=seed)`` begins; a whole number below 4096 where deals differ."""
        state = self._agent.game.initial_state()
        if state.current_player() == CHANCE_PLAYER:
            state.apply(seed)
        self._state = state
        self._agent.new_game()

    def __call__(self, observation: Any = None) -> Any:
        """The action of whoever is to move. Raises ``AgentError`` before ``reset``, or where the environment's action
        mask shows that an action was not told to ``follow``."""
        state = self._followed()
        mask = observation.get("action_mask") if isinstance(observation, Mapping) else None
        if mask is not None and np.flatnonzero(mask).tolist() != state.legal_actions():
            raise AgentError("the environment is in another state: tell the policy every action by follow()")
        return self._codecs[state.current_player()].decode(self._agent.act(state))

    def follow(self, action: Any) -> None:
        """Hears an action that was played, by anybody; None, as finished agents step, changes nothing."""
        if action is not None:
            state = self._followed()
            state.apply(self._codecs[state.current_player()].encode(action))

    def _followed(self) -> State:
        if self._state is None:
            raise AgentError("reset(seed) comes before the first action")
        return self._state
