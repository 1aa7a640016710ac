"""One's own code, named as `package.module:name`.

A function `f(x, w, *, stride, dilation, padding, groups)` on NumPy arrays has its forward pass judged. A module, an
object or a class (made without arguments) with `forward` of that signature may also have

    input_gradient(g, w, *, input_size, ...)    weight_gradient(g, x, *, kernel_size, ...)    bias_gradient(g)
    double_backward(ddx, ddw, g, x, w, ...)     returns the gradients for g, x and w
    supports(geometry)                          true, or why it does not take a layer

where ... are the same options. Pooling has no w, and its functions take `kernel_size`; max pooling's gradient takes
(g, x). A transposed layer has (g, w), then (x, w), then (x, g), as in `FUNCTIONS`; `input_size` is of its output.

stride and dilation come as one number per axis, padding as one (low, high) per axis, and `geometry`, if it is taken,
as the layer itself. A function need not take every option: a layer that needs one which it lacks is unsupported, as is
one for which it raises `NotImplementedError`; any other exception is a failure. Arrays
are (batch, channels, *spatial) and w is (out, in / groups, *kernel); with the layout NHWC they are (batch, *spatial,
channels) and (*kernel, in / groups, out).

Named as `torch:package.module:name` (or tensorflow, jax, keras), a function takes and returns tensors of that
framework, which differentiates it. A class of torch modules or Keras layers (`torch.nn:Conv2d`) is made for each layer.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any

from numeric.geometry import Geometry
from proofs.conformance.adapters import adapter, layers
from proofs.conformance.adapters.autodiff import Autodiff, Backend
from proofs.conformance.adapters.host import Host, only_host
from proofs.conformance.adapters.layouts import Layout
from proofs.conformance.adapters.operations import Operation, first_line, refuse_circular, remainder
from proofs.conformance.functions import FUNCTIONS
from proofs.conformance.target import Target, TargetError

_METHODS = {
    "forward": ("forward",),
    "input_gradient": ("input_gradient",),
    "weight_gradient": ("weight_gradient",),
    "bias_gradient": ("bias_gradient",),
    "double_backward": ("double_backward_g", "double_backward_x", "double_backward_w"),
}


def load(
    name: str,
    *,
    dtype: str = "float32",
    device: str | None = None,
    layout: str | None = None,
    op: str | None = None,
    framework: str = "",
) -> Target:
    """Make a target of the object of that name, `package.module:name`."""
    return wrap(_found(name), name=name, dtype=dtype, device=device, layout=layout, op=op, framework=framework)


def wrap(
    found: Any,
    *,
    name: str = "",
    dtype: str = "float32",
    device: str | None = None,
    layout: str | None = None,
    op: str | None = None,
    framework: str = "",
) -> Target:
    """Make a target of a function, a class, an object or a module; without `op` it is taken for a convolution.

    `framework` differentiates a function of its tensors. Raises `TargetError` for what cannot be called as above.
    """
    name = name or getattr(found, "__qualname__", "") or getattr(found, "__name__", "") or type(found).__qualname__
    operation = Operation.named(op or "conv")
    kind = framework or layers.framework_of(found)
    if kind:
        return _differentiated(name, found, kind, operation, dtype, device, layout)
    only_host("one's own code on NumPy arrays", dtype, device, ("float64", "float32", "float16", "int64"))
    made = _made(name, found)
    functions = _functions(name, made, operation.names[0])
    turned: Layout = "NHWC" if layout == "NHWC" else "NCHW"
    versions = {"code": _origin(found)}
    return Host(name, dtype, functions, operation, turned, _refuses(made, functions), versions, own=True)


def _found(name: str) -> Any:
    """Object of that name. Raises `TargetError` that says which part of the name there is not."""
    module_name, _, path = name.partition(":")
    try:
        found: Any = import_module(module_name)
    except Exception as error:  # their module runs here, and may raise anything
        raise TargetError(f"{module_name} cannot be imported: {type(error).__name__}: {first_line(error)}") from error
    for part in path.split("."):
        if not hasattr(found, part):
            names = ", ".join(n for n in dir(found) if not n.startswith("_")) or "nothing"
            raise TargetError(f"{module_name} has no {path}; it has {names}")
        found = getattr(found, part)
    return found


def _made(name: str, found: Any) -> Any:
    """Object of a class, made without arguments; anything else as it is."""
    if not inspect.isclass(found):
        return found
    try:
        return found()
    except Exception as error:
        raise TargetError(f"{name} cannot be made without arguments: {first_line(error)}") from error


def _functions(name: str, made: Any, of: str) -> dict[str, Call]:
    """What there is of `FUNCTIONS`, by name."""
    if not hasattr(made, "forward"):
        if not callable(made):
            raise TargetError(f"{name} is of type {type(made).__name__}: expected a function, or one with `forward`")
        return {of: Call(name, made, of)}
    calls: dict[str, Call] = {}
    for method, parts in _METHODS.items():
        for index, part in enumerate(parts):
            function = of if part == "forward" else f"{of}.{part}"
            if hasattr(made, method) and function in FUNCTIONS:
                which = index if len(parts) > 1 else None
                calls[function] = Call(f"{name}.{method}", getattr(made, method), function, which)
    return calls


class Call:
    """One's own function, called with those options that it takes."""

    def __init__(self, name: str, f: Callable[..., Any], function: str, which: int | None = None) -> None:
        self.name, self.f, self.which, self.of = name, f, which, FUNCTIONS[function]
        self.named: set[str] = set()
        self.takes_any = True
        try:
            signature = inspect.signature(f)
        except (TypeError, ValueError):  # compiled functions may have none
            return
        arrays, parameters = len(self.of.arguments), signature.parameters
        named = {option: None for option in _options_of(None) if option in parameters}
        try:
            signature.bind(*(None,) * arrays, **named)
        except TypeError as error:
            expected = f"({', '.join(self.of.arguments)}, *, {', '.join(_options_of(None))})"
            raise TargetError(f"{name}{signature} does not take {expected}, as many as it likes: {error}") from error
        self.named = set(named)
        self.takes_any = any(p.kind is p.VAR_KEYWORD for p in parameters.values())

    def __call__(self, geometry: Geometry, *arrays: Any) -> Any:
        """Call it."""
        names = self.named | set(self.needs(geometry) if self.takes_any else ())
        given = {name: value for name, value in _options_of(geometry).items() if name in names}
        result = self.f(*arrays, **given)
        return result if self.which is None else result[self.which]

    def lacks(self, geometry: Geometry) -> str:
        """Which option of a layer it does not take."""
        given = _options_of(geometry)
        plain = {"stride": 1, "dilation": 1, "groups": 1, "padding": (0, 0)}
        for name in self.needs(geometry):
            taken = self.takes_any or name in self.named or "geometry" in self.named
            values = given[name] if isinstance(given[name], tuple) else (given[name],)
            if not taken and not (name in plain and all(value == plain[name] for value in values)):
                return f"{self.name} takes no {name}, and the layer has {name}={given[name]}"
        return ""

    def needs(self, geometry: Geometry) -> tuple[str, ...]:
        """Options that its result depends on, beside the arrays' shapes."""
        if self.of.name == "bias_gradient":
            return ()
        pool, options = self.of.operation.endswith("pool"), ("stride", "dilation", "padding")
        unsettled = self.of.gives not in self.of.arguments and any(remainder(geometry))
        kernel, size = pool or (unsettled and self.of.gives == "w"), unsettled and self.of.gives == "x"
        more = (("groups", not pool), ("kernel_size", kernel), ("input_size", size))
        return (*options, *(name for name, needed in more if needed))


