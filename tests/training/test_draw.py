"""The page to draw on: what it shows is the model's reading of what was drawn, and its server answers nobody else."""

import base64
import http.client
import json
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("tensorflow")
pytest.importorskip("PIL")

from tests import browser as webdriver
from tests.browser import KEYS, Browser
from tests.training.test_predict import QUIET, run_in
from training import picture, trained
from training.draw import main
from training.serving import SIDE, TYPE, Server

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")

DRAW = Path(__file__).resolve().parents[2] / "training" / "draw.py"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    made = Server(trained.load(run_in(tmp_path_factory.mktemp("runs") / "run")), 0)
    thread = threading.Thread(target=made.serve_forever, daemon=True)
    thread.start()
    yield made
    made.shutdown()
    made.server_close()
    thread.join()


def ask(server: Server, method: str, path: str, body: bytes | None = None, **headers: str) -> tuple[int, Any, Any]:
    """Status, headers and body of an answer; `_` in the name of a header stands for `-`."""
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=30)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, path, body, named)
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return answer.status, answer.headers, content


def drawing() -> np.ndarray:
    ink = np.zeros((SIDE, SIDE), np.uint8)
    ink[40:240, 130:150] = 255
    ink[40:60, 70:150] = 180
    return ink


def test_a_drawing_is_answered_with_the_models_reading(server: Server) -> None:
    status, _, content = ask(server, "POST", "/read", drawing().tobytes(), Content_Type=TYPE)
    found, image = json.loads(content), picture.framed(drawing().astype(np.int32))
    assert status == 200
    probabilities = server.model.probabilities(image[None])[0]
    assert found["probabilities"] == probabilities.tolist()
    assert found["digit"] == probabilities.argmax()
    assert base64.b64decode(found["image"]) == image.tobytes()
    for layer, (name, maps) in zip(found["layers"], server.model.feature_maps(image).items(), strict=True):
        shape = (layer["count"], layer["height"], layer["width"])
        levels = np.frombuffer(base64.b64decode(layer["maps"]), np.int8).reshape(shape).transpose(1, 2, 0)
        assert (layer["name"], layer["most"]) == (name, abs(maps).max())
        assert abs(levels).max() == 127
        assert (abs(levels * (layer["most"] / 127) - maps) <= layer["most"] / 254 * (1 + 1e-6)).all()  # half a level


