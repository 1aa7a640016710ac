"""Adapters: each framework's functions on integers, exactly; what it refuses; names that are none."""

import builtins
import importlib.util
import subprocess
import sys
from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from numeric import Geometry
from numeric.paths import PATHS
from proofs.conformance import adapters
from proofs.conformance.adapters import ADAPTERS, NEEDS, load
from proofs.conformance.adapters.layouts import VARIANTS, laid_out, turned, turned_back
from proofs.conformance.adapters.own import wrap
from proofs.conformance.functions import FUNCTIONS, shape
from proofs.conformance.probes import storage
from proofs.conformance.target import TargetError, Unsupported

LAYERS = (
    Geometry((7,), (3,), in_channels=2, out_channels=3),
    Geometry((8,), (3,), stride=3, padding=((2, 1),), in_channels=4, out_channels=2, groups=2),
    Geometry((9,), (3,), dilation=2, padding=((1, 3),), in_channels=2, out_channels=4, groups=2),
    Geometry((6, 7), (3, 2), in_channels=3, out_channels=2, padding=1),
    Geometry((7, 5), (2, 3), stride=(2, 1), padding=((0, 1), (2, 0)), in_channels=2, out_channels=3),
    Geometry((6, 5), (3, 3), stride=2, padding="same", in_channels=2, out_channels=4, groups=2),
    Geometry((7, 9), (3, 2), dilation=(2, 3), in_channels=2, out_channels=3),
    Geometry(
        (8, 7), (3, 2), stride=(2, 3), dilation=(1, 2), padding=((1, 2), 0), in_channels=4, out_channels=6, groups=2
    ),
    Geometry((7, 6), (2, 3), padding=((-1, 0), (1, -2)), in_channels=3, out_channels=2),
    Geometry((2, 3), (4, 3), padding=((2, 1), (1, 1)), in_channels=2, out_channels=2),
    Geometry((6, 5), (2, 3), padding=((1, 0), (1, 1)), in_channels=2, out_channels=2, groups=2),  # SciPy's same
    Geometry((5, 4), (2, 3), in_channels=4, out_channels=2, groups=2),  # and its full, for the transposed layer
    Geometry((4, 5, 3), (2, 3, 1), in_channels=2, out_channels=3, stride=(1, 2, 1)),
    Geometry((5, 4, 6), (3, 2, 2), padding=((1, 0), (0, 1), (1, 1)), in_channels=2, out_channels=4, groups=2),
    Geometry((5, 4, 4), (2, 2, 3), dilation=(2, 1, 1), padding=1, in_channels=3, out_channels=3, groups=3),
)
FEW = tuple(LAYERS[i] for i in (1, 4, 7, 8))  # where each call is slow
TARGETS = [
    ("numeric", "float64", {}, LAYERS),
    ("numeric", "float16", {"layout": "NHWC"}, LAYERS),
    ("numeric:shift", "int64", {}, LAYERS),
    ("scipy:direct", "float64", {}, LAYERS),
    ("scipy", "int64", {}, LAYERS),
    ("tensorflow", "float32", {}, LAYERS),
    ("tensorflow", "bfloat16", {}, LAYERS[:8]),
    ("torch", "float32", {}, LAYERS),
    ("torch:channels-last,no-mkldnn", "float64", {}, LAYERS),
    ("torch", "bfloat16", {}, LAYERS),
    ("tensorflow:xla", "float32", {"op": "conv"}, LAYERS[7:8]),
    ("jax", "float32", {}, FEW[:3]),
    ("jax:eager", "float32", {}, FEW[:1]),
    ("jax:highest", "float64", {"layout": "NHWC"}, FEW[3:]),
    ("onnxruntime", "float32", {}, LAYERS),
    ("keras", "float32", {}, FEW),
]
# What each has no word for, or says itself: anything else that is unsupported is a fault of the adapter.
REFUSALS = {
    "numeric": ("averages of integers are float64",),
    "scipy": ("neither strides nor dilation", "pads as valid, same or full", "would pad the channels too"),
    "tensorflow": (
        "tf.nn.avg_pool pads as",
        "not yet support dilation rates larger than 1",
        "must have the same depth",
        "Gradients for grouped convolutions are not supported on CPU",
        # on three axes, where there is AVX2 only, of groups and dilation
        "Number of channels in filter",
        "must have the same number of channels",
        "only supports dilated rates of 1",
        "not supported in conjunction with",
    ),
    "torch": ("avg_pool has no dilation", "avg_pool pads both ends", "not implemented for 'BFloat16'"),
    "jax": ("VJP not implemented for select_and_gather", "every element be nonnegative"),
    "onnxruntime": ("Attribute pads must not contain negative", "pool_attributes.h", "Dilation not supported"),
    "keras": ("has no groups", "has no dilation", "pads as valid or same", "not supported in conjunction", "dilation"),
}


