"""The history and the pictures of a run as TensorBoard shows them.

TensorFlow writes the file; the package `tensorboard`, which shows it, is not needed.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import tensorflow as tf

_KINDS = {"scalars": 1, "images": 3}  # TensorBoard's plugins, with TensorFlow's class of what they show


def write(
    folder: Path,
    rows: Sequence[Mapping[str, float]],
    losses: Sequence[float],
    right: Sequence[float],
    pictures: Iterable[Path],
) -> None:
    """Write into `folder` loss and accuracy of each step, the figures of each epoch, and the pictures (PNG files)."""
    steps = len(losses) // len(rows)
    with tf.summary.create_file_writer(str(folder)).as_default():
        for step, (loss, share) in enumerate(zip(losses, right, strict=True), start=1):
            _scalar("loss/training", loss, step)
            _scalar("accuracy/training", share, step)
        for number, row in enumerate(rows, start=1):
            for name, tag in (("val_loss", "loss/validation"), ("val_accuracy", "accuracy/validation")):
                if name in row:
                    _scalar(tag, row[name], number * steps)
            _scalar("learning_rate", row["learning_rate"], number * steps)
        for picture in pictures:
            png = picture.read_bytes()
            height, width = tf.image.decode_png(png).shape[:2]
            _write(picture.stem, "images", [str(width).encode(), str(height).encode(), png], len(losses))


def _scalar(tag: str, figure: float, step: int) -> None:
    _write(tag, "scalars", tf.constant(figure, tf.float32), step)


def _write(tag: str, plugin: str, tensor: Any, step: int) -> None:
    kind = tf.compat.v1.SummaryMetadata.PluginData(plugin_name=plugin)
    metadata = tf.compat.v1.SummaryMetadata(plugin_data=kind, data_class=_KINDS[plugin])
    tf.summary.write(tag, tensor, step, metadata=metadata)
