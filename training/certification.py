"""The framework's kernels, certified at exactly the shapes of the network that is to be trained, before it is."""

import time
from collections.abc import Iterator, Mapping
from typing import Any

import keras

from numeric import Geometry
from proofs.conformance.adapters import load
from proofs.conformance.functions import FUNCTIONS
from proofs.conformance.integers import integers
from proofs.conformance.outcome import Finding, Outcome
from training import models, signals
from training.errors import RunError
from training.proved import ProvedConv2D
from training.recipes import Recipe

_OPERATIONS = {keras.layers.Conv2D: "conv", ProvedConv2D: "conv", keras.layers.MaxPooling2D: "max_pool"}
_PROVED = "training.proved:ProvedConv2D"


def certify(recipe: Recipe, batch: int) -> dict[str, Any]:
    """Return what summary.json holds of it: each convolution and pooling with its gradients, in float32.

    With the recipe's gradients `proved`, convolutions are those of `training.proved`. The tier is `integers`: the exact
    shape, batch, type and device. Raises `RunError` if a kernel is wrong.
    """
    start = time.perf_counter()
    framework = load(keras.config.backend(), dtype="float32", layout="NHWC")
    own = {"conv": load(_PROVED, dtype="float32")} if recipe.gradients == "proved" else {}
    rows = []
    for name, operation, geometry in layers(models.build(recipe.network, gradients=recipe.gradients)):
        target = own.get(operation, framework)
        for function, of in FUNCTIONS.items():
            if of.operation == operation and function in target.functions and "double" not in of.name:
                signals.check()
                finding = integers(target, function, geometry, batch)
                _refuse(name, finding, "the proved" if operation in own else "this framework's")
                rows.append({"layer": name, "function": function, **_told(finding)})
    return {
        "outcome": max((row["outcome"] for row in rows), key=list(Outcome).index),
        "batch_size": batch,
        "seconds": time.perf_counter() - start,
        "target": dict(framework.about()),
        "gradients": recipe.gradients,
        "layers": rows,
    }


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
