"""The set-up of a reader as a dialogue, pure: generators that yield requests and are sent their answers, in README order."""

import logging
from collections import Counter
from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any

from drivers.llrp import messages, newcomers
from drivers.llrp.capabilities import Capabilities, ReaderState, capabilities_from, state_from
from drivers.llrp.control import Control
from drivers.llrp.messages import Answer, Request
from drivers.llrp.rospec import rospecs
from drivers.llrp.settings import LlrpSettings
from rfidguard.errors import DeviceLost

log = logging.getLogger(__name__)

_Fields = dict[str, Any]
Talk = Generator[Request, Answer, None]

VERSION_TIMEOUT_S = 0.5
OPTIONAL_TIMEOUT_S = 1.0
SHORT_TIMEOUT_S = 0.25
"""For questions that a reader may leave unanswered, once it has left one unanswered."""

REQUIRED_TIMEOUT_S = 2.0

_STATE = (
    (messages.CONFIG_OUTPUTS, "state of the outputs"),
    (messages.CONFIG_INPUTS, "state of the inputs"),
    (messages.CONFIG_ANTENNAS, "state of the antennas"),
)
_EVENTS = ("GPIEvent", "ROSpecEvent", "ReportBufferFillWarning", "ReaderExceptionEvent", "AntennaEvent")


@dataclass
class Setup:
    """What the dialogue found out and decided; `number` is the id of our ROSpec."""

    settings: LlrpSettings
    antennas: tuple[int, ...]
    number: int
    keepalive_s: float
    inside: frozenset[int] = frozenset()
    """Those of the antennas that look at the zone inside."""
    outputs_left_on: tuple[int, ...] = ()
    left_by_us: tuple[int, ...] = ()
    """ROSpecs of our own from earlier sessions, for readers that cannot delete all at once."""
    may_negotiate: bool = True
    version: int = 1
    answered: bool = False
    """It answered the question for its capabilities: no toy, so it may be asked things that toys choke on."""
    capabilities: Capabilities = field(default_factory=Capabilities)
    state: ReaderState = field(default_factory=ReaderState)
    impinj: bool = False
    outputs_off: set[int] = field(default_factory=set)
    added: bool = False
    shy: bool = False
    run_s: float | None = None
    """After how long our ROSpec ends by itself, to be started again; None: it runs on."""
    newcomers_tried: bool = False
    """True while a reader is asked for newcomers first, over which one may hang up or fall silent."""
    first_run: bool = False
    """True until a first run with newcomers first should be over: some readers take what they then cannot do."""
    newcomers_given_up: bool = False


