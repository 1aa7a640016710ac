"""Small data sets of real digits."""

import os
from pathlib import Path

import numpy as np
import pytest

from training import data

# As `train.py` does: TensorFlow reads it when it is imported, which here the test modules do first.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")


@pytest.fixture(scope="session")
def mnist() -> data.Dataset:
    return data.load()


@pytest.fixture(scope="session")
def small_npz(mnist: data.Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first 3,600 training and 500 test digits of MNIST, as Keras stores it."""
    path = tmp_path_factory.mktemp("data") / "small.npz"
    np.savez(
        path,
        x_train=mnist.training.images[:3600],
        y_train=mnist.training.labels[:3600],
        x_test=mnist.test.images[:500],
        y_test=mnist.test.labels[:500],
    )
    return path
