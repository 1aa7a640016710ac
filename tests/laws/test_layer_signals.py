"""The operators that derivations are written in are the shipped functions, entry by entry; so are multi-indices."""

from itertools import product

import numpy as np
import pytest
from sympy import Rational, Sum, oo

import numeric
from numeric import Geometry
from proofs.array_signals import Exchanged, Rotated, Spread
from proofs.derivations.layer_sizes import layers, ordered, ranges
from proofs.derivations.symbols import STRIDE, arrays, at_sizes, integers, on_grid
from proofs.forms import filled
from proofs.grids.cases import OPTIONS
from proofs.laws.reads import _spread
from proofs.layer_signals import (
    BATCH,
    OUTPUT,
    AveragePool,
    AveragePoolGradient,
    Biased,
    BiasGradient,
    Dense,
    DenseInputGradient,
    DenseWeightGradient,
    Flatten,
    InputGradient,
    Layer,
    LocalInputGradient,
    LocallyConnected,
    LocalWeightGradient,
    MaxPool,
    MaxPoolGradient,
    OneGroup,
    Unflatten,
    WeightGradient,
)
from proofs.multi_index import MultiIndex, agree, box, spread
from proofs.signals import At, Convolution
from proofs.training_signals import (
    Dropout,
)

x, w, g, b = arrays("x w g b")
GEOMETRIES = (
    Geometry((4,), (2,), 2, 1, ((1, 0),), in_channels=2, out_channels=2, groups=2),
    Geometry((3,), (2,), 1, 2, ((-1, 2),), in_channels=2, out_channels=1),
    Geometry((4,), (3,), 2, 1, ((2, 1),), out_channels=2, boundary="circular"),
    Geometry((2, 3), (2, 1), (1, 2), padding=((1, 0), (0, 0)), in_channels=2, out_channels=1),
)


def _options(geometry, *names):
    return {name: getattr(geometry, name) for name in names or OPTIONS}


def _pooled(geometry):
    return _options(geometry, "stride", "dilation", "padding", "boundary")


# a signal, the letters of its indices, the arrays it is of, and the shipped function on these arrays
SHIPPED = {
    "conv": (Layer(x, w), "nco", "x w", lambda a, q: numeric.conv(a["x"], a["w"], **_options(q))),
    "bias": (Biased(Layer(x, w), b), "nco", "x w b", lambda a, q: numeric.conv(a["x"], a["w"], a["b"], **_options(q))),
    "conv_weight_gradient": (
        WeightGradient(g, x),
        "cju",
        "x g",
        lambda a, q: numeric.conv_weight_gradient(a["g"], a["x"], q.kernel_size, **_options(q)),
    ),
    "conv_input_gradient": (
        InputGradient(g, w),
        "nia",
        "w g",
        lambda a, q: numeric.conv_input_gradient(a["g"], a["w"], q.input_size, **_options(q)),
    ),
    "conv_bias_gradient": (BiasGradient(g), "c", "g", lambda a, _: numeric.conv_bias_gradient(a["g"])),
    "locally_connected": (
        LocallyConnected(x, w),
        "nco",
        "x w:cjou",
        lambda a, q: numeric.locally_connected(a["x"], a["w"], **_options(q)),
    ),
    "locally_connected_weight_gradient": (
        LocalWeightGradient(g, x),
        "cjou",
        "x g",
        lambda a, q: numeric.locally_connected_weight_gradient(a["g"], a["x"], q.kernel_size, **_options(q)),
    ),
    "locally_connected_input_gradient": (
        LocalInputGradient(g, w),
        "nia",
        "w:cjou g",
        lambda a, q: numeric.locally_connected_input_gradient(a["g"], a["w"], q.input_size, **_options(q)),
    ),
    "average_pool, padding counted": (
        AveragePool(x),
        "nio",
        "x",
        lambda a, q: numeric.average_pool(a["x"], q.kernel_size, count_padding=True, **_pooled(q)),
    ),
    "average_pool": (
        AveragePool(x, 1),
        "nio",
        "x",
        lambda a, q: numeric.average_pool(a["x"], q.kernel_size, **_pooled(q)),
    ),
    "average_pool_input_gradient, padding counted": (
        AveragePoolGradient(g),
        "nca",
        "g",
        lambda a, q: numeric.average_pool_input_gradient(
            a["g"], q.input_size, q.kernel_size, count_padding=True, **_pooled(q)
        ),
    ),
    "average_pool_input_gradient": (
        AveragePoolGradient(g, 1),
        "nca",
        "g",
        lambda a, q: numeric.average_pool_input_gradient(a["g"], q.input_size, q.kernel_size, **_pooled(q)),
    ),
    "dense": (Dense(x, w), "nc", "x:ni w:ci", lambda a, _: numeric.dense(a["x"], a["w"])),
    "dense_input_gradient": (
        DenseInputGradient(g, w),
        "ni",
        "w:ci g:nc",
        lambda a, _: numeric.dense_input_gradient(a["g"], a["w"]),
    ),
    "dense_weight_gradient": (
        DenseWeightGradient(g, x),
        "ci",
        "x:ni g:nc",
        lambda a, _: numeric.dense_weight_gradient(a["g"], a["x"]),
    ),
    "flatten": (Flatten(x), "nf", "x", lambda a, _: numeric.flatten(a["x"])),
    "flatten_input_gradient": (
        Unflatten(g),
        "nia",
        "g:nf",
        lambda a, q: numeric.flatten_input_gradient(a["g"], (len(a["g"]), q.in_channels, *q.input_size)),
    ),
}


