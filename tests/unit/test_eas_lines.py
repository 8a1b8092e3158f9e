"""Lines of pedestals by profile."""

from collections import Counter

import pytest

from drivers.eas_lines import Line, LineDecoder, checksum_of, encode_line
from drivers.eas_profiles import Profile, load_profile, profile_names, read_profile
from rfidguard.events import EAS_KINDS

GENERIC = load_profile("generic")


def decoded(data: bytes, profile: Profile = GENERIC) -> tuple[list[Line], Counter[str]]:
    rejects: Counter[str] = Counter()
    return LineDecoder(profile, rejects).feed(data), rejects


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("ALARM", "alarm"),
        ("  alarm  ", "alarm"),
        ("Alarm=1", "alarm"),
        ("event=ALARM;aisle=2", "alarm"),
        ("ALARM IN", "alarm_in"),
        ("kind=alarm direction=in", "alarm_in"),
        ("alarm_out", "alarm_out"),
        ("type: alarm; dir: OUT", "alarm_out"),
        ("METAL", "metal"),
        ("JAMMER", "jammer"),
        ("kind=jam", "jammer"),
        ("FAULT", "fault"),
        ("TAMPER=on", "tamper"),
        ("POWER FAIL", "power"),
        ("power=0", "power"),
        ("OK", "ok"),
        ("fault=0", "ok"),
        ("power=1", "ok"),
    ],
)
def test_generic_words_mean_their_kind(line: str, kind: str) -> None:
    assert decoded(line.encode() + b"\r\n") == ([Line(kind=kind)], Counter())


@pytest.mark.parametrize(
    ("line", "direction", "people"),
    [("IN", "in", 1), ("visitors_out=3", "out", 3), ("people=2", "unknown", 2), ("visitor in 4", "in", 4)],
)
def test_generic_counts_people(line: str, direction: str, people: int) -> None:
    assert decoded(line.encode() + b"\n")[0] == [Line(direction=direction, people=people)]


def test_nobody_is_no_count() -> None:
    assert decoded(b"IN 0\n") == ([Line()], Counter())


@pytest.mark.parametrize("line", ["IN 101", "IN 999999999"])
def test_impossible_number_of_people_is_refused(line: str) -> None:
    assert decoded(line.encode() + b"\n") == ([], Counter(bad_number=1))


@pytest.mark.parametrize("line", [b"alarm=0", b"HEARTBEAT", b"# pedestal 1.0"])
def test_lines_of_no_interest_are_known_and_silent(line: bytes) -> None:
    assert decoded(line + b"\n") == ([Line()], Counter())


@pytest.mark.parametrize("line", [b"ALARMS", b"no alarm", b"alarm2", b"INN", b"\x00ALARM", b"kind=foo"])
def test_unknown_line_is_never_guessed(line: bytes) -> None:
    assert decoded(line + b"\n") == ([], Counter(unknown_line=1))


def test_garbage_bytes_are_counted_as_no_text() -> None:
    assert decoded(b"\xff\xfe\x80ALARM\r\nALARM\r\n") == ([Line(kind="alarm")], Counter(not_text=1))


def test_blank_lines_are_nothing() -> None:
    assert decoded(b"\r\n\r\n  \n\n") == ([], Counter())


def test_overlong_line_is_counted_once_and_the_next_is_read() -> None:
    decoder = LineDecoder(GENERIC, rejects := Counter())
    for _ in range(100):
        assert decoder.feed(b"x" * 100) == []
    assert decoder.feed(b"\r\nALARM\r\n") == [Line(kind="alarm")]
    assert rejects == Counter(too_long=1)


def test_line_cut_by_the_end_of_the_link_is_counted_and_not_joined_with_the_next() -> None:
    decoder = LineDecoder(GENERIC, rejects := Counter())
    decoder.feed(b"ALA")
    decoder.close()
    assert decoder.feed(b"RM\r\n") == []
    assert rejects == Counter(torn=1, unknown_line=1)


def test_every_profile_that_is_shipped_loads_and_says_every_kind() -> None:
    assert profile_names() == ["assumed_csv", "assumed_framed", "generic"]
    for name in profile_names():
        kinds = {rule.kind for rule in load_profile(name).line if rule.say}
        assert kinds >= set(EAS_KINDS), name


def test_profiles_without_a_public_document_say_so_in_their_names() -> None:
    assert {name for name in profile_names() if name != "generic"} == {n for n in profile_names() if n.startswith("assumed_")}
    assert all(load_profile(name).evidence == "assumed" for name in profile_names())


@pytest.mark.parametrize("name", profile_names())
def test_every_example_of_a_profile_comes_back_as_its_meaning(name: str) -> None:
    profile = load_profile(name)
    lines = [(rule, say) for rule in profile.line for say in rule.say]
    found, rejects = decoded(b"".join(encode_line(say, profile) for _, say in lines), profile)
    assert [(line.kind, line.direction) for line in found] == [(rule.kind, rule.count) for rule, _ in lines]
    assert not rejects


FRAMED = load_profile("assumed_framed")


def test_framed_line_is_drawn_as_its_profile_says() -> None:
    assert encode_line("A1", FRAMED) == b"\x02A1*70\x03"


def test_noise_before_the_start_mark_is_dropped() -> None:
    assert decoded(b"??\x02junk\x02A1*70\x03", FRAMED) == ([Line(kind="alarm")], Counter())


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"\x02A1*71\x03", "bad_checksum"),
        (b"\x02A1\x03", "no_checksum"),
        (b"A1*70\x03", "no_start"),
        (b"\x02a1*50\x03", "unknown_line"),
    ],
)
def test_frame_that_is_not_whole_is_refused_by_reason(data: bytes, reason: str) -> None:
    assert decoded(data, FRAMED) == ([], Counter([reason]))


@pytest.mark.parametrize(
    ("kind", "digits"),
    [("xor8", b"31"), ("sum8", b"DD"), ("crc16_modbus", b"4B37")],
)
def test_checksums_give_their_published_check_values(kind: str, digits: bytes) -> None:
    """ "123456789" is the customary check input of CRC catalogues; CRC-16/MODBUS gives 4B37."""
    assert checksum_of(kind, b"123456789") == digits


def profile_text(line: str, head: str = "") -> str:
    return f'about = "x"\n{head}\n[[line]]\n{line}\n'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("about = ", "not TOML"),
        ('about = "x"', "line: Field required"),
        (profile_text("match = '('\nkind = 'alarm'"), "not a regular expression"),
        (profile_text("match = 'A'\nkind = 'ring'"), "'alarm', 'alarm_in'"),
        (profile_text("match = 'A'"), "exactly one of kind, count and ignore"),
        (profile_text("match = 'A'\nkind = 'alarm'\ncount = 'in'"), "exactly one of kind, count and ignore"),
        (profile_text("match = 'A'\nkind = 'alarm'\nsay = ['B']"), "the example 'B' is not matched"),
        (profile_text("match = 'A'\nkind = 'alarm'", "bauds = 9600"), "bauds"),
        (profile_text("match = 'A'\nkind = 'alarm'", "encoding = 'utf-16'"), "'ascii', 'latin-1' or 'utf-8'"),
    ],
)
def test_profile_that_cannot_be_used_says_what_to_mend(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=r"mine\.toml") as error:
        read_profile(text, "mine.toml")
    assert said in str(error.value)


def test_unknown_profile_names_the_known_ones() -> None:
    with pytest.raises(ValueError, match="assumed_csv, assumed_framed, generic"):
        load_profile("genric")
