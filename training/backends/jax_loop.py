"""The steps of a training as pure functions, which JAX compiles: data on the device, the state in its own buffers."""

from contextlib import nullcontext
from typing import Any

import jax
import jax.numpy as jnp
import keras
import numpy as np
from jax.sharding import NamedSharding, PartitionSpec

from training.course import Portion
from training.data import CLASSES, Digits
from training.loop import Figures, Loop
from training.recipes import Recipe
from training.warping import warp

State = tuple[list[Any], list[Any], list[Any], list[Any]]
"""What a step changes: trainable variables, the model's others, the optimizer's, running averages."""


class JaxLoop(Loop):
    """A loop of JAX's. On several devices (`mesh`, of the one axis `batch`) each takes an equal part.

    A portion is one compiled loop on a GPU. On CPUs each step is called from Python: XLA runs convolutions inside a
    loop on one thread and several times slower there, which is more than the calls cost.
    """

    def __init__(self, recipe: Recipe, digits: Digits, mesh: Any = None, *, xla: bool = True) -> None:
        del xla  # there is nothing else
        self._mesh = mesh
        super().__init__(recipe, min(recipe.batch_size, len(digits)), mesh.size if mesh else 1, nullcontext())
        model, optimizer = self._logits, self._optimizer
        self._changed = (model.trainable_variables, model.non_trainable_variables, optimizer.variables, self._averages)
        weights = [*model.trainable_variables, *model.non_trainable_variables]
        places = {id(variable): place for place, variable in enumerate(weights)}
        self._sources = [places[id(variable)] for variable in self._averaged]
        self._rate = next(place for place, v in enumerate(optimizer.variables) if v is optimizer.learning_rate)
        self._data = self._placed((digits.images, digits.labels.astype(np.int32)), PartitionSpec())
        self._step = jax.jit(self._learn, donate_argnums=0)
        self._steps = jax.jit(self._scanned, donate_argnums=0)

    def _run(self, portion: Portion) -> Figures:
        steps = (portion.order, portion.warps, portion.rates, portion.decays)
        state: State = self._placed(tuple([v.value for v in group] for group in self._changed), PartitionSpec())
        if jax.default_backend() == "cpu":
            figures = []
            for step in zip(*steps, strict=True):
                state, found = self._step(state, self._data, self._cut(step, 0))
                figures.append(found)
            losses, right = (np.array(column) for column in zip(*figures, strict=True))
        else:
            state, (losses, right) = self._steps(state, self._data, self._cut(steps, 1))
        for variables, values in zip(self._changed, state, strict=True):
            for variable, value in zip(variables, values, strict=True):
                variable.assign(value)
        return np.asarray(losses), np.asarray(right)

    def _placed(self, arrays: Any, spec: Any) -> Any:
        """Return `arrays` on the devices."""
        return jax.device_put(arrays, NamedSharding(self._mesh, spec) if self._mesh is not None else None)

    def _cut(self, steps: tuple[Any, ...], axis: int) -> tuple[Any, ...]:
        """Return what `steps` get, with the images of a batch, along `axis`, cut up among the devices."""
        whole, cut = PartitionSpec(), PartitionSpec(*(None,) * axis, "batch")
        return tuple(self._placed(part, spec) for part, spec in zip(steps, (cut, cut, whole, whole), strict=True))

    def _scanned(self, state: State, data: Any, steps: Any) -> Any:
        return jax.lax.scan(lambda state, step: self._learn(state, data, step), state, steps)

    def _learn(self, state: State, data: Any, step: Any) -> tuple[State, tuple[Any, Any]]:
        """Do a step; return the state after it, and mean loss and share read right before it."""
        trainable, others, optimizer, averages = state
        order, warps, rate, decay = step
        images, labels = data
        batch, truth = images[order].astype(jnp.float32), labels[order]
        if self._recipe.augmentation.any:
            batch = warp(batch, warps)
        scaled = jax.grad(self._scaled, has_aux=True)
        gradients, (loss, logits, others) = scaled(trainable, others, optimizer, batch, truth)
        optimizer = [rate if place == self._rate else value for place, value in enumerate(optimizer)]
        trainable, optimizer = self._optimizer.stateless_apply(optimizer, gradients, trainable)
        weights = [*trainable, *others]
        pairs = zip(averages, self._sources, strict=True)
        averages = [decay * average + (1 - decay) * weights[source] for average, source in pairs]
        right = jnp.mean(jnp.argmax(logits, axis=-1) == truth, dtype=jnp.float32)
        return (list(trainable), list(others), list(optimizer), averages), (loss, right)

    def _scaled(self, trainable: Any, others: Any, optimizer: Any, batch: Any, truth: Any) -> Any:
        """Return the loss, scaled as the optimizer wants it; beside it loss, logits and the model's other variables."""
        logits, others = self._logits.stateless_call(trainable, others, batch, training=True)
        smoothing = self._recipe.label_smoothing
        on, off = 1 - smoothing * (1 - 1 / CLASSES), smoothing / CLASSES
        target = jnp.where(truth[:, None] == jnp.arange(CLASSES), on, off)
        loss = jnp.mean(-jnp.sum(target * jax.nn.log_softmax(logits), axis=-1))
        with keras.StatelessScope(state_mapping=list(zip(self._optimizer.variables, optimizer, strict=True))):
            scaled = self._optimizer.scale_loss(loss)
        return scaled, (loss, logits, others)
