"""Output size and padding: numeric's formulas, for all integers at once.

n input size, k kernel size, s stride, d dilation, `low` and `high` padding; o output position, u tap.
"""

from __future__ import annotations

from typing import Any

from numeric.geometry import Axis, named_padding
from proofs.arithmetic.products import grows, not_negative
from proofs.facts import Claim, fact


@fact("s ≥ 1: o is an output ⇔ the first and the last cell of window o lie in the padded input")
def outputs_lie_inside(n: Any, k: Any, s: Any, d: Any, low: Any, high: Any, o: Any) -> Claim:
    """For any kernel, dilation and padding."""
    axis = Axis(n, k, s, d, low, high)
    inside = (axis.reads(o, 0) >= -low) & (axis.reads(o, k - 1) < n + high)
    return Claim((s >= 1,), ((o >= 0) & (o < axis.output_size)) == inside)


@fact("d ≥ 0: every cell of a window lies between its first and its last one")
def taps_lie_between(n: Any, k: Any, s: Any, d: Any, low: Any, high: Any, o: Any, u: Any) -> Claim:
    """For any position."""
    axis = Axis(n, k, s, d, low, high)
    cell = axis.reads(o, u)
    return Claim((d >= 0, u >= 0, u < k), (axis.reads(o, 0) <= cell) & (cell <= axis.reads(o, k - 1)))


@fact("s ≥ 1: there is an output ⇔ the kernel's span is not more than the padded input")
def an_output_fits(n: Any, k: Any, s: Any, d: Any, low: Any, high: Any) -> Claim:
    """What `Geometry` checks."""
    axis = Axis(n, k, s, d, low, high)
    return Claim((s >= 1,), (axis.output_size >= 1) == (axis.span <= axis.padded_size))


@fact("s ≥ 1: the last window ends `remainder` cells before the padded input does, and 0 ≤ remainder < s")
def remainder_is_left(n: Any, k: Any, s: Any, d: Any, low: Any, high: Any) -> Claim:
    """Cells that no window reads."""
    axis = Axis(n, k, s, d, low, high)
    left = axis.remainder
    end = axis.reads(axis.output_size - 1, k - 1)
    return Claim((s >= 1,), (n + high - 1 - end == left) & (left >= 0) & (left < s))


@fact("stride 1, kernel 2p + 1, no padding: n − 2p outputs")
def valid_size(n: Any, p: Any) -> Claim:
    """The sheet's first size."""
    return Claim((), Axis(n, 2 * p + 1).output_size == n - 2 * p)


@fact("stride 1, kernel 2p + 1, p cells on each side: n outputs")
def half_width_keeps_the_size(n: Any, p: Any) -> Claim:
    """The sheet's second size."""
    return Claim((), Axis(n, 2 * p + 1, low=p, high=p).output_size == n)


