"""The steps of a training, compiled: what the loops of all backends share."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from training import models
from training.course import Course, Portion
from training.errors import UsageError
from training.recipes import Recipe

Arrays = dict[str, npt.NDArray[Any]]
Figures = tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]


class Loop(ABC):
    """A model that learns, its optimizer, and the running average of its weights, on devices that share each batch.

    It is made in `scope`; raises `UsageError` if the devices cannot share a batch equally. Batch normalisation takes
    its statistics over the whole batch, wherever its parts are: nothing depends on the devices but rounding, and what
    dropout draws.
    """

    def __init__(self, recipe: Recipe, batch: int, devices: int, scope: AbstractContextManager[Any]) -> None:
        self._recipe = recipe
        if batch % devices:
            raise UsageError(
                f"--batch-size: expected a multiple of {devices}, the devices that share a batch, got {batch}; "
                f"{batch - batch % devices} is the nearest, and --devices says how many are used"
            )
        with scope:
            self.model = models.build(recipe.network, recipe.precision, recipe.gradients)
            self._optimizer = models.optimizer(recipe)
            self._optimizer.build(self.model.trainable_variables)
            self._averaged = [v for v in self.model.variables if v.dtype == "float32"] if recipe.ema else []
            self._averages = [keras.Variable(array(v), trainable=False, dtype="float32") for v in self._averaged]
        self._logits = models.logits(self.model)

    def run(self, portion: Portion) -> Figures:
        """Do the steps of `portion`; return mean loss and share read right of each `(n,)`, before its step."""
        return self._run(portion)

    def compile(self, course: Course) -> None:
        """Do a step and undo it: what comes after runs at full speed."""
        state = self.state()
        self.run(course.portion(0, 1))
        self.restore(state)

    def weights(self) -> list[npt.NDArray[Any]]:
        """Return the weights to read digits with, in the model's order: averages where they are kept."""
        kept = {id(v): average for v, average in zip(self._averaged, self._averages, strict=True)}
        return [array(kept.get(id(v), v)) for v in self.model.weights]

    def state(self) -> Arrays:
        """Return copies of all that the next step depends on, by name."""
        return {name: array(variable) for name, variable in self._variables()}

    def restore(self, state: Mapping[str, npt.NDArray[Any]]) -> None:
        """Take over a `state` of a loop of the same recipe."""
        for name, variable in self._variables():
            variable.assign(np.array(state[name]))

    @abstractmethod
    def _run(self, portion: Portion) -> Figures: ...

    def _variables(self) -> Iterator[tuple[str, Any]]:
        for group, variables in (
            ("model", self.model.variables),
            ("optimizer", self._optimizer.variables),
            ("average", self._averages),
        ):
            for number, variable in enumerate(variables):
                yield f"{group}/{number}", variable


def array(variable: Any) -> npt.NDArray[Any]:
    """Return a copy of the value of a Keras `variable`."""
    return np.array(np.asarray(keras.ops.convert_to_tensor(variable.value)))