class Dialogue:
    """Runs the set-up of one session. Raises DeviceLost from inside the generators when the reader will not be set up."""

    def __init__(self, setup: Setup, rejects: Counter[str]) -> None:
        self.setup = setup
        self._control = Control(rejects)
        self._rejects = rejects

    def prepare(self) -> Talk:
        """Everything from the version on to an enabled inventory; whether it also runs is for the session to see."""
        yield from self.enable_extensions()
        yield from self.configure()
        yield from self.ask_state()
        yield from self.outputs_off()
        yield from self.clear()
        yield from self.add()
        yield from self.enable()

    def negotiate(self) -> Talk:
        """LLRP 1.1 if the reader has it. One that has not answers with an error, or not at all: 1.0.1 it is."""
        if not self.setup.may_negotiate or not self.setup.answered:
            return
        asked = Request(messages.GET_SUPPORTED_VERSION, b"", "protocol versions", VERSION_TIMEOUT_S, version=2)
        answer = yield asked
        if not answer.ok or answer.frame is None or messages.supported_version(answer.frame) < 2:
            return
        wanted = Request(messages.SET_PROTOCOL_VERSION, b"\x02", "LLRP 1.1", OPTIONAL_TIMEOUT_S, version=2)
        if (yield wanted).ok:
            self.setup.version = 2

    def ask_capabilities(self) -> Talk:
        answer = yield from self._optional(messages.GET_READER_CAPABILITIES, b"\0", "capabilities")
        self.setup.answered = not answer.silent
        if answer.ok and answer.frame is not None:
            decoded = self._control.decode("GET_READER_CAPABILITIES_RESPONSE", answer.frame)
            if decoded is not None:
                self.setup.capabilities = capabilities_from(decoded)
        most = self.setup.capabilities.antennas
        if most is not None and max(self.setup.antennas) > most:
            raise DeviceLost(f"antenna {max(self.setup.antennas)} is configured, but this reader has ports 1 to {most}")

    def enable_extensions(self) -> Talk:
        if self.setup.capabilities.impinj:
            body = messages.enable_impinj_extensions()
            self.setup.impinj = (yield from self._optional(messages.CUSTOM_MESSAGE, body, "Impinj extensions")).ok

    def configure(self) -> Talk:
        """Keepalive, events and inputs at once; where that is refused, piece by piece."""
        keepalive: _Fields = {"KeepaliveSpec": {"KeepaliveTriggerType": 1, "TimeInterval": round(self.setup.keepalive_s * 1000)}}
        events: _Fields = {"ReaderEventNotificationSpec": {"EventNotificationState": dict.fromkeys(_EVENTS, True)}}
        pins = self._input_pins()
        inputs: _Fields = {"GPIPortCurrentState": [{"GPIPortNum": pin, "GPIConfig": True} for pin in pins]} if pins else {}
        hold = messages.hold_on_reconnect(True) if self.setup.capabilities.can_hold else b""
        if (yield from self._configure("settings", events | keepalive | inputs, hold)).ok:
            return
        for what, piece in (("keepalive", keepalive), ("events", events), ("inputs", inputs)):
            if piece:
                yield from self._configure(what, piece, b"")

    def ask_state(self) -> Talk:
        """How outputs, inputs and antennas stand."""
        decoded: _Fields = {}
        for wanted, what in _STATE:
            answer = yield from self._optional(messages.GET_READER_CONFIG, messages.config_request(wanted), what)
            if answer.silent:
                break
            if answer.ok and answer.frame is not None:
                on = {pin for pin, level in messages.outputs_in(answer.frame).items() if level}
                self.setup.outputs_off |= on - set(self.setup.settings.foreign_outputs)
                decoded |= self._control.decode("GET_READER_CONFIG_RESPONSE", answer.frame) or {}
        self.setup.state = state_from(decoded)

    def outputs_off(self) -> Talk:
        """No light or siren survives a lost session: what is on was ordered by someone who is no longer there."""
        self.setup.outputs_off |= set(self.setup.outputs_left_on)
        for pin in sorted(self.setup.outputs_off):
            body = messages.set_outputs({pin: False})
            answer = yield from self._optional(messages.SET_READER_CONFIG, body, f"output {pin} off")
            if not answer.ok:
                self._rejects["output_refused"] += 1

    def clear(self) -> Talk:
        """No other program's inventory may run beside ours; many readers hold only one."""
        yield from self._optional(messages.DELETE_ACCESSSPEC, messages.rospec_number(0), "deleting access operations")
        everything = yield from self._optional(messages.DELETE_ROSPEC, messages.rospec_number(0), "deleting inventories")
        if not everything.ok:
            yield from self._delete_by_number()

    def add(self) -> Talk:
        """Our ROSpec, simpler and simpler until the reader takes it. Raises DeviceLost with its last words if it takes none."""
        setup = self.setup
        refusals: list[str] = []
        self._mind_wish()
        choices = rospecs(setup.settings, setup.capabilities, setup.antennas, setup.number, setup.impinj, setup.inside)
        for kind, rospec in choices:
            body = self._control.encode("ADD_ROSPEC", {"ROSpec": rospec})
            if body is None:
                continue
            run_s = newcomers.run_s(rospec)
            answer = yield from self._try(Request(messages.ADD_ROSPEC, body, f"inventory {kind}", REQUIRED_TIMEOUT_S), run_s)
            if answer.ok:
                setup.added, setup.run_s = True, run_s
                if refusals:
                    log.warning("the reader takes only an inventory %s; it refused: %s", kind, "; ".join(refusals))
                return
            if answer.silent:
                raise DeviceLost("the reader does not answer ADD_ROSPEC")
            self._rejects["rospec_refused"] += 1
            refusals.append(f"{kind}: {answer}")
        raise DeviceLost(f"the reader refuses every inventory (ADD_ROSPEC): {'; '.join(refusals) or 'none could be encoded'}")

    def enable(self) -> Talk:
        setup = self.setup
        body = messages.rospec_number(setup.number)
        enabling = Request(messages.ENABLE_ROSPEC, body, "enabling the inventory", REQUIRED_TIMEOUT_S)
        answer = yield from self._try(enabling, setup.run_s)
        if setup.run_s is not None and not answer.ok and not answer.silent:
            yield from self.give_up_newcomers(f"will not enable such an inventory: {answer}")
            yield from self.enable()
        elif not answer.ok:
            raise DeviceLost(f"the reader will not enable the inventory (ENABLE_ROSPEC): {answer}")

    def give_up_newcomers(self, why: str) -> Talk:
        """Puts a plain inventory in the place of one with newcomers first, still to be enabled. `why`: what the reader does."""
        self.setup.newcomers_given_up = True
        self.setup.settings = without_newcomers(self.setup.settings, self._rejects, why)
        yield from self.clear()
        yield from self.add()

    def start(self) -> Generator[Request, Answer, bool | None]:
        """Starts an inventory that did not start by itself. True if it runs, None if the reader leaves that open; False if one
        with newcomers first does not run. Raises DeviceLost where a plain one does not.
        """
        body = messages.rospec_number(self.setup.number)
        started = yield Request(messages.START_ROSPEC, body, "starting the inventory", REQUIRED_TIMEOUT_S)
        if started.ok:
            return True
        # Refused may mean that it runs already.
        listed = yield from self._optional(messages.GET_ROSPECS, b"", "list of inventories")
        if not listed.ok or listed.frame is None:
            return None
        if messages.rospecs_in(listed.frame).get(self.setup.number) == messages.ROSPEC_ACTIVE:
            return True
        if self.setup.run_s is not None:
            return False
        raise DeviceLost(f"the reader will not start the inventory (START_ROSPEC): {started}")

    def _mind_wish(self) -> None:
        """Somebody who asked for newcomers by name is told where he cannot have them."""
        settings = self.setup.settings
        if settings.inventory == "newcomers" and not newcomers.forms(self.setup.capabilities, len(self.setup.antennas)):
            log.warning(
                'the reader at %s reads plainly, inventory = "newcomers" is not for it: its ROSpecs hold too few AISpecs '
                "(MaxNumSpecsPerROSpec)",
                settings.host,
            )

    def _try(self, request: Request, run_s: float | None) -> Generator[Request, Answer, Answer]:
        """A request that is about newcomers first if `run_s` says so; tried it stays where it is left unanswered."""
        self.setup.newcomers_tried = run_s is not None
        answer = yield request
        self.setup.newcomers_tried = self.setup.newcomers_tried and answer.silent
        return answer

    def _configure(self, what: str, fields: _Fields, extra: bytes) -> Generator[Request, Answer, Answer]:
        body = self._control.encode("SET_READER_CONFIG", fields)
        if body is None:
            return Answer()
        return (yield from self._optional(messages.SET_READER_CONFIG, body + extra, what))

    def _delete_by_number(self) -> Talk:
        listed = yield from self._optional(messages.GET_ROSPECS, b"", "list of inventories")
        known = messages.rospecs_in(listed.frame) if listed.ok and listed.frame is not None else {}
        for number in sorted({*known, *self.setup.left_by_us}):
            yield from self._optional(messages.DELETE_ROSPEC, messages.rospec_number(number), f"deleting inventory {number}")

    def _optional(self, kind: int, body: bytes, what: str) -> Generator[Request, Answer, Answer]:
        """A question that a simple reader may refuse or leave unanswered; that is counted, and the set-up goes on."""
        timeout_s = OPTIONAL_TIMEOUT_S if not self.setup.shy else SHORT_TIMEOUT_S
        answer = yield Request(kind, body, what, timeout_s)
        if answer.silent:
            self.setup.shy = True
            self._rejects["unanswered"] += 1
            log.info("no answer to %s", what)
        elif not answer.ok:
            self._rejects["refused"] += 1
            log.info("the reader refuses %s: %s", what, answer)
        return answer

    def _input_pins(self) -> tuple[int, ...]:
        configured = self.setup.settings.inputs
        return configured if configured is not None else tuple(range(1, self.setup.capabilities.inputs + 1))


def without_newcomers(settings: LlrpSettings, rejects: Counter[str], why: str) -> LlrpSettings:
    """Newcomers first is given up on a reader, counted and told: the settings to go on with. `why`: what the reader does."""
    rejects["newcomers_given_up"] += 1
    log.warning(
        'the reader at %s cannot do inventory = "newcomers": it %s. From now on it reads plainly; inventory = "plain" in '
        "its section ends this warning",
        settings.host,
        why,
    )
    return settings.model_copy(update={"inventory": "plain"})
