"""The steps of a training as a loop of TensorFlow's: data on the device, no Python between the steps of a portion."""

from typing import Any

import numpy.typing as npt
import tensorflow as tf

from training import models
from training.course import Portion
from training.data import CLASSES, Digits
from training.errors import UsageError
from training.loop import Figures, Loop
from training.recipes import Recipe
from training.warping import warp


class TensorFlowLoop(Loop):
    """A loop of TensorFlow's. On several devices (`strategy`) each takes an equal part; gradients are summed."""

    def __init__(self, recipe: Recipe, digits: Digits, strategy: Any = None, *, xla: bool) -> None:
        self._strategy = strategy or tf.distribute.get_strategy()
        self._replicas = self._strategy.num_replicas_in_sync
        if xla and self._replicas > 1:  # it cannot compile what adds gradients up
            raise UsageError("--xla: expected auto or no on several devices, got yes")
        batch = min(recipe.batch_size, len(digits))
        super().__init__(recipe, batch, self._replicas, self._strategy.scope())
        if self._replicas > 1:
            models.synchronize(self.model)
        self._images, self._labels = self._on_each_device(digits.images), self._on_each_device(digits.labels)
        self._step = tf.function(self._learn, jit_compile=True) if xla else self._learn
        self._portion = tf.function(self._steps, input_signature=_signature(batch))

    def _run(self, portion: Portion) -> Figures:
        arrays = (portion.order, portion.warps, portion.rates, portion.decays)
        losses, right = self._portion(*map(tf.constant, arrays))
        return losses.numpy(), right.numpy()

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
                average.assign(decays[step] * average.value + (1 - decays[step]) * variable.value)
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
