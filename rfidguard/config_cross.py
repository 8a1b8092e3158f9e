"""What no single section can know of itself: names used twice, names of nothing, and settings that do not go together. Pure."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from rfidguard.config_lines import Path, dotted
from rfidguard.config_parts import device_sections, tables
from rfidguard.config_problems import Found, problem, warning
from rfidguard.registry import registry

_GCP_DIGITS = range(6, 13)
DATABASES = ("sqlite", "sqlite+pysqlite", "postgresql", "postgresql+psycopg")


def problems(data: Mapping[str, Any], from_env: set[Path]) -> Iterator[Found]:
    """Every mistake and doubt between the sections of `data`; parts of the wrong shape are left to the models."""
    checks: tuple[Callable[[Mapping[str, Any]], Iterator[Found]], ...] = (
        _same_ids, _names_of_nothing, _pins_used_twice, _addresses, _tls, _mqtt, _schedules, _gates, _goods, _loudness,
        _sources, _hours, _groups, _chain,
    )  # fmt: skip
    for look in checks:
        yield from look(data)
    yield from _database(data, from_env)


def _same_ids(data: Mapping[str, Any]) -> Iterator[Found]:
    devices = [(path, section.get("id")) for path, _, section in device_sections(data)]
    devices += [(("feed", at), feed.get("id")) for at, feed in tables(data, "feed")]
    outputs = [(path, section.get("id")) for path, section in _outputs(data)]
    gates = [(("gate", at), gate.get("id")) for at, gate in tables(data, "gate")]
    clients = [(("http", "client", at), client.get("name")) for at, client in tables(_table(data, "http"), "client")]
    groups = [(("group", at), group.get("id")) for at, group in tables(data, "group")]
    rules = [(("rule", at), rule.get("use")) for at, rule in tables(data, "rule")]
    for what, key, named in (
        ("gate", "id", gates), ("device", "id", devices), ("output", "id", outputs),
        ("client", "name", clients), ("rule", "use", rules), ("group", "id", groups),
    ):  # fmt: skip
        yield from _twice(what, key, named)


def _twice(what: str, key: str, named: Iterable[tuple[Path, Any]]) -> Iterator[Found]:
    first: dict[str, Path] = {}
    for path, name in named:
        if isinstance(name, str) and name in first:
            yield problem((*path, key), f"taken by the {what} {dotted(first[name])}; each {what} needs its own", name)
        elif isinstance(name, str):
            first[name] = path


def _names_of_nothing(data: Mapping[str, Any]) -> Iterator[Found]:
    gates = _names(gate for _, gate in tables(data, "gate"))
    readers = _names(section for _, kind, section in device_sections(data) if kind == "reader")
    users = [(path, section) for path, kind, section in device_sections(data) if kind != "reader"]
    for path, section in (*users, *_outputs(data)):
        reader = section.get("reader")
        if isinstance(reader, str) and reader not in readers:
            yield problem((*path, "reader"), "no [[gate.reader]] has this id", reader, readers or "none: there is no reader yet")
    for path, place in _antennas(data):
        gate = place.get("gate") if isinstance(place, dict) else None
        if isinstance(gate, str) and gate not in gates:
            yield problem((*path, "gate"), "no [[gate]] has this id", gate, gates)


def _pins_used_twice(data: Mapping[str, Any]) -> Iterator[Found]:
    """Inputs and outputs are counted apart: pin 1 of a reader is an input and an output."""
    inputs = [
        ((*path, "pins", at), section.get("reader"), pin)
        for path, _, section in device_sections(data)
        for at, pin in _pins(section.get("pins"))
    ]
    outputs = [((*path, "pin"), section.get("reader"), section.get("pin")) for path, section in _outputs(data)]
    for used in (inputs, outputs):
        first: dict[tuple[Any, Any], Path] = {}
        for path, reader, pin in used:
            if not isinstance(reader, str) or not isinstance(pin, int):
                continue
            if (reader, pin) in first:
                yield problem(path, f"this pin of {reader} is used by {dotted(first[reader, pin])} already", pin)
            first.setdefault((reader, pin), path)


def _pins(pins: Any) -> Iterable[tuple[int | str, Any]]:
    """Beams are a list of pins, a pedestal's contacts a table by pin."""
    if isinstance(pins, dict):
        return [(key, int(key)) for key in pins if key.isdigit()]
    return enumerate(_list(pins))


def _addresses(data: Mapping[str, Any]) -> Iterator[Found]:
    http = _table(data, "http")
    listen = http.get("listen", "127.0.0.1:8080")
    if not isinstance(listen, str) or ":" not in listen:
        return
    host, _, port = listen.rpartition(":")
    if port.isdigit() and int(port) > 65_535:
        yield problem(("http", "listen"), "there is no such port", listen, "ports 0 to 65535")
    if not http.get("client") and not _is_loopback(host.strip("[]")):
        text = "without [[http.client]] the page is open to everybody, so it listens on loopback only"
        yield problem(("http", "listen"), text, listen, "127.0.0.1:PORT, [::1]:PORT, localhost:PORT, or add a [[http.client]]")


