"""Lines of a pedestal, pure: bytes in any pieces -> what was said, by a profile. Never raises, never guesses, bounded memory.

[noise] [start] text [mark hex] end      start, end and checksum as the profile says
"""

import re
from collections import Counter

import msgspec

from drivers.eas_profiles import Checksum, LineRule, Profile

PEOPLE_MAX = 100
"""More at once is a misread or a total, not people in one gate."""


class Line(msgspec.Struct, frozen=True):
    """One line understood: a `kind` of events.EAS_KINDS, or `people` going in `direction`; neither for a line of no interest."""

    kind: str | None = None
    direction: str | None = None
    people: int = 0


class LineDecoder:
    """Feed bytes, get lines.

    `rejects`: too_long, no_start, no_checksum, bad_checksum, not_text, unknown_line, bad_number, torn (the link ended in a line).
    """

    def __init__(self, profile: Profile, rejects: Counter[str]) -> None:
        self.rejects = rejects
        self._profile = profile
        self._ends = re.compile(b"[" + re.escape(profile.end.encode(profile.encoding)) + b"]")
        self._rest = bytearray()
        self._skipping = False

    def feed(self, data: bytes) -> list[Line]:
        """The lines that end within `data`."""
        first, *more = self._ends.split(data)
        self._take(first)
        found = []
        for piece in more:
            line = self._finish()
            self._take(piece)
            if line is not None:
                found.append(line)
        return found

    def close(self) -> None:
        """The link ended: an unfinished line is counted and forgotten."""
        if self._rest.strip():
            self.rejects["torn"] += 1
        self._rest.clear()
        self._skipping = False

    def _take(self, piece: bytes) -> None:
        if self._skipping:
            return
        self._rest += piece
        if len(self._rest) > self._profile.max_bytes:
            self.rejects["too_long"] += 1
            self._rest.clear()
            self._skipping = True

    def _finish(self) -> Line | None:
        line = bytes(self._rest)
        self._rest.clear()
        if self._skipping:
            self._skipping = False
            return None
        result = decode_line(line, self._profile)
        if isinstance(result, str):
            self.rejects[result] += 1
            return None
        return result


def decode_line(line: bytes, profile: Profile) -> Line | str | None:
    """One line without its end -> what it says, the reason why it is refused, or None for a blank one."""
    if not line.strip():
        return None
    body = _unframed(line, profile)
    if isinstance(body, str):
        return body
    try:
        text = body.decode(profile.encoding).strip()
    except UnicodeDecodeError:
        return "not_text"
    rule = profile.rule_for(text)
    return "unknown_line" if rule is None else _meaning(rule, text, profile)


def encode_line(text: str, profile: Profile) -> bytes:
    """`text` as a pedestal of this profile would send it."""
    body = text.encode(profile.encoding)
    if profile.checksum is not None:
        body += profile.checksum.mark.encode() + checksum_of(profile.checksum.kind, body)
    return profile.start.encode(profile.encoding) + body + profile.end.encode(profile.encoding)


def checksum_of(kind: str, body: bytes) -> bytes:
    """The checksum of `body` as upper-case hex digits."""
    if kind == "crc16_modbus":
        return b"%04X" % _crc16_modbus(body)
    if kind == "sum8":
        return b"%02X" % (sum(body) & 0xFF)
    total = 0
    for byte in body:
        total ^= byte
    return b"%02X" % total


def _unframed(line: bytes, profile: Profile) -> bytes | str:
    """The line without start mark and checksum, or the reason why it is refused."""
    if profile.start:
        _, mark, line = line.rpartition(profile.start.encode(profile.encoding))
        if not mark:
            return "no_start"
    return line if profile.checksum is None else _checked(line, profile.checksum)


def _checked(line: bytes, checksum: Checksum) -> bytes | str:
    body, mark, digits = line.strip().rpartition(checksum.mark.encode())
    if not mark:
        return "no_checksum"
    return body if digits.upper() == checksum_of(checksum.kind, body) else "bad_checksum"


def _meaning(rule: LineRule, text: str, profile: Profile) -> Line | str | None:
    if rule.count is None:
        return Line(kind=rule.kind)
    match = re.fullmatch(rule.match, text, re.IGNORECASE if profile.ignore_case else 0)
    given = match.groupdict().get("people") if match else None
    if given is None:
        return Line(direction=rule.count, people=1)
    if not (given.isascii() and given.isdigit()) or len(given) > 9 or int(given) > PEOPLE_MAX:
        return "bad_number"
    return Line(direction=rule.count, people=int(given)) if int(given) else Line()


def _crc16_modbus(body: bytes) -> int:
    """CRC-16 with the reflected polynomial A001 and start FFFF (Modbus over serial line, specification 1.02, 6.2.2)."""
    crc = 0xFFFF
    for byte in body:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0xA001 if crc & 1 else 0)
    return crc
