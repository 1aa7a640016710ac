"""`numeric.Geometry` without its checks, so that its own `reads` and channels run on terms as well."""

from __future__ import annotations

from typing import Any

from numeric.geometry import Axis, Boundary, Geometry


def layer(axis: Axis, boundary: Boundary = "zero", in_channels: Any = 1, out_channels: Any = 1, groups: Any = 1) -> Any:
    """Layer on one axis; its sizes may be terms of a solver, which `Geometry` would refuse."""
    made = object.__new__(Geometry)
    made.__dict__.update(
        input_size=(axis.input_size,),
        kernel_size=(axis.kernel_size,),
        stride=(axis.stride,),
        dilation=(axis.dilation,),
        padding=((axis.low, axis.high),),
        in_channels=in_channels,
        out_channels=out_channels,
        groups=groups,
        boundary=boundary,
    )
    return made