def _tls(data: Mapping[str, Any]) -> Iterator[Found]:
    http = _table(data, "http")
    given = [key for key in ("cert_file", "key_file", "ca_file") if http.get(key)]
    for needed in ("cert_file", "key_file"):
        if given and needed not in given:
            yield problem(("http", given[0]), f"needs http.{needed} beside it")
    for at, client in tables(http, "client"):
        if client.get("lanes") and client.get("scope") != "till":
            yield warning(("http", "client", at, "lanes"), "has no effect: only a till is bound to lanes")


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _mqtt(data: Mapping[str, Any]) -> Iterator[Found]:
    mqtt = _table(data, "mqtt")
    url = mqtt.get("url", "mqtt://127.0.0.1:1883")
    if isinstance(url, str) and "@" in url:
        text = "no user or password stands in the address; use mqtt.username and mqtt.password_file"
        yield problem(("mqtt", "url"), text)
    elif isinstance(url, str) and not _port_fits(url):
        yield problem(("mqtt", "url"), "there is no such port", url, "ports 1 to 65535")
    tls = [key for key in ("ca_file", "cert_file", "key_file") if mqtt.get(key)]
    if isinstance(url, str) and url.startswith("mqtt://") and tls:
        yield warning(("mqtt", tls[0]), "has no effect: mqtt:// is not encrypted; use mqtts://")
    if bool(mqtt.get("cert_file")) != bool(mqtt.get("key_file")):
        present, absent = ("cert_file", "key_file") if mqtt.get("cert_file") else ("key_file", "cert_file")
        yield problem(("mqtt", present), f"needs mqtt.{absent} beside it")
    if mqtt.get("password_file") and not mqtt.get("username"):
        yield problem(("mqtt", "password_file"), "needs mqtt.username beside it")


def _port_fits(url: str) -> bool:
    try:
        return urlsplit(url).port != 0
    except ValueError:
        return False


def _schedules(data: Mapping[str, Any]) -> Iterator[Found]:
    for at, action in tables(data, "action"):
        schedule = action.get("schedule")
        if isinstance(schedule, str) and not all(_is_time(part) for part in schedule.split("-")):
            yield problem(("action", at, "schedule"), "there is no such time of day", schedule, "00:00 to 23:59 on both sides")


def _is_time(text: str) -> bool:
    hours, _, minutes = text.partition(":")
    if not (hours.isdigit() and minutes.isdigit()):
        return True
    return int(hours) < 24 and int(minutes) < 60


def _gates(data: Mapping[str, Any]) -> Iterator[Found]:
    if not data.get("gate"):
        yield warning(("gate",), "no [[gate]]: nothing is guarded")
    for at, gate in tables(data, "gate"):
        served = any(isinstance(place, dict) and place.get("gate") == gate.get("id") for _, place in _antennas(data))
        if not gate.get("reader") and not gate.get("pedestal") and not served:
            yield warning(("gate", at), "no reader and no pedestal: nothing is seen at this gate")


def _goods(data: Mapping[str, Any]) -> Iterator[Found]:
    site, ledger = _table(data, "site"), _table(data, "ledger")
    if not site.get("company_prefixes") and not site.get("own_epcs"):
        yield warning(("site",), "neither company_prefixes nor own_epcs: every item is foreign and none ever alarms")
    for at, prefix in enumerate(_list(site.get("company_prefixes"))):
        if isinstance(prefix, str) and prefix.isdigit() and len(prefix) not in _GCP_DIGITS:
            yield warning(("site", "company_prefixes", at), f"{prefix!r} has {len(prefix)} digits; a GS1 prefix has 6 to 12")
    unknown = ledger.get("unknown_epc", "observe")
    if unknown == "observe":
        text = '"observe": own goods without a sale are recorded only; nothing alarms. Go live with "stock_only"'
        yield warning(("ledger", "unknown_epc"), text)
    if unknown == "strict":
        text = '"strict": own goods alarm even without a stock record; without a full stock count that rings falsely'
        yield warning(("ledger", "unknown_epc"), text)


def _loudness(data: Mapping[str, Any]) -> Iterator[Found]:
    for at, gate in tables(data, "gate"):
        if gate.get("mode") in ("light", "siren") and not gate.get("output"):
            yield warning(("gate", at, "mode"), f'"{gate["mode"]}", but the gate has no [[gate.output]] to switch')


def _hours(data: Mapping[str, Any]) -> Iterator[Found]:
    rules = [rule.get("use") for _, rule in tables(data, "rule")]
    for at, gate in tables(data, "gate"):
        wanted = gate.get("after_hours", "guard")
        if wanted in ("disarm", "critical") and not gate.get("hours") and not _table(data, "site").get("open"):
            yield problem(
                ("gate", at, "after_hours"), 'needs opening hours: set hours = "mon-sat 08:00-20:00" here, or site.open'
            )
        if wanted == "critical" and rules and "after_hours" not in rules:
            yield problem(("gate", at, "after_hours"), 'needs the rule: [[rule]] use = "after_hours", before "unpaid"')
        if gate.get("hours") and wanted == "guard":
            yield warning(("gate", at, "hours"), 'has no effect without after_hours = "disarm" or "critical"')


