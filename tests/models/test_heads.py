"""Policy heads: places by hand, policies that sum to one, gradients everywhere, refusals where a game has no parts."""

import math

import numpy as np
import pytest
import torch

from gameil.errors import ConfigError
from gameil.games.game import BoardLayout
from gameil.games.registry import make_game
from gameil.losses.continuous import gaussian_mixture_log_prob
from gameil.losses.masking import segment_sum
from gameil.losses.outcome import outcome_value
from gameil.models.config import ModelConfig
from gameil.models.heads.factored import FactoredPolicyHead
from gameil.models.heads.from_to import FromToPolicyHead
from gameil.models.heads.gaussian_mixture import GaussianMixtureHead
from gameil.models.heads.move_parts import move_parts
from gameil.models.policy_value import build_model
from gameil.positions.encoder import EncoderConfig, ObservationEncoder

SMALL = {"channels": 8, "blocks": 1, "squeeze": 0, "policy_channels": 8, "hidden": 16, "value_hidden": 8}
CASES = [
    ("chess", "from_to", 1),
    ("chess", "autoregressive", 1),
    ("chess", "planes", 3),
    ("chess", "from_to", 2),
    ("breakthrough", "from_to", 1),
    ("breakthrough", "autoregressive", 2),
    ("othello", "autoregressive", 1),
    ("othello", "planes", 2),
    ("go(board_size=9)", "autoregressive", 1),
    ("hex(board_size=5)", "autoregressive", 1),
    ("hex(board_size=5)", "flat", 2),
]


def layout(cells: list[list[int]]) -> BoardLayout:
    """A board of one row and two columns."""
    index = np.full(len(cells), -1)
    return BoardLayout(1, 2, 1, index, np.asarray(cells), np.arange(2), 0)


@pytest.mark.parametrize(("game_id", "policy", "modes"), CASES)
@pytest.mark.parametrize("kind", ["residual", "transformer"])
def test_every_head_gives_policies_over_legal_actions_and_gradients(
    game_id: str, policy: str, modes: int, kind: str
) -> None:
    game = make_game(game_id)
    shape = ObservationEncoder(game, EncoderConfig()).shape
    model = build_model(ModelConfig(kind=kind, policy=policy, modes=modes, **SMALL), game, shape)  # type: ignore[arg-type]
    rng = np.random.default_rng(0)
    states = [game.initial_state() for _ in range(3)]
    for _ in range(12):
        states[1].apply(int(rng.choice(states[1].legal_actions())))
    legal_lists = [state.legal_actions() for state in states]
    legal = torch.tensor([action for actions in legal_lists for action in actions])
    rows = torch.tensor([row for row, actions in enumerate(legal_lists) for _ in actions])
    observations = torch.randn(3, *shape, generator=torch.Generator().manual_seed(0))
    outputs = model(observations)
    assert outputs.scores.shape == (3, model.policy.num_scores)
    log_probs = model.log_probs(outputs.scores, legal, rows)
    torch.testing.assert_close(segment_sum(log_probs.exp(), rows, 3), torch.ones(3))
    # Some actions are likelier than others, and every weight has a say in how much.
    assert log_probs[rows == 0].std() > 0
    (log_probs.square().sum() + outputs.values.sum()).backward()
    silent = {name for name, parameter in model.named_parameters() if parameter.grad is None}
    assert silent == set()


def test_parts_of_chess_moves() -> None:
    game = make_game("chess")
    assert game.board is not None
    parts = move_parts(game.board)
    assert (parts.num_ranks, parts.num_loose) == (4, 2)
    state = game.initial_state("8/P6k/8/8/8/8/8/K7 w - - 0 1")
    promotions = [state.parse(text, "uci") for text in ("a7a8r", "a7a8b", "a7a8n", "a7a8q")]
    assert parts.rank[promotions].tolist() == [0, 1, 2, 3]
    assert set(zip(parts.source[promotions].tolist(), parts.target[promotions].tolist(), strict=True)) == {(48, 56)}


def test_from_to_scores_by_hand() -> None:
    # Two cells of one channel with values 1 and 2; identity weights, so q = k = value. Actions: 0 to 1 twice (two
    # ranks), one without a cell.
    head = FromToPolicyHead(1, layout([[0, 1], [0, 1], [-1, -1]]), width=1)
    with torch.no_grad():
        for layer in (head.mix, head.source, head.target):
            layer.weight.fill_(1.0)
            layer.bias.zero_()
        head.terms.weight[:] = torch.tensor([10.0, 100.0]).view(2, 1, 1, 1)
        head.terms.bias.zero_()
        assert head.loose is not None
        head.loose.weight.fill_(4.0)
        head.loose.bias.zero_()
    scores = head(torch.tensor([1.0, 2.0]).view(1, 1, 1, 2))
    # pairs 1 2 2 4, terms 10 20 and 100 200, loose 4 * 1.5, zero
    assert scores.tolist() == [[1, 2, 2, 4, 10, 20, 100, 200, 6, 0]]
    found = head.log_probs(scores, torch.tensor([0, 1, 2]), torch.zeros(3, dtype=torch.long))
    torch.testing.assert_close(found, torch.log_softmax(torch.tensor([2.0 + 20, 2 + 200, 6]), dim=0))


