"""Rows for the sums of products and the pooling: the true values are sums of integers, or fractions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, get_args

import numpy as np

import numeric as nm
from numeric import Geometry, rounding
from numeric.paths import PATHS
from numeric.plane import Mode
from tests.scale.cases import FLOATS, KINDS, Row, Shapes

BATCH = 20

LAYER = Geometry((11, 6), (3, 2), (2, 1), (1, 2), ((1, 0), (0, 2)), in_channels=4, out_channels=6, groups=2)
WRAPPED = Geometry((3, 5), (2, 3), (1, 2), 1, ((4, 0), (1, 3)), 4, 6, 2, "circular")
BROAD = Geometry((8, 6), (7, 5), in_channels=12, out_channels=26, groups=2)  # many weights, each of few products
WINDOWS = Geometry((11, 6), (3, 2), (1, 2), (1, 2), ((1, 0), (0, 2)))
PEAKS = np.random.default_rng(1).random((BATCH, 3, *WINDOWS.input_size)) ** 9  # a few win many windows

# FFT has one bound for all entries, Winograd's counts the longest way through its matrices
LEAST = {"fft": 1 / 10, "winograd2": 1 / 10, "winograd4": 1 / 100}


def _layer(geometry: Geometry, batch: int, names: str, kinds: str = "") -> Shapes:
    """Shapes of arrays of those names, of a layer's arrays of those kinds, or of the same names.

    `own` are the weights of a locally connected layer, `transposed` the bias of a transposed one.
    """
    own = (*geometry.weight_shape[:2], *geometry.output_size, *geometry.kernel_size)
    sizes = {"x": geometry.input_shape(batch), "g": geometry.output_shape(batch), "w": geometry.weight_shape}
    shapes = {**sizes, "own": own, "bias": (geometry.out_channels,), "transposed": (geometry.in_channels,)}
    return {name: shapes[kind] for name, kind in zip(names.split(), (kinds or names).split(), strict=True)}


def _options(geometry: Geometry) -> Any:
    return {name: getattr(geometry, name) for name in ("stride", "dilation", "padding", "groups", "boundary")}


def layer() -> list[Row]:
    """The layer and its gradients."""
    options, size = _options(LAYER), LAYER.input_size
    return [
        Row(
            "conv_bound",
            lambda x, w, bias: nm.conv(x, w, bias, **options),
            lambda x, w, bias: rounding.conv_bound(x, w, LAYER, bias),
            _layer(LAYER, BATCH, "x w bias"),
        ),
        Row(
            "input_gradient_bound",
            lambda g, w: nm.conv_input_gradient(g, w, size, **options),
            lambda g, w: rounding.input_gradient_bound(g, w, LAYER),
            _layer(LAYER, BATCH, "g w"),
        ),
        Row(
            "weight_gradient_bound",
            lambda g, x: nm.conv_weight_gradient(g, x, BROAD.kernel_size, groups=BROAD.groups),
            lambda g, x: rounding.weight_gradient_bound(g, x, BROAD),
            _layer(BROAD, 2, "g x"),
        ),
        Row("bias_gradient_bound", nm.conv_bias_gradient, rounding.bias_gradient_bound, {"g": (2, 3000, 2, 2)}, 1),
        Row(
            "conv_double_backward_bound",
            lambda *arrays: nm.conv_double_backward(*arrays, **_options(LAYER)),
            lambda *arrays: rounding.conv_double_backward_bound(*arrays, LAYER),
            _layer(LAYER, BATCH, "ddx ddw g x w", "x w g x w"),
            leading=("ddx", "g", "x"),
        ),
    ]


def transposed() -> list[Row]:
    """The transposed layer, whose x is a cotangent of the layer."""
    extra = [axis.remainder for axis in LAYER.axes]
    return [
        Row(
            "conv_transpose_bound",
            lambda x, w, bias: nm.conv_transpose(x, w, bias, output_padding=extra, **_options(LAYER)),
            lambda x, w, bias: rounding.conv_transpose_bound(x, w, LAYER, bias),
            _layer(LAYER, BATCH, "x w bias", "g w transposed"),
        ),
        Row(
            "conv_transpose_input_gradient_bound",
            lambda g, w: nm.conv_transpose_input_gradient(g, w, **_options(LAYER)),
            lambda g, w: rounding.conv_transpose_input_gradient_bound(g, w, LAYER),
            _layer(LAYER, BATCH, "g w", "x w"),
        ),
        Row(
            "conv_transpose_weight_gradient_bound",
            lambda g, x: nm.conv_transpose_weight_gradient(g, x, BROAD.kernel_size, groups=BROAD.groups),
            lambda g, x: rounding.conv_transpose_weight_gradient_bound(g, x, BROAD),
            _layer(BROAD, 2, "g x", "x g"),
        ),
    ]


def dense() -> list[Row]:
    """Every output reads every input."""
    shapes: Shapes = {"x": (60, 7), "w": (55, 7), "bias": (55,)}
    return [
        Row("dense_bound", nm.dense, rounding.dense_bound, shapes),
        Row(
            "dense_input_gradient_bound",
            nm.dense_input_gradient,
            rounding.dense_input_gradient_bound,
            {"g": (60, 7), "w": (7, 55)},
        ),
        Row(
            "dense_weight_gradient_bound",
            nm.dense_weight_gradient,
            rounding.dense_weight_gradient_bound,
            {"g": (7, 60), "x": (7, 55)},
        ),
        Row(
            "dense_bias_gradient_bound", nm.dense_bias_gradient, rounding.dense_bias_gradient_bound, {"g": (7, 3000)}, 1
        ),
    ]


def local() -> list[Row]:
    """Weights of their own at every position."""
    options = _options(LAYER)
    return [
        Row(
            "locally_connected_bound",
            lambda x, w: nm.locally_connected(x, w, **options),
            lambda x, w: rounding.locally_connected_bound(x, w, LAYER),
            _layer(LAYER, BATCH, "x own"),
        ),
        Row(
            "locally_connected_input_gradient_bound",
            lambda g, w: nm.locally_connected_input_gradient(g, w, LAYER.input_size, **options),
            lambda g, w: rounding.locally_connected_input_gradient_bound(g, w, LAYER),
            _layer(LAYER, BATCH, "g own"),
        ),
        Row(
            "locally_connected_weight_gradient_bound",
            lambda g, x: nm.locally_connected_weight_gradient(g, x, LAYER.kernel_size, **options),
            lambda g, x: rounding.locally_connected_weight_gradient_bound(g, x, LAYER),
            _layer(LAYER, 7, "g x"),
        ),
    ]


def pooling() -> list[Row]:
    """Averages with padding left out and with padding counted, one after the other; and who won."""
    options = {name: getattr(WINDOWS, name) for name in ("stride", "dilation", "padding", "boundary")}
    kernel, size = WINDOWS.kernel_size, WINDOWS.input_size
    g = {"g": (BATCH, 3, *WINDOWS.output_size)}

    def both(function: Callable[..., Any]) -> Callable[..., Any]:
        return lambda array: tuple(function(array, counted) for counted in (False, True))

    return [
        Row(
            "average_pool_bound",
            both(lambda x, counted: nm.average_pool(x, kernel, count_padding=counted, **options)),
            both(lambda x, counted: rounding.average_pool_bound(x, WINDOWS, counted)),
            {"x": (BATCH, 3, *size)},
            1,
            "fractions",
        ),
        Row(
            "average_pool_input_gradient_bound",
            both(lambda g, counted: nm.average_pool_input_gradient(g, size, kernel, count_padding=counted, **options)),
            both(lambda g, counted: rounding.average_pool_input_gradient_bound(g, WINDOWS, counted)),
            g,
            1,
            "fractions",
        ),
        Row(
            "max_pool_input_gradient_bound",
            lambda g: nm.max_pool_input_gradient(g, PEAKS, kernel, **options),
            lambda g: rounding.max_pool_input_gradient_bound(g, PEAKS, WINDOWS),
            g,
            1,
        ),
    ]


def plane() -> list[Row]:
    """All modes, one after the other."""

    def modes(function: Callable[..., Any]) -> Callable[..., Any]:
        return lambda x, k: tuple(function(x, k, mode) for mode in get_args(Mode))

    shapes: Shapes = {"x": (32, 33), "k": (2, 3)}
    return [
        Row("convolve_bound", modes(nm.convolve), modes(rounding.convolve_bound), shapes),
        Row("correlate_bound", modes(nm.correlate), modes(rounding.correlate_bound), shapes),
    ]


def path(name: str) -> list[Row]:
    """The layer by another algorithm, against the sums themselves; Winograd's takes few layers."""
    small = Geometry((9, 8), (3, 3), 1, 1, ((1, 0), (0, 2)), in_channels=4, out_channels=6, groups=2)
    layer = small if PATHS[name].supports(LAYER) else LAYER if name == "fft" else WRAPPED
    many = Geometry((5, 4), (3, 3), in_channels=36, out_channels=44, groups=2)
    options, size = _options(layer), layer.input_size
    common: Any = {
        "least": LEAST.get(name, 1 / 2),
        **({"floats": FLOATS[1:], "kinds": [k for k in KINDS if k != "wide"]} if name == "winograd4" else {}),
    }
    return [
        Row(
            f"conv_bound {name}",
            lambda x, w, bias: nm.conv(x, w, bias, path=name, **options),
            lambda x, w, bias: rounding.conv_bound(x, w, layer, bias, path=name),
            _layer(layer, BATCH, "x w bias"),
            exact=lambda x, w, bias: nm.conv(x, w, bias, **options),
            **common,
        ),
        Row(
            f"input_gradient_bound {name}",
            lambda g, w: nm.conv_input_gradient(g, w, size, path=name, **options),
            lambda g, w: rounding.input_gradient_bound(g, w, layer, path=name),
            _layer(layer, BATCH, "g w"),
            exact=lambda g, w: nm.conv_input_gradient(g, w, size, **options),
            **common,
        ),
        Row(
            f"weight_gradient_bound {name}",
            lambda g, x: nm.conv_weight_gradient(g, x, 3, path=name, groups=2),
            lambda g, x: rounding.weight_gradient_bound(g, x, many, path=name),
            _layer(many, 2, "g x"),
            exact=lambda g, x: nm.conv_weight_gradient(g, x, 3, groups=2),
            **common,
        ),
    ]


ROWS = [
    *layer(),
    *transposed(),
    *dense(),
    *local(),
    *pooling(),
    *plane(),
    *(row for name in PATHS if name not in ("im2col", "definition") for row in path(name)),
]
