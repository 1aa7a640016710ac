"""What the symbols of the derivations stand for, as `explain` says it above a derivation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from proofs.derivations.layer_sizes import (
    AT_CELL,
    AT_CHANNEL,
    AT_INPUT_CHANNEL,
    AT_OUTPUT,
    AT_SAMPLE,
    AT_SLICE,
    AT_TAP,
    GROUP,
    GROUP_IN1,
    GROUP_OUT,
    IN_GROUP,
    KERNEL1,
    STRIDE1,
)
from proofs.derivations.network_sizes import AT_FEATURE as PLACE
from proofs.derivations.symbols import AXIS, DILATION, HIGH, LOW, STRIDE, integers
from proofs.layer_signals import (
    BATCH,
    CELL,
    CHANNEL,
    ENTRY_CELL,
    ENTRY_CHANNEL,
    FEATURE,
    GROUP_IN,
    IN_CHANNELS,
    INPUT,
    INPUT_CHANNEL,
    KERNEL,
    LENGTH,
    OUT_CHANNELS,
    OUTPUT,
    POSITIONS,
    SAMPLE,
    SLICE,
    TAP,
    WINDOW,
    WINNER,
)
from proofs.signals import Formula

LAYER: Mapping[Any, str] = {
    SAMPLE: "sample",
    CHANNEL: "output channel",
    SLICE: "slice of a kernel: input channel in its group",
    INPUT_CHANNEL: "input channel",
    OUTPUT: "output position, a multi-index",
    TAP: "kernel tap, a multi-index",
    CELL: "input cell, a multi-index",
    ENTRY_CHANNEL: "input channel",
    ENTRY_CELL: "input cell, a multi-index",
    AT_SAMPLE: "a sample",
    AT_CHANNEL: "an output channel",
    AT_SLICE: "a slice of a kernel",
    AT_OUTPUT: "an output position",
    AT_TAP: "a kernel tap",
    FEATURE: "place in a row",
    AT_INPUT_CHANNEL: "an input channel",
    AT_CELL: "an input cell",
    BATCH: "number of samples",
    OUT_CHANNELS: "number of output channels",
    IN_CHANNELS: "number of input channels",
    GROUP_IN: "input channels of a group",
    GROUP_OUT: "output channels of a group",
    GROUP: "group",
    IN_GROUP: "output channel in its group",
    INPUT: "input size",
    POSITIONS: "output size",
    KERNEL: "kernel size",
    STRIDE: "stride",
    DILATION: "dilation",
    LOW: "padding at the low end",
    HIGH: "padding at the high end",
    WINDOW: "number of taps, on all axes together",
    LENGTH: "length of a row",
    PLACE: "a place in a row",
    KERNEL1: "kernel size of the second layer",
    GROUP_IN1: "input channels of a group of the second layer",
    STRIDE1: "stride of the second layer",
    **dict(zip(integers("j1 u1"), ("slice of the second layer's kernel", "tap of the second layer"), strict=True)),
}
"""Symbols that mean the same in every derivation about layers."""

ARRAYS: Mapping[str, str] = {
    "x": "input",
    "x2": "another input",
    "w": "weights",
    "w2": "other weights",
    "v": "weights of the second layer",
    "b": "bias",
    "b2": "another bias",
    "g": "cotangent ∂L/∂y",
    "ddx": "cotangent of ∂L/∂x",
    "ddw": "cotangent of ∂L/∂w",
    "f": "a signal",
    "k": "a kernel",
    "l": "another kernel",
    "t": "target",
    "mask": "mask, 0 or 1",
    "scale": "scale",
    "shift": "shift",
    "mean": "given mean",
    "variance": "given variance",
}

MAPS: Mapping[str, str] = {
    "reads": "cell that output o reads through tap u; none outside of the input, or modulo its size on a circle",
    "channel": "input channel that output channel c reads with slice j",
    "reads1": "index map of the layer with the number 1",
    "channel1": "channels of the layer with the number 1",
    "count": "number of cells that output o reads",
    f"{WINNER}1": "tap through which output (n, c, o₁) of the pooling reads the largest entry of its window",
    WINNER: "tap through which output (n, c, o) reads the largest entry of its window; it depends on x",
    "σ": "a function of one number",
    "number": "place of an entry in the row, counted in row-major order",
}

FORMULAS: Mapping[str, Formula] = {
    "reads": Formula("reads", AXIS, OUTPUT, TAP),
    **{name: Formula(name, AXIS) for name in ("span", "padded_size", "output_size", "transposed_size")},
}
"""Formulas of `numeric.Axis`, of a layer whose every size is a symbol."""


def meaning(symbol: Any, where: Mapping[Any, str]) -> str:
    """What a symbol means where a derivation says that some mean something else. Raises `KeyError`."""
    return where[symbol] if symbol in where else LAYER[symbol]
