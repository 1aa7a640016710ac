"""What is wrong with a target: the map that it really has, the mistake by its name, the smallest layer that shows it.

A mistake is named if a layer that makes it gives, number by number, what the target gives: on the layer where it fails
and on the smallest one where it does. Where several do, further small layers decide between them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields, replace
from math import prod
from typing import Any

import numpy as np

from numeric.dtypes import Array
from numeric.geometry import Geometry
from proofs.conformance import words
from proofs.conformance.functions import FUNCTIONS, Function
from proofs.conformance.hypotheses import HYPOTHESES, PLACES, Hypothesis
from proofs.conformance.shrink import CALLS, Trial, failing, judged, nearby, same, smallest, trial, trials
from proofs.conformance.target import Target
from proofs.conformance.words import Difference, Map

PRODUCTS = 300_000  # of a layer on which every mistake is tried


@dataclass(frozen=True)
class Diagnosis:
    """What is wrong with a function on a layer.

    `names` are the mistakes that fit: one where they could be told apart, none where none does. `smallest` is the
    smallest layer that fails, `sure` says how sure that is; `first_difference` and `reproduction` are of that layer;
    `axes`, the affine laws that the map really has, of the layer that was asked for, with one channel if it is large.
    """

    function: str
    geometry: Geometry
    names: tuple[str, ...]
    first_difference: Difference
    axes: tuple[str, ...]
    smallest: Geometry
    sure: str
    reproduction: str

    @property
    def map_in_words(self) -> str:
        """The first place where the map is another one, and the law on each axis."""
        return "\n".join((str(self.first_difference), *self.axes))

    def __str__(self) -> str:
        unnamed = f"{PLACES[self.function]} is wrong in a way that has no name here"
        return "\n".join(
            (
                " or ".join(self.names) or unnamed,
                _indented(self.map_in_words),
                f"smallest failing layer: {written(self.smallest)}",
                f"  ({self.sure})",
                "to reproduce:",
                _indented(self.reproduction),
            )
        )

    def as_dict(self) -> dict[str, Any]:
        """Fields that JSON can hold."""
        first = {name: getattr(self.first_difference, name) for name in ("where", "reads", "expected")}
        layers = {"geometry": asdict(self.geometry), "smallest": asdict(self.smallest)}
        given = {"names": self.names, "axes": self.axes, "first_difference": first}
        rest = {"map_in_words": self.map_in_words, "sure": self.sure, "reproduction": self.reproduction}
        return {"function": self.function, **layers, **given, **rest}


def diagnose(target: Target, name: str, geometry: Geometry, calls: int = CALLS) -> Diagnosis | None:
    """Say what is wrong with a target's function on a layer; nothing if it passes the trials there.

    Runs the target up to some thousand times, on layers no larger than this one: `calls` bounds the layers in each half
    of the search for the smallest. Naming needs a target that is exact on
    small integers.
    """
    function = FUNCTIONS[name]
    failed = trials(target, function, geometry)
    if not any(one.fails for one in failed):
        return None
    small, sure = smallest(lambda other: failing(target, function, other), geometry, calls)
    found = trials(target, function, small)
    measured = words.read_off(target, function, small)
    first = (measured and words.difference(measured, target.dtype)) or _entry(found)
    alone = replace(geometry, in_channels=1, out_channels=1, groups=1)
    whole = words.read_off(target, function, geometry) or words.read_off(target, function, alone) or measured
    names = tuple(mistake.named(function) for mistake in _named(target, function, ((geometry, failed), (small, found))))
    shown = _reproduction(target, function, small, _shown(target, function, small, first, found))
    return Diagnosis(name, geometry, names, first, _axes(whole), small, sure, shown)


def written(geometry: Geometry) -> str:
    """The layer as Python, without what is as by default."""
    plain = Geometry(geometry.input_size, (1,) * geometry.ndim)
    names = [field.name for field in fields(geometry)[2:]]
    changed = [name for name in names if getattr(geometry, name) != getattr(plain, name)]
    options = [f"{name}={getattr(geometry, name)!r}" for name in changed]
    return f"Geometry({', '.join((repr(geometry.input_size), repr(geometry.kernel_size), *options))})"


def _indented(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.splitlines())


def _axes(measured: Map | None) -> tuple[str, ...]:
    return tuple(words.laws(measured)) if measured else ()


def _entry(found: list[Trial]) -> Difference:
    """The first entry of a result that is not as expected, where no single product tells."""
    one = next(one for one in found if one.fails)
    if one.got.shape != one.expected.shape:
        return Difference("the result", f"of shape {one.got.shape}", f"{one.expected.shape}", verb="is")
    index = tuple(np.argwhere(~(one.got == one.expected))[0].tolist())
    where = f"entry {index} of the result on a batch of {len(one.arrays[0])}"
    return Difference(where, plain(one.got[index]), plain(one.expected[index]), verb="is")


def _named(target: Target, function: Function, tried: Iterable[tuple[Geometry, list[Trial]]]) -> list[Hypothesis]:
    """Mistakes that give what came out on every layer tried, and as far as needed on others near by."""
    layers = [(layer, found) for layer, found in tried if prod(layer.output_size + layer.weight_shape) <= PRODUCTS]
    left = [mistake for mistake in HYPOTHESES if mistake.concerns(function, layers[0][0])] if layers else []
    for layer, found in layers:
        left = _fitting(left, function, layer, found)
    for layer in nearby(function, layers[-1][0]) if layers else ():
        if len(left) < 2:
            break
        one = trial(target, function, layer, 1)
        if one:
            left = _fitting(left, function, layer, [one]) or left  # where none fits, something else is wrong too
    return left


def _fitting(mistakes: list[Hypothesis], function: Function, layer: Geometry, found: list[Trial]) -> list[Hypothesis]:
    return [
        mistake
        for mistake in mistakes
        if all(any(same(one.got, made) for made in mistake.predicts(function, layer, *one.arrays)) for one in found)
    ]


def _shown(target: Target, function: Function, geometry: Geometry, first: Difference, found: list[Trial]) -> Trial:
    """The product that differs first, if it does so alone; else the first trial that fails."""
    alone = judged(target, function, geometry, first.arrays) if first.arrays else None
    return alone if alone and alone.fails else next(one for one in found if one.fails)


def _reproduction(target: Target, function: Function, geometry: Geometry, shown: Trial) -> str:
    """Python that prints what is expected and what came: with the call in the target's own terms, if it offers that."""
    own = getattr(target, "reproduction", None)
    call = own(str(function), geometry, shown.arrays) if own else _call(target, function)
    return "\n".join(
        (
            "import numpy as np; from numeric import Geometry; from proofs.conformance.adapters import load",
            f"geometry = {written(geometry)}",
            "; ".join(_literal(*pair) for pair in zip(function.arguments, shown.arrays, strict=True)),
            f"got = {call}",
            f'print("expected", {_list(shown.expected)}, "got", got.tolist())',
        )
    )


