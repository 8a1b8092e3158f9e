"""Dry contacts: debounce, polarity, and what they say."""

from drivers.contacts import Change, Contact, ContactDecoder, Debounce, Said
from drivers.eas_health import EasHealth


def decoder(**contacts: Contact) -> ContactDecoder[str]:
    return ContactDecoder(contacts, 0.05)


ALARM = Contact(kind="alarm")
FAULT_CLOSED = Contact(kind="fault", normally="closed")
TAMPER = Contact(kind="tamper")


def test_change_counts_once_it_has_lasted_and_carries_its_first_edge() -> None:
    wire = Debounce(0.05)
    assert wire.sample(10.0, True) is None
    assert wire.sample(10.04, True) is None
    assert wire.sample(10.06, True) == Change(at=10.0, high=True)
    assert wire.sample(10.1, True) is None


def test_spike_never_was() -> None:
    wire = Debounce(0.05)
    assert [wire.sample(at, high) for at, high in ((1.0, True), (1.02, False), (1.2, False))] == [None] * 3


def test_late_look_does_not_turn_a_spike_into_a_change() -> None:
    wire = Debounce(0.05)
    wire.sample(1.0, True)
    assert wire.sample(9.0, False) is None


def test_edges_are_known_to_have_held_their_level_between() -> None:
    wire = Debounce(0.05)
    assert wire.edge(1.0, True) is None
    assert wire.edge(2.0, False) == Change(1.0, True)
    assert wire.settle(2.05) == Change(2.0, False)


def test_without_debounce_every_edge_counts_at_once() -> None:
    wire = Debounce(0.0)
    assert wire.edge(1.0, True) == Change(1.0, True)
    assert wire.edge(1.0, False) == Change(1.0, False)


def test_contact_speaks_when_it_closes_and_an_alarm_says_nothing_when_it_opens() -> None:
    wires = decoder(cts=ALARM)
    assert wires.edge(1.0, "cts", True) == []
    assert wires.settle(1.1) == [Said(1.0, "alarm")]
    wires.edge(2.0, "cts", False)
    assert wires.settle(2.1) == []


def test_normally_closed_contact_speaks_when_the_wire_falls() -> None:
    wires = decoder(dcd=FAULT_CLOSED)
    assert wires.sample(1.0, {"dcd": True}) == []
    assert wires.sample(2.0, {"dcd": False}) == []
    assert wires.sample(2.06, {"dcd": False}) == [Said(2.0, "fault")]


def test_contact_that_is_not_silent_at_the_start_speaks() -> None:
    wires = decoder(dcd=FAULT_CLOSED)
    wires.sample(1.0, {"dcd": False})
    assert wires.sample(1.06, {"dcd": False}) == [Said(1.0, "fault")]


def test_end_of_the_last_condition_is_ok() -> None:
    wires = decoder(dcd=FAULT_CLOSED, ri=TAMPER)
    wires.edge(1.0, "dcd", False)
    wires.edge(1.0, "ri", True)
    assert wires.settle(1.1) == [Said(1.0, "fault"), Said(1.0, "tamper")]
    assert wires.trouble(1.1) == "the pedestal says fault"
    wires.edge(2.0, "dcd", True)
    assert wires.settle(2.1) == []
    assert wires.trouble(2.1) == "the pedestal says tamper"
    wires.edge(3.0, "ri", False)
    assert wires.settle(3.1) == [Said(3.0, "ok")]
    assert wires.trouble(3.1) is None


def test_line_that_is_no_contact_says_nothing() -> None:
    assert decoder(cts=ALARM).edge(1.0, "ri", True) == []


def test_trouble_degrades_the_device_once_and_ok_mends_it() -> None:
    health = EasHealth("eas", says_ok=True)
    degraded = health.heard("fault", 1.0)
    assert degraded is not None
    assert (degraded.state, degraded.reason) == ("degraded", "the pedestal says fault")
    assert health.heard("fault", 2.0) is None
    mended = health.heard("ok", 3.0)
    assert mended is not None
    assert mended.state == "online"
    assert health.heard("ok", 4.0) is None


def test_pedestal_that_cannot_say_ok_is_never_degraded() -> None:
    assert EasHealth("eas", says_ok=False).heard("fault", 1.0) is None
