"""Ctrl-C and SIGTERM, noted while steps run and acted on between two chunks."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any


class Interrupted(KeyboardInterrupt):
    """The training was told to stop by the signal `number`, and can go on later; its text says from where."""

    def __init__(self, text: str, number: int) -> None:
        super().__init__(text)
        self.status = 128 + number


class Noted:
    """The first signal that came, if any did; a second one interrupts at once."""

    number: int | None = None

    def __call__(self, number: int, _: FrameType | None) -> None:
        """Note it."""
        if self.number is not None:
            raise KeyboardInterrupt
        self.number = number


@contextmanager
def noted() -> Iterator[Noted]:
    """While the block runs, note SIGINT and SIGTERM in what is yielded. Python allows that in the main thread only."""
    note = Noted()
    if threading.current_thread() is not threading.main_thread():
        yield note
        return
    before: dict[signal.Signals, Any] = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        for number in before:
            signal.signal(number, note)
        yield note
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
