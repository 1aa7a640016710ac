"""Recipes as Keras models."""

import keras

from training.data import CLASSES, IMAGE_SHAPE
from training.recipes import Adam, Network, Recipe
from training.values import Convolution


def build(network: Network) -> keras.Model:
    """Return the untrained model: grey values 0 to 255 `(n, 28, 28)` in, probabilities `(n, 10)` out."""
    layers = [
        keras.layers.Input(IMAGE_SHAPE, name="image"),
        keras.layers.Rescaling(1 / 255, name="scale"),
        keras.layers.Reshape((*IMAGE_SHAPE, 1), name="channel"),
    ]
    for number, convolution in enumerate(network.convolutions, start=1):
        layers += _convolution(convolution, number, normalise=network.normalise)
    layers.append(keras.layers.Flatten(name="flatten"))
    if network.dense:
        layers.append(keras.layers.Dense(network.dense, activation="relu", name="dense"))
    if network.dropout:
        layers.append(keras.layers.Dropout(network.dropout, name="dropout"))
    layers.append(keras.layers.Dense(CLASSES, activation="softmax", name="digit"))
    return keras.Sequential(layers)


def prepare(model: keras.Model, recipe: Recipe, images: int) -> None:
    """Compile `model` to be trained on that many `images` as `recipe` says."""
    steps = -(-images // recipe.batch_size)
    model.compile(
        optimizer=_adam(recipe.optimizer, steps * recipe.epochs),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
        # Leaving the compiled loop costs as much as a step of so small a network: do it ten times an epoch.
        # (Keras before 3.7 drops what is left over if this does not divide the steps.)
        steps_per_execution=-(-steps // 10),
    )


def _convolution(convolution: Convolution, number: int, *, normalise: bool) -> list[keras.layers.Layer]:
    """ReLU comes after max pooling: the two commute, and there is less to do."""
    layers: list[keras.layers.Layer] = [
        keras.layers.Conv2D(
            convolution.kernels,
            convolution.width,
            padding=convolution.padding,
            use_bias=not normalise,
            name=f"convolution_{number}",
        )
    ]
    if convolution.pooling > 1:
        layers.append(keras.layers.MaxPooling2D(convolution.pooling, name=f"pooling_{number}"))
    if normalise:
        layers.append(keras.layers.BatchNormalization(name=f"normalisation_{number}"))
    return [*layers, keras.layers.ReLU(name=f"relu_{number}")]


def _adam(adam: Adam, steps: int) -> keras.optimizers.Optimizer:
    rate: float | keras.optimizers.schedules.LearningRateSchedule = adam.learning_rate
    if adam.warmup is not None:
        rise = round(adam.warmup * steps)
        rate = keras.optimizers.schedules.CosineDecay(
            0.0, decay_steps=max(1, steps - rise), warmup_target=adam.learning_rate, warmup_steps=rise
        )
    return keras.optimizers.Adam(rate, beta_1=adam.beta_1, beta_2=adam.beta_2)
