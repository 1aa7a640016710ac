"""The page's server: three files, and `POST /read`, which answers a drawing with what the network makes of it.

It listens on 127.0.0.1. A request must name that as its host, and a drawing come with a content type that other sites
may not send without being asked: so no page of theirs reaches it through the reader's browser.
"""

import base64
import json
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import numpy.typing as npt

from training import picture
from training.errors import DataError
from training.trained import Trained

SIDE = 280  # pixels of a drawing, along both axes
TYPE = "application/octet-stream"
_HOST = "127.0.0.1"
_FOLDER = Path(__file__).resolve().parent / "page"
_FILES = {
    "/": ("index.html", "text/html; charset=utf-8"),
    "/page.css": ("page.css", "text/css; charset=utf-8"),
    "/page.js": ("page.js", "text/javascript; charset=utf-8"),
}
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


class Server(ThreadingHTTPServer):
    """Serves the page for one model on a port of this machine; raises `OSError` if it is taken."""

    daemon_threads = True

    def __init__(self, model: Trained, port: int) -> None:
        super().__init__((_HOST, port), _Handler)
        self.model, self.one_at_a_time = model, Lock()
        self.read(np.eye(SIDE, dtype=np.uint8))  # compiled before the first stroke

    def read(self, ink: npt.NDArray[np.uint8]) -> dict[str, Any]:
        """Return what the page shows of a drawing, 0 (paper) to 255 (ink). Raises `DataError` if it is blank."""
        image = picture.framed(ink.astype(np.int32))
        with self.one_at_a_time:
            probabilities = self.model.probabilities(image[None])[0]
            maps = self.model.feature_maps(image)
        return {
            "digit": int(probabilities.argmax()),
            "probabilities": probabilities.tolist(),
            "image": _text(image),
            "layers": [{"name": name, **_drawn(found)} for name, found in maps.items()],
        }

    @property
    def about(self) -> dict[str, str]:
        """Which model it is."""
        return {"path": str(self.model.path), "about": self.model.about}


class _Handler(BaseHTTPRequestHandler):
    server: Server
    server_version = "draw"
    sys_version = ""
    timeout = 10  # seconds without a byte

    def do_GET(self) -> None:
        """Send a file of the page, or what model it is."""
        if not self._is_ours():
            return
        if self.path == "/model":
            self._send(json.dumps(self.server.about).encode(), "application/json")
        elif self.path in _FILES:
            name, kind = _FILES[self.path]
            self._send((_FOLDER / name).read_bytes(), kind)
        else:
            self._refuse(HTTPStatus.NOT_FOUND, "there is /, /page.css, /page.js, /model and POST /read")

    def do_POST(self) -> None:
        """Read a drawing: its ink, row by row, a byte for each pixel."""
        if not self._is_ours():
            return
        ink = self._drawing()
        if ink is None:
            return
        try:
            found = self.server.read(ink)
        except DataError as error:
            self._refuse(HTTPStatus.UNPROCESSABLE_ENTITY, str(error))
        else:
            self._send(json.dumps(found).encode(), "application/json")

    def log_message(self, *_: object) -> None:
        """Keep quiet: a line for each stroke helps nobody."""

    def _is_ours(self) -> bool:
        expected = {f"{name}:{self.server.server_port}" for name in (_HOST, "localhost")}
        if self.headers.get("Host") in expected:
            return True
        self._refuse(HTTPStatus.FORBIDDEN, f"expected the host {' or '.join(sorted(expected))}")
        return False

    def _drawing(self) -> npt.NDArray[np.uint8] | None:
        size = SIDE * SIDE
        kind, length = self.headers.get("Content-Type"), self.headers.get("Content-Length", "")
        if self.path != "/read":
            self._refuse(HTTPStatus.NOT_FOUND, "a drawing is sent to /read")
        elif kind != TYPE:
            self._refuse(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"expected {TYPE}, got {kind}")
        elif length != str(size):
            large = length.isdecimal() and int(length[:20]) > size
            status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE if large else HTTPStatus.BAD_REQUEST
            self._refuse(status, f"expected Content-Length: {size}, {SIDE} x {SIDE} bytes, got {length[:20] or 'none'}")
        else:
            body = self.rfile.read(size)
            if len(body) == size:
                return np.frombuffer(body, np.uint8).reshape(SIDE, SIDE)
            self._refuse(HTTPStatus.BAD_REQUEST, f"expected {size} bytes, got {len(body)}")
        return None

    def _refuse(self, status: HTTPStatus, reason: str) -> None:
        self._send(json.dumps({"error": reason}).encode(), "application/json", status)

    def _send(self, content: bytes, kind: str, status: HTTPStatus = HTTPStatus.OK) -> None:
        self.send_response(status)
        for name, value in {**_HEADERS, "Content-Type": kind, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)


def _drawn(maps: npt.NDArray[np.float32]) -> dict[str, Any]:
    """Feature maps `(height, width, kernels)` as signed bytes, kernel by kernel, 127 being the layer's largest size."""
    height, width, count = maps.shape
    most = float(np.abs(maps).max()) or 1.0
    levels = np.rint(maps * (127 / most)).astype(np.int8)
    return {"height": height, "width": width, "count": count, "most": most, "maps": _text(levels.transpose(2, 0, 1))}


def _text(array: npt.NDArray[Any]) -> str:
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode("ascii")