def test_a_drawing_is_read_as_its_picture_in_a_file_would_be(server: Server) -> None:
    grey = (255 - drawing().astype(np.int32)) * (picture.WHITE // 255)
    assert np.array_equal(picture.digit(grey), picture.framed(drawing().astype(np.int32)))


def test_blank_paper_is_no_drawing(server: Server) -> None:
    status, _, content = ask(server, "POST", "/read", bytes(SIDE * SIDE), Content_Type=TYPE)
    assert (status, json.loads(content)) == (422, {"error": "expected a digit, found blank paper"})


SIZE = f"expected Content-Length: {SIDE * SIDE}, {SIDE} x {SIDE} bytes, got "


@pytest.mark.parametrize(
    ("method", "path", "body", "headers", "status", "error"),
    [
        ("GET", "/read", None, {}, 404, "there is /, /page.css, /page.js, /model and POST /read"),
        ("GET", "/../draw.py", None, {}, 404, "there is /, /page.css, /page.js, /model and POST /read"),
        ("GET", "/", None, {"Host": "example.org"}, 403, "expected the host 127.0.0.1:PORT or localhost:PORT"),
        ("POST", "/read", b"1", {"Host": "example.org"}, 403, "expected the host 127.0.0.1:PORT or localhost:PORT"),
        ("POST", "/", b"1", {"Content-Type": TYPE}, 404, "a drawing is sent to /read"),
        ("POST", "/read", b"1", {"Content-Type": "text/plain"}, 415, f"expected {TYPE}, got text/plain"),
        ("POST", "/read", b"1", {}, 415, f"expected {TYPE}, got None"),
        ("POST", "/read", b"1", {"Content-Type": TYPE}, 400, f"{SIZE}1"),
        ("POST", "/read", bytes(SIDE * SIDE + 1), {"Content-Type": TYPE}, 413, f"{SIZE}{SIDE * SIDE + 1}"),
        ("POST", "/read", b"", {"Content-Type": TYPE, "Content-Length": "9" * 5000}, 413, f"{SIZE}{'9' * 20}"),
        ("POST", "/read", b"", {"Content-Type": TYPE, "Content-Length": "-1"}, 400, f"{SIZE}-1"),
        ("POST", "/read", b"", {"Content-Type": TYPE, "Content-Length": "many"}, 400, f"{SIZE}many"),
    ],
)
def test_other_requests_are_refused(
    server: Server, method: str, path: str, body: bytes | None, headers: dict[str, str], status: int, error: str
) -> None:
    found, _, content = ask(server, method, path, body, **headers)
    assert found == status
    assert json.loads(content)["error"] == error.replace("PORT", str(server.server_port))


@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS", "HEAD"])
def test_other_methods_are_refused(method: str, server: Server) -> None:
    assert ask(server, method, "/read", b"")[0] == 501


def test_a_drawing_that_ends_too_soon_is_refused(server: Server) -> None:
    with socket.create_connection(("127.0.0.1", server.server_port), timeout=30) as connection:
        head = f"POST /read HTTP/1.1\r\nHost: 127.0.0.1:{server.server_port}\r\nContent-Type: {TYPE}\r\n"
        connection.sendall(f"{head}Content-Length: {SIDE * SIDE}\r\n\r\nabc".encode())
        connection.shutdown(socket.SHUT_WR)
        assert f"expected {SIDE * SIDE} bytes, got 3" in connection.makefile().read()


def test_the_page_loads_nothing_from_elsewhere(server: Server) -> None:
    for path, kind in (("/", "text/html"), ("/page.css", "text/css"), ("/page.js", "text/javascript")):
        status, headers, content = ask(server, "GET", path)
        assert (status, headers.get_content_type()) == (200, kind)
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert not re.search(rb"https?://", content)


def test_page_and_server_have_the_same_paper(server: Server) -> None:
    assert f"const SIDE = {SIDE}," in ask(server, "GET", "/page.js")[2].decode()
    assert f'id="paper" width="{SIDE}" height="{SIDE}"' in ask(server, "GET", "/")[2].decode()


def test_it_listens_on_this_machine_alone(server: Server) -> None:
    assert server.server_address[0] == "127.0.0.1"


def test_a_port_that_is_taken_is_told(server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--model", str(server.model.path), "--port", str(server.server_port)]
    assert main(arguments) == 2
    message = f"--port: expected one that is free, got {server.server_port}: Address already in use"
    assert capsys.readouterr().err == f"draw.py: error: {message}\n"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_command_says_where_it_is_and_ends_when_told(number: signal.Signals, server: Server) -> None:
    command = [sys.executable, str(DRAW), "--model", str(server.model.path), "--port", "0"]
    pipes: Any = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "env": QUIET}
    with subprocess.Popen(command, **pipes) as process:
        assert process.stdout is not None
        found = re.fullmatch(r"draw a digit on http://127\.0\.0\.1:(\d+)/ \(Ctrl-C ends\)\n", process.stdout.readline())
        assert found is not None
        connection = http.client.HTTPConnection("127.0.0.1", int(found[1]), timeout=30)
        connection.request("GET", "/model")
        assert json.load(connection.getresponse())["path"] == str(server.model.path)
        connection.close()
        process.send_signal(number)
        _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, "")


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


@pytest.fixture(scope="module")
def window() -> Iterator[Browser]:
    if webdriver.DRIVER is None:
        pytest.skip("chromedriver is not installed")
    with webdriver.browser(free_port()) as made:
        yield made


@pytest.fixture
def page(window: Browser, server: Server) -> Browser:
    """The page, just loaded."""
    window.resize(1200, 1000)
    window.open(f"http://127.0.0.1:{server.server_port}/")
    window.until("return document.querySelector('#model').textContent")
    window.errors()
    return window


SETTLED = "return document.querySelector('#result').dataset.state === 'read'"
TWO = [(-50, -60), (-30, -90), (0, -100), (30, -90), (45, -60), (40, -30), (-55, 95), (65, 95)]


def shown(page: Browser) -> dict[str, Any]:
    """What the page says, once it has an answer: result, figures, and its 28 x 28 image and ink as it sends it."""
    page.until(SETTLED)
    found: dict[str, Any] = page.run("""
        const rows = [...document.querySelectorAll("#bars li")];
        const seen = document.querySelector("#seen").getContext("2d").getImageData(0, 0, 28, 28).data;
        return {
          result: document.querySelector("#result").textContent,
          likeliest: rows.map(row => row.classList.contains("likeliest")),
          values: rows.map(row => row.querySelector("meter").value),
          shares: rows.map(row => row.querySelector(".share").textContent),
          seen: [...seen].filter((_, i) => i % 4 == 0),
          maps: [...document.querySelectorAll(".maps")].map(grid => [...grid.children].map(c => [c.height, c.width])),
        }""")
    return found


