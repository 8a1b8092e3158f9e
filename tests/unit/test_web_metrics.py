"""Our numbers in Prometheus text, read back by the official parser."""

from collections import Counter

from prometheus_client.parser import text_string_to_metric_families

from rfidguard.metrics import Family, counter, exposition, gauge


def parsed(*families: Family) -> dict[tuple[str, str], float]:
    text = exposition(families).decode()
    return {
        (sample.name, ",".join(sample.labels[name] for name in sorted(sample.labels))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_a_counter_of_reasons_has_one_sample_for_each() -> None:
    found = parsed(counter("rfidguard_rejects", "Refused lines", Counter(bad_epc=2, torn=1)))
    assert found[("rfidguard_rejects_total", "bad_epc")] == 2
    assert found[("rfidguard_rejects_total", "torn")] == 1


def test_a_gauge_may_be_a_single_number() -> None:
    assert parsed(gauge("rfidguard_outbox_depth", "Waiting messages", 7))[("rfidguard_outbox_depth", "")] == 7


def test_a_family_may_have_several_labels() -> None:
    family = Family("rfidguard_reads", "counter", "Reads", ("reader", "gate"), {("front-1", "front"): 3.0})
    assert parsed(family)[("rfidguard_reads_total", "front,front-1")] == 3


def test_label_values_from_outside_are_escaped() -> None:
    found = parsed(counter("rfidguard_rejects", "Refused", {'a"b\\c\nd': 1}))
    assert found[("rfidguard_rejects_total", 'a"b\\c\nd')] == 1


def test_the_process_tells_its_memory() -> None:
    assert parsed()[("process_resident_memory_bytes", "")] > 0
