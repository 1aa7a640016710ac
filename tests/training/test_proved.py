"""`--gradients proved`: the sheet's gradients are certified, and within the bound autodiff's in every recipe's network.

Both gradients of a layer are sums of the same products in some order, each within `numeric.rounding`'s bound of the
exact sum, so at most twice that apart. They are compared at the input and the cotangent that the layer meets in the
network, on real digits: there the bound is the layer's own, and tells any product that is missing or misplaced.
"""

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("tensorflow")

import keras
import tensorflow as tf

from numeric import Geometry
from numeric.rounding import input_gradient_bound, weight_gradient_bound
from numeric.rounding.network import network_bound
from proofs.conformance.adapters import load
from proofs.conformance.certify import certify
from proofs.conformance.functions import FUNCTIONS, shape
from proofs.conformance.integers import integers
from proofs.conformance.outcome import Outcome
from proofs.law import LAWS
from tests.training import test_network_against_tensorflow as against
from training import backends, certification, fitting_numpy, models, proved
from training.backends.tensorflow_loop import TensorFlowLoop as Loop
from training.course import Course
from training.data import Dataset, Digits
from training.errors import RunError
from training.proved import ProvedConv2D
from training.recipes import FAST, RECIPES, Network, Recipe
from training.values import Convolution

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")

SMALL = Network((Convolution(4, 5, "same"), Convolution(4, 3)), dense=8)
RECIPE = replace(FAST, network=SMALL, epochs=1, batch_size=16, precision="float32")
GRADIENTS = ("conv.input_gradient", "conv.weight_gradient")
ROOT = Path(__file__).resolve().parents[2]
OURS = "training.proved:ProvedConv2D"
LAYERS = [
    Geometry((6, 5), (3, 2), in_channels=2, out_channels=3),
    Geometry((6, 5), (4, 3), padding="same", in_channels=3, out_channels=2),
    Geometry((7, 6), (3, 2), 2, padding="same", in_channels=2, out_channels=2),
    Geometry((8, 7), (2, 3), (3, 2), in_channels=2, out_channels=3),
    Geometry((8, 9), (3, 2), dilation=(2, 3), padding="same", in_channels=2, out_channels=2),
    Geometry((9, 9), (3, 2), dilation=(3, 2), in_channels=2, out_channels=2),
]


def correlate(x: Any, k: Any, stride: Sequence[int] = (1, 1), dilation: Sequence[int] = (1, 1)) -> Any:
    """What a framework calls convolution, in the place of the true one."""
    return keras.ops.conv(x, k, stride, "valid", "channels_last", dilation)


def misplaced(self: ProvedConv2D, g: Any, x: Any, w: Any) -> Any:
    """The input gradient with input and output channels of the kernel in each other's place."""
    return right_input_gradient(self, g, x, keras.ops.swapaxes(w, 2, 3))


right_input_gradient = ProvedConv2D._input_gradient


def test_the_laws_named_are_there() -> None:
    for name in (
        "input-gradient-is-rotated-kernel-convolved-with-cotangent",
        "weight-gradient-is-rotated-input-convolved-with-cotangent",
        "rot180-gradients-hold-on-finite-arrays",
    ):
        assert name in LAWS
        assert name in str(proved.__doc__)


def test_every_function_is_certified_structure_and_integers_with_stride_and_dilation() -> None:
    report = certify(OURS, operations=["conv2d"], geometries=LAYERS, tiers=["structure", "integers"])
    found = {(finding.function, finding.tier, finding.outcome) for finding in report.findings}
    functions = {"conv", *GRADIENTS, "conv.bias_gradient"} | {f"conv.double_backward_{of}" for of in "gxw"}
    assert found == {(name, tier, Outcome.CERTIFIED) for name in functions for tier in ("structure", "integers")}


@pytest.mark.parametrize("geometry", LAYERS, ids=str)
@pytest.mark.parametrize("function", GRADIENTS)
def test_a_rotation_left_out_is_refuted(function: str, geometry: Geometry, monkeypatch: pytest.MonkeyPatch) -> None:
    target = load(OURS)
    assert integers(target, function, geometry, 2).outcome == Outcome.CERTIFIED
    monkeypatch.setattr(proved, "_convolve", correlate)
    assert integers(target, function, geometry, 2).outcome == Outcome.REFUTED


@pytest.mark.parametrize("geometry", [layer for layer in LAYERS if layer.in_channels == layer.out_channels], ids=str)
def test_channels_in_each_others_place_are_refuted(geometry: Geometry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ProvedConv2D, "_input_gradient", misplaced)
    found = integers(load(OURS), "conv.input_gradient", geometry, 2)
    assert found.outcome == Outcome.REFUTED


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
@pytest.mark.parametrize("function", GRADIENTS)
def test_other_precisions_are_certified(dtype: str, function: str) -> None:
    assert integers(load(OURS, dtype=dtype), function, LAYERS[1], 2).outcome == Outcome.CERTIFIED


