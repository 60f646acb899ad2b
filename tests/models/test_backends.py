"""Inference backends: each says what torch says, for any batch, and the choice among them refuses those that do not."""

import contextlib
import os
import shutil
import sys
import threading

import numpy as np
import pytest
import torch
from torch._dynamo.exc import TorchDynamoException

from gameil.errors import ConfigError
from gameil.games.registry import make_game
from gameil.models.backends import selection
from gameil.models.backends.backend import Agreement, BackendName
from gameil.models.backends.own_positions import own_positions
from gameil.models.backends.selection import Samples, compare, fastest_evaluator
from gameil.models.config import ModelConfig
from gameil.models.inference import NetworkEvaluator
from gameil.models.onnx_export import onnx_bytes
from gameil.models.policy_value import PolicyValueNet, build_model
from gameil.positions.encoder import EncoderConfig, ObservationEncoder

SMALL = {"channels": 8, "blocks": 1, "squeeze": 4, "policy_channels": 8, "hidden": 16, "layers": 1, "value_hidden": 8}
NETWORKS: dict[str, tuple[str, dict[str, object]]] = {
    "residual": ("othello", {"global_pooling": 1}),
    "transformer": ("tic_tac_toe", {"kind": "transformer"}),
    "from_to": ("chess", {"policy": "from_to", "value": "outcome"}),
    "latent autoregressive": ("breakthrough", {"policy": "autoregressive", "modes": 2}),
    "conditioned": ("tic_tac_toe", {"conditions": ("rating", "year"), "moves_left": True, "ownership": True}),
    "mlp": ("kuhn_poker", {"kind": "mlp"}),
}


def network(name: str) -> tuple[PolicyValueNet, ObservationEncoder]:
    """A network whose running statistics are no longer those it was born with."""
    game_id, changes = NETWORKS[name]
    encoder = ObservationEncoder(make_game(game_id), EncoderConfig())
    model = build_model(ModelConfig(**{**SMALL, **changes}), encoder.game, encoder.shape, seed=3).train()  # type: ignore[arg-type]
    model(torch.randn(32, *encoder.shape, generator=torch.Generator().manual_seed(1)) * 2 + 0.5)
    if model.conditioning is not None:
        with torch.no_grad():
            for curve in model.conditioning.curves:
                curve.copy_(torch.randn(curve.shape, generator=torch.Generator().manual_seed(2)))
    return model.eval(), encoder


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("backend", ["eager", "openvino", "onnx"])
def test_backends_say_what_torch_says(name: str, backend: BackendName) -> None:
    _skip_without(backend)
    model, encoder = network(name)
    evaluator = NetworkEvaluator(model, backend=backend, precision="float32")
    for batch, dtype in ((3, np.float32), (1, np.float16), (7, np.float32)):  # any size, in any order
        observations = np.random.default_rng(batch).random((batch, *encoder.shape)).astype(dtype)
        inputs = [observations]
        if model.config.conditions:
            inputs.append(np.array([[1000.0 + 300 * row, 0.0] for row in range(batch)], np.float32))
        with torch.inference_mode():
            expected = model(*(torch.from_numpy(array.astype(np.float32)) for array in inputs))
        scores, values = evaluator.backend(*inputs)
        assert scores.dtype == values.dtype == torch.float32
        torch.testing.assert_close(scores, expected.scores, atol=1e-4, rtol=1e-4)
        torch.testing.assert_close(values, expected.values, atol=1e-4, rtol=1e-4)


def _skip_without(backend: str) -> None:
    if backend in ("openvino", "onnx"):
        pytest.importorskip("onnx", reason="the extras fast and onnx are not installed")
    if backend in ("openvino", "onnx"):
        pytest.importorskip({"openvino": "openvino", "onnx": "onnxruntime"}[backend])


@pytest.mark.parametrize(
    ("backend", "package", "extra"),
    [("openvino", "openvino", "fast"), ("onnx", "onnxruntime", "onnx"), ("onnx", "onnx", "onnx")],
)
def test_a_missing_package_is_named_with_its_extra(
    backend: BackendName, package: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _skip_without(backend)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ConfigError, match=rf"pip install 'gameil\[{extra}\]'"):
        NetworkEvaluator(network("mlp")[0], backend=backend)


def test_auto_needs_positions_to_choose_by() -> None:
    with pytest.raises(ConfigError, match="needs sample positions"):
        NetworkEvaluator(network("mlp")[0], backend="auto")


def test_the_choice_is_the_fastest_that_agrees(monkeypatch: pytest.MonkeyPatch) -> None:
    model, encoder = network("residual")
    samples = own_positions(NetworkEvaluator(model), encoder.game, encoder, 24)
    speeds = {"eager float32": 100.0, "eager bfloat16": 900.0, "onnx float32": 300.0}
    wrong = {"eager bfloat16"}

    def compared(reference: object, answer: object, samples: object, seconds: float) -> Agreement:
        name = names.pop(0)
        return Agreement(0.9 if name in wrong else 1.0, 0.0, speeds[name])

    names = list(speeds)
    monkeypatch.setattr(selection, "compare", compared)
    candidates: list[tuple[BackendName, str]] = [("eager", "float32"), ("eager", "bfloat16"), ("onnx", "float32")]
    pytest.importorskip("onnxruntime")
    choice = fastest_evaluator(model, samples, candidates=candidates)  # type: ignore[arg-type]
    assert choice.name == "onnx float32"
    assert set(choice.tried) == set(speeds)


