"""The list of products is the layer's; each mistake of the table is found by its own name."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from numeric.definition import terms
from proofs.conformance.diagnose import diagnose
from proofs.conformance.functions import FUNCTIONS
from proofs.conformance.hypotheses import HYPOTHESES, PLACES
from proofs.conformance.products import compute, right
from proofs.conformance.shrink import draw
from proofs.conformance.target import Unsupported
from tests.conformance.wrong import CONV, layer, on


@pytest.mark.parametrize(("function", "ndim"), list(product(FUNCTIONS, (1, 2, 3))))
def test_the_list_of_products_computes_every_function(function, ndim):
    of = FUNCTIONS[function]
    for boundary in ("zero", "circular") if of.operation.startswith("conv") else ("zero",):
        geometry = replace(layer(of.operation, ndim), boundary=boundary)
        for number in range(4):
            arrays = draw(of, geometry, "float64", number)
            np.testing.assert_array_equal(compute(of, right(of, geometry), *arrays), of.expected(geometry, *arrays))


@pytest.mark.parametrize("ndim", CONV)
def test_the_list_of_products_is_that_of_the_definition(ndim):
    for boundary in ("zero", "circular"):
        geometry = replace(CONV[ndim], boundary=boundary)
        rows = right(FUNCTIONS["conv"], geometry)
        listed = [
            tuple(map(tuple, term)) for term in zip(*(rows.coordinates(k).T.tolist() for k in "gxw"), strict=True)
        ]
        assert listed == list(terms(geometry))


# more mistakes, each made of the layer's own functions


def read_with(function, **changed):
    """The function of a layer with some fields changed, cut or filled up to the true shape."""
    of = FUNCTIONS[function]

    def call(geometry, *arrays):
        other = replace(geometry, **{name: change(geometry) for name, change in changed.items()})
        return of.expected(other, *arrays)

    return on(function, call)


def padded_with(mode):
    """A convolution that pads by itself, with something else than zeros."""

    def call(geometry, x, w):
        if any(side < 0 for pair in geometry.padding for side in pair):
            raise Unsupported("cropping")
        x = np.pad(x, ((0, 0), (0, 0), *geometry.padding), mode)
        inner = replace(geometry, input_size=x.shape[2:], padding=0, boundary="zero")
        return FUNCTIONS["conv"].expected(inner, x, w)

    return on("conv", call)


@pytest.mark.parametrize("ndim", CONV)
@pytest.mark.parametrize(
    ("mode", "name"),
    [
        ("wrap", "zero padding read as circular"),
        ("edge", "zero padding replicates the edge"),
        ("reflect", "zero padding reflects the input"),
        ("symmetric", "zero padding mirrors the input with its edge"),
    ],
)
def test_padding_with_something_else(mode, name, ndim):
    assert diagnose(padded_with(mode), "conv", CONV[ndim]).names == (f"{name} in the forward pass",)


@pytest.mark.parametrize("ndim", CONV)
def test_a_result_of_another_shape_is_named_too(ndim):
    for function, name in (
        ("conv", "stride ignored"),
        ("average_pool", "stride ignored"),
        ("max_pool", "stride ignored"),
    ):
        target = read_with(function, stride=lambda geometry: (1,) * geometry.ndim)
        geometry = layer(FUNCTIONS[function].operation, ndim)
        assert diagnose(target, function, geometry).names == (f"{name} in {PLACES[function]}",)


@pytest.mark.parametrize("function", ["conv", "conv.input_gradient", "conv_transpose", "max_pool", "average_pool"])
def test_channels_last_in_the_result(function):
    of = FUNCTIONS[function]
    target = on(function, lambda geometry, *arrays: np.moveaxis(of.expected(geometry, *arrays), 1, -1))
    found = diagnose(target, function, layer(of.operation, 2))
    assert found.names == (f"result with its channels last in {PLACES[function]}",)
    assert "is of shape" in found.map_in_words


SECOND = {
    "nothing passed back by the weights": lambda geometry, ddx, _ddw, _g, _x, w: FUNCTIONS["conv"].expected(
        geometry, ddx, w
    ),
    "nothing passed back by the input": lambda geometry, _ddx, ddw, _g, x, _w: FUNCTIONS["conv"].expected(
        geometry, x, ddw
    ),
}


@pytest.mark.parametrize("name", SECOND)
def test_second_order_gradients(name):
    found = diagnose(on("conv.double_backward_g", SECOND[name]), "conv.double_backward_g", CONV[2])
    assert found.names == (f"{name} in the second-order gradient for g",)


@pytest.mark.parametrize("mistake", HYPOTHESES, ids=lambda mistake: mistake.name)
def test_every_mistake_of_the_table_is_found_by_its_own_name(mistake):
    """In the first function of each operation where it is made; beside those that no layer tells from it."""
    first = {FUNCTIONS[name].operation: FUNCTIONS[name] for name in reversed(mistake.functions)}
    shown = []
    for function in first.values():
        geometry = layer(function.operation, max(2, mistake.axes))
        geometry = replace(geometry, boundary="circular" if mistake.name.startswith("circular") else "zero")
        target = on(str(function), lambda layer, *arrays, of=function: next(mistake.predicts(of, layer, *arrays)))
        found = diagnose(target, str(function), geometry, 20)
        shown += [mistake.named(function) in found.names] if found else []
    assert shown
    assert all(shown)
