"""Classes of torch modules and Keras layers: made for each layer, and called with the weights that are asked for."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Sequence
from typing import Any

from numeric.geometry import Geometry
from proofs.conformance.adapters.autodiff import Backend, Forward
from proofs.conformance.adapters.layouts import Layout
from proofs.conformance.adapters.operations import padding_name, remainder, symmetric
from proofs.conformance.target import TargetError

Refuses = Callable[[str, Geometry], str]


def framework_of(found: Any) -> str:
    """`torch` or `keras` if it is a class of that framework's layers; nothing otherwise.

    A class of either was imported with its framework, so nothing is imported to tell.
    """
    torch, keras = sys.modules.get("torch"), sys.modules.get("keras")
    if torch is not None and isinstance(found, torch.nn.Module):
        raise TargetError(
            f"{type(found).__name__} is a module made already: name its class, so that any layer can be made"
        )
    if not inspect.isclass(found):
        return ""
    if keras is not None and issubclass(found, keras.layers.Layer):
        return "keras"  # also where Keras runs on PyTorch, whose modules its layers are then
    return "torch" if torch is not None and issubclass(found, torch.nn.Module) else ""


def of(cls: Any, kind: str, keras: Any, backend: Backend, layout: Layout) -> tuple[Forward, Refuses]:
    """Forward function of a class, and what its arguments cannot express."""
    if kind == "torch":
        return _torch(cls), _torch_refuses
    if layout == "NCHW":
        raise TargetError("Keras layers are made in their default layout, NHWC")
    return _keras(cls, keras, backend), _keras_refuses


def _torch(cls: Any) -> Forward:
    import torch

    def forward(operation: str, geometry: Geometry, operands: Sequence[Any]) -> Any:
        x, *parameters = operands
        layer = _accepted(cls, _torch_arguments(operation, geometry, len(parameters) > 1)).to(x)
        weights = dict(zip(("weight", "bias"), parameters, strict=False))
        return torch.func.functional_call(layer, weights, (x,))

    return forward


def _torch_arguments(operation: str, geometry: Geometry, bias: bool) -> dict[str, Any]:
    layer = {name: getattr(geometry, name) for name in ("kernel_size", "stride", "dilation")}
    layer["padding"] = symmetric(geometry.padding)
    if operation.endswith("pool"):
        return {**layer, "count_include_pad": False}
    channels = [geometry.in_channels, geometry.out_channels][:: 1 if operation == "conv" else -1]
    layer |= {"in_channels": channels[0], "out_channels": channels[1], "groups": geometry.groups, "bias": bias}
    return layer if operation == "conv" else {**layer, "output_padding": remainder(geometry)}


def _torch_refuses(operation: str, geometry: Geometry) -> str:
    if symmetric(geometry.padding) is None:
        return f"a torch module pads both ends alike, not {geometry.padding}"
    if operation == "average_pool" and any(d > 1 for d in geometry.dilation):
        return "AvgPool has no dilation"
    return ""


def _keras(cls: Any, keras: Any, backend: Backend) -> Forward:
    scope = sys.modules["proofs.conformance.adapters.keras_"].on_device

    def forward(operation: str, geometry: Geometry, operands: Sequence[Any]) -> Any:
        x, *parameters = operands
        with scope(keras, backend):
            arguments = _keras_arguments(operation, geometry, len(parameters) > 1)
            layer = _accepted(cls, {**arguments, "dtype": backend.dtype, "data_format": "channels_last"})
            layer.build(tuple(x.shape))
            return layer.stateless_call(parameters, [v.value for v in layer.non_trainable_variables], x)[0]

    return forward


def _keras_arguments(operation: str, geometry: Geometry, bias: bool) -> dict[str, Any]:
    layer: dict[str, Any] = {"strides": geometry.stride, "padding": padding_name(geometry)}
    if operation.endswith("pool"):
        return {**layer, "pool_size": geometry.kernel_size}
    layer |= {"kernel_size": geometry.kernel_size, "dilation_rate": geometry.dilation, "use_bias": bias}
    if operation == "conv":
        return {**layer, "filters": geometry.out_channels, "groups": geometry.groups}
    return {**layer, "filters": geometry.in_channels, "output_padding": remainder(geometry)}


def _keras_refuses(operation: str, geometry: Geometry) -> str:
    names = ("valid",) if operation == "conv_transpose" else ("valid", "same")
    if padding_name(geometry) not in names:
        return f"a Keras layer pads as {' or '.join(names)}, not {geometry.padding}"
    if operation == "conv_transpose" and geometry.groups > 1:
        return "Keras' transposed layer has no groups"
    if operation.endswith("pool") and any(d > 1 for d in geometry.dilation):
        return "Keras' pooling has no dilation"
    return ""


def _accepted(cls: Any, arguments: dict[str, Any]) -> Any:
    """Make a layer with those arguments that the class takes by name; `**kwargs` takes what its base does."""
    # Frameworks wrap their classes, so that only the initialisers themselves say what they take.
    initialisers = (vars(base)["__init__"] for base in inspect.getmro(cls) if "__init__" in vars(base))
    parameters = {name for initialise in initialisers for name in inspect.signature(initialise).parameters}
    return cls(**{name: value for name, value in arguments.items() if name in parameters})
