"""Every recipe, by what it promises in the help and by the sizes of the model that it builds."""

import dataclasses
import json

import keras
import numpy as np
import pytest

from numeric.losses import softmax
from numeric.rounding import softmax_bound
from training import models
from training.recipes import DEFAULT, MEASURED, RECIPES, Network, Recipe
from training.values import Convolution

every_recipe = pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)


def sizes(network: Network) -> tuple[list[tuple[int, ...]], int]:
    """The shapes after each convolution and the number of parameters, from the textbook formulas."""
    side, channels, shapes, parameters = 28, 1, [], 0
    for layer in network.convolutions:
        side = side if layer.padding == "same" else side - layer.width + 1
        shapes.append((side, side, layer.kernels))
        # a bias, or batch normalisation's scale, shift, mean and variance
        parameters += layer.kernels * (channels * layer.width**2 + (4 if network.normalise else 1))
        side, channels = side // layer.pooling, layer.kernels
    features = side * side * channels
    if network.dense:
        parameters += (features + 1) * network.dense
    parameters += ((network.dense or features) + 1) * 10
    return shapes, parameters


@every_recipe
def test_names_and_figures_are_there(recipe: Recipe) -> None:
    assert RECIPES[recipe.name] is recipe
    assert DEFAULT in RECIPES
    assert "%" in MEASURED[recipe.name]
    assert set(MEASURED) == set(RECIPES)


@every_recipe
def test_recipes_are_frozen_plain_data(recipe: Recipe) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        recipe.epochs = 1
    assert json.loads(json.dumps(dataclasses.asdict(recipe)))["epochs"] == recipe.epochs


@every_recipe
def test_model_has_the_sizes_of_the_formulas(recipe: Recipe) -> None:
    model = models.build(recipe.network)
    shapes, parameters = sizes(recipe.network)
    convolutions = [layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D)]
    assert [layer.output.shape[1:] for layer in convolutions] == shapes
    assert model.count_params() == parameters
    assert model.input_shape == (None, 28, 28)
    assert model.output_shape == (None, 10)


def test_sheet_is_the_network_of_the_old_tutorials() -> None:
    model = models.build(RECIPES["sheet"].network)
    # 32 (25 + 1) + 64 (32 * 25 + 1) + (7 * 7 * 64 + 1) 1024 + (1024 + 1) 10
    assert model.count_params() == 832 + 51_264 + 3_212_288 + 10_250 == 3_274_634


def test_keras_example_is_keras_own() -> None:
    """Its summary in the documentation says 34,826 parameters."""
    assert models.build(RECIPES["keras-example"].network).count_params() == 34_826


@every_recipe
def test_untrained_model_gives_probabilities(recipe: Recipe) -> None:
    images = np.random.default_rng(0).integers(0, 256, (3, 28, 28), dtype=np.uint8)
    model = models.build(recipe.network)
    logits, probabilities = np.asarray(models.logits(model)([images])), np.asarray(model(images))
    assert (probabilities >= 0).all()
    assert (abs(probabilities - softmax(logits.astype(float))) <= softmax_bound(logits)).all()


def test_model_reads_grey_values_of_any_type_alike() -> None:
    model = models.build(Network((Convolution(2, 3),), dense=4))
    images = np.random.default_rng(0).integers(0, 256, (3, 28, 28), dtype=np.uint8)
    assert np.array_equal(model(images), model(images.astype(np.float32)))


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_weights_and_probabilities_are_float32_in_any_precision(precision: str) -> None:
    before = keras.config.dtype_policy().name
    model = models.build(RECIPES["balanced"].network, precision)
    assert {variable.dtype for variable in model.weights} == {"float32"}
    assert {layer.compute_dtype for layer in model.layers if isinstance(layer, keras.layers.Conv2D)} == {precision}
    assert np.asarray(model(np.zeros((1, 28, 28), np.uint8))).dtype == np.float32
    assert keras.config.dtype_policy().name == before
