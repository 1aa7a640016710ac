"""One's own code as a target: functions, objects, classes of layers, and functions of a framework's tensors."""

import sys
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from numeric import Geometry
from proofs.conformance.adapters import layers as layers_of_frameworks
from proofs.conformance.adapters import load
from proofs.conformance.adapters.own import wrap
from proofs.conformance.integers import integers
from proofs.conformance.joint import jointly
from proofs.conformance.target import Unsupported
from tests.conformance.test_adapters import LAYERS, arrays_for, needed, run_all


def simple(x, w, *, stride=1, padding=0):
    return load("numeric").run("conv", Geometry.of(x.shape, w.shape, stride=stride, padding=padding), x, w)


class Kernels:
    """Some of the methods, each with the options in another way."""

    def __init__(self):
        self.target = load("numeric", dtype="float64")

    def forward(self, x, w, *, geometry):
        """By the geometry."""
        return self.target.run("conv", geometry, x, w)

    def input_gradient(self, g, w, input_size, **options):
        """By its fields; the size with or without its name."""
        geometry = Geometry(
            input_size, w.shape[2:], in_channels=w.shape[1] * options["groups"], out_channels=len(w), **options
        )
        return self.target.run("conv.input_gradient", geometry, g, w)

    def bias_gradient(self, g):
        """Without options."""
        return g.sum(axis=(0, *range(2, g.ndim)))

    def double_backward(self, *arrays, geometry):
        """All three at once."""
        return tuple(self.target.run(f"conv.double_backward_{letter}", geometry, *arrays) for letter in "gxw")

    def supports(self, geometry):
        """A reason, or true."""
        return "one-dimensional" if geometry.ndim == 1 else True


def test_a_function_has_its_forward_pass_on_layers_whose_options_it_takes():
    target = load(f"{__name__}:simple", dtype="float32") if __name__ in sys.modules else wrap(simple)
    assert target.functions == ("conv",)
    ran = run_all(
        target, LAYERS, ("simple takes no dilation", "simple takes no groups", "negative padding is asked only")
    )
    taken = (layer for layer in LAYERS if layer.groups == 1 and set(layer.dilation) == {1})
    assert ran == sum(min(min(pair) for pair in layer.padding) >= 0 for layer in taken)


def test_an_object_has_what_it_provides():
    target = wrap(Kernels, dtype="float64")
    second = tuple(f"conv.double_backward_{letter}" for letter in "gxw")
    assert set(target.functions) == {"conv", "conv.input_gradient", "conv.bias_gradient", *second}
    assert run_all(target, LAYERS, ("one-dimensional",)) == 6 * sum(layer.ndim > 1 for layer in LAYERS)
    assert "has no conv.weight_gradient" in target.supports("conv.weight_gradient", LAYERS[3])
    assert target.about()["code"] == __file__


def test_channels_last_weights_are_taps_in_out():
    shapes = []

    def kernel(x, w, **options):
        shapes.extend((x.shape, w.shape))
        return np.zeros((2, 7, 4, 3))

    geometry = LAYERS[4]
    result = wrap(kernel, layout="NHWC").run("conv", geometry, *arrays_for("conv", geometry))
    assert shapes == [(2, 7, 5, 2), (2, 3, 2, 3)]
    assert result.shape == (2, 3, 7, 4)  # as it came, turned: to be judged, not repaired


@pytest.mark.parametrize("result", [None, 3, np.zeros((2, 2), complex), [[1, 2]]])
def test_what_comes_back_is_judged_as_it_is(result):
    for layout in ("NCHW", "NHWC"):
        found = wrap(lambda _x, _w: result, layout=layout).run("conv", LAYERS[0], *arrays_for("conv", LAYERS[0]))
        assert found.shape == np.asarray(result).shape
        assert found.dtype == np.asarray(result).dtype


