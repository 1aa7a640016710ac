"""Paths side by side: polynomials through each that takes them, what each refuses, and the bounds of the others."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import numeric as nm
from numeric import Geometry, GeometryError, definition, rounding
from numeric.paths import DIRECT, EXACT, PATHS
from proofs.grids import LayerCase
from proofs.polynomials import Polynomials
from tests import checks, strategies
from tests.strategies import exact

TRANSFORMED = [name for name in PATHS if name not in DIRECT]
LAYERS = (
    LayerCase(Geometry((3, 4), (3, 3), padding=((1, 0), (0, 1)), in_channels=2, out_channels=2, groups=2)),
    LayerCase(Geometry((5,), (3,), padding=((2, -1),), in_channels=2, out_channels=3, boundary="circular"), 2),
)


@pytest.mark.parametrize("case", LAYERS, ids=str)
@pytest.mark.parametrize("name", EXACT)
def test_polynomials_are_exact(name, case):
    """For all real arrays of these shapes at once."""
    checks.check_computes_the_definition(PATHS[name], case, Polynomials(case.shapes()))


LARGE = np.full((1, 2, 3, 4), 2**40)
THREES = np.full((3, 2, 3, 3), 2**20)
REFUSED = {
    "winograd stride": (
        lambda: nm.conv(LARGE, THREES, stride=(1, 2), padding=1, path="winograd2"),
        GeometryError,
        (
            "winograd2 needs kernels of size 3 and stride 1 or 2 on every axis, and for a dilated layer stride 1 and "
            "zeros around it, got "
            r"stride \(1, 2\), size \(3, 3\), dilation \(1, 1\), boundary 'zero', for Geometry\(input_size=\(3, 4\)"
        ),
    ),
    "winograd dilation": (
        lambda: nm.conv_weight_gradient(
            LARGE[..., :2], LARGE, 3, dilation=2, padding=((2, 2), 1), path="winograd4", boundary="circular"
        ),
        GeometryError,
        r"winograd4 needs .* dilation \(2, 2\), boundary 'circular'",
    ),
    "winograd kernel": (
        lambda: nm.conv_input_gradient(LARGE[:, :, :2, :3], THREES[:2, :, :2, :2], (3, 4), path="winograd4"),
        GeometryError,
        r"size \(2, 2\), dilation",
    ),
    "winograd integers": (
        lambda: nm.conv(LARGE, THREES, path="winograd4"),
        ValueError,
        r"winograd4 on integers must stay below 2\*\*63 on the way, but could reach 4.79e\+25; the other paths need",
    ),
    "fft integers": (
        lambda: nm.conv(LARGE, THREES, path="fft"),
        ValueError,
        r"fft computes integers exactly where the bound on its error is below 1/2, got .*e\+0.; the other paths are",
    ),
    "fft objects": (
        lambda: nm.conv(LARGE.astype(object), THREES, path="fft"),
        TypeError,
        "fft needs floating-point, complex or integer arrays, got dtype object",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_a_path_does_not_take_is_an_error_that_says_so(name):
    call, error, message = REFUSED[name]
    with pytest.raises(error, match=message):
        call()


@pytest.mark.parametrize("name", [name for name in PATHS if not name.startswith("winograd")])
@given(st.data())
def test_the_other_paths_take_every_layer(name, data):
    assert PATHS[name].supports(data.draw(strategies.layers()).geometry) == ""


@pytest.mark.parametrize("name", TRANSFORMED)
def test_integers_are_exact_up_to_where_they_are_refused(name):
    """Powers of two that grow until the path refuses: everything before that is exact."""
    random, refused = np.random.default_rng(0), None
    case = LayerCase(Geometry((9, 8), (3, 3), in_channels=3, out_channels=2, padding=((1, 0), (0, 1))), 2)
    for power in range(4, 40):
        of = {array: random.integers(-(2**power), 2**power, shape) for array, shape in case.shapes().items()}
        try:
            y = PATHS[name].conv(of["x"], of["w"], case.geometry)
        except ValueError:
            refused = power
            break
        checks.check_same(y, definition.conv(of["x"], of["w"], case.geometry))
    assert refused is not None
    assert refused > 16


@pytest.mark.parametrize("name", TRANSFORMED)
@pytest.mark.parametrize("dtype", [np.complex64, np.complex128])
def test_complex_numbers_are_within_the_bounds_of_their_real_products(name, dtype):
    """A complex layer is four real ones; nothing is conjugated."""
    random = np.random.default_rng(0)
    geometry = Geometry((6, 5), (3, 3), in_channels=2, out_channels=3, padding=((1, 0), (0, 2)))
    real = np.zeros(0, dtype).real.dtype
    x, w = (random.standard_normal((2, *s)).astype(real) for s in (geometry.input_shape(2), geometry.weight_shape))
    y = PATHS[name].conv(x[0] + 1j * x[1], w[0] + 1j * w[1], geometry)
    assert y.dtype == dtype
    true = [[definition.conv(exact(a), exact(b), geometry) for b in w] for a in x]
    # every real product goes through complex arithmetic that rounds at most 2 more times than its own
    bound = 2 * sum(rounding.conv_bound(a, b, geometry, path=name) for a, b in product(x, w))
    checks.check_within(y.real, true[0][0] - true[1][1], bound)
    checks.check_within(y.imag, true[0][1] + true[1][0], bound)


@pytest.mark.parametrize("name", TRANSFORMED)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_gradient_wrong_by_a_twentieth_of_a_percent_is_seen(name, dtype):
    """In its largest entry: these bounds do not get smaller where products cancel."""
    random = np.random.default_rng(0)
    geometry = Geometry((6, 5), (3, 3), in_channels=2, out_channels=3)
    g, w = (random.standard_normal(s).astype(dtype) for s in (geometry.output_shape(2), geometry.weight_shape))
    true = definition.input_gradient(exact(g), exact(w), geometry)
    ours, bound = (
        PATHS[name].input_gradient(g, w, geometry),
        rounding.input_gradient_bound(g, w, geometry, path=name),
    )
    checks.check_within(ours, true, bound)
    ours.flat[abs(ours).argmax()] *= 1.0005
    with pytest.raises(AssertionError, match=r"off by"):
        checks.check_within(ours, true, bound)


@pytest.mark.parametrize("name", TRANSFORMED)
def test_a_bias_has_its_part_in_the_bound(name):
    random = np.random.default_rng(0)
    geometry = Geometry((4, 5), (3, 3), in_channels=2, out_channels=3)
    x, w, b = (
        random.standard_normal(s).astype(np.float32) for s in (geometry.input_shape(2), geometry.weight_shape, 3)
    )
    b *= 2**20
    true = definition.conv(exact(x), exact(w), geometry) + exact(b)[:, None, None]
    bound = rounding.conv_bound(x, w, geometry, b, path=name)
    checks.check_within(nm.conv(x, w, b, path=name), true, bound)
    assert (bound < 2.0**-24 * 2 * 2**22).all()
    with pytest.raises(AssertionError, match="off by"):
        checks.check_within(nm.conv(x, w, b, path=name), true, rounding.conv_bound(x, w, geometry, path=name))


@pytest.mark.parametrize("name", TRANSFORMED)
def test_where_a_path_could_overflow_its_bound_is_infinite(name):
    geometry = Geometry((4, 5), (3, 3))
    x, w = np.ones(geometry.input_shape(1), np.float32), np.ones(geometry.weight_shape, np.float32)
    assert np.isinf(rounding.conv_bound(x * np.float32(2.0**126), w, geometry, path=name)).all()
    assert np.isfinite(rounding.conv_bound(x * np.float32(2.0**100), w, geometry, path=name)).all()


def test_a_transform_that_could_overflow_has_no_bound_though_its_products_would_be_nothing():
    """F(2, 3) enlarges inputs by 2 and kernels by 3/2 on each of two axes."""
    geometry, largest = Geometry((4, 5), (3, 3)), np.finfo(np.float32).max
    x, w = np.zeros(geometry.input_shape(1), np.float32), np.zeros(geometry.weight_shape, np.float32)
    for share, finite in ((3.9, False), (4.1, True)):
        bound = rounding.conv_bound(x + np.float32(largest / share), w, geometry, path="winograd2")
        assert np.isfinite(bound).all() == finite
    for share, finite in ((2.2, False), (2.3, True)):
        bound = rounding.conv_bound(x, w + np.float32(largest / share), geometry, path="winograd2")
        assert np.isfinite(bound).all() == finite


def test_there_is_no_bound_for_integers_or_for_a_path_that_has_none(monkeypatch):
    x = np.ones((1, 1, 3))
    with pytest.raises(TypeError, match="real floating-point types, got int64"):
        rounding.conv_bound(x.astype(int), x.astype(int), Geometry((3,), (3,)), path="fft")
    monkeypatch.setitem(PATHS, "other", definition)
    with pytest.raises(TypeError, match="there is no bound for the path 'other'"):
        rounding.conv_bound(x, x, Geometry((3,), (3,)), path="other")
