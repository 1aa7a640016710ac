"""Rows for the functions that are no sums of products: the true values are float64's, off by its own bound."""

from __future__ import annotations

from typing import Any

import numpy as np

import numeric as nm
from numeric import rounding
from tests.processor import AVX512
from tests.scale.cases import FLOATS, Row, Shapes


def _smooth(name: str, shapes: Shapes, *rest: Any, label: str = "", least: float = 1 / 5) -> Row:
    """A function that is no sum of products, with its last arguments given; a variance is made positive."""
    function, bound = getattr(nm, name), getattr(rounding, f"{name}_bound")

    def positive(arrays: Any) -> Any:
        return (abs(array) if given == "variance" else array for given, array in zip(shapes, arrays, strict=True))

    return Row(
        f"{name}_bound{label}",
        lambda *arrays: function(*positive(arrays), *rest),
        lambda *arrays: bound(*positive(arrays), *rest),
        shapes,
        1,
        "float64",
        leading=tuple(shapes),
        least=least,
        floats=FLOATS[:2],
    )


def pointwise() -> list[Row]:
    """Activations and dropout."""
    x: Shapes = {"x": (90, 100)}
    both: Shapes = {"g": (90, 100), **x}
    names = ("elu", "leaky_relu", "sigmoid", "silu", "softplus", "tanh")
    mask = np.random.default_rng(2).random((90, 100)) < 0.7
    return [
        _smooth("elu", x, least=1 / 5 if AVX512 else 1 / 8),  # NumPy's exponentials are closer without
        *(_smooth(name, x) for name in names[1:]),
        *(_smooth(f"{name}_input_gradient", both) for name in names),
        _smooth("dropout", x, mask, 0.3),
        _smooth("dropout_input_gradient", {"g": (90, 100)}, mask, 0.3),
    ]


def losses() -> list[Row]:
    """Softmax and cross-entropy, the target labels or weights."""
    x: Shapes = {"x": (1200, 7)}
    both: Shapes = {"g": (1200, 7), **x}
    weighed: Shapes = {"g": (1200,), **x}
    return [
        _smooth("softmax", x),
        _smooth("softmax_input_gradient", both),
        _smooth("log_softmax", x),
        _smooth("log_softmax_input_gradient", both),
        _smooth("softmax_cross_entropy", {"x": (8000, 7)}, np.arange(8000) % 7),
        _smooth("softmax_cross_entropy", {"x": (8000, 7), "target": (8000, 7)}, label=" weights"),
        _smooth("softmax_cross_entropy_input_gradient", weighed, np.arange(1200) % 7),
        _smooth("softmax_cross_entropy_input_gradient", {**weighed, "target": (1200, 7)}, label=" weights"),
        _smooth("softmax_cross_entropy_target_gradient", weighed),
    ]


def normalisation() -> list[Row]:
    """Batch normalisation."""
    x: Shapes = {"x": (3, 1500, 2)}
    both: Shapes = {"g": (3, 1500, 2), **x}
    many: Shapes = {"g": (3, 6000, 2), "x": (3, 6000, 2)}

    def of(*names: str, channels: int = 1500) -> Shapes:
        return dict.fromkeys(names, (channels,))

    return [
        _smooth("batch_statistics", {"x": (3, 3000, 2)}),
        _smooth("running_statistics", of("mean", "variance", "batch_mean", "batch_variance", channels=3000)),
        _smooth("batch_norm", {**x, **of("scale", "shift")}),
        _smooth("batch_norm_input_gradient", {**both, **of("scale")}),
        _smooth("batch_norm_scale_gradient", many),
        _smooth("batch_norm_shift_gradient", {"g": (3, 6000, 2)}),
        _smooth("batch_norm_inference", {**x, **of("mean", "variance", "scale", "shift")}),
        _smooth("batch_norm_inference_input_gradient", {"g": (3, 1500, 2), **of("variance", "scale")}),
        _smooth("batch_norm_inference_scale_gradient", {**many, **of("mean", "variance", channels=6000)}),
    ]


ROWS = [*pointwise(), *losses(), *normalisation()]
