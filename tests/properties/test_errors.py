"""Arguments that do not fit: an error before any work, saying what was expected, what came, and the geometry."""

import numpy as np
import pytest

import numeric as nm
from numeric import Geometry, GeometryError

X = np.ones((2, 3, 5, 4))
W = np.ones((6, 3, 3, 2))
G = np.ones((2, 6, 3, 3))

CASES = {
    "kernel does not fit": (
        lambda: Geometry((5, 4), (3, 3), dilation=(1, 2), padding=((0, 0), (0, 0))),
        (
            r"the kernel does not fit: on spatial axis 1 it spans 5 cells \(size 3, dilation 2\), but the padded "
            r"input has 4 \(size 4, padding 0 and 0\)"
        ),
    ),
    "cropped away": (
        lambda: Geometry((4,), (3,), padding=((-1, -1),)),
        "padded input has 2 .size 4, padding -1 and -1",
    ),
    "zero stride": (lambda: Geometry((4,), (3,), stride=0), "stride must be at least 1, got 0"),
    "negative dilation": (lambda: Geometry((4,), (3,), dilation=-1), "dilation must be at least 1, got -1"),
    "empty kernel": (lambda: Geometry((4,), (0,)), "kernel_size must be at least 1, got 0"),
    "fraction": (
        lambda: Geometry((4,), (3,), stride=1.5),
        "stride must be an integer or one entry per axis, got 1.5",
    ),
    "true": (
        lambda: Geometry((4,), (3,), stride=True),
        "stride must be an integer or one entry per axis, got True",
    ),
    "no axes": (lambda: Geometry((), ()), "input_size has 0 entries for at least one axes"),
    "one entry too few": (lambda: Geometry((4, 4), (3,)), r"kernel_size has 1 entries for 2 axes: \(3,\)"),
    "padding entries": (
        lambda: Geometry((4, 4), (3, 3), padding=(1, 1, 1)),
        "padding has 3 entries for 2 axes",
    ),
    "padding triple": (
        lambda: Geometry((4,), (3,), padding=((1, 2, 3),)),
        r"a number or \(low, high\), got \(1, 2, 3\)",
    ),
    "padding name": (lambda: Geometry((4,), (3,), padding="SAME"), "one of 'valid', 'same', 'full'; got 'SAME'"),
    "padding fraction": (lambda: Geometry((4,), (3,), padding=((0.5, 1),)), "padding must be an integer, got 0.5"),
    "padding of every axis": (
        lambda: Geometry((4,), (3,), padding=1.5),
        "padding must be an integer or one entry per axis, got 1.5",
    ),
    "padding of an axis": (
        lambda: Geometry((4,), (3,), padding=(1.5,)),
        "padding must be an integer or one entry per axis, got 1.5",
    ),
    "padding at the high end": (
        lambda: Geometry((4,), (3,), padding=((1, 0.5),)),
        "padding must be an integer, got 0.5",
    ),
    "boundary": (
        lambda: Geometry((4,), (3,), boundary="wrap"),
        "boundary must be one of 'zero', 'circular'; got 'wrap'",
    ),
    "groups of inputs": (
        lambda: Geometry((4,), (3,), in_channels=3, out_channels=4, groups=2),
        "in_channels=3 is not divisible by groups=2",
    ),
    "groups of outputs": (
        lambda: Geometry((4,), (3,), in_channels=4, out_channels=3, groups=2),
        "out_channels=3 is not divisible by groups=2",
    ),
    "no batch axis": (
        lambda: nm.conv(X[0], W[0]),
        r"as many axes; got x \(3, 5, 4\) and w \(3, 3, 2\)|w must have shape",
    ),
    "number of axes": (lambda: nm.conv(X, W[..., 0]), r"got x \(2, 3, 5, 4\) and w \(6, 3, 3\)"),
    "channels": (
        lambda: nm.conv(X, W[:, :2]),
        r"w must have shape \(6, 3, 3, 2\), got \(6, 2, 3, 2\), for Geometry\(input_size=\(5, 4\)",
    ),
    "bias": (lambda: nm.conv(X, W, np.ones(3)), r"bias must have shape \(6,\), got \(3,\), for Geometry"),
    "cotangent of dx": (
        lambda: nm.conv_input_gradient(G, W, (6, 4)),
        r"g must have shape \(2, 6, 4, 3\), got \(2, 6, 3, 3\), for Geometry\(input_size=\(6, 4\)",
    ),
    "cotangent of dw": (
        lambda: nm.conv_weight_gradient(G, X, (2, 2)),
        r"g must have shape \(2, 6, 4, 3\), got \(2, 6, 3, 3\)",
    ),
    "batch of dw": (
        lambda: nm.conv_weight_gradient(G[:1], X, (3, 2)),
        r"g must have shape \(2, 6, 3, 3\), got \(1, 6, 3, 3\)",
    ),
    "input size": (lambda: nm.conv_input_gradient(G, W, (5,)), r"input_size has 1 entries for 2 axes: \(5,\)"),
    "channels of g": (
        lambda: nm.conv_input_gradient(G[:, :4], W, (5, 4)),
        r"g must have shape \(2, 6, 3, 3\), got \(2, 4, 3, 3\)",
    ),
    "flat g": (
        lambda: nm.conv_bias_gradient(np.ones((2, 3))),
        r"g must have a batch, a channel and at least one spatial axis; got shape \(2, 3\)",
    ),
    "empty input of dx": (lambda: nm.conv_input_gradient(G, W, 0), "input_size must be at least 1, got 0"),
    "input size as a fraction": (
        lambda: nm.conv_input_gradient(G, W, 5.0),
        "input_size must be an integer or one entry per axis",
    ),
    "flat w": (lambda: nm.conv_input_gradient(G, W[0, 0, 0], 5), r"w must be .out_channels.*got shape \(2,\)"),
    "groups of g": (lambda: nm.conv_input_gradient(G, W, (5, 4), groups=0), "groups must be at least 1, got 0"),
    "no channels": (lambda: Geometry((4,), (3,), in_channels=0), "in_channels must be at least 1, got 0"),
    "empty input": (lambda: Geometry((0,), (1,), padding=1), "input_size must be at least 1, got 0"),
    "a list of paths": (lambda: nm.conv(X, W, path=["im2col"]), "path must be one of"),
    "boundary array": (lambda: Geometry((4,), (3,), boundary=np.zeros(2)), "boundary must be one of"),
    "offset fraction": (lambda: nm.shift(X, 1.5), "offset must be an integer or one entry per axis, got 1.5"),
    "offset entry": (lambda: nm.shift([1, 2], [1.5]), "offset must be an integer, got 1.5"),
    "shift of a number": (lambda: nm.shift(1, 1), "at least one axis, got a single number"),
    "axes beyond": (lambda: nm.rot180([1, 2], axes=1), "axes must be from -1 to 0, got 1"),
    "axes below": (lambda: nm.shift([1, 2], 1, axes=-2), "axes must be at least -1, got -2"),
    "transposed shapes": (
        lambda: nm.conv_transpose(X, W[..., 0]),
        r"\(in_channels, out_channels // groups, \*kernel\) with as many axes; got x \(2, 3, 5, 4\) and w \(6, 3, 3\)",
    ),
    "transposed groups": (lambda: nm.conv_transpose(G, W, groups=0), "groups must be at least 1, got 0"),
    "transposed groups as a fraction": (
        lambda: nm.conv_transpose(G, W, groups=1.5),
        "groups must be an integer, got 1.5",
    ),
    "transposed channels": (lambda: nm.conv_transpose(X, W), r"g must have shape \(2, 6, 5, 4\), got \(2, 3, 5, 4\)"),
    "transposed bias": (lambda: nm.conv_transpose(G, W, np.ones(6)), r"bias must have shape \(3,\), got \(6,\)"),
    "output padding": (
        lambda: nm.conv_transpose(G, W, stride=2, output_padding=2),
        r"output_padding must be below the stride on each axis, got \(2, 2\) for \(2, 2\)",
    ),
    "output padding below zero": (
        lambda: nm.conv_transpose(G, W, output_padding=-1),
        "output_padding must be at least 0, got -1",
    ),
    "output padding as a fraction": (
        lambda: nm.conv_transpose(G, W, output_padding=0.5),
        "output_padding must be an integer or one entry per axis, got 0.5",
    ),
    "output padding of same": (
        lambda: nm.conv_transpose(G, W, stride=2, padding="same", output_padding=1),
        "output_padding must be 0 with padding 'same', got 1",
    ),
    "nothing left": (lambda: nm.conv_transpose(G[..., :1, :1], W, padding=2), "input_size must be at least 1, got -1"),
    "scalar g": (lambda: nm.conv_input_gradient(1.0, W, (5, 4)), r"g must have a batch.*got shape \(\)"),
    "flat g of dw": (lambda: nm.conv_weight_gradient(G[0, 0], X, (3, 2)), r"g must have a batch.*got shape \(3, 3\)"),
    "flat x": (lambda: nm.conv_weight_gradient(G, X[0, 0], (3, 2)), r"x must have a batch.*got shape \(5, 4\)"),
    "path": (
        lambda: nm.conv(X, W, path="fast"),
        "path must be one of 'auto', 'auto-fast', 'auto-fastest', 'im2col', 'shift', .*; got 'fast'",
    ),
    "mode": (lambda: nm.convolve([1, 2], [1], "wrap"), "mode must be one of 'full', 'same', 'valid'; got 'wrap'"),
    "axes of arrays": (
        lambda: nm.convolve([1, 2], [[1]]),
        r"same number of axes, at least one; got shapes \(2,\) and \(1, 1\)",
    ),
    "no axis": (lambda: nm.correlate(1, 2), r"at least one; got shapes \(\) and \(\)"),
    "valid": (lambda: nm.convolve([1, 2], [1, 2, 3], "valid"), "the kernel does not fit"),
    "offset": (lambda: nm.shift(X, (1, 2)), r"offset has 2 entries for 4 axes: \(1, 2\)"),
    "shift boundary": (lambda: nm.shift([1, 2], 1, "same"), "boundary must be one of 'zero', 'circular'; got 'same'"),
}
TYPE_ERRORS = {
    "text": (lambda: nm.conv(np.full(X.shape, "a"), W), "expected numbers .* got dtype <U1"),
    "dates": (
        lambda: nm.conv_bias_gradient(np.zeros(G.shape, "M8[s]")),
        r"expected numbers .* got dtype datetime64\[s\]",
    ),
    "uint64 and int64": (
        lambda: nm.conv(X.astype(np.uint64), W.astype(np.int64)),
        "no integer type holds both uint64 and int64: convert one of them first",
    ),
    "masked": (lambda: nm.conv(np.ma.masked_less(X, 0), W), "a masked array's mask would be lost: fill it first"),
    "masked shift": (lambda: nm.shift(np.ma.masked_less(X, 0), 1), "a masked array's mask would be lost"),
    "time spans": (
        lambda: nm.conv_bias_gradient(np.zeros(G.shape, "m8[s]")),
        r"expected numbers .* got dtype timedelta64\[s\]",
    ),
    "integers have no bound": (
        lambda: nm.rounding.conv_bound(np.ones((1, 1, 3), int), np.ones((1, 1, 3), int), Geometry((3,), (3,))),
        "real floating-point types, got int64",
    ),
    "bound of integers": (lambda: nm.rounding.unit_roundoff(np.int64), "real floating-point types, got int64"),
}


@pytest.mark.parametrize("name", CASES)
def test_what_does_not_fit_is_a_geometry_error(name):
    call, message = CASES[name]
    with pytest.raises(GeometryError, match=message):
        call()
    assert issubclass(GeometryError, ValueError)


@pytest.mark.parametrize("name", TYPE_ERRORS)
def test_what_is_no_number_is_a_type_error(name):
    call, message = TYPE_ERRORS[name]
    with pytest.raises(TypeError, match=message):
        call()
