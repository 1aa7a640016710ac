"""Wrong formulas and false facts: each is refuted by numbers that plain integers confirm."""

import pytest

from numeric.geometry import Axis, Geometry, named_padding, receptive_field
from proofs import Verdict, solver
from proofs.arithmetic import equivariance, fields, geometry, gradients, layers, reads
from proofs.facts import Claim, fact


@pytest.fixture(autouse=True)
def _forgotten():
    """What is found out about a spoiled formula is not what is true of ours."""
    solver.prove.cache_clear()
    yield
    solver.prove.cache_clear()


def _refuted(each):
    """The counterexample to a fact, once plain integers have been asked."""
    found = solver.prove(each)
    assert found.verdict == Verdict.REFUTED, found.reason
    numbers = dict(part.split(" = ") for part in found.reason.split(", "))
    claim = each.claim(*(int(numbers[name]) for name in each.integers))
    assert all(claim.given)
    assert not claim.then
    return found.reason


# what is wrong: the formula of an axis, what it gives instead, the facts that must be seen to fail
SIZES = {
    "span one gap too long": (
        "span",
        lambda a: a.dilation * a.kernel_size,
        (geometry.outputs_lie_inside, geometry.remainder_is_left),
    ),
    "span without dilation": (
        "span",
        lambda a: a.kernel_size,
        (geometry.outputs_lie_inside, geometry.same_rounds_up, reads.windows_overlap),
    ),
    "padding at the high end forgotten": (
        "padded_size",
        lambda a: a.input_size + a.low,
        (geometry.outputs_lie_inside, geometry.half_width_keeps_the_size),
    ),
    "padding at the low end twice": (
        "padded_size",
        lambda a: a.input_size + 2 * a.low,
        (geometry.outputs_lie_inside, geometry.remainder_is_left),
    ),
    "one output too few": (
        "output_size",
        lambda a: (a.padded_size - a.span) // a.stride,
        (geometry.outputs_lie_inside, geometry.an_output_fits, geometry.valid_size, layers.whole_kernel),
    ),
    "outputs rounded up": (
        "output_size",
        lambda a: -(-(a.padded_size - a.span) // a.stride) + 1,
        (geometry.outputs_lie_inside, geometry.remainder_is_left, layers.transposed_size_inverts),
    ),
    "outputs of a kernel of one tap": (
        "output_size",
        lambda a: (a.padded_size - 1) // a.stride + 1,
        (geometry.valid_windows_lie_inside, geometry.full_windows_touch, equivariance.circle_closes),
    ),
    "stride forgotten": (
        "output_size",
        lambda a: a.padded_size - a.span + 1,
        (geometry.outputs_lie_inside, geometry.same_rounds_up, equivariance.circle_closes),
    ),
    "remainder of the wrong sign": (
        "remainder",
        lambda a: (a.span - a.padded_size) % a.stride,
        (geometry.remainder_is_left, geometry.mirrored, gradients.input_gradient_size),
    ),
    "remainder without the padding": (
        "remainder",
        lambda a: (a.input_size - a.span) % a.stride,
        (geometry.remainder_is_left, reads.something_is_outside, gradients.weight_gradient_has_more),
    ),
    "transposed size without cropping": (
        "transposed_size",
        lambda a: (a.input_size - 1) * a.stride + a.span,
        (layers.transposed_size_inverts,),
    ),
    "transposed size a stride too long": (
        "transposed_size",
        lambda a: a.input_size * a.stride + a.span - a.low - a.high,
        (layers.transposed_size_inverts,),
    ),
    "transposed size of the largest input": (
        "transposed_size",
        lambda a: a.input_size * a.stride + a.span - 1 - a.low - a.high,
        (layers.transposed_size_inverts, layers.remainder_is_the_output_padding),
    ),
}
READS = {
    "padding added": (
        lambda a, o, u: a.stride * o + a.dilation * u + a.low,
        (geometry.outputs_lie_inside, reads.zero_boundary_reads, gradients.input_gradient_gathers),
    ),
    "padding of the other end": (
        lambda a, o, u: a.stride * o + a.dilation * u - a.high,
        (geometry.outputs_lie_inside, reads.nothing_is_outside),
    ),
    "stride and dilation exchanged": (
        lambda a, o, u: a.dilation * o + a.stride * u - a.low,
        (equivariance.shifts_by_the_stride, equivariance.circular_shifts, reads.one_cell_is_read_twice),
    ),
    "taps not dilated": (
        lambda a, o, u: a.stride * o + u - a.low,
        (geometry.outputs_lie_inside, reads.circular_boundary_reads, gradients.weight_gradient_exchanges),
    ),
    "kernel flipped": (
        lambda a, o, u: a.stride * o + a.dilation * (a.kernel_size - 1 - u) - a.low,
        (layers.whole_kernel, gradients.convolution_reads[0], gradients.rotation_turns_the_sum),
    ),
    "one cell late": (
        lambda a, o, u: a.stride * o + a.dilation * u - a.low + 1,
        (geometry.outputs_lie_inside, geometry.mirrored, layers.one_tap),
    ),
    "one position for every output": (
        lambda a, _, u: a.dilation * u - a.low,
        (reads.reads_once, reads.windows_tile, equivariance.matched_shifts),
    ),
}


@pytest.mark.parametrize("fault", SIZES)
def test_a_wrong_size_is_refuted(fault, monkeypatch):
    name, wrong, expected = SIZES[fault]
    monkeypatch.setattr(Axis, name, property(wrong))
    for each in expected:
        _refuted(each)


@pytest.mark.parametrize("fault", READS)
def test_wrong_reads_are_refuted(fault, monkeypatch):
    wrong, expected = READS[fault]
    monkeypatch.setattr(Axis, "reads", wrong)
    for each in expected:
        _refuted(each)


def _windows_rounded_down(name, n, k, s=1, d=1):
    span = d * (k - 1) + 1
    total = max((n // s - 1) * s + span - n, 0)
    return (total // 2, total - total // 2) if name == "same" else (0, 0)


def _odd_cell_first(name, *sizes):
    return named_padding(name, *sizes)[::-1]


def _may_crop(name, n, k, s=1, d=1):
    total = (-(-n // s) - 1) * s + d * (k - 1) + 1 - n
    return total // 2, total - total // 2


def _without_dilation(name, n, k, s=1, d=1):
    return named_padding(name, n, k, s)


def _one_more(name, *sizes):
    low, high = named_padding(name, *sizes)
    return low, high + 1


def _full_of_the_span(name, n, k, s=1, d=1):
    return d * (k - 1) + 1, d * (k - 1) + 1


PADDINGS = [
    (_windows_rounded_down, geometry.same_rounds_up),
    (_odd_cell_first, geometry.same_splits),
    (_odd_cell_first, geometry.same_at_stride_1),
    (_odd_cell_first, geometry.same_lower_exchanges_the_sides),
    (_may_crop, geometry.same_splits),
    (_without_dilation, geometry.same_rounds_up),
    (_without_dilation, geometry.same_at_stride_1),
    (_one_more, geometry.same_is_least),
    (_one_more, geometry.same_leaves_nothing),
    (_one_more, geometry.valid_windows_lie_inside),
    (_full_of_the_span, geometry.full_windows_touch),
]


@pytest.mark.parametrize(("padding", "each"), PADDINGS, ids=lambda value: getattr(value, "__name__", ""))
def test_a_wrong_rule_of_padding_is_refuted(padding, each, monkeypatch):
    monkeypatch.setattr(geometry, "named_padding", padding)
    _refuted(each)


def _jump_first(*axes):
    size, jump, start = 1, 1, 0
    for axis in axes:
        jump *= axis.stride
        size += (axis.span - 1) * jump
        start -= axis.low * jump
    return size, jump, start


def _jump_forgotten(*axes):
    size, jump, _ = receptive_field(*axes)
    return size, jump, -sum(axis.low for axis in axes)


def _spans_added(*axes):
    _, jump, start = receptive_field(*axes)
    return 1 + sum(axis.span - 1 for axis in axes), jump, start


@pytest.mark.parametrize("wrong", [_jump_first, _jump_forgotten, _spans_added])
@pytest.mark.parametrize("height", [0, 2])
def test_a_wrong_receptive_field_is_refuted(wrong, height, monkeypatch):
    monkeypatch.setattr(fields, "receptive_field", wrong)
    _refuted(fields.fields[height])


def _inside(geometry, o, u, low, high):
    """Reads of a layer that takes the wrong cells for those of its border."""
    (cell,) = (axis.reads(*pair) for axis, *pair in zip(geometry.axes, o, u, strict=True))
    return (cell,) if low <= cell <= geometry.input_size[0] + high else None


LAYERS = {
    "a circle that ends": (
        "reads",
        lambda g, o, u: (g.axes[0].reads(o[0], u[0]),),
        (reads.circular_boundary_reads, equivariance.circular_shifts),
    ),
    "the first cell is none": ("reads", lambda g, o, u: _inside(g, o, u, 1, -1), (reads.zero_boundary_reads,)),
    "one cell too far": ("reads", lambda g, o, u: _inside(g, o, u, 0, 0), (reads.zero_boundary_reads,)),
    "a border that does nothing": (
        "reads",
        lambda g, o, u: (g.axes[0].reads(o[0], u[0]),),
        (reads.zero_boundary_reads, equivariance.zero_padding_agrees),
    ),
    "channels of the first group": ("reads_channel", lambda _, __, j: j, (layers.groups_read_their_own,)),
    "groups taken in turns": (
        "reads_channel",
        lambda g, c, j: c % g.groups * g.group_in + j,
        (layers.groups_read_their_own,),
    ),
    "groups of input channels": (
        "reads_channel",
        lambda g, c, j: c // g.group_in * g.group_in + j,
        (layers.groups_read_their_own,),
    ),
}


@pytest.mark.parametrize("fault", LAYERS)
def test_a_wrong_layer_is_refuted(fault, monkeypatch):
    name, wrong, expected = LAYERS[fault]
    monkeypatch.setattr(Geometry, name, wrong)
    for each in expected:
        _refuted(each)


@pytest.mark.parametrize("mode", range(3))
def test_a_convolution_that_starts_one_cell_late_is_refuted(mode, monkeypatch):
    start = gradients.mode_start
    monkeypatch.setattr(gradients, "mode_start", lambda *sizes: start(*sizes) + 1)
    _refuted(gradients.convolution_reads[mode])


def _half(n, k):
    return Claim((n >= 1, k >= 1), Axis(n, k, low=k // 2, high=k // 2).output_size == n)


def _there_and_back(n, k, s):
    return Claim((n >= k, k >= 1, s >= 1), Axis(Axis(n, k, s).output_size, k, s).transposed_size == n)


def _every_shift(s, o, u, c):
    axis = Axis(9, 2, s)
    return Claim((s >= 1,), axis.reads(o + c // s, u) == axis.reads(o, u) + c)


def _dense_overlap(k, s, d, o):
    axis = Axis(9, k, s, d)
    overlap = axis.reads(o + 1, 0) <= axis.reads(o, k - 1)
    return Claim((k >= 1, s >= 1, d >= 1), overlap == (s < k))


def _circle(n, k, s):
    return Claim((n >= k, k >= 1, s >= 1), (n % s == 0) == (s * Axis(n, k, s).output_size == n))


def _exchanged(n, k, s, d):
    axis = Axis(n, k, s, d)
    size = Axis(n, axis.output_size, d, s).output_size
    return Claim((n >= 1, k >= 1, s >= 1, d >= 1, axis.output_size >= 1), size == k)


FALSE = [
    (_half, "n = 1, k = 2"),
    (_there_and_back, "n = 2, k = 1, s = 2"),
    (_every_shift, "s = 2, o = 0, u = 0, c = 1"),
    (_dense_overlap, "k = 2, s = 2, d = 2, o = 0"),
    (_circle, "n = 2, k = 2, s = 1"),
    (_exchanged, "n = 2, k = 1, s = 2, d = 1"),
]


@pytest.mark.parametrize(("claim", "smallest"), FALSE, ids=lambda value: getattr(value, "__name__", ""))
def test_a_popular_belief_is_refuted_by_small_numbers(claim, smallest):
    shown = _refuted(fact("a popular belief")(claim))
    assert shown == smallest
