"""The README's pictures, made from a book as a reader sees it: `python -m tests.pictures BOOK docs`."""

import io
import socket
import sys
import tempfile
import time
from pathlib import Path

from PIL import Image

from tests.browser import DRIVER, Browser, browser

WIDTH, HEIGHT = 1000, 460
STEPS = 9


def main(book: Path, folder: Path) -> None:
    """Screenshots of the laws, and of the figure while its kernel slides."""
    folder.mkdir(parents=True, exist_ok=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with browser(port) as window:
        window.devtools("Emulation.setScrollbarsHidden", hidden=True)
        name = "laws/weight-gradient-is-rotated-input-convolved-with-cotangent.html"
        window.open((book / name).as_uri())
        window.resize(WIDTH, 900)
        _shot(window, 900).quantize(64).save(folder / "law.png", optimize=True)
        window.open((book / "figure.html").as_uri() + "#rows=5&columns=6&stride=2&padding=1+1&operation=convolve")
        window.resize(WIDTH, HEIGHT)
        window.run("document.querySelector('.panels').scrollIntoView()")
        frames = []
        for _ in range(STEPS):
            time.sleep(0.3)  # colours change slowly
            frames.append(_shot(window, HEIGHT).quantize(32))
            window.run("document.getElementById('step').click()")
        frames[0].save(
            folder / "figure.gif", save_all=True, append_images=frames[1:], duration=900, loop=0, optimize=True
        )


def _shot(window: Browser, height: int) -> Image.Image:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "shot.png"
        window.screenshot(file, WIDTH, height)
        return Image.open(io.BytesIO(file.read_bytes())).convert("RGB")


if __name__ == "__main__":
    if DRIVER is None:
        sys.exit("there is no chromedriver: sh .ci/browser")
    main(*map(Path, sys.argv[1:3]))
