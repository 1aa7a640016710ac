"""The steps of a training, compiled: data on the device, no Python between the steps of a portion."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from training import models
from training.course import Course, Portion
from training.data import CLASSES, Digits
from training.recipes import Recipe
from training.warping import warp

Arrays = dict[str, npt.NDArray[Any]]


class Loop:
    """A model that learns, its optimizer, and the running average of its weights.

    On several devices (`strategy`) each takes an equal part of every batch; gradients are summed.
    """

    def __init__(self, recipe: Recipe, digits: Digits, strategy: Any, *, xla: bool) -> None:
        self._recipe, self._strategy = recipe, strategy
        self._replicas = strategy.num_replicas_in_sync
        with strategy.scope():
            self.model = models.build(recipe.network, recipe.precision)
            self._optimizer = models.optimizer(recipe)
            self._optimizer.build(self.model.trainable_variables)
            self._averaged = [v for v in self.model.variables if v.dtype == "float32"] if recipe.ema else []
            self._averages = [tf.Variable(v.value, trainable=False) for v in self._averaged]
        self._logits = models.logits(self.model)
        self._images, self._labels = self._on_each_device(digits.images), self._on_each_device(digits.labels)
        self._step = tf.function(self._learn, jit_compile=True) if xla else self._learn
        self._portion = tf.function(self._steps, input_signature=_signature(min(recipe.batch_size, len(digits))))

    def run(self, portion: Portion) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        """Do the steps of `portion`; return mean loss and share read right of each `(n,)`, before its step."""
        arrays = (portion.order, portion.warps, portion.rates, portion.decays)
        losses, right = self._portion(*map(tf.constant, arrays))
        return losses.numpy(), right.numpy()

    def compile(self, course: Course) -> None:
        """Do a step and undo it: what comes after runs at full speed."""
        state = self.state()
        self.run(course.portion(0, 1))
        self.restore(state)

    def weights(self) -> list[npt.NDArray[Any]]:
        """Return the weights to read digits with, in the model's order: averages where they are kept."""
        kept = {id(v): average for v, average in zip(self._averaged, self._averages, strict=True)}
        return [np.array(kept.get(id(v), v)) for v in self.model.weights]

    def state(self) -> Arrays:
        """Return copies of all that the next step depends on, by name."""
        return {name: np.array(variable) for name, variable in self._variables()}

    def restore(self, state: Mapping[str, npt.NDArray[Any]]) -> None:
        """Take over a `state` of a loop of the same recipe."""
        for name, variable in self._variables():
            variable.assign(state[name])

    def _variables(self) -> Iterator[tuple[str, Any]]:
        for group, variables in (
            ("model", self.model.variables),
            ("optimizer", self._optimizer.variables),
            ("average", self._averages),
        ):
            for number, variable in enumerate(variables):
                yield f"{group}/{number}", variable

    def _on_each_device(self, array: npt.NDArray[Any]) -> Any:
        if self._replicas == 1:
            return tf.constant(array)
        return self._strategy.experimental_distribute_values_from_function(lambda _: tf.constant(array))

    def _steps(self, order: Any, warps: Any, rates: Any, decays: Any) -> tuple[Any, Any]:
        count = tf.shape(order)[0]
        losses, right = tf.TensorArray(tf.float32, count), tf.TensorArray(tf.float32, count)
        for step in tf.range(count):
            self._optimizer.learning_rate.assign(rates[step])
            arguments = (self._images, self._labels, order[step], warps[step])
            loss, share = self._strategy.run(self._step, args=arguments)
            losses = losses.write(step, self._strategy.reduce("SUM", loss, axis=None))
            right = right.write(step, self._strategy.reduce("SUM", share, axis=None))
            for variable, average in zip(self._averaged, self._averages, strict=True):
                average.assign(decays[step] * average + (1 - decays[step]) * variable.value)
        return losses.stack(), right.stack()

    def _learn(self, images: Any, labels: Any, order: Any, warps: Any) -> tuple[Any, Any]:
        """Do a step; return this device's part of mean loss and of the share read right."""
        part = tf.shape(order)[0] // self._replicas
        mine = tf.distribute.get_replica_context().replica_id_in_sync_group * part
        order, warps = order[mine : mine + part], warps[mine : mine + part]
        batch, truth = tf.cast(tf.gather(images, order), tf.float32), tf.cast(tf.gather(labels, order), tf.int32)
        if self._recipe.augmentation.any:
            batch = warp(batch, warps)
        with tf.GradientTape() as tape:
            logits = self._logits(batch, training=True)
            loss = tf.reduce_mean(self._losses(truth, logits)) / self._replicas
            scaled = self._optimizer.scale_loss(loss)
        variables = self.model.trainable_variables
        self._optimizer.apply(tape.gradient(scaled, variables), variables)
        right = tf.equal(tf.argmax(logits, axis=-1, output_type=tf.int32), truth)
        return loss, tf.reduce_mean(tf.cast(right, tf.float32)) / self._replicas

    def _losses(self, labels: Any, logits: Any) -> Any:
        smoothing = self._recipe.label_smoothing
        target = tf.one_hot(labels, CLASSES, on_value=1 - smoothing * (1 - 1 / CLASSES), off_value=smoothing / CLASSES)
        return tf.nn.softmax_cross_entropy_with_logits(target, logits)


def _signature(batch: int) -> list[Any]:
    """Return what a `Portion` of any number of steps looks like."""
    spec = tf.TensorSpec
    each = spec((None,), tf.float32)
    return [spec((None, batch), tf.int32), spec((None, batch, None, None), tf.float32), each, each]
