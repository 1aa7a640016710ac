"""A headless Chromium, told what to do by the W3C's WebDriver protocol, which is JSON over HTTP."""

import base64
import json
import os
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

DRIVER = shutil.which("chromedriver")
_ELEMENT = "element-6066-11e4-a52e-4f735466cecf"  # the protocol's own name for one
_PATIENCE = 60  # seconds

KEYS = {"right": "\ue014", "down": "\ue015", "left": "\ue012", "up": "\ue013", "delete": "\ue017", "shift": "\ue008"}


class Browser:
    """A session; what goes wrong in it raises `HTTPError`."""

    def __init__(self, root: str) -> None:
        self._root = root
        options = {
            "args": ["--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--force-device-scale-factor=1"]
        }
        asked = {
            "capabilities": {"alwaysMatch": {"goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}}}
        }
        self._session = f"session/{self._call('session', asked)['sessionId']}"

    def open(self, url: str) -> None:
        """Load a page."""
        self._do("url", url=url)

    def run(self, script: str, *arguments: Any) -> Any:
        """Run a function's body on the page and return what it returns."""
        return self._do("execute/sync", script=script, args=list(arguments))

    def devtools(self, command: str, **parameters: Any) -> Any:
        """Send a command of Chromium's own."""
        return self._do("goog/cdp/execute", cmd=command, params=parameters)

    def drag(self, selector: str, points: list[tuple[int, int]], kind: str = "mouse") -> None:
        """Press at the first point, counted from the middle of an element, move through the others, let go."""
        origin = self._element(selector)
        moves = [{"type": "pointerMove", "duration": 20, "origin": origin, "x": x, "y": y} for x, y in points]
        down, up = ({"type": f"pointer{way}", "button": 0} for way in ("Down", "Up"))
        actions = [moves[0], down, *moves[1:], up]
        self._do(
            "actions",
            actions=[{"type": "pointer", "id": kind, "parameters": {"pointerType": kind}, "actions": actions}],
        )

    def keys(self, selector: str, text: str) -> None:
        """Type into an element."""
        self._do(f"element/{self._element(selector)[_ELEMENT]}/value", text=text)

    def click(self, selector: str) -> None:
        """Click on an element."""
        self._do(f"element/{self._element(selector)[_ELEMENT]}/click")

    def until(self, script: str) -> Any:
        """Wait until a function's body returns something that is true, and return that."""
        return wait(lambda: self.run(script))

    def errors(self) -> list[str]:
        """Return the errors on the page's console since the last call."""
        return [entry["message"] for entry in self._do("se/log", type="browser") if entry["level"] == "SEVERE"]

    def screenshot(self, path: Path, width: int, height: int) -> None:
        """Save what a window of that size shows."""
        self.resize(width, height)
        path.write_bytes(base64.b64decode(self._call(f"{self._session}/screenshot")))

    def resize(self, width: int, height: int) -> None:
        """Give the page that many pixels."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.devtools("Emulation.setDeviceMetricsOverride", **size)

    def close(self) -> None:
        """End the session."""
        self._call(self._session, method="DELETE")

    def _element(self, selector: str) -> Any:
        return self._do("element", using="css selector", value=selector)

    def _do(self, command: str, **parameters: Any) -> Any:
        return self._call(f"{self._session}/{command}", parameters)

    def _call(self, path: str, parameters: Any = None, method: str | None = None) -> Any:
        body = None if parameters is None else json.dumps(parameters).encode()
        request = urllib.request.Request(f"{self._root}/{path}", body, method=method)  # noqa: S310 - http, on this machine
        with urllib.request.urlopen(request, timeout=_PATIENCE) as answer:  # noqa: S310
            return json.load(answer)["value"]


@contextmanager
def browser(port: int) -> Iterator[Browser]:
    """Start the driver on a port, and Chromium with it; end both afterwards."""
    assert DRIVER is not None
    root = f"http://127.0.0.1:{port}"
    quiet: Any = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen([DRIVER, f"--port={port}"], env={**os.environ, "no_proxy": "127.0.0.1"}, **quiet) as driver:
        try:
            wait(lambda: _answers(f"{root}/status"))
            made = Browser(root)
            try:
                yield made
            finally:
                made.close()
        finally:
            driver.terminate()


def wait(ready: Callable[[], Any]) -> Any:
    """Return what `ready` returns as soon as that is true."""
    end = time.monotonic() + _PATIENCE
    while not (found := ready()):
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)
    return found


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=1) as answer:  # noqa: S310 - http, on this machine
            return bool(json.load(answer)["value"]["ready"])
    except OSError:
        return False
