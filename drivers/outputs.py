"""The answer of devices that have no lamp and no siren: every order gets one, and it says why nothing was switched."""

import queue

from rfidguard.clock import Clock
from rfidguard.driver import Emit, Orders, SetOutput
from rfidguard.events import OutputDone


def refuse_outputs(device: str, orders: Orders, emit: Emit, clock: Clock) -> None:
    """Answers all orders that wait, without waiting for more. Gpi and Device orders are nothing to such a device."""
    while True:
        try:
            order = orders.get_nowait()
        except queue.Empty:
            return
        if isinstance(order, SetOutput):
            emit(refusal(device, order, clock.now()))


def refusal(device: str, order: SetOutput, at: float) -> OutputDone:
    """The answer to one order."""
    reason = f"{device} has no outputs; name a reader in [[gate.output]]"
    return OutputDone(at=at, device=device, id=order.id, pin=order.pin, on=False, ok=False, reason=reason)
