"""The LLRP reader driver: keeps the driver contract, one visit to the reader a run. What outlives a visit stands here."""

import logging
import queue
from collections import Counter
from collections.abc import Mapping
from itertools import count

from drivers.llrp.dialogue import Dialogue, Setup, without_newcomers
from drivers.llrp.hearing import Hearing
from drivers.llrp.link import Stopped, connect
from drivers.llrp.outputs import Outputs
from drivers.llrp.session import Session
from drivers.llrp.settings import LlrpSettings
from drivers.llrp.visit import Visit, answer_order
from rfidguard.clock import Clock
from rfidguard.driver import AntennaPlace, Emit, Orders, SetOutput, Stop
from rfidguard.errors import DeviceLost

log = logging.getLogger(__name__)

MAX_HANG_UPS = 2
"""A reader that drops the connection this often when asked for its protocol versions, or for newcomers, is not asked again."""
MAX_HANG_UPS_IN_RUN = 3
"""The same in the first run with newcomers first, session after session: twice may be a cable."""


class LlrpDriver:
    """One LLRP reader. `rejects` counts whatever was odd, under the reasons that the README lists."""

    Settings = LlrpSettings
    kinds = ("reader",)

    def __init__(
        self, device: str, gate: str, settings: LlrpSettings, clock: Clock, antennas: Mapping[int, AntennaPlace] | None = None
    ) -> None:
        self.device = device
        self.rejects: Counter[str] = Counter()
        self._settings = settings
        self._clock = clock
        self._places = dict(antennas or {1: AntennaPlace(gate, "threshold")})
        self._outputs = Outputs()
        self._pins: dict[int, bool] = {}
        # A new number each visit: late events of an earlier visit's inventory can then never be taken for this one's.
        self._numbers = count(1000 + int(clock.now()) % 9000)
        self._left: list[int] = []
        self._hung_up_on_version = 0
        self._hung_up_on_newcomers = 0

    def run(self, emit: Emit, stop: Stop, orders: Orders) -> None:
        """Reads until `stop` is set. Raises DeviceLost when the reader cannot be reached, set up, or heard any more."""
        try:
            self._visit(emit, stop, orders)
        except Stopped:
            self._refuse(emit, orders, "the reader is being shut down")
        except DeviceLost as lost:
            log.info("%s: %s", self.device, lost)
            self._refuse(emit, orders, f"the reader is offline: {lost}")
            raise

    def _visit(self, emit: Emit, stop: Stop, orders: Orders) -> None:
        if stop.is_set():
            raise Stopped
        link = connect(self._settings.host, self._settings.port, self._clock, stop)
        hearing = Hearing(self.device, self._places, self._clock, emit, self.rejects, self._pins)
        session = Session(link, self._clock, stop, hearing.hear, hearing.settled, self.rejects)
        setup = self._setup()
        visit = Visit(session, hearing, Dialogue(setup, self.rejects), self._outputs, emit, self._clock, self.device)
        try:
            visit.run(orders)
        except Stopped:
            visit.farewell()
            self._left.clear()
            raise
        except DeviceLost:
            self._mind_newcomers(setup)
            raise
        finally:
            self._hung_up_on_version += visit.negotiating
            self._settings = setup.settings
            session.close()

    def _setup(self) -> Setup:
        number = next(self._numbers)
        setup = Setup(
            settings=self._settings,
            antennas=tuple(sorted(self._places)),
            number=number,
            inside=frozenset(port for port, place in self._places.items() if place.zone == "inside"),
            may_negotiate=self._settings.llrp_version == "auto" and self._hung_up_on_version < MAX_HANG_UPS,
            keepalive_s=self._settings.keepalive_s,
            outputs_left_on=tuple(self._outputs.on()),
            left_by_us=tuple(self._left),
        )
        self._left = [*self._left[-7:], number]
        return setup

    def _mind_newcomers(self, setup: Setup) -> None:
        """What a lost session has shown of newcomers first holds for those after it."""
        if setup.newcomers_given_up:
            return
        if setup.newcomers_tried or setup.first_run:
            self._hung_up_on_newcomers += 1
            if self._hung_up_on_newcomers >= (MAX_HANG_UPS if setup.newcomers_tried else MAX_HANG_UPS_IN_RUN):
                why = "falls silent or hangs up when it is asked for that"
                setup.settings = without_newcomers(setup.settings, self.rejects, why)
        elif setup.run_s is not None:
            self._hung_up_on_newcomers = 0

    def _refuse(self, emit: Emit, orders: Orders, reason: str) -> None:
        """Orders that nobody can carry out are answered now: no siren may sound minutes later because the reader came back."""
        while True:
            try:
                order = orders.get_nowait()
            except queue.Empty:
                return
            if isinstance(order, SetOutput):
                answer_order(emit, self._clock, self.device, order, reason)
