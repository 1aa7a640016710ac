"""Defaults: the documented ones, the same for a layer, its gradients, its definition and its bound."""

import inspect

import numpy as np
import pytest

import numeric
from numeric import definition, layers, network, optimisers, rounding
from numeric.geometry import named_padding

DEFAULTS = {
    "alpha": 1.0,
    "axes": None,
    "bias": None,
    "boundary": "zero",
    "channels_last": False,
    "count_padding": False,
    "epsilon": 1e-5,
    "mode": "full",
    "momentum": 0.99,
    "output_padding": 0,
    "path": "auto",
    "slope": 0.01,
}
FUNCTIONS = {
    f"{module.__name__}.{name}": function
    for module in (numeric, definition, rounding)
    for name, function in inspect.getmembers(module, inspect.isfunction)
    if not name.startswith("_")
}


OBJECTS = {
    layers.Layer.forward: {"training": False},
    layers.Conv: {"bias": None},
    layers.Dense: {"bias": None},
    layers.BatchNorm: {"momentum": 0.99, "epsilon": 1e-3, "dtype": np.float32},
    network.Sequential.forward: {"training": False},
    network.Sequential.loss_and_gradients: {"accumulate": False},
    network.he_uniform: {"dtype": np.float32},
    network.glorot_uniform: {"dtype": np.float32},
    optimisers.Adam: {"beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7, "weight_decay": 0.0},
    optimisers.Adam.step: {"learning_rate": 0.001},
    named_padding: {"stride": 1, "dilation": 1},
}


def _defaults(function):
    parameters = inspect.signature(function).parameters.values()
    return {one.name: one.default for one in parameters if one.default is not one.empty}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_default_is_the_documented_one(name):
    found = _defaults(FUNCTIONS[name])
    assert found == {key: DEFAULTS[key] for key in found}


def test_every_documented_default_is_one_of_some_function():
    assert set().union(*map(_defaults, FUNCTIONS.values())) == set(DEFAULTS)


@pytest.mark.parametrize("function", OBJECTS, ids=lambda function: function.__qualname__)
def test_defaults_of_layers_networks_and_optimisers(function):
    """Those of Keras: a network's batch normalisation has another epsilon than the function."""
    assert _defaults(function) == OBJECTS[function]
