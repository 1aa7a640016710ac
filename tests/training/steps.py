"""One step of a loop from given weights, on what this process is set up to compute with.

    python -m tests.training.steps GIVEN FILE [DEVICES]

reads the `weights/N`, `images` and `labels` of `GIVEN`, an .npz, and writes to `FILE`, another one, `loss` and
`gradients/N`; and `mean` and `variance`, which batch normalisation keeps of a batch whose halves differ (`split`).
`DEVICES` CPUs of this process share the batch, or those of all workers of the cluster that TF_CONFIG describes.
"""

import os
import sys
from dataclasses import replace
from typing import Any

import numpy as np

from training import backends, startup
from training.backends import Machine
from training.course import Portion
from training.data import Digits
from training.options_numpy import RECIPE
from training.recipes import Adam, Network, Recipe
from training.values import Convolution

# With a memory of 1/2, Adam's mean of gradients is half the first of them: exact, if it does not underflow.
STEP = replace(RECIPE, optimizer=Adam(learning_rate=0.01, beta_1=0.5, beta_2=0.5), batch_size=8)
SPLIT = replace(STEP, network=Network((Convolution(2, 28, pooling=1),), dense=0, normalise=True))


def machine(devices: int) -> Machine:
    """Start the backend that the environment names, on that many devices."""
    if backends.chosen() == "jax":
        os.environ["XLA_FLAGS"] = f"--xla_force_host_platform_device_count={devices}"
        return startup.start()
    import tensorflow as tf

    if devices > 1:
        one = tf.config.LogicalDeviceConfiguration()
        tf.config.set_logical_device_configuration(tf.config.list_physical_devices("CPU")[0], [one] * devices)
        return Machine("several", tf.distribute.MirroredStrategy([f"CPU:{n}" for n in range(devices)]), devices)
    return startup.start()


def first(weights: list[np.ndarray], digits: Digits, on: Machine, *, xla: bool = False) -> dict[str, Any]:
    """Mean loss of the digits, in order, with these weights, and its gradients, which are in the weights' order."""
    loop = _loop(STEP, digits, on, xla=xla)
    loop.model.set_weights(weights)
    losses, _ = loop.run(_portion(len(digits)))
    state = loop.state()
    moments = [state[f"optimizer/{2 + 2 * number}"] for number in range(len(weights))]
    return {"loss": losses[0], "gradients": [2 * moment for moment in moments]}


def split(on: Machine) -> dict[str, np.ndarray]:
    """What batch normalisation keeps of four black images and four white ones, each under two kernels of ones."""
    images = np.repeat(np.array([0, 255], np.uint8), 4)[:, None, None] * np.ones((28, 28), np.uint8)
    loop = _loop(SPLIT, Digits(images, np.arange(8).astype(np.uint8)), on)
    loop.model.set_weights([np.ones_like(w) if w.ndim == 4 else w for w in loop.model.get_weights()])
    loop.run(_portion(8))
    layer = next(layer for layer in loop.model.layers if "normalisation" in layer.name)
    return {"mean": np.array(layer.moving_mean.numpy()), "variance": np.array(layer.moving_variance.numpy())}


def _loop(recipe: Recipe, digits: Digits, on: Machine, *, xla: bool = False) -> Any:
    return backends.current().Loop(recipe, digits, on.devices, xla=xla)


def _portion(images: int) -> Portion:
    order = np.arange(images, dtype=np.int32)[None]
    return Portion(
        order, np.empty((1, images, 0, 0), np.float32), np.array([0.01], np.float32), np.zeros(1, np.float32)
    )


def main(given: str, file: str, devices: str = "1") -> None:
    """Write both."""
    on = machine(int(devices))
    with np.load(given) as archive:
        digits = Digits(archive["images"], archive["labels"])
        weights = [archive[f"weights/{number}"] for number in range(len(archive.files) - 2)]
    found = first(weights, digits, on)
    gradients = {f"gradients/{number}": gradient for number, gradient in enumerate(found["gradients"])}
    np.savez(file, loss=found["loss"], **gradients, **split(on))


if __name__ == "__main__":
    main(*sys.argv[1:])