def _groups(data: Mapping[str, Any]) -> Iterator[Found]:
    alarms, groups = _table(data, "alarms"), list(tables(data, "group"))
    escalate_s, expire_s = alarms.get("escalate_s", 20), alarms.get("expire_s", 180)
    numbers = isinstance(escalate_s, int | float) and isinstance(expire_s, int | float)
    if numbers and max(1, len(groups)) * escalate_s >= expire_s:
        text = f"an alarm expires after {expire_s:g} s, before everybody was told: {max(1, len(groups))} times {escalate_s:g} s"
        yield warning(("alarms", "escalate_s"), text)


def _database(data: Mapping[str, Any], from_env: set[Path]) -> Iterator[Found]:
    url = _table(data, "database").get("url")
    if not isinstance(url, str):
        return
    path: Path = ("database", "url")
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        yield problem(path, "is no database address", url, "sqlite:///FILE, sqlite://, postgresql+psycopg://HOST/NAME")
        return
    if parsed.drivername not in DATABASES:
        allowed = "sqlite:///FILE, sqlite:// (memory), postgresql+psycopg://HOST/NAME"
        yield problem(path, "is a kind of database that is not supported", parsed.drivername, allowed)
    elif parsed.password and path not in from_env:
        yield warning(path, "holds a password; use ?passfile=FILE, or set RFIDGUARD_DATABASE__URL instead")


def _sources(data: Mapping[str, Any]) -> Iterator[Found]:
    """Who may mint credits: a name of nobody would let no sale without EPC count."""
    ledger, clients = _table(data, "ledger"), tables(_table(data, "http"), "client")
    feeds = _names(feed for _, feed in tables(data, "feed"))
    known = ["mqtt", "http", *_names({"id": client.get("name")} for _, client in clients), *feeds]
    for at, name in enumerate(_list(ledger.get("credit_authority"))):
        if isinstance(name, str) and name.partition(":")[0] not in known:
            yield problem(("ledger", "credit_authority", at), "nobody of this name brings sales", name, known)
    if feeds and not ledger.get("credit_authority"):
        text = "where two sources tell of one receipt, its lines without EPC count twice; name the source that counts"
        yield warning(("ledger", "credit_authority"), text)
    for at, feed in tables(data, "feed"):
        if _holds_password(feed.get("url")):
            text = "holds a password, and secrets never stand here; "
            way = "use url_file" if feed.get("driver") == "sql" else "use token_file"
            yield problem(("feed", at, "url"), text + way)
        every_s, patience_s = feed.get("every_s", 10), ledger.get("stale_after_s", 120)
        if feed.get("driver") in ("sql", "epcis") and isinstance(every_s, int | float) and every_s * 2 > patience_s:
            text = f"asked every {every_s:g} s it counts as silent in between (ledger.stale_after_s = {patience_s:g})"
            yield warning(("feed", at, "every_s"), text)
    if (ledger.get("credit_ttl_min_s") or 0) > (ledger.get("credit_ttl_max_s") or 3600):
        yield problem(("ledger", "credit_ttl_min_s"), "is more than ledger.credit_ttl_max_s", ledger.get("credit_ttl_min_s"))


def _chain(data: Mapping[str, Any]) -> Iterator[Found]:
    chain = _table(data, "chain")
    url, path = chain.get("url"), ("chain", "url")
    if isinstance(url, str):
        if urlsplit(url).scheme not in registry("rfidguard.chain", "rfidguard.chain"):
            yield problem(
                path, "is no address of a centre", url, "postgresql+psycopg://HOST/NAME, nats://HOST:PORT, tls://HOST:PORT"
            )
        elif ":" in urlsplit(url).netloc.rpartition("@")[0]:
            yield problem(path, "no password stands in the address; put the address into a file and name it in chain.url_file")
    for at, feed in tables(data, "feed"):
        if chain and feed.get("id") == "chain":
            yield problem(("feed", at, "id"), "is the name of the centre of the chain; give the feed another", "chain")


def _holds_password(url: Any) -> bool:
    try:
        return isinstance(url, str) and make_url(url).password is not None
    except (ArgumentError, ValueError):
        return False


def _outputs(data: Mapping[str, Any]) -> Iterator[tuple[Path, dict[str, Any]]]:
    for at, gate in tables(data, "gate"):
        for inner, section in tables(gate, "output"):
            yield ("gate", at, "output", inner), section


def _antennas(data: Mapping[str, Any]) -> Iterator[tuple[Path, Any]]:
    for path, kind, section in device_sections(data):
        antennas = section.get("antennas")
        if kind == "reader" and isinstance(antennas, dict):
            for port, place in antennas.items():
                yield (*path, "antennas", port), place


def _names(sections: Iterable[Mapping[str, Any]]) -> list[str]:
    return sorted({section["id"] for section in sections if isinstance(section.get("id"), str)})


def _table(data: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = data.get(key)
    return found if isinstance(found, dict) else defaultdict(dict)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