def needed(name):
    for package in NEEDS.get(name.partition(":")[0], ()):
        pytest.importorskip(package)


def layer_for(function, geometry):
    """Pooling has one channel in and out for each of its channels."""
    if not FUNCTIONS[function].operation.endswith("pool"):
        return geometry
    return replace(geometry, out_channels=geometry.in_channels, groups=geometry.in_channels)


def arrays_for(function, geometry):
    """Small integers; averages of multiples of 36 are whole for each of these windows, and maxima have no ties."""
    of, random = FUNCTIONS[function], np.random.default_rng(7)
    factor = 36 if of.operation == "average_pool" else 1
    arrays = [random.integers(-3, 4, shape(letter, geometry, 2)) * factor for letter in of.arguments]
    if of.operation == "max_pool":
        place = of.arguments.index("x")
        size = arrays[place].size
        arrays[place] = (random.permutation(size) - size // 2).reshape(arrays[place].shape)
    return arrays


def check(target, function, geometry):
    """Equal to what is expected in every entry, of the target's type."""
    dtype = np.float32 if target.dtype == "bfloat16" else np.dtype(target.dtype)
    arrays = arrays_for(function, geometry)
    expected = FUNCTIONS[function].expected(geometry, *arrays)
    result = target.run(function, geometry, *(array.astype(dtype) for array in arrays))
    assert result.shape == expected.shape, function
    assert result.dtype == dtype, function
    assert (result == expected).all(), (function, geometry)


def run_all(target, layers, refusals=()):
    """Check every function on every layer; returns how many ran."""
    ran = 0
    for function, geometry in product(target.functions, layers):
        said = ""
        try:
            check(target, function, layer_for(function, geometry))
        except Unsupported as error:
            said = str(error)
        assert not said or any(refusal in said for refusal in refusals), (function, geometry, said)
        ran += not said
    return ran


@pytest.mark.parametrize(("name", "dtype", "options", "layers"), TARGETS, ids=lambda value: str(value)[:40])
def test_every_function_is_exact_on_integers_or_refused_in_its_own_words(name, dtype, options, layers):
    needed(name)
    target = load(name, dtype=dtype, **options)
    framework = name.partition(":")[0]
    ran = run_all(target, layers, REFUSALS[framework])
    assert ran >= (4 if framework == "scipy" else len(target.functions) * len(layers) // 2)
    about = target.about()
    assert "cpu" in about["device"].lower()
    assert "not run" not in about["device"]
    assert all(isinstance(value, str) for value in about.values())


@pytest.mark.parametrize(("name", "dtype", "options", "layers"), TARGETS, ids=lambda value: str(value)[:40])
def test_all_functions_of_one_call_are_exact_on_integers_or_refused_in_its_own_words(name, dtype, options, layers):
    needed(name)
    target, ran = load(name, dtype=dtype, **options), 0
    for operation, geometry in product(("conv", "conv_transpose"), layers):
        names = [n for n in getattr(target, "jointly", ()) if FUNCTIONS[n].operation == operation]
        arrays, said, results = {letter: a for n in names for letter, a in given(n, geometry, dtype).items()}, "", ()
        try:
            results = target.joint(names, geometry, arrays) if names else ()
        except Unsupported as error:
            said = str(error)
        assert not said or any(refusal in said for refusal in REFUSALS[name.partition(":")[0]]), (geometry, said)
        for function, result in zip(names, results, strict=not said):
            of = FUNCTIONS[function]
            right = of.expected(geometry, *(arrays[letter].astype(np.int64) for letter in of.arguments))
            np.testing.assert_array_equal(result.astype(np.int64), right, err_msg=f"{function}, {geometry}")
            assert result.dtype == storage(dtype)
            ran += 1
    assert (ran >= 2 * len(layers)) == hasattr(target, "jointly")


def given(function, geometry, dtype):
    """Its arrays by their letters, in the type of a target."""
    arrays = zip(FUNCTIONS[function].arguments, arrays_for(function, geometry), strict=True)
    return {letter: array.astype(storage(dtype)) for letter, array in arrays}


@pytest.mark.parametrize("path", PATHS)
def test_numerics_paths_are_flavours(path):
    target = load(f"numeric:{path}", dtype="float64", op="conv")
    assert target.about()["path"] == path
    geometry = Geometry((5, 7), (3, 3), padding=((1, 0), (2, 1)), in_channels=2, out_channels=3)
    for function in ("conv", "conv.input_gradient", "conv.weight_gradient"):
        arrays = arrays_for(function, geometry)
        result = target.run(function, geometry, *arrays)
        assert np.abs(result - FUNCTIONS[function].expected(geometry, *arrays)).max() < 0.5  # the same function


def test_a_path_refuses_in_its_own_words():
    with pytest.raises(Unsupported, match="winograd2 needs kernels of size 3"):
        check(load("numeric:winograd2"), "conv", LAYERS[1])


@pytest.mark.parametrize("name", ["numeric", "torch", "jax"])
@pytest.mark.parametrize("variant", VARIANTS)
def test_variants_are_the_same_functions_on_another_layout_in_memory(name, variant):
    needed(name)
    target = load(name, dtype="float32").variant(variant)
    if target is None:
        assert (name, variant) in {
            ("torch", "negative strides"),
            ("jax", "non-contiguous"),
            ("jax", "negative strides"),
        }
        return
    assert variant in target.name
    for geometry in (LAYERS[4], LAYERS[13]) if name != "jax" else (LAYERS[4],):
        for function in ("conv", "conv.input_gradient", "conv.weight_gradient", "max_pool"):
            check(target, function, layer_for(function, geometry))


@pytest.mark.parametrize("variant", VARIANTS)
def test_laid_out_has_the_same_entries_elsewhere(variant):
    array = np.arange(48.0).reshape(2, 3, 4, 2)
    other = laid_out(array, variant)
    assert (other == array).all()
    assert other.strides != array.strides
    assert not other.flags.c_contiguous


@pytest.mark.parametrize("letter", ["x", "g", "w", "ddw"])
def test_layouts_are_turned_and_turned_back(letter):
    array = np.arange(120).reshape(2, 3, 4, 5)
    assert turned(letter, array, "NHWC").shape == ((4, 5, 3, 2) if letter.endswith("w") else (2, 4, 5, 3))
    assert (turned_back(letter, turned(letter, array, "NHWC"), "NHWC") == array).all()
    assert turned(letter, array, "NCHW") is array


@pytest.mark.parametrize("name", ["numeric", "torch"])
def test_an_array_of_the_targets_type_is_passed_as_it_is(name):
    """What an implementation does to its inputs must be seen."""
    needed(name)
    seen = []
    target = load(name, dtype="float32")
    x, w = (a.astype(np.float32) for a in arrays_for("conv", LAYERS[0]))
    if name == "numeric":
        target = wrap(lambda x, _w: seen.append(x) or np.zeros(1), dtype="float32")
        target.run("conv", LAYERS[0], x, w)
        assert np.shares_memory(seen[0], x)
    else:
        assert np.shares_memory(target.backend.tensor(x).numpy(), x)


@pytest.mark.parametrize("name", ["torch", "jax", "tensorflow"])
def test_arrays_of_any_strides_that_must_not_be_written_are_taken(name):
    needed(name)
    target = load(name)
    x, w = (a.astype(np.float32) for a in arrays_for("conv", LAYERS[4]))
    expected = FUNCTIONS["conv"].expected(LAYERS[4], x, w)
    x = laid_out(x, "negative strides")
    x.flags.writeable = False
    assert (target.run("conv", LAYERS[4], x, w) == expected).all()


# Names and settings that are none.


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("tensorflw", {}, "no target is called 'tensorflw': name one of numeric, tensorflow, keras, torch"),
        (
            "numeric",
            {"dtype": "float8"},
            "dtype must be one of float64, float32, float16, bfloat16, int64; got 'float8'",
        ),
        ("numeric", {"dtype": "bfloat16"}, "numeric has the types float64, .* got 'bfloat16'"),
        ("numeric", {"layout": "CHWN"}, "layout must be NCHW or NHWC, got 'CHWN'"),
        ("numeric", {"device": "cuda"}, "numeric runs on the CPU alone, not on 'cuda'"),
        ("numeric", {"op": "conv4d"}, "op must be one of conv, conv_transpose, .*got 'conv4d'"),
        ("numeric:winograd3", {}, "numeric has the paths im2col, .*; got 'winograd3'"),
        ("no_such_package:f", {}, "no_such_package cannot be imported: ModuleNotFoundError: No module named"),
        ("numeric.geometry:conv", {}, "numeric.geometry has no conv; it has .*Geometry"),
        ("numeric.paths:DIRECT", {}, "numeric.paths:DIRECT is of type tuple: expected a function, or"),
        ("numeric.geometry:Axis", {}, "numeric.geometry:Axis cannot be made without arguments: .*input_size"),
        ("numeric.layout:as_given", {"op": "average_pool"}, r"does not take \(x, \*, stride, .*missing a required"),
        ("numeric.conv:conv", {"device": "gpu"}, "one's own code on NumPy arrays runs on the CPU alone"),
        ("numeric:numeric.conv:conv", {}, "numeric differentiates nothing: name your function as numeric.conv:conv"),
    ],
)
def test_a_target_that_cannot_be_made_says_why(name, options, message):
    with pytest.raises(TargetError, match=message):
        load(name, **options)