def test_every_backend_here_is_tried_and_float32_ones_agree() -> None:
    model, encoder = network("residual")
    samples = own_positions(NetworkEvaluator(model), encoder.game, encoder, 24)
    choice = fastest_evaluator(model, samples)
    exact = [result for name, result in choice.tried.items() if "float32" in name and isinstance(result, Agreement)]
    assert len(exact) >= 1
    assert all(result.same_top1 == 1.0 and result.value_error < 1e-4 for result in exact)
    log_probs, _ = choice.evaluator.evaluate_legal(samples.observations, samples.legal, samples.rows)
    assert np.isfinite(log_probs).all()


@pytest.mark.skipif(shutil.which("g++") is None, reason="torch compiles with g++, which is not here")
@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")  # torch's own
def test_the_compiled_network_says_what_torch_says(monkeypatch: pytest.MonkeyPatch) -> None:
    model, encoder = network("mlp")
    backend = NetworkEvaluator(model, backend="compiled", precision="float32").backend
    observations = np.random.default_rng(0).random((3, *encoder.shape), dtype=np.float32)
    scores, values = backend(observations)
    with torch.inference_mode():
        expected = model(torch.from_numpy(observations))
    torch.testing.assert_close(scores, expected.scores, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(values, expected.values, atol=1e-5, rtol=1e-5)

    def fail(*_: torch.Tensor) -> None:
        raise TorchDynamoException("no compiler\nand a page more")

    monkeypatch.setattr(backend, "_compiled", fail)
    with pytest.raises(ConfigError, match=r"cannot compile this network here: no compiler$"):
        backend(observations)


def test_copies_are_not_bound_to_the_same_core() -> None:
    _skip_without("openvino")
    if not hasattr(os, "sched_getaffinity") or len(os.sched_getaffinity(0)) < 2:
        pytest.skip("no second core, or a system that does not tell")
    model, encoder = network("residual")
    backend = NetworkEvaluator(model, backend="openvino").backend
    caller = threading.Thread(target=lambda: [backend(np.zeros((64, *encoder.shape), np.float32)) for _ in range(100)])
    caller.start()
    allowed = set()
    while caller.is_alive():
        if caller.native_id is not None:
            with contextlib.suppress(ProcessLookupError):
                allowed.add(frozenset(os.sched_getaffinity(caller.native_id)))
    assert allowed == {frozenset(os.sched_getaffinity(0))}


def test_eight_bits_come_near_and_are_shown_positions_first() -> None:
    _skip_without("openvino")
    _skip_without("onnx")
    model, encoder = network("residual")
    first = NetworkEvaluator(model, precision="float32")
    samples = own_positions(first, encoder.game, encoder, 64)
    shown = own_positions(first, encoder.game, encoder, 64, seed=1).observations
    with pytest.raises(ConfigError, match="takes its scales from positions"):
        NetworkEvaluator(model, backend="openvino_int8")
    rough = NetworkEvaluator(model, backend="openvino_int8", shown=shown)
    exact, found = (each.evaluate_legal(samples.observations, samples.legal, samples.rows) for each in (first, rough))
    np.testing.assert_allclose(found[1], exact[1], atol=0.1)
    np.testing.assert_allclose(found[0], exact[0], atol=0.5)
    assert not np.array_equal(found[0], exact[0])
    choice = fastest_evaluator(
        model, samples, candidates=[("eager", "float32"), ("openvino_int8", "auto")], shown=shown
    )
    assert isinstance(choice.tried[next(name for name in choice.tried if "int8" in name)], Agreement)
    with pytest.raises(ConfigError, match="no tower of convolutions"):
        NetworkEvaluator(network("mlp")[0], backend="openvino_int8", shown=np.zeros((4, 11), np.float32))


def test_agreement_by_hand() -> None:
    # Two positions of two actions. The second answer likes the other action of the second position, by far; in the
    # first the reference itself can hardly tell the two apart.
    samples = Samples(np.zeros((2, 1), np.float32), np.array([0, 1, 0, 1]), np.array([0, 0, 1, 1]))
    reference = (np.log(np.array([0.5004, 0.4996, 0.9, 0.1], np.float32)), np.array([0.0, 0.5], np.float32))
    answer = (np.log(np.array([0.4, 0.6, 0.2, 0.8], np.float32)), np.array([0.1, 0.5], np.float32))
    found = compare(reference, answer, samples, 0.5)
    assert found.same_top1 == 0.5
    assert found.value_error == pytest.approx(0.1)
    assert found.positions_per_second == 4.0
    assert not found.agrees()
    assert compare(reference, reference, samples, 1.0).agrees()
    # Finding both equally good is no agreement where the reference has a favourite.
    tied = (np.log(np.array([0.5, 0.5, 0.5, 0.5], np.float32)), reference[1])
    assert compare(reference, tied, samples, 1.0).same_top1 == 0.5


def test_own_positions_are_legal_and_always_the_same() -> None:
    model, encoder = network("mlp")
    first, second = (own_positions(NetworkEvaluator(model), encoder.game, encoder, 40) for _ in range(2))
    assert first.observations.shape == (40, *encoder.shape)
    np.testing.assert_array_equal(first.observations, second.observations)
    np.testing.assert_array_equal(first.legal, second.legal)
    assert set(first.legal.tolist()) == {0, 1}
    assert first.rows[-1] == 39


def test_the_export_carries_texts() -> None:
    onnx = pytest.importorskip("onnx")
    graph = onnx.load_model_from_string(onnx_bytes(network("mlp")[0], {"gameil.card": "{}"}))
    assert {each.key: each.value for each in graph.metadata_props} == {"gameil.card": "{}"}
    assert [each.name for each in graph.graph.output] == ["scores", "values"]