def sent(page: Browser) -> np.ndarray:
    """The ink that the page sends, caught on its way the next time that it asks: here, once more."""
    page.run("""
        const sending = window.fetch;
        window.fetch = (to, options) => { window.sent = options?.body ?? window.sent; return sending(to, options); };
        document.querySelector("#paper").focus()""")
    page.keys("#paper", " ")  # a dot in the middle
    page.until(SETTLED)
    return np.array(page.run("return [...window.sent]"), np.uint8).reshape(SIDE, SIDE)


@pytest.mark.parametrize("kind", ["mouse", "touch", "pen"])
def test_what_is_drawn_is_shown_as_python_reads_it(kind: str, page: Browser, server: Server) -> None:
    page.drag("#paper", TWO, kind)
    page.until(SETTLED)
    ink = sent(page)
    image = picture.framed(ink.astype(np.int32))
    probabilities, digit = server.model.probabilities(image[None])[0], 0
    digit, found = int(probabilities.argmax()), shown(page)
    assert found["result"] == f"Read as {digit}, {100 * probabilities[digit]:.1f} %"
    assert found["values"] == probabilities.astype(float).tolist()
    assert found["shares"] == [f"{100 * share:.1f} %" for share in probabilities]
    assert found["likeliest"] == [number == digit for number in range(10)]
    assert found["maps"] == [[[24, 24]] * 4, [[10, 10]] * 6]
    light, dark = 255, 0x1D  # the page's colours of paper and ink, in light
    assert found["seen"] == [pytest.approx(light + level / 255 * (dark - light), abs=0.5) for level in image.ravel()]
    strokes = [(x + SIDE // 2, y + SIDE // 2) for x, y in TWO]
    assert all(ink[y, x] == 255 for x, y in strokes)
    assert ink[0].max() == ink[-1].max() == 0
    assert page.errors() == []


def test_it_can_be_drawn_with_keys_undone_and_cleared(page: Browser) -> None:
    arrow = KEYS["down"] * 5 + KEYS["right"] * 3
    page.keys("#paper", f" {arrow} ")
    first = shown(page)
    page.keys("#paper", f"{KEYS['left'] * 8} {KEYS['up'] * 6} ")
    second = shown(page)
    assert second["seen"] != first["seen"]
    page.keys("#paper", "z")
    assert shown(page) == first
    page.keys("#paper", KEYS["delete"])
    page.until("return document.querySelector('#result').textContent === 'Nothing drawn yet'")
    assert page.run("return document.querySelector('#clear').disabled && document.querySelector('#undo').disabled")
    assert page.run("return document.querySelectorAll('.maps').length") == 0
    assert page.errors() == []


def test_buttons_undo_and_clear(page: Browser) -> None:
    page.drag("#paper", TWO)
    first = shown(page)
    page.drag("#paper", [(-100, 0), (100, 0)])
    assert shown(page)["seen"] != first["seen"]
    page.click("#undo")
    assert shown(page) == first
    page.click("#clear")
    page.until("return document.querySelector('#result').textContent === 'Nothing drawn yet'")


def test_it_says_which_model_reads(page: Browser, server: Server) -> None:
    text = page.run("return document.querySelector('#model').textContent")
    assert text == f"fast, seed 3, 50.00% of the test digits: {server.model.path}"


@pytest.mark.parametrize("width", [320, 390, 768, 1200])
def test_nothing_is_wider_than_the_window(width: int, page: Browser) -> None:
    page.resize(width, 900)
    page.drag("#paper", [(-20, -20), (20, 20)])
    shown(page)
    assert page.run("return document.documentElement.scrollWidth") <= width
    assert page.run(
        "return [...document.querySelectorAll('#bars li')].every(row => row.scrollWidth <= row.clientWidth)"
    )


def test_dark_and_light_show_the_same_reading_in_other_colours(page: Browser) -> None:
    page.drag("#paper", TWO)
    found = {}
    for theme in ("light", "dark"):
        feature = {"name": "prefers-color-scheme", "value": theme}
        page.devtools("Emulation.setEmulatedMedia", features=[feature])
        page.until(f"return matchMedia('(prefers-color-scheme: {theme})').matches")
        found[theme] = shown(page)
        found[theme]["ground"] = page.run("return getComputedStyle(document.body).backgroundColor")
    page.devtools("Emulation.setEmulatedMedia", features=[])
    assert found["dark"]["ground"] != found["light"]["ground"]
    assert found["dark"]["seen"] != found["light"]["seen"]
    assert found["dark"]["values"] == found["light"]["values"]


def test_an_end_of_the_server_is_told(page: Browser) -> None:
    page.run("window.fetch = () => Promise.reject(new TypeError('gone'))")
    page.drag("#paper", [(-20, -20), (20, 20)])
    page.until("return document.querySelector('#result').textContent === 'No answer: has draw.py ended?'")
