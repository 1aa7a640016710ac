"""A convolution layer whose backward pass is the exercise sheet's: each gradient is a convolution with a rotated array.

The sheet's layer is `y = x * k`, a convolution; Keras's is a cross-correlation, which is the same with `k = rot180(w)`.
With `g = dL/dy`, laws of `proofs.laws.gradients` say

    dL/dx = rot180(k) * g       input-gradient-is-rotated-kernel-convolved-with-cotangent
    dL/dk = rot180(x) * g       weight-gradient-is-rotated-input-convolved-with-cotangent

and `rot180-gradients-hold-on-finite-arrays` where they are read: with `x` padded, the first is of mode `full` and
cropped to `x`, the second of mode `valid`. Images, channels and kernels change places by transposing axes; a stride
sets zeros between the entries of `g`, and a dilation strides the weight gradient. No framework differentiates anything
here: its forward convolution runs three times.
"""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from numeric.geometry import named_padding


class ProvedConv2D(keras.layers.Conv2D):  # type: ignore[misc]
    """`keras.layers.Conv2D`, its forward pass bit for bit, with the sheet's gradients. Channels last, one group."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        if self.groups != 1 or self.data_format != "channels_last":
            got = f"groups={self.groups}, data_format={self.data_format!r}"
            raise ValueError(f"expected groups=1 and data_format='channels_last', got {got}")

    def convolution_op(self, inputs: Any, kernel: Any) -> Any:
        """Convolve, and remember how to go back."""

        def convolution(x: Any, w: Any) -> Any:
            y = super(ProvedConv2D, self).convolution_op(x, w)
            return y, lambda g: (self._input_gradient(g, x, w), self._weight_gradient(g, x, w))

        # The kernel as it is now: by then the variable may be another.
        return ops.custom_gradient(convolution)(inputs, ops.copy(kernel))

    def _input_gradient(self, g: Any, x: Any, w: Any) -> Any:
        """`rot180(k) * g`, which is `w * g`: zeros around `g`, as many as let every tap reach every input."""
        g, pads = _spread(g, self.strides), []
        for size, taps, dilation, entries, (low, _) in zip(
            x.shape[1:3], w.shape[:2], self.dilation_rate, g.shape[1:3], self._padding(x, w), strict=True
        ):
            reach = dilation * (taps - 1)
            pads.append((reach - low, size + low - entries))
        kernels = ops.swapaxes(w, 2, 3)
        return _convolve(_padded(g, pads), kernels, dilation=self.dilation_rate)

    def _weight_gradient(self, g: Any, x: Any, w: Any) -> Any:
        """`rot180(x) * g`, which is that of `k`, rotated to be that of `w`; images are summed over, as channels are."""
        as_images, as_kernels = (3, 1, 2, 0), (1, 2, 0, 3)
        x = ops.transpose(_padded(x, self._padding(x, w)), as_images)
        found = _convolve(rot180(x, (1, 2)), ops.transpose(g, as_kernels), self.dilation_rate, self.strides)
        return rot180(ops.transpose(found, as_kernels))

    def _padding(self, x: Any, w: Any) -> list[tuple[int, int]]:
        axes = zip(x.shape[1:3], w.shape[:2], self.strides, self.dilation_rate, strict=True)
        return [named_padding(self.padding, *axis) for axis in axes]


def rot180(array: Any, axes: Sequence[int] = (0, 1)) -> Any:
    """Return `array` turned by 180 degrees in the plane of `axes`."""
    return ops.flip(array, axes)


def _convolve(x: Any, k: Any, stride: Sequence[int] = (1, 1), dilation: Sequence[int] = (1, 1)) -> Any:
    """`x * k` of mode `valid`, by the cross-correlation that frameworks call convolution."""
    return ops.conv(x, rot180(k), stride, "valid", "channels_last", dilation)


def _padded(x: Any, pads: Sequence[tuple[int, int]]) -> Any:
    return ops.pad(x, [(0, 0), *pads, (0, 0)]) if any(map(any, pads)) else x


def _spread(g: Any, stride: Sequence[int]) -> Any:
    """Set `stride - 1` zeros between neighbours."""
    for axis, step in enumerate(stride, start=1):
        if step > 1:
            size = g.shape[axis]
            g = ops.expand_dims(g, axis + 1)
            g = ops.pad(g, [(0, step - 1) if other == axis + 1 else (0, 0) for other in range(len(g.shape))])
            g = ops.reshape(g, (-1, *g.shape[1:axis], size * step, *g.shape[axis + 2 :]))
            g = g[(slice(None),) * axis + (slice(size * step - step + 1),)]
    return g
