"""The poller of EPCIS repositories against a real server: pages, tokens, failures, garbage, restarts."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))
from epcis_repository import Repository
from feed_box import FeedBox

from rfidguard.clock import SystemClock
from rfidguard.dead_letter import letters_of
from rfidguard.errors import DeviceLost
from rfidguard.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(f"sqlite:///{tmp_path / 'shop.db'}", SystemClock()) as opened:
        yield opened


@pytest.fixture
def repository() -> Iterator[Repository]:
    made = Repository()
    yield made
    made.close()


def test_a_repository_is_read_page_by_page_and_goes_on_with_an_overlap(
    store: Store, repository: Repository, tmp_path: Path
) -> None:
    (tmp_path / "token").write_text("abc\n")
    parameters = {"EQ_bizStep": "retail_selling"}
    box = FeedBox(store, "epcis", url=repository.url, per_page=2, token_file=tmp_path / "token", parameters=parameters)
    for number in range(5):
        repository.record(number, f"2026-11-22T10:15:0{number}.000Z")
    assert box.turns() == (5, 0, 0)
    assert [(call.get("nextPageToken"), call["authorization"], call["EQ_bizStep"]) for call in repository.asked] == [
        (None, "Bearer abc", "retail_selling"), ("2", "Bearer abc", "retail_selling"), ("4", "Bearer abc", "retail_selling"),
    ]  # fmt: skip
    repository.record(9, "2026-11-22T10:14:30.000Z")
    stored, duplicate, _ = box.turns()
    assert (stored, duplicate) == (6, 5), "an event recorded late is found within the overlap"
    assert repository.asked[-1]["GE_recordTime"] == "2026-11-22T10:14:04+00:00"
    repository.record(7, "2026-11-22T11:00:00.000Z")
    again = FeedBox(store, "epcis", url=repository.url, per_page=2)
    assert again.turns()[0] == 1
    assert {record.serial for record in again.stored()} == {"0", "1", "2", "3", "4", "7", "9"}


def test_a_restart_between_two_pages_goes_on_with_the_next(store: Store, repository: Repository) -> None:
    for number in range(5):
        repository.record(number, f"2026-11-22T10:15:0{number}.000Z")
    assert FeedBox(store, "epcis", url=repository.url, per_page=2).feed.turn()
    again = FeedBox(store, "epcis", url=repository.url, per_page=2)
    assert again.turns() == (3, 0, 0)
    assert repository.tokens() == [None, "2", "4"]


@pytest.mark.parametrize("status", [500, 503, 302, 401])
def test_a_repository_that_fails_is_lost_and_the_same_page_is_asked_for_again(
    store: Store, repository: Repository, status: int
) -> None:
    for number in range(4):
        repository.record(number, f"2026-11-22T10:15:0{number}.000Z")
    box = FeedBox(store, "epcis", url=repository.url, per_page=2)
    assert box.feed.turn()
    repository.failing = [status]
    with pytest.raises(DeviceLost, match=f"answers {status}"):
        box.turns()
    assert box.turns() == (4, 0, 0)
    assert repository.tokens() == [None, "2", "2"]


def test_an_event_of_no_kind_is_kept_with_its_reason_and_the_others_are_taken(store: Store, repository: Repository) -> None:
    repository.events = [{"type": "NoSuchEvent", "recordTime": "2026-11-22T10:15:00Z"}]
    repository.record(1, "2026-11-22T10:15:01Z")
    assert FeedBox(store, "epcis", url=repository.url).turns() == (1, 0, 1)
    assert store.read(lambda conn: letters_of(conn, "erp"))[0][0] == "bad_event"


def test_a_repository_that_forgot_its_token_is_asked_anew_from_where_the_query_began(
    store: Store, repository: Repository
) -> None:
    for number in range(5):
        repository.record(number, f"2026-11-22T10:15:0{number}.000Z")
    FeedBox(store, "epcis", url=repository.url, per_page=2).feed.turn()
    repository.forgets = True
    again = FeedBox(store, "epcis", url=repository.url, per_page=10)
    assert again.turns() == (3, 2, 0)


def test_garbage_is_no_sign_of_life_is_kept_once_and_the_page_is_asked_for_again(store: Store, repository: Repository) -> None:
    box = FeedBox(store, "epcis", url=repository.url)
    repository.garbage = [b"<html>please log in</html>"] * 2
    for _ in range(2):
        with pytest.raises(DeviceLost, match="not_json"):
            box.turns()
    repository.record(1, "2026-11-22T10:15:01Z")
    assert box.turns() == (1, 0, 2)
    assert [reason for reason, _ in store.read(lambda conn: letters_of(conn, "erp"))] == ["not_json"]


def test_a_token_that_leads_back_to_itself_ends_the_query(store: Store, repository: Repository) -> None:
    repository.record(1, "2026-11-22T10:15:01Z", padding=json.dumps("x"))
    assert FeedBox(store, "epcis", url=repository.url, per_page=1).turns()[0] == 1
