"""The small networks at which the derivation of a network's gradients is evaluated.

Which cells win their windows, and which outputs are above 0, is read off a sample by the shipped functions.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import Any

import numpy as np

from numeric import Geometry, conv, max_pool
from numeric.dtypes import Array
from numeric.pooling import winners
from proofs.derivations.layer_sizes import AT_CHANNEL, AT_SLICE, AT_TAP, SHAPES, maps, ranges, sizes
from proofs.derivations.symbols import integers
from proofs.evaluate import Forward, Model
from proofs.layer_signals import LENGTH, UPPER, WINNER
from proofs.multi_index import MultiIndex, spread
from proofs.tiers.derivation import Models

_, _, POOLED, CLASSES = UPPER
CLASS, COUNT = CLASSES[0], 2
AT_CLASS, AT_FEATURE = integers("e f1")
NETWORKS = (
    (Geometry((3,), (2,), in_channels=2, out_channels=2), Geometry((2,), (2,))),
    (Geometry((4,), (2,), 2, 1, ((1, 1),)), Geometry((3,), (2,), 1, 1, ((1, 0),))),
    (Geometry((3, 2), (2, 1)), Geometry((2, 2), (1, 2))),
    (Geometry((4,), (3,), boundary="circular", padding=((1, 1),)), Geometry((4,), (2,), 2)),
)
"""A convolution, and the windows of the pooling on its output."""


def networks(forward: Forward) -> Models:
    """Models of a convolution, pooling, ReLU and a dense layer with two classes, each at a sample of its own."""

    def models(seed: int = 0) -> list[Model]:
        return [_network(*pair, forward, len(NETWORKS) * seed + number) for number, pair in enumerate(NETWORKS)]

    return models


def _network(layer: Geometry, pool: Geometry, forward: Forward, seed: int) -> Model:
    pick = random.Random(seed)  # noqa: S311 - nothing secret
    batch = pick.choice((1, 2))
    below, pooled = ranges(layer, batch), ranges(pool, batch)["o"]
    features = layer.out_channels * len(pooled)
    arrays: dict[str, Sequence[Any]] = {name: [below[letter] for letter in SHAPES[name]] for name in "xwb"}
    arrays |= {"w2": [range(COUNT), range(features)], "b2": [range(COUNT)], "g": [range(batch), range(COUNT)]}
    places = {
        **dict(zip((AT_CHANNEL, AT_SLICE, AT_TAP), map(pick.choice, arrays["w"]), strict=True)),
        **dict(zip((AT_CLASS, AT_FEATURE), map(pick.choice, arrays["w2"]), strict=True)),
    }
    upper = {POOLED[2] + 1: MultiIndex(pool.output_size), CLASSES[2] + 1: COUNT, LENGTH: features}
    sample, before = _sample(layer, pool, batch, pick)
    named = {**maps(layer), **_upper(pool, before)}
    return Model({**sizes(layer, batch), **upper, **places}, arrays, forward, named, sample=sample)


def _sample(layer: Geometry, pool: Geometry, batch: int, pick: random.Random) -> tuple[Mapping[str, Array], Array]:
    """Input, weights, bias; what the convolution gives: no two of it alike, and some maximum is above 0."""
    shapes = {"x": layer.input_shape(batch), "w": layer.weight_shape, "b": (layer.out_channels,)}
    while True:
        drawn = {name: np.array(pick.choices(range(-99, 100), k=prod(shape))) for name, shape in shapes.items()}
        x, w, bias = (drawn[name].reshape(shape) for name, shape in shapes.items())
        before = conv(x, w, bias, stride=layer.stride, padding=layer.padding, boundary=layer.boundary)
        after = max_pool(before, pool.kernel_size, stride=pool.stride, padding=pool.padding)
        if np.unique(before).size == before.size and after.all() and (after > 0).any():
            return drawn, before


def _upper(pool: Geometry, before: Array) -> Mapping[str, Callable[..., Any]]:
    """The pooling's index map, its winners, and the number of an entry of what it gives."""
    won = winners(before, pool)

    def winner(n: int, c: int, o: Any) -> MultiIndex:
        tap = won[n, c, *spread(o, pool.ndim)]
        return MultiIndex(tuple(map(int, np.unravel_index(tap, pool.kernel_size))))

    def number(c: int, o: Any) -> int:
        return int(np.ravel_multi_index((c, *spread(o, pool.ndim)), (before.shape[1], *pool.output_size)))

    return {"reads1": maps(pool)["reads"], f"{WINNER}1": winner, "number": number}
