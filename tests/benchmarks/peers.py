"""How each library computes a case, on arrays of its own that are there before the clock starts.

A peer is a function of a case and its two arrays; it yields `(variant, run, read)`: what is timed, finished when it
returns, and how its result becomes a channels-first NumPy array. What a library cannot do raises an error there or in
`run`; it is told as the reason why the variant is left out. All are set to the same number of threads.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

Variant = tuple[str, Callable[[], Any], Callable[[Any], np.ndarray]]
THREADS = int(os.environ.get("OMP_NUM_THREADS", "2"))


class UnsupportedError(Exception):
    """What a library has no function for."""


def numeric(case: Any, a: np.ndarray, b: np.ndarray) -> Iterator[Variant]:
    """Our own paths, those of AUTOMATIC's choice or, with PATHS set in the environment, every one."""
    from numeric.paths import EVERY
    from numeric.paths.auto import AUTOMATIC, plan

    function: Any = case.function
    names = dict.fromkeys(plan(path, function, case.geometry, case.batch, a.dtype)[0] for path in AUTOMATIC)
    if os.environ.get("CONV_SPEED_PATHS"):
        names = dict.fromkeys(name for name in EVERY if name != "definition")
    for name in names:
        yield name, _public(case, a, b, name), np.asarray


def _public(case, a, b, path):
    import numeric as nm

    of = case.geometry
    options = {name: getattr(of, name) for name in ("stride", "dilation", "padding", "groups")}
    return {
        "conv": lambda: nm.conv(a, b, path=path, **options),
        "input_gradient": lambda: nm.conv_input_gradient(a, b, of.input_size, path=path, **options),
        "weight_gradient": lambda: nm.conv_weight_gradient(a, b, of.kernel_size, path=path, **options),
    }[case.function]


def torch(case: Any, a: np.ndarray, b: np.ndarray) -> Iterator[Variant]:
    """PyTorch: channels-first, channels-last, and oneDNN with packed weights and layout (forward)."""
    import torch as t

    t.set_num_threads(THREADS)
    t.set_grad_enabled(False)
    of, first = case.geometry, t.from_numpy
    low = [axis.low for axis in of.axes]

    def run(a, b):
        if case.function == "conv":
            return lambda: t.nn.functional.conv2d(a, b, None, of.stride, low, of.dilation, of.groups)
        x = t.empty(of.input_shape(case.batch), dtype=a.dtype) if case.function == "input_gradient" else b
        w = b if case.function == "input_gradient" else t.empty(of.weight_shape, dtype=a.dtype)
        if a.is_contiguous(memory_format=t.channels_last):
            x, w = (array.to(memory_format=t.channels_last) for array in (x, w))
        wanted = (case.function == "input_gradient", case.function == "weight_gradient", False)
        layer = (None, of.stride, low, of.dilation, False, [0, 0], of.groups, wanted)
        return lambda: t.ops.aten.convolution_backward(a, x, w, *layer)[wanted.index(True)]

    yield "channels first", run(first(a), first(b)), lambda y: y.numpy()
    last = [first(array).to(memory_format=t.channels_last) for array in (a, b)]
    yield "channels last", run(*last), lambda y: y.numpy()
    if case.function == "conv" and case.dtype == "float32":
        layer = (low, of.stride, of.dilation, of.groups)
        packed = t._C._nn.mkldnn_reorder_conv2d_weight(first(b).to_mkldnn(), *layer, a.shape)
        order = (of.stride, low, of.dilation, of.groups)
        x = first(a).to_mkldnn()
        yield "packed", lambda: t.conv2d(x, packed, None, *order), lambda y: y.to_dense().numpy()


