"""What TensorBoard reads is what the training measured."""

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from matplotlib.figure import Figure

from training import tensorboard

ROWS = [
    {"epoch": 1, "val_loss": 0.5, "val_accuracy": 0.25, "learning_rate": 0.125},
    {"epoch": 2, "val_loss": 0.25, "val_accuracy": 0.75, "learning_rate": 0.0625},
]


def written(folder: Path) -> dict[tuple[str, int], tuple[str, object]]:
    """By tag and step: the plugin that shows it, and what it shows."""
    (file,) = folder.iterdir()
    found = {}
    for record in tf.data.TFRecordDataset(str(file)):
        event = tf.compat.v1.Event.FromString(record.numpy())
        for value in event.summary.value:
            content = tf.make_ndarray(value.tensor)
            found[value.tag, event.step] = (value.metadata.plugin_data.plugin_name, content.tolist())
    return found


def test_each_step_and_each_epoch_is_there(tmp_path: Path) -> None:
    tensorboard.write(tmp_path, ROWS, [4.0, 3.0, 2.0, 1.0], [0.5, 0.25, 0.75, 1.0], [])
    found = written(tmp_path)
    losses = {("loss/training", step): ("scalars", 5.0 - step) for step in (1, 2, 3, 4)}
    right = {("accuracy/training", step): ("scalars", [0.5, 0.25, 0.75, 1.0][step - 1]) for step in (1, 2, 3, 4)}
    assert found == {
        **losses,
        **right,
        ("loss/validation", 2): ("scalars", 0.5),
        ("loss/validation", 4): ("scalars", 0.25),
        ("accuracy/validation", 2): ("scalars", 0.25),
        ("accuracy/validation", 4): ("scalars", 0.75),
        ("learning_rate", 2): ("scalars", 0.125),
        ("learning_rate", 4): ("scalars", 0.0625),
    }


def test_without_validation_there_is_none(tmp_path: Path) -> None:
    tensorboard.write(tmp_path, [{"epoch": 1, "learning_rate": 0.5}], [1.0], [0.5], [])
    assert set(written(tmp_path)) == {("loss/training", 1), ("accuracy/training", 1), ("learning_rate", 1)}


def test_pictures_are_there_with_their_size(tmp_path: Path) -> None:
    picture = tmp_path / "a picture.png"
    Figure(figsize=(3, 2)).savefig(picture, dpi=10)
    tensorboard.write(tmp_path / "logs", ROWS, [1.0] * 4, [0.5] * 4, [picture])
    plugin, content = written(tmp_path / "logs")["a picture", 4]
    assert plugin == "images"
    assert content == [b"30", b"20", picture.read_bytes()]


@pytest.mark.parametrize("figure", [np.float32(0.1), 0.1])
def test_figures_are_float32(tmp_path: Path, figure: float) -> None:
    tensorboard.write(tmp_path, ROWS[:1], [figure], [0.5], [])
    assert written(tmp_path)["loss/training", 1] == ("scalars", float(np.float32(0.1)))
