"""The ledger's answer is a function of the set of records: order and repetition change nothing (invariants of a ledger)."""

from hypothesis import given
from hypothesis import strategies as st

from rfidguard.epc import encode_sgtin_96, identify
from rfidguard.events import Ledger
from rfidguard.forget import ledger_keys
from rfidguard.ledger import LedgerAnswer, Policy, RecordSet, answer, binding

EPCS = [encode_sgtin_96("0614141", item, serial) for item in ("812345", "812346") for serial in (1, 2)]
GTINS = sorted({identify(epc).gtin or "" for epc in EPCS})
KINDS = ["sold", "returned", "stock_in", "reserved", "shipped", "released", "retired"]
NOW = 10_000.0

records = st.one_of(
    st.builds(
        lambda n, at, kind, epc: Ledger(at=at, id=f"d{n}/1", kind=kind, epc=epc),
        st.integers(0, 30), st.floats(9000, 9999), st.sampled_from(KINDS), st.sampled_from(EPCS),
    ),
    st.builds(
        lambda n, at, gtin, q: Ledger(at=at, id=f"g{n}/1", kind="sold", gtin=gtin, quantity=q),
        st.integers(0, 30), st.floats(9200, 9999), st.sampled_from(GTINS), st.integers(1, 3),
    ),
    st.builds(
        lambda n, at, ref: Ledger(at=at, id=f"v{n}", kind="void", ref=ref),
        st.integers(0, 30), st.floats(9000, 9999), st.sampled_from([f"d{n}/1" for n in range(6)] + [f"g{n}" for n in range(6)]),
    ),
)  # fmt: skip
histories = st.lists(records, max_size=12, unique_by=lambda record: record.id)


def told(history: list[Ledger], epc: str, policy: Policy | None = None) -> LedgerAnswer:
    ledger = RecordSet()
    for record in history:
        ledger.add(record)
    return answer(ledger.find(ledger_keys(epc)), identify(epc), policy or Policy(), NOW)


@given(histories, st.randoms(use_true_random=True), st.sampled_from(EPCS))
def test_any_order_of_arrival_gives_the_same_answer(history: list[Ledger], rng: object, epc: str) -> None:
    shuffled = list(history)
    rng.shuffle(shuffled)  # type: ignore[attr-defined]
    assert told(history, epc) == told(shuffled, epc)


@given(histories, st.sampled_from(EPCS))
def test_duplicates_change_nothing(history: list[Ledger], epc: str) -> None:
    assert told(history, epc) == told([*history, *history], epc)


@given(histories, st.sampled_from(EPCS))
def test_adding_a_sale_of_the_item_never_arms_it(history: list[Ledger], epc: str) -> None:
    later = Ledger(at=9999.5, id="new/1", kind="sold", epc=epc)
    assert told([*history, later], epc).state == "sold"


@given(histories, st.sampled_from(EPCS))
def test_returned_item_without_a_later_sale_or_credit_is_armed(history: list[Ledger], epc: str) -> None:
    later = Ledger(at=9999.5, id="new/1", kind="returned", epc=epc)
    assert told([*history, later], epc, Policy(mode="serialised")).state == "armed"


@given(histories)
def test_credits_are_used_at_most_once_each(history: list[Ledger]) -> None:
    ledger = RecordSet()
    for record in history:
        ledger.add(record)
    used = []
    for epc in EPCS:
        known = answer(ledger.find(ledger_keys(epc)), identify(epc), Policy(), NOW)
        if known.credit is not None and known.unit is not None:
            used.append((known.credit, known.unit))
            ledger.add(binding(known.credit, known.unit, epc, NOW))
    assert len(used) == len(set(used))


@given(histories, st.sampled_from(EPCS))
def test_bound_credit_pays_for_the_same_item_for_good(history: list[Ledger], epc: str) -> None:
    known = told(history, epc)
    if known.credit is None or known.unit is None:
        return
    bound = [*history, binding(known.credit, known.unit, epc, NOW)]
    for at in (NOW, NOW + 1e6):
        ledger = RecordSet()
        for record in bound:
            ledger.add(record)
        assert answer(ledger.find(ledger_keys(epc)), identify(epc), Policy(), at).state == "sold"


@given(st.floats(1, 5000))
def test_credit_expires_after_its_time_to_live(age_s: float) -> None:
    credit = Ledger(at=NOW - age_s, id="g/1", kind="sold", gtin=GTINS[0])
    epc = next(epc for epc in EPCS if identify(epc).gtin == GTINS[0])
    assert (told([credit], epc, Policy(credit_ttl_s=900)).state == "sold") == (age_s <= 900)


def test_surplus_returns_are_not_carried_forward() -> None:
    epc = next(epc for epc in EPCS if identify(epc).gtin == GTINS[0])
    three = Ledger(at=9900.0, id="g/1", kind="sold", gtin=GTINS[0], quantity=3)
    five_back = Ledger(at=9910.0, id="r/1", kind="returned", gtin=GTINS[0], quantity=5)
    later = Ledger(at=9950.0, id="g/2", kind="sold", gtin=GTINS[0])
    assert told([three, five_back], epc).state == "unknown"
    assert told([three, five_back, later], epc).state == "sold"


def test_void_without_a_name_hits_nothing() -> None:
    epc = EPCS[0]
    sale = Ledger(at=9900.0, id="plain", kind="sold", epc=epc)
    assert told([sale, Ledger(at=9901.0, id="v", kind="void", ref="")], epc).state == "sold"


@given(histories, st.sampled_from(EPCS))
def test_forgetting_a_key_forgets_its_records_only(history: list[Ledger], epc: str) -> None:
    ledger = RecordSet()
    for record in history:
        ledger.add(record)
    own = identify(epc).key
    ledger.drop(own)
    assert not ledger.by_key.get(own)
    for other in (known for known in EPCS if known != epc):
        assert {r.id for r in ledger.find((identify(other).key,))} == {r.id for r in _all(history).find((identify(other).key,))}


def _all(history: list[Ledger]) -> RecordSet:
    ledger = RecordSet()
    for record in history:
        ledger.add(record)
    return ledger
