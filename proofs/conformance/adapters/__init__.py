"""What makes a target out of a framework or of one's own code, one file each, imported only when asked for.

    NAME                  one of `ADAPTERS`, in the setting that it has by default
    NAME:FLAVOUR          numeric:winograd2, scipy:fft, jax:highest, torch:channels-last,tf32, keras:jax, ...
    PACKAGE.MODULE:NAME   one's own code on NumPy arrays, a torch module's class or a Keras layer's (see `own`)
    NAME:MODULE:FUNCTION  one's own function on the tensors of a framework, which differentiates it

An adapter calls one implementation and never another in its place: what that refuses is `Unsupported`, in its own
words. It turns arrays round and converts their type; nothing else is between what is judged and the judge.
"""

from __future__ import annotations

import importlib.util
from importlib import import_module
from typing import Any

from proofs.conformance.adapters.operations import first_line
from proofs.conformance.target import Target, TargetError

# Name, and what `pip install` is given for it.
ADAPTERS: dict[str, str] = {
    "numeric": "convproof",
    "tensorflow": "convproof[certify-tensorflow]",
    "keras": "convproof[certify-keras]",
    "torch": "convproof[certify-torch]",
    "jax": "convproof[certify-jax]",
    "scipy": "convproof[certify-scipy]",
    "onnxruntime": "convproof[certify-onnxruntime]",
}
# Packages that are imported for it, beside those of this project.
NEEDS: dict[str, tuple[str, ...]] = {
    "tensorflow": ("tensorflow",),
    "keras": ("keras",),
    "torch": ("torch",),
    "jax": ("jax",),
    "scipy": ("scipy",),
    "onnxruntime": ("onnxruntime", "onnx"),
}
DTYPES = ("float64", "float32", "float16", "bfloat16", "int64")


def load(
    name: str,
    *,
    dtype: str = "float32",
    device: str | None = None,
    layout: str | None = None,
    op: str | None = None,
) -> Target:
    """Make the target of that name: see this package's docstring for names.

    `dtype` is the type in which it computes, one of `DTYPES`. `device` is in the framework's own words (`cuda`,
    `GPU:0`, `cpu`), its default if not given. `layout` is NCHW or NHWC, where the target has both. `op` narrows the
    target to one of the operations, and says what one's own function computes: conv, conv_transpose, average_pool or
    max_pool, with the number of axes if it has but one (conv2d). Raises `TargetError` if there is no such target here.
    """
    if dtype not in DTYPES:
        raise TargetError(f"dtype must be one of {', '.join(DTYPES)}; got {dtype!r}")
    if layout not in (None, "NCHW", "NHWC"):
        raise TargetError(f"layout must be NCHW or NHWC, got {layout!r}")
    framework, _, rest = name.partition(":")
    if framework in ADAPTERS and ":" not in rest:
        made: Target = adapter(framework).load(rest, dtype=dtype, device=device, layout=layout, op=op)
        return made
    if ":" in name:
        if framework not in ADAPTERS:
            framework, rest = "", name
        from proofs.conformance.adapters import own  # as it imports this

        return own.load(rest, dtype=dtype, device=device, layout=layout, op=op, framework=framework)
    raise TargetError(
        f"no target is called {name!r}: name one of {', '.join(ADAPTERS)}, or your own as package.module:name"
    )


def adapter(framework: str) -> Any:
    """Adapter's module. Raises `TargetError`, with the line that installs it, if its framework is not installed."""
    missing = [package for package in NEEDS.get(framework, ()) if importlib.util.find_spec(package) is None]
    if missing:
        raise TargetError(
            f"{framework} needs {' and '.join(missing)}, not installed here; to install: pip install "
            f'"{ADAPTERS[framework]}"'
        )
    try:
        return import_module(f"{__name__}.{framework}_")
    except ImportError as error:
        raise TargetError(f"{framework} is installed but cannot be imported: {first_line(error)}") from error
