"""Counters and pedestals on a reader's inputs: the driver as it runs, fed through its orders."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from driving import Driving
from wait import wait_for

from drivers.gpi import GpiDriver, GpiSettings
from rfidguard.clock import SystemClock
from rfidguard.driver import SetOutput
from rfidguard.events import Count, Device, Eas, Gpi, OutputDone

CLOCK = SystemClock()


@contextmanager
def running(**settings: Any) -> Iterator[Driving]:
    driver = GpiDriver("front-count", "front", GpiSettings(reader="front-1", **settings), CLOCK, {})
    with Driving(driver) as driving:
        yield driving
    assert driving.failure is None


def reader(state: str, reason: str | None = None) -> Device:
    return Device(at=CLOCK.now(), device="front-1", state=state, reason=reason)


def edges(driving: Driving, *steps: tuple[float, int, bool], start: float | None = None) -> None:
    start = CLOCK.now() - 10 if start is None else start
    for after, pin, high in steps:
        driving.orders.put(Gpi(at=start + after, device="front-1", pin=pin, high=high))


OUT = ((0.0, 1, True), (0.3, 2, True), (0.6, 1, False), (0.9, 2, False))


def test_counter_is_silent_about_itself_until_its_reader_is_heard_of() -> None:
    with running(pins=[1, 2]) as driving:
        driving.orders.put(SetOutput(id="o", pin=1, seconds=1))
        driving.until(OutputDone)
        assert driving.of(Device) == []


def test_counter_follows_its_reader() -> None:
    with running(pins=[1, 2]) as driving:
        for state, reason in (("online", None), ("offline", "no route"), ("online", None)):
            driving.orders.put(reader(state, reason))
        driving.until(Device, count=3)
        assert [(device.state, device.reason) for device in driving.of(Device)] == [
            ("online", None),
            ("offline", "reader front-1 is offline: no route"),
            ("online", None),
        ]


def test_person_leaving_is_counted_out_at_the_time_of_the_crossing() -> None:
    with running(pins=[1, 2]) as driving:
        driving.orders.put(reader("online"))
        start = CLOCK.now() - 1.0
        edges(driving, *OUT, start=start)
        count = driving.until(Count)
        assert (count.gate, count.counter, count.direction, count.people) == ("front", "front-count", "out", 1)
        assert count.at == start + 0.3
        assert count.received is not None
        assert count.received >= count.at


def test_late_delivery_does_not_make_a_spike_last() -> None:
    with running(pins=[1], debounce_s=0.05) as driving:
        driving.orders.put(reader("online"))
        edges(driving, (0.0, 1, True), (0.01, 1, False), (5.0, 1, True), (5.5, 1, False), start=CLOCK.now() - 60)
        driving.until(Count)
        driving.end()
        assert len(driving.of(Count)) == 1


def test_pedestal_contact_speaks_with_its_polarity() -> None:
    with running(pins={1: "alarm", 2: {"kind": "fault", "normally": "closed"}}) as driving:
        driving.orders.put(reader("online"))
        edges(driving, (0.0, 2, True), (1.0, 1, True), (2.0, 1, False))
        alarm = driving.until(Eas, lambda eas: eas.kind == "alarm")
        assert (alarm.gate, alarm.pedestal) == ("front", "front-count")
        edges(driving, (3.0, 2, False))
        driving.until(Eas, lambda eas: eas.kind == "fault")
        degraded = driving.until(Device, lambda device: device.state == "degraded")
        assert degraded.reason == "the pedestal says fault"


def test_blocked_beam_degrades_the_counter_until_it_is_clear() -> None:
    with running(pins=[1, 2], blocked_s=0.1) as driving:
        driving.orders.put(reader("online"))
        edges(driving, (0.0, 1, True), start=CLOCK.now())
        degraded = driving.until(Device, lambda device: device.state == "degraded")
        assert degraded.reason == "beam blocked: pin 1"
        edges(driving, (0.0, 1, False), start=CLOCK.now())
        driving.until_online(count=2)


def test_what_happened_on_the_pins_is_forgotten_when_the_reader_was_away() -> None:
    with running(pins=[1, 2]) as driving:
        driving.orders.put(reader("online"))
        edges(driving, (0.0, 1, True), (0.5, 1, False))
        driving.orders.put(reader("offline"))
        driving.orders.put(reader("online"))
        edges(driving, (1.0, 2, True), (1.5, 2, False))
        edges(driving, (5.0, 2, True), (5.2, 1, True), (5.4, 2, False), (5.6, 1, False))
        driving.until(Count)
        driving.end()
        assert [count.direction for count in driving.of(Count)] == ["in"]


def test_levels_told_before_the_reader_is_online_are_heeded() -> None:
    with running(pins={1: "tamper"}) as driving:
        driving.orders.put(reader("offline"))
        edges(driving, (0.0, 1, True))
        driving.orders.put(reader("online"))
        driving.until(Eas, lambda eas: eas.kind == "tamper")
        driving.until(Device, lambda device: device.state == "degraded")


def test_inputs_of_others_are_counted_and_ignored() -> None:
    with running(pins=[1]) as driving:
        driving.orders.put(reader("online"))
        driving.orders.put(Gpi(at=1.0, device="side-1", pin=1, high=True))
        driving.orders.put(Gpi(at=1.0, device="front-1", pin=4, high=True))
        wait_for(lambda: driving.driver.rejects == {"other_device": 1, "other_pin": 1})


def test_driver_started_again_still_knows_its_reader() -> None:
    with running(pins=[1]) as driving:
        driving.orders.put(reader("online"))
        driving.until_online()
        driving.end()
        driving.start()
        driving.until_online(count=2)
