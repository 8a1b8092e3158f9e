"""Loopback ports: a free one, and whether somebody listens."""

import socket
import threading

from rfidguard.clock import SystemClock


def free_port() -> int:
    """A TCP port of the loopback that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def listens(port: int, timeout_s: float) -> bool:
    """True once something accepts connections; False after `timeout_s`."""
    clock, pause = SystemClock(), threading.Event()
    until = clock.monotonic() + timeout_s
    while clock.monotonic() < until:
        try:
            socket.create_connection(("127.0.0.1", port), 0.5).close()
        except OSError:
            pause.wait(0.05)
        else:
            return True
    return False