def test_autoregressive_probabilities_by_hand() -> None:
    # From 0 or 1, or the pass; from 0 to 1 with two ranks.
    head = FactoredPolicyHead(1, layout([[0, 1], [0, 1], [1, 0], [-1, -1]]), width=1)
    # Scores: sources 0 and 1, pass, pairs 00 01 10 11, terms rank 0 on both cells, rank 1 on both, zero.
    scores = torch.log(torch.tensor([[1.0, 2.0, 3.0, 9, 9, 9, 9, 9, 1, 9, 4, 1]]))
    assert head.num_scores == scores.shape[1]
    found = head.log_probs(scores, torch.arange(4), torch.zeros(4, dtype=torch.long)).exp()
    torch.testing.assert_close(found, torch.tensor([1 / 6 * 1 / 5, 1 / 6 * 4 / 5, 2 / 6, 3 / 6]))


def test_modes_differ_and_mix() -> None:
    game = make_game("tic_tac_toe")
    model = build_model(ModelConfig(modes=2, **SMALL), game, (3, 3, 3)).eval()  # type: ignore[arg-type]
    scores = model(torch.randn(1, 3, 3, 3, generator=torch.Generator().manual_seed(0))).scores
    legal, rows = torch.arange(9), torch.zeros(9, dtype=torch.long)
    modes = model.policy.mode_log_probs(scores, legal, rows).exp()
    gate = torch.softmax(scores[:, :2], dim=1)
    assert not torch.allclose(modes[:, 0], modes[:, 1], atol=1e-3)
    torch.testing.assert_close(model.log_probs(scores, legal, rows).exp(), modes @ gate[0])


@pytest.mark.parametrize(
    ("game_id", "policy", "message"),
    [
        ("othello", "from_to", "from a cell to a cell"),
        ("connect_four", "autoregressive", "neither source nor target"),
        ("kuhn_poker", "planes", "needs a board"),
    ],
)
def test_games_without_the_parts_are_refused(game_id: str, policy: str, message: str) -> None:
    game = make_game(game_id)
    kind = "mlp" if len(game.observation_shape) != 3 else "residual"
    with pytest.raises(ConfigError, match=message):
        build_model(ModelConfig(kind=kind, policy=policy), game, game.observation_shape)  # type: ignore[arg-type]


def test_value_as_outcomes_is_their_difference() -> None:
    game = make_game("tic_tac_toe")
    model = build_model(ModelConfig(value="outcome", **SMALL), game, (3, 3, 3))  # type: ignore[arg-type]
    outputs = model(torch.randn(4, 3, 3, 3, generator=torch.Generator().manual_seed(0)))
    assert outputs.outcome_logits is not None
    torch.testing.assert_close(outputs.values, outcome_value(outputs.outcome_logits))


def test_auxiliary_heads_are_there_when_asked_for_and_gone_in_play() -> None:
    game = make_game("othello")
    model = build_model(ModelConfig(moves_left=True, ownership=True, **SMALL), game, (5, 8, 8))  # type: ignore[arg-type]
    observations = torch.zeros(2, 5, 8, 8)
    outputs = model(observations)
    assert outputs.moves_left is not None
    assert outputs.moves_left.shape == (2,)
    assert (outputs.moves_left > 0).all()
    assert outputs.ownership is not None
    assert outputs.ownership.shape == (2, 64)
    model.for_play()
    again = model(observations)
    assert again.moves_left is None
    assert again.ownership is None
    with pytest.raises(ConfigError, match="needs a trunk with a board"):
        ModelConfig(kind="mlp", ownership=True)


def test_a_gaussian_mixture_learns_two_answers_to_one_question() -> None:
    values = np.linspace(-1.0, 1.0, 41)[:, None]
    legal, rows = torch.arange(41).repeat(256), torch.arange(256).repeat_interleave(41)
    played = torch.where(torch.arange(256) % 2 == 0, 36, 4)  # 0.8 and -0.8
    nll = {}
    for components in (1, 2):
        with torch.random.fork_rng():
            torch.manual_seed(0)
            head = GaussianMixtureHead(1, values, components=components)
        optimizer = torch.optim.Adam(head.parameters(), lr=0.05)
        for _ in range(300):
            log_probs = head.log_probs(head(torch.ones(256, 1)), legal, rows).view(256, 41)
            loss = -log_probs.gather(1, played[:, None]).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        nll[components] = float(loss.detach())
        probs = log_probs.detach().exp()[0]
        assert float(probs.sum()) == pytest.approx(1.0, abs=1e-5)
        near = float(probs[3:6].sum() + probs[35:38].sum())
        # One Gaussian covers both answers and all between them; two choose.
        assert near > 0.95 if components == 2 else near < 0.3
    assert nll[2] == pytest.approx(math.log(2.0), abs=0.1)
    assert nll[1] > 3.0


def test_a_fine_grid_gives_the_density() -> None:
    """-log pi + log(width) is the mixture's own density, where its bounds cut nothing off."""
    values = np.linspace(-1.0, 1.0, 2001)[:, None]
    head = GaussianMixtureHead(1, values, components=2)
    scores = torch.tensor([[0.0, 0.5, -0.2, 0.3, -3.0, -2.5]])
    log_probs = head.log_probs(scores, torch.arange(2001), torch.zeros(2001, dtype=torch.int64))
    gate, means, log_stds = head.split(scores)
    density = gaussian_mixture_log_prob(gate, means, log_stds, torch.tensor([[0.25]]))
    assert float(log_probs[1250]) - math.log(2.0 / 2000) == pytest.approx(float(density), abs=1e-3)


def test_gaussians_need_real_numbers() -> None:
    game = make_game("connect_four")
    with pytest.raises(ConfigError, match="needs actions of real numbers"):
        build_model(ModelConfig(kind="mlp", policy="gaussian"), game, game.observation_shape)
