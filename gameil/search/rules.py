"""The searches by name, behind one interface: what agents and experts are built from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np

from gameil.errors import ConfigError
from gameil.games.game import Game, State
from gameil.search.gumbel import GumbelConfig, GumbelSearch
from gameil.search.information_sets import InformationSetConfig, InformationSetSearch
from gameil.search.kl_regularised import RegularisedConfig, RegularisedSearch
from gameil.search.puct import BatchedSearch, SearchConfig
from gameil.search.result import SearchResult
from gameil.search.simulation import StateEvaluator

Rule = Literal["puct", "gumbel", "kl"]


class Search(Protocol):
    """Searches many states at once."""

    def run(self, states: Sequence[State], rngs: Sequence[np.random.Generator], *, keep: bool = False) -> SearchResult:
        """As ``puct.BatchedSearch.run``."""


@dataclass(frozen=True)
class RuleConfig:
    """Which search, as an agent's spec says it; what else there is to choose has its defaults."""

    __pydantic_config__ = {"extra": "forbid"}

    simulations: int
    """Walks to a leaf a move."""
    rule: Rule = "puct"
    """``puct``: shares of the visits; ``gumbel``: improves the policy with few simulations, here without its noise;
    ``kl``: stays near the policy."""
    leaves: int = 1
    """Leaves of one tree evaluated at once (``puct.SearchConfig``); not with ``gumbel``, whose simulations depend on
    each other."""
    eta: float = 0.1
    """Of ``kl``: the value that one nat of KL from the policy must bring."""
    look_ahead: bool = False
    """Of ``puct`` and ``gumbel``: look for ends one move below every new leaf."""

    def __post_init__(self) -> None:
        if self.rule == "gumbel" and self.leaves != 1:
            raise ConfigError("rule=gumbel takes one leaf at a time: leave leaves out")
        if self.look_ahead and self.rule == "kl":
            raise ConfigError("rule=kl proves nothing, so it does not look ahead")

    @staticmethod
    def of_options(options: Mapping[str, int | float | str]) -> "RuleConfig":
        """From the options of an agent's spec: ``search rule leaves eta look_ahead``."""
        given = {name: options[name] for name in ("rule", "leaves", "eta") if name in options}
        ahead = options.get("look_ahead", "no") == "yes"
        return RuleConfig(simulations=int(options["search"]), look_ahead=ahead, **given)  # type: ignore[arg-type]


def build_search(
    evaluator: StateEvaluator | Sequence[StateEvaluator], config: RuleConfig, game: Game | None = None
) -> Search:
    """The search that ``config`` describes.

    Args:
        evaluator: as of ``puct.BatchedSearch``.
        config: which search.
        game: what is searched: where it hides information, the search is that of ``information_sets``, with the rule
            ``puct``. None: a game without.

    Raises:
        ConfigError: as the search's own configuration, or the rule is not for games that hide information.
    """
    if game is not None and not game.capabilities.perfect_information:
        if config.rule != "puct" or config.look_ahead:
            raise ConfigError(f"{game.id} hides information: its search takes no rule but puct, and looks not ahead")
        hidden = InformationSetConfig(simulations=config.simulations, leaves=config.leaves)
        return InformationSetSearch(evaluator, hidden)
    if config.rule == "gumbel":
        gumbel = GumbelConfig(simulations=config.simulations, gumbel_scale=0.0, look_ahead=config.look_ahead)
        return GumbelSearch(evaluator, gumbel)
    if config.rule == "kl":
        kl = RegularisedConfig(simulations=config.simulations, leaves=config.leaves, eta=config.eta)
        return RegularisedSearch(evaluator, kl)
    return BatchedSearch(
        evaluator,
        SearchConfig(simulations=config.simulations, leaves=config.leaves, look_ahead=config.look_ahead),
    )
