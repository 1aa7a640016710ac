"""ONNX Runtime: the operators Conv, ConvTranspose, AveragePool and MaxPool, forward only.

A model of one operator is built for each layer, with the batch left open, and its session kept.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import onnx
import onnxruntime
from onnx import TensorProto, helper

from numeric.dtypes import Array
from numeric.geometry import Geometry
from proofs.conformance.adapters.host import Host
from proofs.conformance.adapters.operations import OPERANDS, Operation, refuse_circular, remainder
from proofs.conformance.functions import shape
from proofs.conformance.target import TargetError

OPSET = 19  # the first in which average pooling has dilation
_OPERATORS = {"conv": "Conv", "conv_transpose": "ConvTranspose", "average_pool": "AveragePool", "max_pool": "MaxPool"}
_TYPES = {"float64": TensorProto.DOUBLE, "float32": TensorProto.FLOAT, "float16": TensorProto.FLOAT16}
_PROVIDERS = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider", "gpu": "CUDAExecutionProvider"}


def load(
    rest: str, *, dtype: str = "float32", device: str | None = None, layout: str | None = None, op: str | None = None
) -> Host:
    """Make the target; `device` is cpu, cuda, or a provider's name."""
    if rest:
        raise TargetError(f"onnxruntime has no flavours, got {rest!r}")
    if layout == "NHWC":
        raise TargetError("ONNX's layout is NCHW")
    if dtype not in _TYPES:
        raise TargetError(f"onnxruntime has the types {', '.join(_TYPES)} here; got {dtype!r}")
    provider = _PROVIDERS.get((device or "cpu").lower(), device)
    if provider not in onnxruntime.get_available_providers():
        available = ", ".join(onnxruntime.get_available_providers())
        raise TargetError(f"onnxruntime has no provider for {device!r} here, only {available}")
    run = {function: _runner(function, dtype, str(provider)) for function in _OPERATORS}
    versions = {"onnxruntime": onnxruntime.__version__, "onnx": onnx.__version__, "device": str(provider)}
    return Host("onnxruntime", dtype, run, Operation.named(op), refuses=_refuses, versions=versions)


def _refuses(_function: str, geometry: Geometry) -> str:
    return refuse_circular(geometry)


def _runner(function: str, dtype: str, provider: str) -> Callable[..., Array]:
    session = lru_cache(maxsize=64)(lambda geometry: _session(function, geometry, dtype, provider))

    def run(geometry: Geometry, *arrays: Array) -> Array:
        result: Array = session(geometry).run(None, dict(zip(OPERANDS[function], arrays, strict=True)))[0]
        return result

    return run


def _session(function: str, geometry: Geometry, dtype: str, provider: str) -> Any:
    """Session that runs nowhere but on the provider, unless that hands an operator to the CPU itself."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # what it raises is enough
    return onnxruntime.InferenceSession(_model(function, geometry, dtype), options, providers=[provider])


def _model(function: str, geometry: Geometry, dtype: str) -> bytes:
    """Model of one operator."""
    letters, gives = OPERANDS[function], "x" if function == "conv_transpose" else "g"
    inputs = [_value(letter, letter, geometry, dtype) for letter in letters]
    node = helper.make_node(_OPERATORS[function], letters, ["y"], **_attributes(function, geometry))
    graph = helper.make_graph([node], function, inputs, [_value("y", gives, geometry, dtype)])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=9)
    return bytes(model.SerializeToString())


def _value(name: str, letter: str, geometry: Geometry, dtype: str) -> Any:
    sizes: list[Any] = list(shape(letter, geometry, 1))
    return helper.make_tensor_value_info(name, _TYPES[dtype], sizes if letter == "w" else ["batch", *sizes[1:]])


def _attributes(function: str, geometry: Geometry) -> dict[str, Any]:
    lows, highs = zip(*geometry.padding, strict=True)
    attributes: dict[str, Any] = {
        "kernel_shape": geometry.kernel_size,
        "strides": geometry.stride,
        "dilations": geometry.dilation,
        "pads": (*lows, *highs),
    }
    if function.startswith("conv"):
        attributes["group"] = geometry.groups
    if function == "conv_transpose":
        attributes["output_padding"] = remainder(geometry)
    if function == "average_pool":
        attributes["count_include_pad"] = 0
    return attributes
