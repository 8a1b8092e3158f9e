"""Tokens, scopes, cookies, and where the server may listen."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rfidguard.config import Http
from rfidguard.errors import ConfigError
from rfidguard.web.access import SESSION_S, Access, Caller, Client, access_from, check_listen, listen_address

TILL = Client("till-3", "till", "t" * 32)
STAFF = Client("staff-1", "staff", "s" * 32)
NOW = 1_800_000_000.0


def http(tmp_path: Path, **tokens: str) -> Http:
    for name, token in tokens.items():
        (tmp_path / name).write_text(token)
    clients = [{"name": name, "token_file": tmp_path / name, "scope": "staff"} for name in tokens]
    return Http.model_validate({"listen": "0.0.0.0:8080", "client": clients})


def test_a_token_finds_its_client_and_scope() -> None:
    assert Access([TILL, STAFF]).by_token("t" * 32) == Caller("till-3", "till")


@pytest.mark.parametrize("token", ["", "t", "t" * 31, "t" * 33, "é" * 32])
def test_any_other_token_finds_nobody(token: str) -> None:
    assert Access([TILL, STAFF]).by_token(token) is None


def test_a_till_may_report_sales_and_nothing_else() -> None:
    till = Caller("till-3", "till")
    assert [right for right in ("sales", "read", "answer", "page") if till.may(right)] == ["sales"]


def test_staff_may_read_and_answer_but_report_no_sales() -> None:
    staff = Caller("staff-1", "staff")
    assert [right for right in ("sales", "read", "answer", "page") if staff.may(right)] == ["read", "answer", "page"]


def test_a_cookie_is_good_for_one_shift() -> None:
    access = Access([STAFF])
    cookie = access.cookie_for(Caller("staff-1", "staff"), NOW)
    assert access.by_cookie(cookie, NOW + SESSION_S - 1) == Caller("staff-1", "staff", NOW + SESSION_S)
    assert access.by_cookie(cookie, NOW + SESSION_S) is None


def test_a_cookie_survives_a_restart() -> None:
    cookie = Access([STAFF]).cookie_for(Caller("staff-1", "staff"), NOW)
    assert Access([TILL, STAFF]).by_cookie(cookie, NOW) is not None


def test_a_cookie_dies_with_its_token() -> None:
    cookie = Access([STAFF]).cookie_for(Caller("staff-1", "staff"), NOW)
    assert Access([Client("staff-1", "staff", "n" * 32)]).by_cookie(cookie, NOW) is None


def test_a_cookie_cannot_be_made_longer_or_another_persons() -> None:
    access = Access([STAFF, Client("boss", "admin", "b" * 32)])
    name, until, signature = access.cookie_for(Caller("staff-1", "staff"), NOW).split(".")
    assert access.by_cookie(f"{name}.{int(until) + 1}.{signature}", NOW) is None
    assert access.by_cookie(f"boss.{until}.{signature}", NOW) is None


@given(st.text())
def test_no_cookie_text_admits_anybody_or_fails(cookie: str) -> None:
    assert Access([STAFF]).by_cookie(cookie, NOW) is None


def test_without_clients_only_loopback_is_listened_on() -> None:
    for listen in ("127.0.0.1:8080", "localhost:80", "[::1]:8080", "127.8.9.1:1"):
        check_listen(Http(listen=listen))
    for listen in ("0.0.0.0:8080", "[::]:8080", "192.0.2.1:80", "shop.example:80"):
        with pytest.raises(ConfigError, match="other machines"):
            check_listen(Http(listen=listen))


def test_with_clients_every_address_may_be_listened_on(tmp_path: Path) -> None:
    check_listen(http(tmp_path, staff="s" * 32))


def test_a_port_that_cannot_be_is_refused() -> None:
    with pytest.raises(ConfigError, match="no port 70000"):
        check_listen(Http(listen="127.0.0.1:70000"))


def test_an_ipv6_address_comes_out_without_brackets() -> None:
    assert listen_address(Http(listen="[::1]:8080")) == ("::1", 8080)


def test_tokens_are_read_from_their_files(tmp_path: Path) -> None:
    assert access_from(http(tmp_path, staff="s" * 32 + "\n")).by_token("s" * 32) == Caller("staff", "staff")


def test_every_unusable_token_file_is_named(tmp_path: Path) -> None:
    config = http(tmp_path, short="abc", spaced="a b" * 12, good="g" * 32, gone="x" * 32)
    (tmp_path / "gone").unlink()
    with pytest.raises(ConfigError) as caught:
        access_from(config)
    assert [problem.split(":")[0] for problem in caught.value.problems] == [
        "[[http.client]] short", "[[http.client]] spaced", "[[http.client]] gone",
    ]  # fmt: skip


def test_no_problem_text_holds_a_token(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        access_from(http(tmp_path, short="hush-hush"))
    assert "hush-hush" not in str(caught.value)


def test_two_clients_with_one_token_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="same token"):
        access_from(http(tmp_path, one="s" * 32, two="s" * 32))