@pytest.mark.parametrize("geometry", LAYERS, ids=str)
def test_xla_computes_the_same(geometry: Geometry) -> None:
    """Small integers, on which any order of summation is exact."""
    random, (size, channels) = np.random.default_rng(0), (geometry.kernel_size, geometry.out_channels)
    given = {letter: random.integers(-3, 4, shape(letter, geometry, 2)).astype(np.float32) for letter in "gxw"}
    padding = "valid" if not any(map(any, geometry.padding)) else "same"
    options = {"strides": geometry.stride, "padding": padding, "dilation_rate": geometry.dilation, "use_bias": False}
    layer = ProvedConv2D(channels, size, **options)
    x = tf.constant(given["x"].transpose(0, 2, 3, 1))
    layer.build(x.shape)
    layer.set_weights([given["w"].transpose(2, 3, 1, 0)])

    @tf.function(jit_compile=True)
    def gradients(x: Any, g: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = layer(x)
        return tape.gradient(y, [x, layer.kernel.value], g)

    dx, dw = gradients(x, tf.constant(given["g"].transpose(0, 2, 3, 1)))
    of = {
        name: FUNCTIONS[name].expected(geometry, *(given[a] for a in FUNCTIONS[name].arguments)) for name in GRADIENTS
    }
    assert np.array_equal(np.array(dx).transpose(0, 3, 1, 2), of["conv.input_gradient"])
    assert np.array_equal(np.array(dw).transpose(3, 2, 0, 1), of["conv.weight_gradient"])


def test_jax_is_certified_too() -> None:
    """In a process of its own: a process has one backend of Keras."""
    pytest.importorskip("jax")
    code = """
from tests.training.test_proved import GRADIENTS, LAYERS, OURS, integers, load
for layer in LAYERS[1:3]:
    for function in GRADIENTS:
        print("jax" in load(OURS).about(), function, integers(load(OURS), function, layer, 2).outcome)
"""
    environment = {**os.environ, "KERAS_BACKEND": "jax"}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.stdout.splitlines() == [f"True {function} certified" for function in GRADIENTS] * 2, done.stderr


@pytest.mark.parametrize(
    ("options", "got"),
    [
        ({"groups": 2}, "groups=2, data_format='channels_last'"),
        ({"data_format": "channels_first"}, "groups=1, data_format='channels_first'"),
    ],
)
def test_what_it_has_no_gradients_for_is_told(options: dict[str, Any], got: str) -> None:
    with pytest.raises(ValueError, match=f"^expected groups=1 and data_format='channels_last', got {got}$"):
        ProvedConv2D(4, 3, **options)


def test_the_networks_differ_in_their_convolutions_alone() -> None:
    plain, ours = models.build(SMALL), models.build(SMALL, gradients="proved")
    for one, other in zip(plain.layers, ours.layers, strict=True):
        assert type(other) is (ProvedConv2D if type(one) is keras.layers.Conv2D else type(one))
        assert {**one.get_config(), "module": ""} == {**other.get_config(), "module": ""}


class Met:
    """A convolution layer in a step: its geometry, and channels first its input `x`, kernels `w` and cotangent `g`."""

    def __init__(self, layer: keras.layers.Conv2D, x: Any, g: Any) -> None:
        self.x, self.g = (np.moveaxis(np.array(array), -1, 1) for array in (x, g))
        self.w = np.array(layer.kernel).transpose(3, 2, 0, 1)
        channels = self.x.shape[1]
        fields = certification._fields(layer, channels)
        self.geometry = Geometry(self.x.shape[2:], in_channels=channels, **fields)

    def gradients(self, target: str) -> list[np.ndarray]:
        """Input and weight gradient by an adapter of `certify`."""
        pairs = ((self.g, self.w), (self.g, self.x))
        run = load(target).run
        return [run(name, self.geometry, *pair) for name, pair in zip(GRADIENTS, pairs, strict=True)]

    def bounds(self) -> list[np.ndarray]:
        """How far each may be from the exact one."""
        geometry = self.geometry
        return [input_gradient_bound(self.g, self.w, geometry), weight_gradient_bound(self.g, self.x, geometry)]


def met(network: Network, digits: Digits) -> Iterator[Met]:
    """Each convolution of a network with random weights, and what it meets in a step on `digits`."""
    keras.utils.set_random_seed(0)
    model = models.build(network)
    convolutions = [layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D)]
    # Zeros are added to what a layer gives: their gradient is its cotangent.
    zeros = {layer.name: tf.zeros((len(digits), *layer.output.shape[1:])) for layer in convolutions}
    read = {}
    with tf.GradientTape() as tape:
        tape.watch(zeros)
        x = tf.constant(digits.images)
        for layer in model.layers:
            read[layer.name] = x
            x = layer(x, training=True)
            x = x + zeros[layer.name] if layer.name in zeros else x
        loss = tf.reduce_mean(keras.losses.sparse_categorical_crossentropy(digits.labels, x))
    cotangents = tape.gradient(loss, zeros)
    return (Met(layer, read[layer.name], cotangents[layer.name]) for layer in convolutions)