def _call(target: Target, function: Function) -> str:
    layout = getattr(target, "layout", "NCHW")
    options = f", dtype={target.dtype!r}, op={function.operation!r}" + f", layout={layout!r}" * (layout != "NCHW")
    return f"load({target.name!r}{options}).run({str(function)!r}, geometry, {', '.join(function.arguments)})"


def _literal(letter: str, array: Array) -> str:
    """An array as Python: one entry set in an otherwise constant one, where it is that."""
    kind = repr(str(array.dtype))
    values, counts = np.unique(array, return_counts=True)
    rest = values[np.argmax(counts)]
    places = np.argwhere(array != rest).tolist()
    if len(places) != 1 or array.size < 4:
        return f"{letter} = np.array({_list(array)}, {kind})"
    made = f"np.zeros({array.shape}, {kind})" if rest == 0 else f"np.full({array.shape}, {plain(rest)}, {kind})"
    (place,) = places
    return f"{letter} = {made}; {letter}[{', '.join(map(str, place))}] = {plain(array[tuple(place)])}"


def _list(array: Array) -> str:
    whole = np.isfinite(array).all() and np.array_equal(array, np.rint(array))
    return str(array.astype(np.int64).tolist() if whole else array.tolist())


def plain(value: Any) -> str:
    """A number without a fraction as an integer."""
    return str(int(value)) if np.isfinite(value) and value == int(value) else str(float(value))