def _options_of(geometry: Geometry | None) -> dict[str, Any]:
    names = ("stride", "dilation", "padding", "groups", "input_size", "kernel_size")
    return {**{name: geometry and getattr(geometry, name) for name in names}, "geometry": geometry}


def _refuses(made: Any, calls: Mapping[str, Call]) -> Callable[[str, Geometry], str]:
    """What the code itself says, and which options it does not take."""

    def refuses(function: str, geometry: Geometry) -> str:
        said = made.supports(geometry) if hasattr(made, "supports") else _usual(geometry)
        if isinstance(said, str) and said:
            return said
        if said is False:
            return "its supports(geometry) is false"
        return refuse_circular(geometry) or calls[function].lacks(geometry)

    return refuses


def _usual(geometry: Geometry) -> bool | str:
    """What code that says nothing of the layers that it takes is asked for."""
    cropped = any(min(pair) < 0 for pair in geometry.padding)
    return "negative padding is asked only of code that has supports(geometry)" if cropped else True


def _differentiated(
    name: str, found: Any, kind: str, operation: Operation, dtype: str, device: str | None, layout: str | None
) -> Autodiff:
    """Target whose gradients are the framework's."""
    if kind not in ("tensorflow", "keras", "torch", "jax"):
        raise TargetError(f"{kind} differentiates nothing: name your function as {name}")
    keras = None
    if kind == "keras":
        keras, backend = adapter(kind).active("", dtype, device)
    else:
        backend = adapter(kind).Backend(dtype, device)
    turned = layout or ("NHWC" if kind in ("tensorflow", "keras") else "NCHW")
    last: Layout = "NHWC" if turned == "NHWC" else "NCHW"
    if not inspect.isclass(found):
        return _own_function(name, found, backend, operation, last)
    forward, refuses = layers.of(found, kind, keras, backend, last)
    return Autodiff(name, backend, forward, operation, last, refuses, notes={"code": _origin(found)})


def _own_function(name: str, f: Any, backend: Backend, operation: Operation, layout: Layout) -> Autodiff:
    """Target that is a function of the framework's tensors."""
    if not callable(f):
        raise TargetError(f"{name} is {type(f).__name__}: expected a function")
    call = Call(name, f, operation.names[0])

    def forward(_operation: str, geometry: Geometry, operands: Sequence[Any]) -> Any:
        return call(geometry, *operands)

    def refuses(_operation: str, geometry: Geometry) -> str:
        return call.lacks(geometry)

    without = ("conv.bias_gradient",)  # there is no bias to differentiate
    return Autodiff(name, backend, forward, operation, layout, refuses, without=without, notes={"code": _origin(f)})


def _origin(found: Any) -> str:
    """File that the code is in."""
    name = getattr(found, "__module__", None) or getattr(found, "__name__", None)
    module = sys.modules.get(str(name))
    return str(getattr(module, "__file__", None) or "unknown")
