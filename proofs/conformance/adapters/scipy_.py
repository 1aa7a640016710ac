"""SciPy: `scipy.signal.correlate` as the layer and `convolve` as the transposed one. Flavours: direct, fft.

SciPy has no strides, no dilation and no gradients, but any number of axes, and a mode that says the padding. The
channels of a group are one of the axes where the mode is valid; in other modes, and for the transposed layer, a group
has one.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import scipy
from scipy import signal

from numeric.dtypes import Array
from numeric.geometry import Geometry
from proofs.conformance.adapters.host import Host, only_host
from proofs.conformance.adapters.operations import Operation
from proofs.conformance.target import TargetError

METHODS = ("auto", "direct", "fft")


def load(
    rest: str, *, dtype: str = "float32", device: str | None = None, layout: str | None = None, op: str | None = None
) -> Host:
    """Make the target."""
    method = rest or "auto"
    if method not in METHODS:
        raise TargetError(f"scipy has the methods {', '.join(METHODS)}; got {method!r}")
    if layout == "NHWC":
        raise TargetError("scipy has no layout of channels: leave it out")
    only_host("scipy", dtype, device, ("float64", "float32", "int64"))
    run: dict[str, Callable[..., Array]] = {
        "conv": lambda geometry, x, w: _conv(geometry, x, w, method),
        "conv_transpose": lambda geometry, g, w: _conv_transpose(geometry, g, w, method),
    }
    versions = {"scipy": scipy.__version__, "method": method}
    return Host(f"scipy:{rest}" if rest else "scipy", dtype, run, Operation.named(op), "NCHW", refuses, versions)


def refuses(function: str, geometry: Geometry) -> str:
    """What SciPy has no words for."""
    if geometry.boundary != "zero":
        return "no circular boundary"
    if any(n > 1 for n in (*geometry.stride, *geometry.dilation)):
        return "scipy.signal has neither strides nor dilation"
    mode = (_correlate_mode if function == "conv" else _convolve_mode)(geometry)
    if mode is None:
        return f"scipy.signal pads as valid, same or full, not {geometry.padding}"
    channels = geometry.group_in if function == "conv" else geometry.group_out
    if channels > 1 and (function, mode) != ("conv", "valid"):
        return f"scipy.signal would pad the channels too in mode {mode}, and the layer sums {channels} of them"
    return ""


def _correlate_mode(geometry: Geometry) -> str | None:
    modes = {
        "valid": tuple((0, 0) for _ in geometry.kernel_size),
        "same": tuple((k // 2, (k - 1) // 2) for k in geometry.kernel_size),
        "full": tuple((k - 1, k - 1) for k in geometry.kernel_size),
    }
    return next((mode for mode, padding in modes.items() if padding == geometry.padding), None)


def _convolve_mode(geometry: Geometry) -> str | None:
    """What is full for the input of a convolution is valid for the transposed layer's, and the other way round."""
    modes = {
        "full": tuple((0, 0) for _ in geometry.kernel_size),
        "same": tuple(((k - 1) // 2, k // 2) for k in geometry.kernel_size),
        "valid": tuple((k - 1, k - 1) for k in geometry.kernel_size),
    }
    return next((mode for mode, padding in modes.items() if padding == geometry.padding), None)


def _conv(geometry: Geometry, x: Array, w: Array, method: str) -> Array:
    """In mode valid, the channels are an axis that the kernel fits exactly; in the others there is one of them."""
    mode, y = _correlate_mode(geometry), np.empty(geometry.output_shape(len(x)), np.result_type(x, w))
    for n, c in np.ndindex(y.shape[:2]):
        start = geometry.reads_channel(c, 0)
        y[n, c] = signal.correlate(x[n, start : start + geometry.group_in], w[c], mode, method)[0]
    return y


def _conv_transpose(geometry: Geometry, g: Array, w: Array, method: str) -> Array:
    mode, y = _convolve_mode(geometry), np.empty(geometry.input_shape(len(g)), np.result_type(g, w))
    for n, i in np.ndindex(y.shape[:2]):
        c, j = divmod(i, geometry.group_in)  # one output channel per group
        y[n, i] = signal.convolve(g[n, c], w[c, j], mode, method)
    return y
