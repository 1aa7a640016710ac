"""Workers meet before TensorFlow has them meet, which would wait for an hour, deaf to Ctrl-C."""

import socket
import time
from collections.abc import Sequence

_AGAIN = 0.2  # seconds between two tries to reach the first worker
_GO = b"go"


def meet(addresses: Sequence[str], number: int, seconds: float) -> None:
    """Return once all workers, of which this one is `number`, have come; raise `TimeoutError` if one does not.

    They meet at the first one's address, `host:port`, which is free again when this returns.
    """
    deadline = time.monotonic() + seconds
    host, _, port = addresses[0].rpartition(":")
    if number == 0:
        _wait(int(port), set(range(1, len(addresses))), deadline)
    else:
        _come(host.strip("[]"), int(port), number, deadline)


def _wait(port: int, awaited: set[int], deadline: float) -> None:
    """Wait for all that are `awaited`, then tell them to go on; they hang up first, which frees the port at once."""
    came: dict[int, socket.socket] = {}
    try:
        with socket.create_server(("", port)) as server:
            while awaited - set(came):
                server.settimeout(_left(deadline))
                connection, _ = server.accept()
                connection.settimeout(_left(deadline))
                came[int.from_bytes(connection.recv(4), "big")] = connection
        for connection in came.values():
            connection.sendall(_GO)
        for connection in came.values():
            connection.recv(1)
    except TimeoutError as error:
        missing = ", ".join(map(str, sorted(awaited - set(came))))
        raise TimeoutError(f"worker {missing} did not come") from error
    finally:
        for connection in came.values():
            connection.close()


def _come(host: str, port: int, number: int, deadline: float) -> None:
    """Tell the first worker that `number` is there, and wait until all are."""
    while True:
        try:
            with socket.create_connection((host, port), timeout=_left(deadline)) as connection:
                connection.sendall(number.to_bytes(4, "big"))
                if connection.recv(len(_GO)) == _GO:
                    return
        except OSError:  # it is not there yet, or has not waited for all
            if time.monotonic() >= deadline:
                raise TimeoutError(f"worker 0, at {host}:{port}, did not say that all are there") from None
        time.sleep(_AGAIN)


def _left(deadline: float) -> float:
    """Return the seconds until `deadline`; raise `TimeoutError` if there are none."""
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left
