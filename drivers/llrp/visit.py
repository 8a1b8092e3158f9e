"""One visit to a reader: hello, set-up, reading and obeying until the link fails or the driver is stopped, farewell."""

import logging
import queue

from drivers.llrp import messages, notices
from drivers.llrp.dialogue import Dialogue, Setup
from drivers.llrp.hearing import Hearing
from drivers.llrp.link import Stopped
from drivers.llrp.messages import Request
from drivers.llrp.outputs import Outputs
from drivers.llrp.repeats import PATIENCE_S, Repeats
from drivers.llrp.session import POLL_S, Session
from rfidguard.clock import Clock
from rfidguard.driver import Emit, Order, Orders, SetOutput
from rfidguard.errors import DeviceLost
from rfidguard.events import Device, OutputDone

log = logging.getLogger(__name__)

HELLO_TIMEOUT_S = 2.0
START_TIMEOUT_S = 0.3
OUTPUT_TIMEOUT_S = 0.5
RETRY_OFF_S = 1.0
LAST_WORD_S = 0.2
MIN_INVENTORY_S = 1.0
"""An inventory started again by us that ends sooner than this will not get better by being started again."""

UNCONFIRMED = "the reader does not confirm that it reads: waiting for the first tag"


class Visit:
    """Drives one session from its first message on. Raises DeviceLost when it fails, Stopped when the driver is to end."""

    def __init__(
        self, session: Session, hearing: Hearing, dialogue: Dialogue, outputs: Outputs, emit: Emit, clock: Clock, device: str
    ) -> None:
        self._session = session
        self._hearing = hearing
        self._dialogue = dialogue
        self._setup: Setup = dialogue.setup
        self._outputs = outputs
        self._emit = emit
        self._clock = clock
        self._device = device
        self.negotiating = False
        """True while protocol versions are talked about, which upsets some readers."""
        self._started_at = -MIN_INVENTORY_S
        self._first_run_until = 0.0
        self._told: tuple[str, str | None] | None = None

    def run(self, orders: Orders) -> None:
        self._await_hello()
        self._set_up()
        self._start()
        while True:
            self._session.gather(POLL_S)
            self._session.watch(self._setup.keepalive_s)
            self._obey(orders)
            self._switch_off_due()
            self._keep_running()
            self._tell_health()

    def farewell(self) -> None:
        """Outputs off, our inventory stopped and deleted, the connection closed: within 0.7 s even if the reader is dead."""
        off = messages.set_outputs(dict.fromkeys(self._outputs.on(), False))
        words = [Request(messages.SET_READER_CONFIG, off, "outputs off", LAST_WORD_S)] if self._outputs.on() else []
        if self._setup.added:
            number = messages.rospec_number(self._setup.number)
            words += [Request(kind, number, "end", LAST_WORD_S) for kind in (messages.STOP_ROSPEC, messages.DELETE_ROSPEC)]
        self._session.farewell(words)
        for pin in self._outputs.on():
            self._outputs.switched(pin, None)

    def _await_hello(self) -> None:
        """A reader speaks first: whether it takes this connection."""
        deadline = self._clock.monotonic() + HELLO_TIMEOUT_S
        while self._hearing.attempt is None:
            if self._clock.monotonic() >= deadline:
                raise DeviceLost(f"no LLRP greeting within {HELLO_TIMEOUT_S:g} s: is this the reader's LLRP port?")
            self._session.pump(POLL_S)
        if self._hearing.attempt:
            reason = notices.CONNECTION_STATUS.get(self._hearing.attempt, f"status {self._hearing.attempt}")
            raise DeviceLost(f"the reader refuses the connection: {reason}")

    def _set_up(self) -> None:
        self._hearing.number = self._setup.number
        self._session.talk(self._dialogue.ask_capabilities())
        self.negotiating = True
        self._session.talk(self._dialogue.negotiate())
        self.negotiating = False
        self._session.version = self._setup.version
        self._session.talk(self._dialogue.prepare())
        for pin in self._setup.outputs_off:
            self._outputs.switched(pin, None)
        for antenna in self._setup.state.unplugged:
            self._hearing.mind_antenna(antenna, connected=False)
        self._enabled()
        self._session.tell(messages.ENABLE_EVENTS_AND_REPORTS)

    def _enabled(self) -> None:
        """What is heard from here on is our inventory."""
        run_s, now = self._setup.run_s, self._clock.monotonic()
        repeats = self._hearing.repeats = None if run_s is None else Repeats(run_s, now)
        if repeats is not None and self._hearing.running:
            repeats.started(now, self._clock.now())
        self._setup.first_run = run_s is not None
        self._first_run_until = now + (run_s or 0.0) + PATIENCE_S
        self._hearing.enabled = True

    def _start(self) -> None:
        """An enabled inventory should start at once; a reader that does not know that trigger is told to."""
        deadline = self._clock.monotonic() + START_TIMEOUT_S
        while not self._hearing.running and self._clock.monotonic() < deadline:
            self._session.pump(POLL_S)
        if not self._hearing.running:
            self._ask_to_start()
        self._log_reader()
        self._tell_health()
        self._hearing.inputs_now(self._setup.state.inputs)

    def _log_reader(self) -> None:
        able = self._setup.capabilities
        log.info("%s: set up, maker %d model %d firmware %s", self._device, able.manufacturer, able.model, able.firmware or "?")

    def _keep_running(self) -> None:
        """An inventory that ends by itself is started again."""
        if self._hearing.closed:
            raise DeviceLost("the reader ended the session (it may be rebooting)")
        if self._hearing.repeats is not None:
            self._mind_repeats(self._hearing.repeats)
        elif self._hearing.ended:
            now = self._clock.monotonic()
            if now < self._started_at + MIN_INVENTORY_S:
                raise DeviceLost("the inventory ends as soon as it is started")
            log.warning("%s: the inventory ended by itself; starting it again", self._device)
            self._hearing.ended, self._started_at = False, now
            self._ask_to_start()

    def _ask_to_start(self) -> None:
        repeats = self._hearing.repeats
        if repeats is not None:
            repeats.asking()
        runs = self._session.talk(self._dialogue.start())
        if repeats is not None:
            repeats.answered(self._clock.monotonic(), self._clock.now(), runs)
        self._hearing.running = self._hearing.running or bool(runs)

    def _mind_repeats(self, repeats: Repeats) -> None:
        """An inventory that ends by itself is left alone while it starts again; else it is started, or a plain one takes over."""
        now = self._clock.monotonic()
        self._setup.first_run = self._setup.first_run and now < self._first_run_until
        why = repeats.fault(now, self._session.heard_at)
        if why is not None:
            self._go_on_plainly(why)
        elif repeats.start_due(now):
            self._ask_to_start()

    def _go_on_plainly(self, why: str) -> None:
        self._session.talk(self._dialogue.give_up_newcomers(why))
        self._hearing.enabled = self._hearing.running = self._hearing.ended = False
        self._session.talk(self._dialogue.enable())
        self._enabled()
        self._start()

    def _tell_health(self) -> None:
        """Online only while it truly reads, or is between two runs."""
        reason = self._hearing.health.reason(self._clock.monotonic())
        between = self._hearing.repeats is not None and self._hearing.ended
        if not self._hearing.running and not between:
            reason = UNCONFIRMED
        state = ("online", None) if reason is None else ("degraded", reason)
        if state != self._told:
            self._told = state
            self._emit(Device(at=self._clock.now(), device=self._device, state=state[0], reason=reason))

    def _obey(self, orders: Orders) -> None:
        while True:
            try:
                order = orders.get_nowait()
            except queue.Empty:
                return
            self._carry_out(order)

    def _carry_out(self, order: Order) -> None:
        if not isinstance(order, SetOutput):
            return
        on = order.seconds > 0
        try:
            reason = self._switch(order.pin, on)
        except (DeviceLost, Stopped):
            answer_order(self._emit, self._clock, self._device, order, "the link to the reader failed")
            raise
        if reason is None:
            self._outputs.switched(order.pin, self._clock.monotonic() + order.seconds if on else None)
        answer_order(self._emit, self._clock, self._device, order, reason)

    def _switch(self, pin: int, on: bool) -> str | None:
        """Switches an output and reads it back. None, or why it failed."""
        if pin in self._setup.settings.foreign_outputs:
            return f"output {pin} is listed in foreign_outputs"
        was_on = pin in self._outputs.on()
        if on:
            # In the book before it is on: should the link break now, it is switched off on the next visit.
            self._outputs.switched(pin, self._clock.monotonic() + OUTPUT_TIMEOUT_S)
        body = messages.set_outputs({pin: on})
        answer = self._session.ask(Request(messages.SET_READER_CONFIG, body, f"output {pin}", OUTPUT_TIMEOUT_S))
        if not answer.ok:
            if on and not was_on and not answer.silent:
                self._outputs.switched(pin, None)
            return f"the reader does not switch output {pin}: {answer}"
        body = messages.config_request(messages.CONFIG_OUTPUTS, pin)
        back = self._session.ask(Request(messages.GET_READER_CONFIG, body, f"output {pin}", OUTPUT_TIMEOUT_S))
        levels = messages.outputs_in(back.frame) if back.ok and back.frame is not None else {}
        if levels.get(pin, on) != on:
            return f"the reader took the order, but output {pin} is still {'off' if on else 'on'}"
        return None

    def _switch_off_due(self) -> None:
        """Time is up: off, again and again if need be."""
        for pin in self._outputs.due(self._clock.monotonic()):
            reason = self._switch(pin, on=False)
            if reason is None:
                self._outputs.switched(pin, None)
                self._hearing.health.mend(f"output {pin}")
            else:
                self._outputs.retry(pin, self._clock.monotonic() + RETRY_OFF_S)
                self._hearing.health.report(f"output {pin}", reason)


def answer_order(emit: Emit, clock: Clock, device: str, order: SetOutput, reason: str | None) -> None:
    """Every order gets one answer: done, or why not."""
    ok = reason is None
    on = ok and order.seconds > 0
    emit(OutputDone(at=clock.now(), device=device, id=order.id, pin=order.pin, on=on, ok=ok, reason=reason))