@fact("stride 1, ⌊k/2⌋ cells on each side: n outputs for odd k, n + 1 for even k")
def half_kernel(n: Any, k: Any) -> Claim:
    """Where a popular belief fails, and by how much."""
    size = Axis(n, k, low=k // 2, high=k // 2).output_size
    return Claim((), (size - n == 1 - k % 2) & ((size == n) == (k % 2 == 1)))


@fact("padding 'same', k, s, d ≥ 1: ⌈n / s⌉ outputs")
def same_rounds_up(n: Any, k: Any, s: Any, d: Any) -> Claim:
    """TensorFlow's rule."""
    outputs, rounded = Axis(n, k, s, d, *named_padding("same", n, k, s, d)).output_size, -(-n // s)
    known = (grows(s, outputs, rounded), grows(s, rounded, outputs), not_negative(d, k - 1))
    return Claim((k >= 1, s >= 1, d >= 1), outputs == rounded, known)


@fact("padding 'same', s ≥ 1: 0 ≤ low ≤ high ≤ low + 1")
def same_splits(n: Any, k: Any, s: Any, d: Any) -> Claim:
    """The odd cell lies at the high end."""
    low, high = named_padding("same", n, k, s, d)
    return Claim((s >= 1,), (low >= 0) & (low <= high) & (high <= low + 1))


@fact("padding 'same', k, s, d ≥ 1: with one cell less there are fewer outputs")
def same_is_least(n: Any, k: Any, s: Any, d: Any) -> Claim:
    """Where anything is padded."""
    low, high = named_padding("same", n, k, s, d)
    outputs, rounded = Axis(n, k, s, d, low, high - 1).output_size, -(-n // s)
    return Claim((k >= 1, s >= 1, d >= 1, low + high >= 1), outputs < rounded, (grows(s, rounded - 1, outputs),))


@fact("padding 'same', stride 1, k, d ≥ 1: d·(k − 1) cells, ⌊·/2⌋ of them low")
def same_at_stride_1(n: Any, k: Any, d: Any) -> Claim:
    """PyTorch's rule."""
    low, high = named_padding("same", n, k, 1, d)
    total = d * (k - 1)
    return Claim((k >= 1, d >= 1), (low + high == total) & (low == total // 2), (not_negative(d, k - 1),))


def same_lower(n: Any, k: Any, s: Any, d: Any) -> tuple[Any, Any]:
    """Padding `(low, high)` of ONNX's SAME_LOWER: as many cells as `same`, the odd one at the low end."""
    total = sum(named_padding("same", n, k, s, d))
    return total - total // 2, total // 2


@fact("SAME_LOWER is 'same' with its sides exchanged, s ≥ 1")
def same_lower_exchanges_the_sides(n: Any, k: Any, s: Any, d: Any) -> Claim:
    """ONNX's two rules."""
    low, high = named_padding("same", n, k, s, d)
    lower = same_lower(n, k, s, d)
    return Claim((s >= 1,), (lower[0] == high) & (lower[1] == low))


@fact("SAME_LOWER, k, s, d ≥ 1: ⌈n / s⌉ outputs")
def same_lower_rounds_up(n: Any, k: Any, s: Any, d: Any) -> Claim:
    """As many as `same` gives."""
    outputs, rounded = Axis(n, k, s, d, *same_lower(n, k, s, d)).output_size, -(-n // s)
    known = (grows(s, outputs, rounded), grows(s, rounded, outputs), not_negative(d, k - 1))
    return Claim((k >= 1, s >= 1, d >= 1), outputs == rounded, known)


@fact(
    "s ≥ 1: with the padding's sides exchanged, output m − 1 − o reads through tap k − 1 − u the cell "
    "n − 1 − remainder − reads(o, u)"
)
def mirrored(n: Any, k: Any, s: Any, d: Any, low: Any, high: Any, o: Any, u: Any) -> Claim:
    """Input, kernel and output reversed; m outputs."""
    axis, mirror = Axis(n, k, s, d, low, high), Axis(n, k, s, d, high, low)
    cell = mirror.reads(axis.output_size - 1 - o, k - 1 - u)
    return Claim((s >= 1,), cell == n - 1 - axis.remainder - axis.reads(o, u))


@fact("padding 'same', s ≥ 1, where anything is padded: remainder 0")
def same_leaves_nothing(n: Any, k: Any, s: Any, d: Any) -> Claim:
    """All of the padded input is read."""
    low, high = named_padding("same", n, k, s, d)
    axis, windows = Axis(n, k, s, d, low, high), -(-n // s)
    known = (grows(s, axis.output_size, windows), grows(s, windows, axis.output_size))
    return Claim((s >= 1, low + high >= 1), axis.remainder == 0, known)


@fact("padding 'full', stride 1: n + span − 1 outputs, the windows that touch the input")
def full_windows_touch(n: Any, k: Any, d: Any, o: Any) -> Claim:
    """Window o touches the input if it ends at cell 0 or later and begins before cell n."""
    axis = Axis(n, k, 1, d, *named_padding("full", n, k, 1, d))
    touches = (axis.reads(o, k - 1) >= 0) & (axis.reads(o, 0) < n)
    return Claim((), (axis.output_size == n + axis.span - 1) & (((o >= 0) & (o < axis.output_size)) == touches))


@fact("padding 'valid', stride 1: n − span + 1 outputs, the windows that lie inside the input")
def valid_windows_lie_inside(n: Any, k: Any, d: Any, o: Any) -> Claim:
    """No padding."""
    axis = Axis(n, k, 1, d, *named_padding("valid", n, k, 1, d))
    inside = (axis.reads(o, 0) >= 0) & (axis.reads(o, k - 1) < n)
    return Claim((), (axis.output_size == n - axis.span + 1) & (((o >= 0) & (o < axis.output_size)) == inside))