def _arrays(model, geometry):
    """Arrays of ring elements in the shapes that the shipped functions take: a multi-index is one axis or more."""
    found = {}
    for name, axes in model.ranges.items():
        sizes = [_lengths(axis) for axis in axes]
        found[name] = filled(tuple(n for size in sizes for n in size), model.numbers[name].flat)
    return found


def _lengths(axis):
    last = axis[-1]
    return [i + 1 for i in last] if isinstance(last, MultiIndex) else [len(axis)]


@pytest.mark.parametrize("geometry", GEOMETRIES, ids=str)
@pytest.mark.parametrize("name", SHIPPED)
def test_an_operator_of_the_derivations_is_the_shipped_function(name, geometry):
    signal, letters, names, shipped = SHIPPED[name]
    for model in layers(names, of=[geometry])():
        axes = ranges(geometry, model.sizes[BATCH])
        expected = shipped(_arrays(model, geometry), geometry)
        places = list(product(*(axes[letter] for letter in letters)))
        assert len(places) == expected.size
        symbols = integers_of(letters)
        for at, entry in zip(places, expected.flat, strict=True):
            value = model.value(At(signal, *symbols), dict(zip(symbols, at, strict=True)))
            assert value == entry, (name, at)


def integers_of(letters):
    """Symbols for indices, none of which an operator sums over."""
    return integers(" ".join(f"{letter}9" for letter in letters))


def test_a_layer_of_one_group_is_the_layer_where_there_is_one():
    for model in layers("x w", where=lambda geometry: geometry.groups == 1)():
        n, c, o = symbols = integers_of("nco")
        for at in product(model.ranges["x"][0], model.ranges["w"][0], [model.sizes[OUTPUT]]):
            bound = dict(zip(symbols, at, strict=True))
            assert model.value(At(OneGroup(x, w), n, c, o), bound) == model.value(At(Layer(x, w), n, c, o), bound)


def test_dropout_is_the_shipped_function():
    (mask,) = arrays("mask")
    model = next(iter(at_sizes({}, lambda _: {"x": [range(4)], "mask": [range(4)]})()))
    (i,) = integers_of("i")
    for bits in product((0, 1), repeat=4):
        ours = [model.value(At(Dropout(x, mask, Rational(1, 3)), i), {i: n}) for n in range(4)]
        kept = list(zip(model.numbers["mask"], bits, strict=True))
        at_bits = [value.subs(kept) for value in ours]
        shipped = numeric.dropout(model.numbers["x"], np.array(bits), model.numbers.ring(1) / 3)
        assert at_bits == [value if value else 0 for value in shipped]


@pytest.mark.parametrize("geometry", GEOMETRIES[:2] + GEOMETRIES[3:], ids=str)
def test_max_pooling_is_the_shipped_function_where_the_winners_are_those_of_a_sample(geometry):
    """Every entry that a maximum, or its gradient, is made of is the one that numeric's is."""
    sample, pooled = ordered(geometry), _pooled(geometry)
    n, c, o, a = symbols = integers_of("ncoa")
    for model in layers("x:nca g", of=[geometry])():
        batch = model.sizes[BATCH]
        arrays_ = _arrays(model, geometry)
        won = numeric.max_pool(sample[:batch], geometry.kernel_size, **pooled)
        dx = numeric.max_pool_input_gradient(arrays_["g"], sample[:batch], geometry.kernel_size, **pooled)
        numbers = dict(zip(arrays_["x"].flat, sample[:batch].flat, strict=True))
        axes = ranges(geometry, batch)
        for at, expected in zip(product(*(axes[letter] for letter in "nco")), won.flat, strict=True):
            assert numbers[model.value(At(MaxPool(x), n, c, o), dict(zip(symbols[:3], at, strict=True)))] == expected
        for at, expected in zip(product(*(axes[letter] for letter in "nca")), dx.flat, strict=True):
            assert model.value(At(MaxPoolGradient(g), n, c, a), dict(zip((n, c, a), at, strict=True))) == expected


