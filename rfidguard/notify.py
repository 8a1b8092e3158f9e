"""Word to systemd (sd_notify(3)): a datagram to the socket that $NOTIFY_SOCKET names. Without one it does nothing."""

import os
import socket


class Notifier:
    """Tells the service manager READY, WATCHDOG, STATUS, STOPPING."""

    def __init__(self, address: str | None = None) -> None:
        address = os.environ.get("NOTIFY_SOCKET") if address is None else address
        self._address = "\0" + address[1:] if address and address[0] == "@" else address

    def send(self, *lines: str) -> None:
        """One message, for example send("READY=1", "STATUS=watching 2 gates")."""
        if not self._address:
            return
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as wire:
            try:
                wire.sendto("\n".join(lines).encode(), self._address)
            except OSError:
                return  # the manager is gone or too busy; the watchdog will tell it all it needs
