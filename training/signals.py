"""Ctrl-C and SIGTERM, acted on at safe places: an exception anywhere inside a framework can make it abort."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

_NUMBERS = (signal.SIGINT, signal.SIGTERM)


class Watch:
    """The first signal that came, if any did: only noted, if it is `patient`. A second one interrupts at once."""

    def __init__(self, *, patient: bool) -> None:
        self.number: int | None = None
        self._patient = patient

    def __call__(self, number: int, _: FrameType | None) -> None:
        """Note it, or interrupt what runs."""
        noted = self._patient and self.number is None
        self.number = self.number or number
        if not noted:
            raise KeyboardInterrupt

    @property
    def status(self) -> int:
        """What a shell expects of a process that such a signal ended."""
        return 128 + (self.number or signal.SIGINT)


_watches = [Watch(patient=False)]  # the last one is in charge; the first sees nothing


@contextmanager
def watched(*, patient: bool) -> Iterator[Watch]:
    """While the block runs, watch for SIGINT and SIGTERM. Python allows that in the main thread only."""
    watch = Watch(patient=patient)
    if threading.current_thread() is not threading.main_thread():
        yield watch
        return
    before: dict[signal.Signals, Any] = {number: signal.getsignal(number) for number in _NUMBERS}
    _watches.append(watch)
    try:
        for number in _NUMBERS:
            signal.signal(number, watch)
        yield watch
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        _watches.pop()


def came() -> bool:
    """Return whether a signal has been noted."""
    return _watches[-1].number is not None


def check(where: str = "") -> None:
    """Interrupt what runs if a signal has been noted: this is a safe place. `where` says where to go on."""
    if came():
        raise KeyboardInterrupt(where)


@contextmanager
def leading_to(where: str) -> Iterator[None]:
    """If the block is interrupted and nobody has said yet where to go on, say `where`."""
    try:
        yield
    except KeyboardInterrupt as interrupted:
        if where and not str(interrupted):
            raise KeyboardInterrupt(where) from interrupted
        raise
