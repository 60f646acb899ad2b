"""What holds a learning policy near another one.

Letters: ``B`` decisions, ``L`` the legal actions of all of them in a row (see ``masking``).
"""

from torch import Tensor

from gameil.errors import ShapeError
from gameil.losses.masking import segment_sum


def teacher_kl(teacher_log_probs: Tensor, log_probs: Tensor, rows: Tensor, batch: int) -> Tensor:
    """KL(teacher || policy) over the legal actions in nats, ``[B]``; at least 0, and 0 exactly where the two agree.

        sum_a pi_teacher(a | s) (log pi_teacher(a | s) - log pi(a | s))

    The direction is AlphaStar's (Vinyals et al. 2019, Methods, "KL with the supervised policy"): it costs most to give
    up what the teacher would do. The teacher is not differentiated.

    Args:
        teacher_log_probs: of the legal actions, normalised within a decision, ``[L]``.
        log_probs: the policy's, ``[L]``.
        rows: decision of each legal action, int64 ``[L]``.
        batch: number of decisions ``B``.

    Raises:
        ShapeError: the two policies have other numbers of actions.
    """
    if teacher_log_probs.shape != log_probs.shape:
        raise ShapeError(
            f"teacher {tuple(teacher_log_probs.shape)} and policy {tuple(log_probs.shape)} differ in shape"
        )
    teacher = teacher_log_probs.detach()
    return segment_sum(teacher.exp() * (teacher - log_probs), rows, batch)
