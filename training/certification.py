"""The framework's kernels, certified at exactly the shapes and in the type that the network is to be trained in."""

import time
from collections.abc import Iterator, Mapping
from typing import Any

import keras

from numeric import Geometry
from proofs.conformance.adapters import load
from proofs.conformance.functions import FUNCTIONS
from proofs.conformance.integers import integers
from proofs.conformance.joint import jointly, together
from proofs.conformance.outcome import Finding, Outcome
from training import models, signals
from training.errors import RunError
from training.proved import ProvedConv2D
from training.recipes import Recipe

_OPERATIONS = {keras.layers.Conv2D: "conv", ProvedConv2D: "conv", keras.layers.MaxPooling2D: "max_pool"}
_PROVED = "training.proved:ProvedConv2D"


def certify(recipe: Recipe, batch: int) -> dict[str, Any]:
    """Return what summary.json holds of it: each convolution and pooling with its gradients, in the recipe's precision.

    What one call gives together is judged together, as a step of the training takes it. With the recipe's gradients
    `proved`, convolutions are those of `training.proved`. The tier is `integers`: the exact shape, batch, type and
    device. Raises `RunError` if a kernel is wrong.
    """
    start, dtype = time.perf_counter(), recipe.precision
    framework = load(keras.config.backend(), dtype=dtype, layout="NHWC")
    own = {"conv": load(_PROVED, dtype=dtype)} if recipe.gradients == "proved" else {}
    rows = []
    for name, operation, geometry in layers(models.build(recipe.network, gradients=recipe.gradients)):
        target = own.get(operation, framework)
        for finding in _findings(target, operation, geometry, batch):
            _refuse(name, finding, "the proved" if operation in own else "this framework's")
            rows.append({"layer": name, "function": finding.function, **_told(finding)})
    return {
        "outcome": max((row["outcome"] for row in rows), key=list(Outcome).index),
        "batch_size": batch,
        "dtype": dtype,
        "seconds": time.perf_counter() - start,
        "target": dict(framework.about()),
        "gradients": recipe.gradients,
        "layers": rows,
    }


def _findings(target: Any, operation: str, geometry: Geometry, batch: int) -> Iterator[Finding]:
    """What is found of each function of a layer: of those that come together in one call, and of the others alone."""
    functions = [
        name
        for name, of in FUNCTIONS.items()
        if of.operation == operation and name in target.functions and "double" not in of.name
    ]
    every = together(target, functions[0], geometry)
    signals.check()
    yield from jointly(target, every, geometry, batch) if every else ()
    for function in functions:
        if function not in every:
            signals.check()
            yield integers(target, function, geometry, batch)


def layers(model: keras.Model) -> Iterator[tuple[str, str, Geometry]]:
    """Name, operation and geometry of each layer of `model` that can be certified, in order."""
    for layer in model.layers:
        operation = _OPERATIONS.get(type(layer))
        if operation is not None:
            *size, channels = layer.input.shape[1:]
            yield layer.name, operation, Geometry(tuple(size), in_channels=channels, **_fields(layer, channels))


def _fields(layer: keras.layers.Layer, channels: int) -> Mapping[str, Any]:
    shared: dict[str, Any] = {"stride": layer.strides, "padding": layer.padding}
    if isinstance(layer, keras.layers.MaxPooling2D):
        return {**shared, "kernel_size": layer.pool_size, "out_channels": channels, "groups": channels}
    return {
        **shared,
        "kernel_size": layer.kernel_size,
        "dilation": layer.dilation_rate,
        "out_channels": layer.filters,
        "groups": layer.groups,
    }


def _refuse(layer: str, finding: Finding, whose: str) -> None:
    if finding.outcome == Outcome.REFUTED:
        raise RunError(
            f"{whose} {finding.function} is wrong for the layer {layer}: {finding.detail}; "
            "--no-certify trains all the same"
        )


def _told(finding: Finding) -> dict[str, Any]:
    return {"outcome": str(finding.outcome), "detail": finding.detail, "scope": finding.scope}
