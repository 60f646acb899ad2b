"""How fast does behavioural cloning train, against the same network in plain PyTorch?

The peer is what one writes first: float32, contiguous tensors, dense logits and mask, default AdamW. The bound is
the processor's rate of multiplications, of which bfloat16 has about twice as many a second as float32 where the
processor has them at all (AVX-512 BF16, AMX, GPUs since Ampere). Goal: at least 1.7 times the peer for 6x64 on 8x8.

    python benchmarks/train.py [--batch 512] [--repeats 5] [--threads 2]
"""

import argparse
import platform
import statistics
import time
from collections.abc import Callable

import numpy as np
import torch
from torch.nn import functional as F

from gameil.games.registry import make_game
from gameil.learners.behavioural_cloning import BehaviouralCloning, CloningConfig
from gameil.losses.masking import mask_logits
from gameil.models.config import ModelConfig
from gameil.models.heads.board import BoardPolicyHead
from gameil.models.policy_value import build_model
from gameil.models.precision import compute_dtype, select_device
from gameil.models.size import measure_size
from gameil.positions.encoder import EncoderConfig, ObservationEncoder
from gameil.positions.position_batch import PositionBatch

NETWORKS: dict[str, tuple[str, ModelConfig]] = {
    "6x64, chess 8x8": ("chess", ModelConfig()),
    "6x64 from-to, chess 8x8": ("chess", ModelConfig(policy="from_to")),
    "6x64 by parts, chess 8x8": ("chess", ModelConfig(policy="autoregressive")),
    "6x64, 4 modes, chess 8x8": ("chess", ModelConfig(policy="from_to", modes=4)),
    "transformer, chess 8x8": ("chess", ModelConfig(kind="transformer", policy="from_to")),
    "4x64, connect four 6x7": ("connect_four", ModelConfig(blocks=4)),
    "6x64, Go 19x19": ("go", ModelConfig(stem_kernel=5, policy_channels=0)),
}


def random_batch(game_id: str, size: int) -> PositionBatch:
    """Positions along random games, as a loader would hand them out."""
    game = make_game(game_id)
    encoder, rng = ObservationEncoder(game, EncoderConfig()), np.random.default_rng(0)
    states = []
    state = game.initial_state()
    while len(states) < size:
        if state.is_terminal() or len(state.history) > 60:
            state = game.initial_state()
        states.append(state.clone())
        state.apply(int(rng.choice(state.legal_actions())))
    legal = [state.legal_actions() for state in states]
    return PositionBatch(
        observations=encoder.encode(states).astype(np.float16),
        legal=np.concatenate(legal).astype(np.int32),
        offsets=np.cumsum([0, *map(len, legal)]).astype(np.int64),
        actions=np.asarray([int(rng.choice(actions)) for actions in legal], np.int64),
        target_probs=None,
        returns=rng.choice([-1.0, 0.0, 1.0], size).astype(np.float32),
        return_weights=np.ones(size, np.float32),
        weights=np.ones(size, np.float32),
        game_ids=np.zeros(size, np.uint64),
        plies=np.zeros(size, np.int32),
        ratings=np.zeros(size, np.int32),
    )


def ours(game_id: str, config: ModelConfig, batch: PositionBatch) -> Callable[[], None]:
    """One update of the real learner, from NumPy batch to new weights."""
    game = make_game(game_id)
    learner = BehaviouralCloning(
        build_model(config, game, batch.observations.shape[1:]), CloningConfig(), total_steps=1000
    )

    def step() -> None:
        learner.step(batch)

    return step


def plain(game_id: str, config: ModelConfig, batch: PositionBatch) -> Callable[[], None]:
    """One update as in a tutorial: float32 throughout."""
    game = make_game(game_id)
    model = build_model(config, game, batch.observations.shape[1:]).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
    mask = np.zeros((len(batch), game.num_actions), dtype=bool)
    rows = np.repeat(np.arange(len(batch)), batch.num_legal())
    mask[rows, batch.legal] = True
    played = torch.from_numpy(np.flatnonzero(batch.legal == batch.actions[rows]))
    legal, flat_rows = torch.from_numpy(batch.legal.astype(np.int64)), torch.from_numpy(rows)
    dense = isinstance(model.policy, BoardPolicyHead)

    def step() -> None:
        observations = torch.from_numpy(batch.observations.astype(np.float32))
        scores, values = model(observations)[:2]
        if dense:
            logits = mask_logits(scores[:, model.policy.places], torch.from_numpy(mask))
            loss = F.cross_entropy(logits, torch.from_numpy(batch.actions))
        else:  # heads whose scores are no logits of actions
            loss = -model.log_probs(scores, legal, flat_rows)[played].mean()
        loss = loss + 0.25 * F.mse_loss(values, torch.from_numpy(batch.returns))
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()

    return step


def seconds(step: Callable[[], None]) -> float:
    """Wall time of one call."""
    started = time.perf_counter()
    step()
    return time.perf_counter() - started


def main() -> None:
    """Prints one line a network."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batch", type=int, default=512, help="positions a batch")
    parser.add_argument("--repeats", type=int, default=5, help="timed updates of each, in turn")
    parser.add_argument("--network", choices=list(NETWORKS), action="append", help="default all")
    parser.add_argument("--threads", type=int, default=0, help="0: all cores")
    arguments = parser.parse_args()
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    dtype = str(compute_dtype("auto", select_device("cpu"), convolutional=True)).removeprefix("torch.")
    print(
        f"{platform.processor() or platform.machine()}, {torch.get_num_threads()} threads, torch {torch.__version__}, "
        f"batch {arguments.batch}, median of {arguments.repeats}; gameil computes in {dtype}"
    )
    print(f"{'network':<26}{'MFLOP':>7}{'gameil positions/s':>20}{'plain float32':>15}{'ratio':>7}")
    for name in arguments.network or NETWORKS:
        game_id, config = NETWORKS[name]
        size = arguments.batch // 4 if "19x19" in name else arguments.batch
        batch = random_batch(game_id, size)
        steps = {"ours": ours(game_id, config, batch), "plain": plain(game_id, config, batch)}
        times: dict[str, list[float]] = {"ours": [], "plain": []}
        for repeat in range(arguments.repeats + 1):
            for who, step in steps.items():  # in turn, so that both see the same load
                elapsed = seconds(step)
                if repeat:  # the first call compiles kernels
                    times[who].append(elapsed)
        rates = {who: size / statistics.median(times[who]) for who in times}
        mflops = measure_size(build_model(config, make_game(game_id), batch.observations.shape[1:])).mflops
        ratio = rates["ours"] / rates["plain"]
        print(f"{name:<26}{mflops:>7.1f}{rates['ours']:>20,.0f}{rates['plain']:>15,.0f}{ratio:>7.2f}")


if __name__ == "__main__":
    main()