def tensorflow(case: Any, a: np.ndarray, b: np.ndarray) -> Iterator[Variant]:
    """TensorFlow, channels-last, the one layout of its CPU kernels: eager, as a function, and by XLA."""
    import tensorflow as tf

    if not tf.config.threading.get_intra_op_parallelism_threads():
        tf.config.threading.set_intra_op_parallelism_threads(THREADS)
        tf.config.threading.set_inter_op_parallelism_threads(1)
    of = case.geometry
    depthwise = of.groups > 1
    kernel = (2, 3, 0, 1) if depthwise else (2, 3, 1, 0)
    x_shape = (case.batch, *of.input_size, of.in_channels)
    w_shape = (*of.kernel_size, of.in_channels, 1) if depthwise else (*of.kernel_size, of.group_in, of.out_channels)
    options = {
        "strides": (1, *of.stride, 1),
        "padding": "EXPLICIT",
        "explicit_paddings": [0, 0, *(n for pair in of.padding for n in pair), 0, 0],
        "dilations": (1, *of.dilation, 1),
    }
    raw = tf.raw_ops
    names = ("DepthwiseConv2dNative", "Conv2D") if depthwise else ("Conv2D",)
    forward = getattr(raw, names[0])
    back = getattr(raw, f"{names[0]}BackpropInput")
    weights = getattr(raw, f"{names[0]}BackpropFilter")
    arrays = [tf.constant(np.ascontiguousarray(a.transpose(0, 2, 3, 1)))]
    order = kernel if case.function != "weight_gradient" else (0, 2, 3, 1)
    arrays.append(tf.constant(np.ascontiguousarray(b.transpose(order))))
    run = {
        "conv": lambda a, b: forward(input=a, filter=b, **options),
        "input_gradient": lambda a, b: back(input_sizes=x_shape, filter=b, out_backprop=a, **options),
        "weight_gradient": lambda a, b: weights(input=b, filter_sizes=w_shape, out_backprop=a, **options),
    }[case.function]

    def read(y):
        undone = (0, 3, 1, 2) if case.function != "weight_gradient" else (2, 3, 0, 1) if depthwise else (3, 2, 0, 1)
        return y.numpy().transpose(undone)

    yield "eager", lambda: run(*arrays), read
    traced, compiled = tf.function(run), tf.function(run, jit_compile=True)
    yield "function", lambda: traced(*arrays), read
    yield "XLA", lambda: compiled(*arrays), read


def jax(case: Any, a: np.ndarray, b: np.ndarray) -> Iterator[Variant]:
    """JAX under jit, in both layouts; gradients as it transposes the layer."""
    import jax as j

    j.config.update("jax_enable_x64", True)
    of = case.geometry

    def conv(x, w, layout):
        return j.lax.conv_general_dilated(
            x, w, of.stride, of.padding, None, of.dilation, (layout, "OIHW", layout), of.groups
        )

    def variant(layout):
        def given(array):
            return j.numpy.asarray(array.transpose(0, 2, 3, 1) if layout == "NHWC" else array)

        def read(y):
            last = layout == "NHWC" and case.function != "weight_gradient"
            return np.asarray(y).transpose(0, 3, 1, 2) if last else np.asarray(y)

        if case.function == "conv":
            x, w = given(a), j.numpy.asarray(b)
            run = j.jit(lambda x, w: conv(x, w, layout))
        elif case.function == "input_gradient":
            x, w = given(a), j.numpy.asarray(b)
            like = j.eval_shape(given, np.empty(of.input_shape(case.batch), a.dtype))
            run = j.jit(lambda g, w: j.linear_transpose(lambda x: conv(x, w, layout), like)(g)[0])
        else:
            x, w = given(a), given(b)
            like = j.ShapeDtypeStruct(of.weight_shape, a.dtype)
            run = j.jit(lambda g, x: j.linear_transpose(lambda w: conv(x, w, layout), like)(g)[0])
        return lambda: run(x, w).block_until_ready(), read

    for layout in ("NCHW", "NHWC"):
        yield (f"jit {layout}", *variant(layout))


def onnxruntime(case: Any, a: np.ndarray, b: np.ndarray) -> Iterator[Variant]:
    """ONNX Runtime: Conv, and dx by ConvTranspose; weights are constants, and packed."""
    import onnxruntime as ort

    model = _onnx(case, a, b)
    options = ort.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = THREADS, 4
    session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    yield "session", lambda: session.run(None, {"x": a})[0], np.asarray