@pytest.mark.parametrize("geometry", GEOMETRIES[:2] + GEOMETRIES[3:], ids=str)
def test_arrays_are_spread_and_rotated_as_the_laws_do(geometry):
    for model in layers("x w g", of=[geometry])():
        arrays_, axes = _arrays(model, geometry), ranges(geometry, model.sizes[BATCH])
        wide = _spread(arrays_["g"], geometry)
        turned = numeric.rot180(arrays_["w"], tuple(range(2, 2 + geometry.ndim)))
        n, c, z, u = integers_of("ncou")
        places = box(0, MultiIndex(tuple(size - 1 for size in wide.shape[2:])))
        for at, entry in zip(product(axes["n"], axes["c"], places), wide.flat, strict=True):
            value = model.value(At(Spread(g, STRIDE), n, c, z), dict(zip((n, c, z), at, strict=True)))
            assert value == entry
        for at, entry in zip(product(axes["c"], axes["j"], axes["u"]), turned.flat, strict=True):
            assert model.value(At(Rotated(w), n, c, u), dict(zip((n, c, u), at, strict=True))) == entry
            moved = At(Exchanged(Rotated(w)), c, n, u)
            assert model.value(moved, dict(zip((n, c, u), at, strict=True))) == entry


RANGE = range(-3, 4)


@pytest.mark.parametrize("sign", ["+", "-", "*", "//", "%"])
def test_multi_indices_are_added_and_multiplied_axis_by_axis(sign):
    operation = {
        "+": lambda a, b: a + b,
        "-": lambda a, b: a - b,
        "*": lambda a, b: a * b,
        "//": lambda a, b: a // b,
        "%": lambda a, b: a % b,
    }[sign]
    divides = sign in ("//", "%")
    for a, b, c, d in product(RANGE, (-1, 0, 2, 3), RANGE, (1, 2, -3)):
        if divides and 0 in (c, d):
            continue
        both = operation(MultiIndex((a, b)), MultiIndex((c, d)))
        assert both == MultiIndex((operation(a, c), operation(b, d)))
        if not (divides and c == 0):
            assert operation(MultiIndex((a, b)), c) == MultiIndex((operation(a, c), operation(b, c)))
    if sign in ("+", "*"):
        assert operation(2, MultiIndex((3, 4))) == operation(MultiIndex((3, 4)), 2)


def test_multi_indices_of_different_axes_do_not_mix():
    with pytest.raises(ValueError, match="zip"):
        _ = MultiIndex((1, 2)) + MultiIndex((1,))


def test_a_box_holds_every_multi_index_between_its_corners():
    assert box(-1, 1) == [-1, 0, 1]
    assert box(1, 0) == []
    assert box(0, MultiIndex((1, 0))) == [MultiIndex((0, 0)), MultiIndex((1, 0))]
    assert box(MultiIndex((-1, 2)), MultiIndex((0, 2))) == [MultiIndex((-1, 2)), MultiIndex((0, 2))]
    assert box(MultiIndex((0, 1)), 1) == [MultiIndex((0, 1)), MultiIndex((1, 1))]
    assert box(0, MultiIndex((1, -1))) == []


def test_positions_agree_on_every_axis_and_no_position_agrees_with_none():
    assert agree(2, 2)
    assert not agree(2, 3)
    assert agree(MultiIndex((0, 0)), 0)
    assert agree(0, MultiIndex((0, 0)))
    assert not agree(MultiIndex((0, 1)), 0)
    assert not agree(MultiIndex((0, 1)), MultiIndex((1, 0)))
    for other in (0, None, MultiIndex((0,))):
        assert not agree(None, other)
        assert not agree(other, None)


def test_a_number_is_the_same_on_every_axis():
    assert spread(3, 2) == MultiIndex((3, 3))
    assert spread(MultiIndex((1, 2)), 2) == MultiIndex((1, 2))
    assert str(MultiIndex((1, -2))) == "1,-2"


def test_a_sum_over_the_grid_reaches_all_that_counts():
    """The whole convolution of two arrays has the sum of their entries' products, whatever the sum's order."""
    (i, u) = integers_of("iu")
    for model in on_grid("x w", i)():
        total = sum(model.value(At(Convolution(x, w, (u, oo)), i), {i: at}) for at in model.grid)
        assert total == sum(model.numbers["x"].flat) * sum(model.numbers["w"].flat)
        assert model.value(Sum(x[u], (u, -oo, oo))) == sum(model.numbers["x"].flat)
