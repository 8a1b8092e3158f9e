"""What drivers and rules say of their own sections: each is checked against the settings model that its owner declares."""

from collections.abc import Iterator, Mapping
from typing import Any

from rfidguard.config_lines import Path
from rfidguard.config_problems import Found, model_problems, problem
from rfidguard.driver import driver_names, load_driver
from rfidguard.errors import RfidguardError
from rfidguard.feeds.contract import feed_names, load_feed
from rfidguard.rule import load_rule, rule_names

KINDS = ("reader", "pedestal", "counter")
_SHARED = {"reader": ("id", "driver", "antennas"), "pedestal": ("id", "driver"), "counter": ("id", "driver")}


def device_sections(data: Mapping[str, Any]) -> Iterator[tuple[Path, str, dict[str, Any]]]:
    """(place, kind, section) of every device; whatever has not the shape of one is passed over."""
    for at, gate in tables(data, "gate"):
        for kind in KINDS:
            for inner, section in tables(gate, kind):
                yield ("gate", at, kind, inner), kind, section


def tables(data: Mapping[str, Any], key: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """The tables of the array `key`, numbered."""
    array = data.get(key)
    for at, entry in enumerate(array if isinstance(array, list) else ()):
        if isinstance(entry, dict):
            yield at, entry


def driver_problems(data: Mapping[str, Any]) -> Iterator[Found]:
    """Unknown drivers, drivers in the wrong kind of section, and settings that a driver refuses."""
    for path, kind, section in device_sections(data):
        name = section.get("driver")
        if isinstance(name, str):
            yield from _of_device(path, kind, section, name)


def feed_problems(data: Mapping[str, Any]) -> Iterator[Found]:
    """Unknown drivers of feeds, and settings that they refuse."""
    for at, section in tables(data, "feed"):
        name = section.get("driver")
        if not isinstance(name, str):
            continue
        if name not in feed_names():
            yield problem(("feed", at, "driver"), "no feed driver is called so", name, sorted(feed_names()))
            continue
        try:
            settings = load_feed(name).Settings
        except (ImportError, AttributeError, RfidguardError) as error:
            yield problem(("feed", at, "driver"), f"this feed driver cannot be loaded: {error}", name)
            continue
        given = {key: value for key, value in section.items() if key not in ("id", "driver")}
        yield from model_problems(settings, given, ("feed", at), also=("id", "driver"))


def rule_problems(data: Mapping[str, Any]) -> Iterator[Found]:
    """Unknown rules, and parameters that a rule refuses."""
    for at, entry in tables(data, "rule"):
        name = entry.get("use")
        if not isinstance(name, str):
            continue
        if name not in rule_names():
            yield problem(("rule", at, "use"), "no rule is called so", name, sorted(rule_names()))
            continue
        try:
            params = load_rule(name).Params
        except (ImportError, AttributeError) as error:
            yield problem(("rule", at, "use"), f"this rule cannot be loaded: {error}", name)
            continue
        given = {key: value for key, value in entry.items() if key != "use"}
        yield from model_problems(params, given, ("rule", at), also=("use",))


def _of_device(path: Path, kind: str, section: dict[str, Any], name: str) -> Iterator[Found]:
    if name not in driver_names():
        yield problem((*path, "driver"), "no driver is called so", name, sorted(driver_names()))
        return
    try:
        driver = load_driver(name)
    except (ImportError, AttributeError, RfidguardError) as error:
        yield problem((*path, "driver"), f"this driver cannot be loaded: {error}", name)
        return
    if kind not in driver.kinds:
        yield problem((*path, "driver"), f"does not drive a {kind}, but: {', '.join(driver.kinds)}", name)
        return
    shared = _SHARED[kind]
    given = {key: value for key, value in section.items() if key not in shared}
    yield from model_problems(driver.Settings, given, path, also=shared)