def openvino(case: Any, a: np.ndarray, b: np.ndarray) -> Iterator[Variant]:
    """OpenVINO on the same model, with its latency hint, in the array's own precision."""
    import openvino as ov

    core = ov.Core()
    config = {"INFERENCE_NUM_THREADS": THREADS, "PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32"}
    request = core.compile_model(core.read_model(_onnx(case, a, b), b""), "CPU", config).create_infer_request()
    given = ov.Tensor(a, shared_memory=True)

    def run():
        request.infer({0: given}, share_outputs=True)
        return request.get_output_tensor().data

    yield "latency", run, np.asarray


def _onnx(case, a, b):
    from onnx import TensorProto, helper, numpy_helper

    if case.function == "weight_gradient":
        raise UnsupportedError("no operator gives dL/dw")
    if case.dtype != "float32":
        raise UnsupportedError("measured in float32 only")
    of = case.geometry
    low, high = zip(*of.padding, strict=True)
    attributes = {"strides": of.stride, "dilations": of.dilation, "pads": [*low, *high], "group": of.groups}
    name, shape = "Conv", of.output_shape(case.batch)
    if case.function == "input_gradient":
        name, shape = "ConvTranspose", of.input_shape(case.batch)
        attributes["output_padding"] = [axis.remainder for axis in of.axes]
    kind = TensorProto.FLOAT
    graph = helper.make_graph(
        [helper.make_node(name, ["x", "w"], ["y"], **attributes)],
        "layer",
        [helper.make_tensor_value_info("x", kind, a.shape)],
        [helper.make_tensor_value_info("y", kind, shape)],
        [numpy_helper.from_array(b, "w")],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8).SerializeToString()


def opencv(case: Any, a: np.ndarray, b: np.ndarray) -> Iterator[Variant]:
    """OpenCV's filter of one image."""
    import cv2

    cv2.setNumThreads(THREADS)
    image, kernel = _single(case, a, b)
    yield (
        "filter2D",
        lambda: cv2.filter2D(image, -1, kernel, borderType=cv2.BORDER_CONSTANT),
        lambda y: y[None, None],
    )


def scipy(case: Any, a: np.ndarray, b: np.ndarray) -> Iterator[Variant]:
    """SciPy on one image: direct, and by transforms of blocks."""
    from scipy import ndimage, signal

    image, kernel = _single(case, a, b)
    yield "ndimage", lambda: ndimage.correlate(image, kernel, mode="constant"), lambda y: y[None, None]
    flipped = np.ascontiguousarray(kernel[::-1, ::-1])
    yield "oaconvolve", lambda: signal.oaconvolve(image, flipped, "same"), lambda y: y[None, None]


def _single(case, a, b):
    """Image and kernel of a layer that keeps the size of one image."""
    of = case.geometry
    same = of.output_size == of.input_size and of.dilation == (1, 1)
    if case.function == "weight_gradient" or not same or {case.batch, of.in_channels, of.out_channels} != {1}:
        raise UnsupportedError("filters single images and keeps their size")
    return a[0, 0], np.ascontiguousarray(b[0, 0, ::-1, ::-1]) if case.function == "input_gradient" else b[0, 0]


# What is imported, and who computes; both of ours are one code, with Numba and with it hidden.
PEERS: dict[str, tuple[tuple[str, ...], Callable[..., Iterator[Variant]]]] = {
    "numpy": (("numpy",), numeric),
    "numba": (("numpy", "numba"), numeric),
    "torch": (("torch",), torch),
    "tensorflow": (("tensorflow",), tensorflow),
    "jax": (("jax",), jax),
    "onnxruntime": (("onnxruntime", "onnx"), onnxruntime),
    "openvino": (("openvino", "onnx"), openvino),
    "opencv": (("cv2",), opencv),
    "scipy": (("scipy",), scipy),
}
OURS = ("numpy", "numba")
