"""Solution 2: local connectivity and parameter sharing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

from numeric import Geometry, GeometryError
from proofs.audit import Claim, Line, equals, smallest_first

APART = "each kernel is applied to each channel by itself"
SPANNING = "each kernel spans the channels, which are summed (the frameworks' layer)"
OWN = "each kernel has weights of its own for each channel"
LAYERS: dict[str, Any] = {"m": range(1, 5), "p": range(1, 4), "K": range(1, 3)}
READINGS: dict[str, Any] = {**LAYERS, "reading": (APART, SPANNING)}


def _first_layer(case: dict[str, Any]) -> Geometry:
    """First layer in a reading; apart, it is 3 channels through a layer with as many groups."""
    m, p, k = case["m"], case["p"], case["K"]
    apart = case.get("reading", APART) == APART
    options = {"stride": case.get("stride", 1), "padding": case.get("padding", 0)}
    return Geometry(
        (m, m), (p, p), in_channels=3, out_channels=3 * k if apart else k, groups=3 if apart else 1, **options
    )


def _inside(case: dict[Any, Any]) -> bool:
    return bool(case["p"] <= case["m"])


def _outputs(case: dict[str, Any]) -> int:
    geometry = _first_layer(case)
    return geometry.out_channels * len(list(geometry.outputs()))


def _edges(case: dict[str, Any]) -> list[tuple[Any, ...]]:
    """All pairs (output, input) that the index map connects."""
    geometry = _first_layer(case)
    return list(_connections(geometry))


def _connections(geometry: Geometry) -> Iterator[tuple[Any, ...]]:
    for c in range(geometry.out_channels):
        for o in geometry.outputs():
            for j in range(geometry.group_in):
                for u in geometry.taps():
                    yield (c, o), (geometry.reads_channel(c, j), geometry.reads(o, u))


def _positions(case: dict[str, Any]) -> int:
    return int((case["m"] - case["p"] + 1) ** 2)


def _channel_size() -> Claim:
    def size(case: dict[str, Any]) -> int | str:
        try:
            return len(list(_first_layer(case).outputs()))
        except GeometryError:
            return "no output"

    cases = smallest_first(m=range(1, 5), p=range(1, 4), K=(1,), stride=(1, 2), padding=(0, 1))
    plain = lambda c: c["stride"] == 1 and c["padding"] == 0 and _inside(c)  # noqa: E731
    return Claim(cases, equals(size, _positions), plain)


def _all_kernels() -> Claim:
    return Claim(
        smallest_first(_inside, **LAYERS), equals(lambda c: Fraction(_outputs(c), 3), lambda c: c["K"] * _positions(c))
    )


def _total_outputs() -> Claim:
    test = equals(_outputs, lambda c: 3 * c["K"] * _positions(c))
    return Claim(smallest_first(_inside, **READINGS), test, lambda c: c["reading"] == APART)


def _dense_weights(case: dict[str, Any]) -> int:
    return int(_outputs(case) * 3 * case["m"] ** 2)


def _dense_fraction() -> Claim:
    def bottom(case: dict[str, Any]) -> int:
        return int(9 * case["K"] * case["m"] ** 2 * _positions(case))

    printed = equals(lambda c: Fraction(bottom(c) // 3, bottom(c)), _dense_weights)
    apart = lambda c: c["reading"] == APART  # noqa: E731
    return Claim(smallest_first(_inside, **READINGS), printed, apart, equals(bottom, _dense_weights))


def _fan_in() -> Claim:
    def test(case: dict[str, Any]) -> str:
        fans = set(Counter(output for output, _ in set(_edges(case))).values())
        return "" if fans == {case["p"] ** 2} else f"{fans.pop()} inputs, not {case['p'] ** 2}"

    return Claim(smallest_first(_inside, **READINGS), test, lambda c: c["reading"] == APART)


def _local_weights() -> Claim:
    test = equals(lambda c: len(_edges(c)), lambda c: 3 * c["K"] * c["p"] ** 2 * _positions(c))
    return Claim(smallest_first(_inside, **READINGS), test)


def _ratio(reading: str, dense: bool) -> Fraction:
    """Weights of the convolution over those of the other layer, at 128 x 128 x 3 and 5 x 5; K cancels."""
    m, p = 128, 5
    outputs = (1 if reading == SPANNING else 3) * (m - p + 1) ** 2
    weights = p**2 if reading == APART else 3 * p**2
    inputs = 3 * m**2 if dense else (3 * p**2 if reading == SPANNING else p**2)
    return Fraction(weights, outputs * inputs)


def _printed_ratio(printed: str, dense: bool) -> Callable[[], Claim]:
    def ratio(case: dict[str, Any]) -> str:
        return _scientific(_ratio(case["reading"], dense))

    def claim() -> Claim:
        cases = [{"reading": reading} for reading in (APART, OWN, SPANNING)]
        return Claim(cases, equals(ratio, lambda _: printed), lambda c: c["reading"] == APART)

    return claim


def _scientific(number: Fraction) -> str:
    digits, exponent = f"{float(number):.3e}".split("e")
    return f"{digits}e{int(exponent)}"


def _fewer_weights() -> Claim:
    def test(case: dict[str, Any]) -> str:
        shared = case["K"] * case["p"] ** 2 * (1 if case["reading"] == APART else 3)
        local, dense = len(_edges(case)), _dense_weights(case)
        return "" if shared < local and shared < dense else f"{shared} against {local} and {dense} weights"

    return Claim(smallest_first(_inside, **READINGS), test, lambda c: c["reading"] == APART or c["p"] < c["m"])


def _times_fewer(ratio: Fraction) -> int:
    return round(1 / ratio)


def _less_work() -> Claim:
    def test(case: dict[str, Any]) -> str:
        products = len(_edges(case))  # the shared weights are used once for every connection, too
        other = products if case["against"] == LOCAL else _dense_weights(case)
        return "" if products < other else f"{products} products against {other}"

    cases = smallest_first(_inside, **LAYERS, against=(LOCAL, FULL))
    return Claim(cases, test, lambda c: c["against"] == FULL and c["p"] < c["m"])


LOCAL, FULL = "against the locally connected layer", "against the fully connected layer"


LINES = (
    Line("2", "Solution 2 (Local connectivity and parameter sharing in CNNs)"),
    Line("2", "Setting clarification: the bias is ignored for simplicity", note="with it, one more weight per kernel"),
    Line(
        "2.1",
        "The total number of outputs of the first layer is 3K(m−p+1)²",
        _total_outputs,
        needs=f"{APART}; a layer that sums over the channels has K(m−p+1)²",
    ),
    Line(
        "2.1",
        "For each channel, the output with a kernel has size (m−p+1)²",
        _channel_size,
        needs="stride 1, no padding, and p ≤ m; p is now the kernel's size, no longer its half-width as in Solution 1",
        laws=("output-size-counts-the-windows-inside",),
    ),
    Line("2.1", "with all K kernels, for a channel: K(m−p+1)²", _all_kernels),
    Line("2.1", "with 3 channels, the total output size is 3K(m−p+1)²", _total_outputs, needs=f"{APART}, as above"),
    Line(
        "2.1",
        "fully connected, the number of parameters is (3Km²(m−p+1)²) / (9Km²(m−p+1)²)",
        _dense_fraction,
        correction="3m² · 3K(m−p+1)² = 9Km²(m−p+1)²",
        note=f"inputs times outputs, where {APART}; as a fraction it is 1/3 for every layer",
        laws=("dense-layer-has-9K-m2-(m-p+1)2-weights",),
    ),
    Line(
        "2.2",
        "each node in the first layer is only connected with p² input nodes",
        _fan_in,
        needs=f"{APART}; a kernel that spans 3 channels reads 3p²",
    ),
    Line(
        "2.2",
        "locally connected, the number of parameters is 3Kp²(m−p+1)²",
        _local_weights,
        note="the same in both readings: 3K outputs per position with p² inputs each, or K with 3p²",
        laws=("locally-connected-layer-has-3K-p2-(m-p+1)2-weights",),
    ),
    Line("2.3", "When the image size is 128 × 128 × 3 and kernel size is 5 × 5"),
    Line(
        "2.3",
        "the ratio between the CNN and the locally connected network is 2.168 × 10⁻⁵",
        _printed_ratio("2.168e-5", dense=False),
        needs="the kernels are shared by the channels: the CNN has Kp² weights, not 3Kp²",
        laws=("convolution-has-K-p2-weights", "convolution-to-locally-connected-ratio"),
    ),
    Line(
        "2.3",
        "between the CNN and the fully-connected network, the ratio is 1.103 × 10⁻⁸",
        _printed_ratio("1.103e-8", dense=True),
        needs="the kernels are shared by the channels, and outputs are counted per channel",
        laws=("convolution-has-K-p2-weights", "convolution-to-dense-ratio"),
    ),
    Line(
        "2.3",
        "CNNs reduce the number of parameters by a large amount",
        _fewer_weights,
        needs="p < m, or kernels that are shared by the channels; how large an amount is not a claim to check",
        note=f"at the sheet's sizes {_times_fewer(_ratio(APART, dense=False))} and "
        f"{_times_fewer(_ratio(APART, dense=True))} times fewer",
        laws=("convolution-to-locally-connected-ratio", "convolution-to-dense-ratio"),
    ),
    Line(
        "2.3",
        "which makes it much more computationally efficient to train them",
        _less_work,
        needs="compared with a fully connected layer, and p < m: local connectivity saves work, sharing weights "
        "saves memory only",
        laws=("sharing-saves-weights-not-work",),
    ),
)