def test_code_refuses_by_not_implemented_and_fails_by_anything_else():
    def raising(error):
        def kernel(x, w):
            raise error

        return wrap(kernel)

    with pytest.raises(Unsupported, match=r"^only on Sundays$"):
        raising(NotImplementedError("only on Sundays\nor so")).run("conv", LAYERS[0], *arrays_for("conv", LAYERS[0]))
    with pytest.raises(IndexError, match="out of range"):
        raising(IndexError("out of range")).run("conv", LAYERS[0], *arrays_for("conv", LAYERS[0]))


def test_frameworks_differentiate_a_function_of_their_tensors(tmp_path, monkeypatch):
    needed("torch")
    (tmp_path / "own_torch.py").write_text(
        "import torch.nn.functional as F\n\n\ndef conv(x, w, *, stride, dilation, groups):\n"
        "    return F.conv2d(x, w, None, stride, 0, dilation, groups)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    target = load("torch:own_torch:conv", op="conv2d")
    assert "conv.bias_gradient" not in target.functions
    assert "conv.double_backward_w" in target.functions
    assert run_all(target, LAYERS, ("conv takes no padding", "it has 2 spatial axes")) == 2 * len(target.functions)


def test_a_gradient_that_is_wrong_only_when_both_are_asked_for_is_seen_only_in_one_call(tmp_path, monkeypatch):
    needed("torch")
    (tmp_path / "own_both.py").write_text(
        "import torch\nfrom torch.nn import functional as F, grad\n\n\nclass Conv(torch.autograd.Function):\n"
        "    @staticmethod\n    def forward(ctx, x, w):\n"
        "        ctx.save_for_backward(x, w)\n        return F.conv2d(x, w)\n\n"
        "    @staticmethod\n    def backward(ctx, g):\n"
        "        x, w = ctx.saved_tensors\n        both = all(ctx.needs_input_grad)\n"
        "        dw = grad.conv2d_weight(x, w.shape, g)\n        dw[0, 0, 0, 0] += 2**20 * both\n"
        "        return grad.conv2d_input(x.shape, w, g), dw\n\n\ndef conv(x, w):\n    return Conv.apply(x, w)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    names = ("conv", "conv.input_gradient", "conv.weight_gradient")
    layer, target = LAYERS[3], load("torch:own_both:conv", op="conv2d")
    layer = replace(layer, padding=0)
    assert [integers(target, name, layer, 2).outcome for name in names] == ["certified"] * 3
    assert [found.outcome for found in jointly(target, names, layer, 2)] == ["certified", "certified", "refuted"]


@pytest.mark.parametrize("name", ["torch.nn:Conv2d", "keras.layers:Conv2D"])
def test_layers_classes_are_made_for_each_layer(name):
    needed(name.partition(".")[0])
    target = load(name, op="conv2d")
    assert "conv.bias_gradient" in target.functions
    refusals = ("pads both ends alike", "it has 2 spatial axes", "pads as valid or same")
    assert run_all(target, [LAYERS[i] for i in (0, 3, 4, 6)], refusals) >= len(target.functions)


def test_a_keras_layer_is_one_also_where_keras_runs_on_pytorch(monkeypatch):
    """There its layers are PyTorch's modules."""
    keras = pytest.importorskip("keras")
    torch = SimpleNamespace(nn=SimpleNamespace(Module=keras.layers.Layer))
    monkeypatch.setitem(sys.modules, "torch", torch)
    assert layers_of_frameworks.framework_of(keras.layers.Conv2D) == "keras"
    monkeypatch.setitem(sys.modules, "keras", None)
    assert layers_of_frameworks.framework_of(keras.layers.Conv2D) == "torch"


def test_a_function_of_jaxs_arrays_is_not_compiled_so_that_what_it_hides_is_seen(tmp_path, monkeypatch):
    """Under `jax.jit` its second call would not be one."""
    needed("jax")
    (tmp_path / "counting.py").write_text(
        "calls = []\ndef conv(x, w):\n    calls.append(1)\n    return x * len(calls)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    target = load("jax:counting:conv", op="conv2d")
    geometry = Geometry((2, 3), (1, 1))
    x, w = (a.astype(np.float32) for a in arrays_for("conv", geometry))
    first, second = (target.run("conv", geometry, x, w) for _ in range(2))
    assert (second == 2 * first).all()
    assert first.any()