@pytest.fixture(scope="module")
def digits(mnist: Dataset) -> Digits:
    return mnist.training.take(np.arange(6))


def excess(found: Sequence[np.ndarray], layer: Met) -> list[int]:
    """How many entries of each gradient are further from autodiff's than two that stay within the bound can be."""
    of = zip(found, layer.gradients("keras"), layer.bounds(), strict=True)
    return [int((abs(ours.astype(float) - theirs) > 2 * bound).sum()) for ours, theirs, bound in of]


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
def test_gradients_are_autodiffs_within_the_bound_in_every_layer_of_every_recipe(
    recipe: Recipe, digits: Digits, monkeypatch: pytest.MonkeyPatch
) -> None:
    layers = list(met(recipe.network, digits))
    assert len(layers) == len(recipe.network.convolutions)
    for layer in layers:
        assert all(gradient.any() for gradient in layer.gradients("keras"))
        assert excess(layer.gradients(OURS), layer) == [0, 0]
    with monkeypatch.context() as planted:
        planted.setattr(proved, "_convolve", correlate)
        assert all(min(excess(layer.gradients(OURS), layer)) > 0 for layer in layers)


def test_the_bound_tells_channels_in_each_others_place(digits: Digits, monkeypatch: pytest.MonkeyPatch) -> None:
    layers = met(RECIPES["accurate"].network, digits)
    layer = next(layer for layer in layers if layer.geometry.in_channels == layer.geometry.out_channels)  # or none runs
    monkeypatch.setattr(ProvedConv2D, "_input_gradient", misplaced)
    wrong, right = excess(layer.gradients(OURS), layer)
    assert wrong > 0
    assert right == 0


@pytest.mark.parametrize("dtype", against.DTYPES)
def test_loss_and_every_gradient_of_a_whole_step_are_within_the_networks_bound(
    dtype: type, mnist: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in `test_network_against_tensorflow`, with this layer in the place of TensorFlow's function."""
    batch, ours = mnist.training.take(np.array(against.DIGITS)), against.network(dtype)
    images = fitting_numpy.grey(batch.images).astype(dtype)
    bound = network_bound(ours, images, batch.labels)
    loss, _ = ours.loss_and_gradients(images, batch.labels)
    layer, met = ProvedConv2D(1, 1), []

    def conv2d(x: Any, w: Any, stride: int, padding: str) -> Any:
        met.append((stride, padding))
        return layer.convolution_op(x, w)

    monkeypatch.setattr(tf.nn, "conv2d", conv2d)
    their_loss, theirs = against.tensorflows(ours.parameters, images, batch.labels)
    assert met == [(1, "VALID")] * 2
    assert abs(float(loss) - float(their_loss)) <= 2 * bound.loss
    against.check_within(ours.gradients, theirs, bound)
    monkeypatch.setattr(proved, "_convolve", correlate)
    if dtype is np.float64:  # float32's bound adds up so far that it sees less
        _, wrong = against.tensorflows(ours.parameters, images, batch.labels)
        with pytest.raises(AssertionError, match=r"^0\.weights: .* differ"):
            against.check_within(ours.gradients, wrong, bound)


def loop(recipe: Recipe, digits: Digits, *, xla: bool = False) -> Loop:
    backend = backends.current()
    keras.utils.set_random_seed(0)
    made: Loop = backend.Loop(recipe, digits, xla=xla)
    return made


@pytest.mark.parametrize(
    ("precision", "xla"), [("float32", False), ("float32", True), ("bfloat16", False), ("float16", False)]
)
def test_a_training_starts_from_the_same_loss_and_learns(precision: str, xla: bool, mnist: Dataset) -> None:
    digits = mnist.training.take(np.arange(64))
    recipe = replace(RECIPE, precision=precision, epochs=10)
    course = Course(recipe, len(digits), 0)
    losses = {}
    for gradients in ("autodiff", "proved"):
        made = loop(replace(recipe, gradients=gradients), digits, xla=xla)
        epochs = [course.portion(first, first + 4) for first in range(0, course.steps, 4)]
        losses[gradients] = np.array([made.run(portion)[0] for portion in epochs])
    assert losses["proved"][0, 0] == losses["autodiff"][0, 0]
    assert losses["proved"][-1].mean() < losses["proved"][0].mean()


def test_the_trainings_own_certification_judges_them(monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = replace(RECIPE, gradients="proved")
    certificate = certification.certify(recipe, 3)
    assert certificate["gradients"] == "proved"
    rows = {(row["layer"], row["function"]): row["outcome"] for row in certificate["layers"]}
    assert set(rows.values()) == {"certified"}
    assert {("convolution_2", name) for name in GRADIENTS} < set(rows)
    monkeypatch.setattr(proved, "_convolve", correlate)
    message = (
        "^the proved conv.input_gradient is wrong for the layer convolution_1: .*--no-certify trains all the same$"
    )
    with pytest.raises(RunError, match=message):
        certification.certify(recipe, 3)
    assert certification.certify(RECIPE, 3)["outcome"] == "certified"  # they are not asked for
