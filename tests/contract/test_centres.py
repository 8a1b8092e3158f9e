"""One suite over every centre of a chain: PostgreSQL and NATS JetStream, both real servers."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from ledger_stores import fresh_database
from nats_server import NatsServer, nats_server
from postgres_server import Server, postgres
from sqlalchemy import Connection, create_engine, text
from wait import wait_for

from rfidguard.chain.contract import Centre, Shared, build_centre
from rfidguard.config_chain import Chain
from rfidguard.epc import encode_sgtin_96, identify
from rfidguard.errors import DeviceLost
from rfidguard.events import Ledger
from rfidguard.ledger import binding

EPC = encode_sgtin_96("0614141", "812345", 1)
OTHER = encode_sgtin_96("0614141", "812345", 2)
KEY = identify(EPC).key
GTIN = identify(EPC).gtin
DEADLINE_S = 5.0


class Engine:
    """One kind of centre: `url`, and its server."""

    def __init__(self, url: str, server: Server | NatsServer) -> None:
        self.url, self.server = url, server

    def member(self, site: str, box: str = "box", **more: Any) -> Centre:
        return build_centre(Chain(url=self.url, box=box, **more), site)


@pytest.fixture(scope="module")
def postgres_engine() -> Iterator[Server]:
    with postgres() as server:
        yield server


@pytest.fixture(params=["postgres", "nats"])
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    if request.param == "postgres":
        server = request.getfixturevalue("postgres_engine")
        yield Engine(fresh_database(server, "chain"), server)
    else:
        with nats_server() as running:
            yield Engine(running.url(), running)


@contextmanager
def joined(engine: Engine, *members: tuple[str, dict[str, Any]]) -> Iterator[list[Centre]]:
    centres = [engine.member(site, **more) for site, more in members]
    try:
        yield centres
    finally:
        for centre in centres:
            centre.close()


def sold(name: str, at: float = 100.0, **fields: Any) -> Ledger:
    return Ledger(**{"id": name, "kind": "sold", "at": at, "epc": EPC, **fields})


def from_a(*records: Ledger, box: str = "box", region: str = "all") -> list[Shared]:
    return [Shared("a", box, region, record) for record in records]


def heard(centre: Centre, cursor: str | None = None) -> tuple[list[str], str]:
    """Ids of all records from `cursor` on (None: a cold start), and where to go on."""
    names: list[str] = []
    while True:
        batch = centre.snapshot(cursor) if cursor is None or centre.is_snapshot(cursor) else centre.poll(cursor)
        names += [shared.record.id for shared in batch.shared]
        cursor = batch.cursor or cursor
        assert cursor is not None
        if not batch.more:
            return names, cursor


def once(names: Iterable[str]) -> list[str]:
    return sorted(set(names))


def test_another_shop_hears_of_items_and_of_nothing_else(engine: Engine) -> None:
    with joined(engine, ("a", {}), ("b", {})) as (a, b):
        _, place = heard(b)
        stock = Ledger(id="s/1", kind="stock_in", at=1.0, epc=EPC)
        credit = Ledger(id="c/1", kind="sold", at=1.0, gtin=GTIN)
        void = Ledger(id="v/1", kind="void", at=2.0, ref="x")
        a.tell(from_a(sold("x/1"), stock, credit, binding("c/1", 0, OTHER, 3.0), void))
        names, place = heard(b, place)
        assert once(names) == ["v/1", "x/1"]
        assert heard(b, place)[0] == []


def test_boxes_of_one_shop_hear_everything_of_each_other(engine: Engine) -> None:
    with joined(engine, ("a", {"box": "one"}), ("a", {"box": "two"})) as (one, two):
        _, place = heard(two)
        bound = binding("c/1", 0, OTHER, 3.0)
        one.tell(from_a(sold("x/1"), Ledger(id="c/1", kind="sold", at=1.0, gtin=GTIN), bound, box="one"))
        assert once(heard(two, place)[0]) == once(["x/1", "c/1", bound.id])


def test_what_is_told_again_is_heard_in_the_same_place(engine: Engine) -> None:
    with joined(engine, ("a", {}), ("b", {})) as (a, b):
        a.tell(from_a(sold("x/1")))
        a.tell(from_a(sold("x/1"), sold("y/1", epc=OTHER)))
        assert once(heard(b)[0]) == ["x/1", "y/1"]


def test_a_box_hears_only_the_regions_that_it_wants(engine: Engine) -> None:
    with joined(engine, ("a", {}), ("b", {"hear": ["north"]}), ("c", {"hear": []})) as (a, north, none):
        a.tell(from_a(sold("x/1"), region="north") + from_a(sold("y/1", epc=OTHER), region="south"))
        assert once(heard(north)[0]) == ["x/1"]
        assert heard(none)[0] == []


def test_a_long_absence_is_heard_page_by_page(engine: Engine) -> None:
    with joined(engine, ("a", {}), ("b", {})) as (a, b):
        _, place = heard(b)
        names = [f"n{number:04}/1" for number in range(1234)]
        for start in range(0, len(names), 500):
            epcs = [encode_sgtin_96("0614141", "812345", 10 + start + n) for n in range(len(names[start : start + 500]))]
            a.tell(from_a(*(sold(n, epc=epc) for n, epc in zip(names[start : start + 500], epcs, strict=True))))
        assert once(heard(b, place)[0]) == names
        assert once(heard(b)[0]) == names


def test_a_cold_start_ends_with_what_holds_now_and_hears_of_later_voids(engine: Engine) -> None:
    """Voided before the start, returned before it, and voided after it."""
    with joined(engine, ("a", {}), ("b", {})) as (a, b):
        a.tell(from_a(sold("x/1"), Ledger(id="v/1", kind="void", at=101.0, ref="x")))
        a.tell(from_a(sold("y/1", epc=OTHER), Ledger(id="r/1", kind="returned", at=200.0, epc=OTHER)))
        names, place = heard(b)
        assert "r/1" in names
        assert "x/1" not in names or "v/1" in names
        a.tell(from_a(Ledger(id="w/1", kind="void", at=300.0, ref="r/1")))
        later, _ = heard(b, place)
        assert "w/1" in later
        assert "y/1" in {*names, *later}, "what the void lets stand again has to be known"


def test_a_question_is_answered_with_what_was_sold_and_undone(engine: Engine) -> None:
    with joined(engine, ("a", {}), ("b", {})) as (a, b):
        void = Ledger(id="v/1", kind="void", at=101.0, ref="x/1")
        a.tell(from_a(sold("x/1"), void))
        a.serve(lambda keys: from_a(sold("x/1"), void) if keys == [KEY] else [])
        found = b.state([KEY, "00614141999996.7"], DEADLINE_S)
        assert list(found) == [KEY]
        assert {shared.record.id for shared in found[KEY]} == {"x/1", "v/1"}


def test_a_centre_that_is_away_is_said_to_be_and_used_again(engine: Engine) -> None:
    with joined(engine, ("a", {}), ("b", {})) as (a, b):
        a.tell(from_a(sold("x/1")))
        _, place = heard(b)
        engine.server.stop()
        try:
            for call in (lambda: a.tell(from_a(sold("y/1", epc=OTHER))), lambda: b.poll(place), lambda: b.state([KEY], 0.5)):
                with pytest.raises(DeviceLost):
                    call()
        finally:
            engine.server.start()
        wait_for(lambda: told(a, from_a(sold("y/1", epc=OTHER))), what="the centre back")
        assert once(heard(b, place)[0]) == ["y/1"]


def told(centre: Centre, shared: list[Shared]) -> bool:
    try:
        centre.tell(shared)
    except DeviceLost:
        return False
    return True


def test_a_centre_that_has_lost_everything_says_so(engine: Engine) -> None:
    with joined(engine, ("a", {}), ("b", {})) as (a, b):
        a.tell(from_a(sold("x/1"), sold("y/1", epc=OTHER)))
        _, place = heard(b)
        wipe(engine)
        wait_for(lambda: told(a, from_a(sold("z/1"))), what="the centre back")
        batch = b.poll(place)
        assert batch.restored
        assert once(heard(b, batch.cursor)[0]) == ["z/1"]


@contextmanager
def sql(engine: Engine) -> Iterator[Connection]:
    direct = create_engine(engine.url)
    try:
        with direct.begin() as conn:
            yield conn
    finally:
        direct.dispose()


def wipe(engine: Engine) -> None:
    if isinstance(engine.server, NatsServer):
        engine.server.stop()
        engine.server.forget()
        engine.server.start()
        return
    with sql(engine) as conn:
        conn.execute(text("TRUNCATE chain_records RESTART IDENTITY"))


def test_what_is_no_record_is_left_out_and_counted(engine: Engine) -> None:
    with joined(engine, ("a", {}), ("b", {})) as (a, b):
        a.tell(from_a(sold("x/1")))
        _, place = heard(b)
        damage(engine, a)
        batch = b.poll(place)
        assert (batch.shared, batch.unreadable) == ((), 1)
        assert batch.cursor not in (None, place)


def damage(engine: Engine, centre: Any) -> None:
    if isinstance(engine.server, NatsServer):

        async def publish() -> None:
            client = await centre._link.client()
            await client.jetstream().publish("rfidguard.sales.all.a.item", b"no record")

        centre._link.call(publish())
        return
    with sql(engine) as conn:
        conn.execute(
            text(
                "INSERT INTO chain_records (site, id, box, region, for_all, kind, at, body)"
                " VALUES ('a', 'odd', 'box', 'all', true, 'sold', 1, 'no record')"
            )
        )


def test_a_server_that_forgot_who_hears_is_heard_all_the_same() -> None:
    """NATS forgets a consumer that nobody pulls for a while, and a pull then waits in vain."""
    with nats_server() as server:
        engine = Engine(server.url(), server)
        with joined(engine, ("a", {}), ("b", {})) as (a, b):
            a.tell(from_a(sold("x/1")))
            _, place = heard(b)
            forget_consumers(a)
            a.tell(from_a(sold("y/1", epc=OTHER)))
            assert once(heard(b, place)[0]) == ["y/1"]


def forget_consumers(centre: Any) -> None:
    async def forget() -> None:
        stream = (await centre._link.client()).jetstream()
        for info in await stream.consumers_info("RFIDGUARD_SALES"):
            await stream.delete_consumer("RFIDGUARD_SALES", info.name)

    centre._link.call(forget())


def test_a_question_that_is_not_answered_in_time_is_given_up(engine: Engine) -> None:
    with joined(engine, ("a", {}), ("b", {})) as (a, b):
        a.tell(from_a(sold("x/1")))
        wait_for(lambda: b.doctor(), what="the centre")
        with hanging(engine, a), pytest.raises(DeviceLost):
            b.state([KEY], 0.2)


@contextmanager
def hanging(engine: Engine, a: Centre) -> Iterator[None]:
    """Nobody answers inside: the table is locked, or who should answer does not."""
    if isinstance(engine.server, NatsServer):
        a.serve(lambda keys: (_ for _ in ()).throw(DeviceLost("not now")))
        yield
        return
    with sql(engine) as conn:
        conn.execute(text("LOCK TABLE chain_records IN ACCESS EXCLUSIVE MODE"))
        yield


def test_doctor_hears_how_much_the_centre_holds(engine: Engine) -> None:
    with joined(engine, ("a", {})) as (a,):
        a.tell(from_a(sold("x/1")))
        assert "answers" in a.doctor()
