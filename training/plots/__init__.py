"""The pictures of a run. Figures are made without pyplot: nothing global is touched and no display is needed."""

from training.plots.layers import features, kernels
from training.plots.learning import curves
from training.plots.readings import calibration, confusion, misread
from training.plots.translation import equivariance, shifts

__all__ = ["calibration", "confusion", "curves", "equivariance", "features", "kernels", "misread", "shifts"]