@pytest.mark.parametrize("name", ["torch", "jax", "tensorflow"])
def test_a_device_that_is_not_here_is_told(name):
    needed(name)
    with pytest.raises(TargetError, match=f"{name} has no device '(cuda|gpu|GPU):7' here"):
        load(name, device={"torch": "cuda:7", "jax": "gpu:7", "tensorflow": "GPU:7"}[name])


@pytest.mark.parametrize("name", NEEDS)
def test_a_framework_that_is_not_installed_is_told_with_the_line_that_installs_it(name, monkeypatch):
    found = importlib.util.find_spec
    missing = NEEDS[name][-1]
    monkeypatch.setattr(importlib.util, "find_spec", lambda package: None if package == missing else found(package))
    if name == "onnxruntime" and found("onnxruntime") is None:
        missing = "onnxruntime and onnx"
    with pytest.raises(TargetError) as caught:
        load(name)
    assert (
        str(caught.value) == f'{name} needs {missing}, not installed here; to install: pip install "{ADAPTERS[name]}"'
    )


def test_a_framework_that_cannot_be_imported_is_told_with_its_own_reason(monkeypatch):
    real = builtins.__import__

    def broken(name, *args, **kwargs):
        if name.startswith("scipy"):
            raise ImportError("libfoo.so.1: cannot open shared object file\nand more")
        return real(name, *args, **kwargs)

    needed("scipy")
    monkeypatch.delitem(sys.modules, f"{adapters.__name__}.scipy_", raising=False)
    monkeypatch.setattr(builtins, "__import__", broken)
    with pytest.raises(TargetError, match=r"^scipy is installed but cannot be imported: libfoo\.so\.1: .* file$"):
        load("scipy")


def test_no_framework_is_imported_before_it_is_asked_for():
    code = (
        "import sys; from proofs.conformance.adapters import load; load('numeric')\n"
        "print({'tensorflow', 'keras', 'torch', 'jax', 'scipy', 'onnxruntime'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
