"""Loopback ports: one to listen on later, and whether somebody listens."""

import itertools
import os
import random
import socket
import threading
from collections.abc import Iterator
from functools import cache

from rfidguard.clock import SystemClock

LOWEST, HIGHEST, BLOCK = 12_000, 32_000, 50
"""Below the ports that Linux lends to clients (from 32768): a server that was away finds its port free when it comes back."""


def free_port() -> int:
    """A TCP port of the loopback that nobody listens on, nobody is lent, and no other process is given here.

    A process has a block of ports, taken in turn: the same one comes again after `BLOCK` calls. Raises OSError.
    """
    with _lock:
        turns = _turns(os.getpid())
        for port in itertools.islice(turns, BLOCK):
            if _is_free(port):
                return port
    raise OSError(f"all of {BLOCK} ports are in use; stop some of what listens on the loopback")


def listens(port: int, timeout_s: float) -> bool:
    """True once something accepts connections; False after `timeout_s`."""
    clock, pause = SystemClock(), threading.Event()
    until = clock.monotonic() + timeout_s
    while clock.monotonic() < until:
        if answers(port):
            return True
        pause.wait(0.05)
    return False


def answers(port: int) -> bool:
    """True where something accepts connections now."""
    try:
        socket.create_connection(("127.0.0.1", port), 0.5).close()
    except OSError:
        return False
    return True


_lock = threading.Lock()


@cache
def _turns(_process: int) -> Iterator[int]:
    """The ports of this process, round and round. A forked process takes a block of its own."""
    first = _claim()
    return itertools.cycle(range(first + 1, first + BLOCK))


def _claim() -> int:
    """The first port of a block, held as a UDP port until this process ends: the kernel gives it to one process only."""
    blocks = list(range(LOWEST, HIGHEST, BLOCK))
    random.shuffle(blocks)
    for first in blocks:
        mark = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            mark.bind(("127.0.0.1", first))
        except OSError:
            mark.close()
        else:
            mark.detach()
            return first
    raise OSError(f"no block of ports is free between {LOWEST} and {HIGHEST}")


def _is_free(port: int) -> bool:
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True
