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
    return written(tmp_path_factory.mktemp("data") / "small.npz", mnist, 3600, 500)


@pytest.fixture(scope="session")
def tiny_npz(mnist: data.Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first 360 training and 100 test digits."""
    return written(tmp_path_factory.mktemp("data") / "tiny.npz", mnist, 360, 100)


def written(path: Path, mnist: data.Dataset, training: int, test: int) -> Path:
    """`path`, where the first digits are now."""
    first = {"x_train": mnist.training.images[:training], "y_train": mnist.training.labels[:training]}
    np.savez(path, **first, x_test=mnist.test.images[:test], y_test=mnist.test.labels[:test])
    return path
