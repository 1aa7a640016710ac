"""The FFT path: exact with an exact transform, and NumPy's transforms within the error that its bound assumes."""

from fractions import Fraction
from functools import cache

import numpy as np
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st

from numeric import Geometry, definition, rounding
from numeric.paths import PATHS
from numeric.paths.fft import CELLS, Fourier, expect_exact, sizes, transform_error
from numeric.rounding.paths import fourier_bound
from numeric.threads import SHARES
from tests import checks, strategies
from tests.strategies import exact


class Modular(Fourier):
    """The FFT path with an exact transform: modulo a prime that has roots of unity of every order that is needed."""

    prime = 2147558401  # 99424 * 21600 + 1, with 21600 = 2**5 * 3**3 * 5**2

    def numbers(self, a, b):
        """Python's integers."""
        return a.astype(object), b.astype(object)

    def forward(self, array):
        """Sums of the entries times roots of unity."""
        return self._transform(array, array.shape[2:], 1)

    def inverse(self, points, circle, _):
        """The same with inverse roots, as the integers nearest to zero."""
        found = self._transform(points, circle, -1) * pow(int(np.prod(circle)), -1, self.prime) % self.prime
        return np.where(found > self.prime // 2, found - self.prime, found)

    def _transform(self, array, circle, sign):
        for size in circle:
            root = pow(_generator(self.prime), sign * (self.prime - 1) // size, self.prime)
            matrix = np.array([[pow(root, i * j, self.prime) for j in range(size)] for i in range(size)], object)
            array = np.moveaxis(array, 2, -1) @ matrix % self.prime  # which is symmetric
        return array


@cache
def _generator(prime):
    factors = sympy.primefactors(prime - 1)
    return next(g for g in range(2, prime) if all(pow(g, (prime - 1) // f, prime) != 1 for f in factors))


@given(st.data())
def test_the_fft_path_is_exact_with_an_exact_transform(data):
    """Its places, signs, channels and tiles are right for reasons that have nothing to do with rounding."""
    assert sympy.isprime(Modular.prime)
    case, cells = data.draw(strategies.layers(most=1500)), data.draw(st.sampled_from([1, 9, 25, CELLS]))
    values = {name: array.astype(object) for name, array in data.draw(strategies.values(case)).items()}
    checks.check_computes_the_definition(Modular(cells, 2), case, values)


@given(st.data())
def test_tiles_are_as_small_as_asked_for_and_as_large_as_the_kernel(data):
    geometry, cells = data.draw(strategies.layers()).geometry, data.draw(st.sampled_from([1, 9, 25, CELLS]))
    tile = Fourier(cells, 2).tiling(geometry, 4).layer
    for circle, axis, size in zip(sizes(tile), geometry.axes, Fourier(cells, 2).outputs(geometry), strict=True):
        assert 1 <= size <= max(axis.output_size, 1)
        enough = max(cells ** (1 / geometry.ndim), 2 * axis.span - 1)
        assert circle <= enough or (size == axis.output_size and axis.stride * (size - 1) + axis.span <= enough)


@given(data=st.data(), cells=st.sampled_from([1, 16, 36]), dtype=st.sampled_from([np.float32, np.float64]))
def test_tiles_stay_within_their_bound(data, cells, dtype):
    """What `numeric.rounding` says of tiles, for tiles that are smaller than a processor's cache would ask for."""
    case = data.draw(strategies.layers(most=400))
    random = np.random.default_rng(data.draw(st.integers(0, 99)))
    of = {name: random.standard_normal(shape).astype(dtype) for name, shape in case.shapes().items()}
    true = {name: exact(array) for name, array in of.items()}
    for name, (a, b) in {"conv": "xw", "weight_gradient": "gx", "input_gradient": "gw"}.items():
        found = getattr(Fourier(cells, 2), name)(of[a], of[b], case.geometry)
        bound = fourier_bound(name, of[a], of[b], case.geometry, np.dtype(dtype), Fourier(cells, 2))
        checks.check_within(found, getattr(definition, name)(true[a], true[b], case.geometry), bound)


def test_a_large_layer_is_cut_and_its_integers_are_exact():
    """Two tiles at least on each axis, at the size that ships, and more blocks of them than sums of tiles."""
    random = np.random.default_rng(0)
    geometry = Geometry((300, 281), (5, 3), stride=(1, 2), dilation=(2, 1), padding=((3, 9), 1), in_channels=2)
    assert min(-(-n // m) for n, m in zip(geometry.output_size, PATHS["fft"].outputs(geometry), strict=True)) > 1
    assert len(PATHS["fft"].tiling(geometry, 8).blocks(5)) > SHARES
    x, w, g = (
        random.integers(-4, 5, shape)
        for shape in (geometry.input_shape(5), geometry.weight_shape, geometry.output_shape(5))
    )
    for name, a, b in (("conv", x, w), ("weight_gradient", g, x), ("input_gradient", g, w)):
        ours, expected = (getattr(PATHS[path], name)(a, b, geometry) for path in ("fft", "im2col"))
        checks.check_same(ours, expected)


@given(st.data())
def test_circles_hold_the_padded_input_and_have_small_factors(data):
    geometry = data.draw(strategies.layers()).geometry
    for circle, axis in zip(sizes(geometry), geometry.axes, strict=True):
        assert circle >= axis.padded_size
        assert set(sympy.primefactors(circle)) <= {2, 3, 5}
        assert all(set(sympy.primefactors(n)) - {2, 3, 5} for n in range(axis.padded_size, circle))


def test_the_error_of_a_transform_is_the_formula():
    """13 units for every doubling and 3 more, and what those lose in turn; with units so large that it shows."""
    lost = Fraction(13 * (3 + 2) + 3, 2**10)
    assert transform_error((8, 4), 2.0**-10) == float(lost / (1 - lost))
    assert transform_error((2,), 2.0**-4) == np.inf  # 16 units: all of it
    assert transform_error((4,), 2.0**-4) == np.inf


def test_integers_on_a_circle_are_refused_by_what_its_padding_repeats():
    """A circle of 3 that is read in three turns: the norm that counts is that of 9 cells."""
    geometry, unit = Geometry((3,), (1,), padding=((0, 6),), boundary="circular"), rounding.unit_roundoff(float)
    relative = 2 * (3 * transform_error((9,), unit) + 2 * (1 + 5) * unit)
    largest, w = int(1 / (2 * relative * 9**0.5)), np.ones((1, 1, 1), int)
    assert (PATHS["fft"].conv(np.full((1, 1, 3), largest), w, geometry) == largest).all()
    with pytest.raises(ValueError, match="its error is below 1/2"):
        PATHS["fft"].conv(np.full((1, 1, 3), largest + 2 + largest // 9), w, geometry)


def test_integers_are_refused_from_the_bound_on():
    """Of two samples and their channels the largest norms count; the bound is 1/2 between two integers."""
    unit, terms, circle = rounding.unit_roundoff(float), 7, (4, 2)
    relative = 2 * (3 * transform_error(circle, unit) + 2 * (terms + 5) * unit)
    largest = int(1 / (2 * relative * terms * 5))
    a, b = np.zeros((2, 3, *circle), int), np.zeros((5, 3, *circle), int)
    a[1, 2, 1:3, 1], a[0, 1, 3, 0] = (3, -4), 4  # 2-norms 5 and 4
    b[4, 0, :2, 1], b[2, 1, 0, 0] = (1, 1 - largest), largest - 1  # 1-norms `largest` and one less
    expect_exact(a, b, circle, terms)
    expect_exact(np.zeros_like(a), 2 * b, circle, terms)
    expect_exact(2 * a, np.zeros_like(b), circle, terms)
    b[4, 0, 3, 0] = 1
    with pytest.raises(ValueError, match=r"its error is below 1/2, got 0\.5; the other paths are exact"):
        expect_exact(a, b, circle, terms)


@pytest.mark.parametrize("size", [2, 8, 45, 96, 100, 243, 320])
@pytest.mark.parametrize("real", [True, False])
def test_transforms_stay_within_their_error(size, real):
    """NumPy's float64 transforms against those of NumPy's longdouble, whose own error is as much smaller."""
    random = np.random.default_rng(size)
    unit = rounding.unit_roundoff(np.float64)
    tiny = float(np.finfo(np.longdouble).eps) / 2
    matrix = _roots(size)[: size // 2 + 1 if real else size]
    for _ in range(20):
        x = random.standard_normal(size) * 2.0 ** random.integers(-20, 20, size)
        x = x if real else x + 1j * random.standard_normal(size)
        true = matrix @ x
        found = PATHS["fft"].forward(x[None, None])[0, 0]
        # the sums of the reference: size products each, all in longdouble
        slack = 8 * size * tiny * float(np.abs(x).sum()) * size**0.5
        whole = float(np.linalg.norm(x)) * size**0.5
        assert float(np.sqrt((np.abs(found - true) ** 2).sum())) <= transform_error((size,), unit) * whole + slack


def _roots(size):
    """All roots of unity, as exact angles in longdouble."""
    turns = np.arange(size)[:, None] * np.arange(size)[None] % size
    angle = -2 * np.arctan2(np.longdouble(0), np.longdouble(-1)) * turns / size
    return np.cos(angle) + 1j * np.sin(angle)
