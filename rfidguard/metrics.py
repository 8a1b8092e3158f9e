"""Numbers as Prometheus text. Families are plain data; prometheus-client writes the format and adds the process's own numbers."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Literal

import msgspec
from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.registry import Collector

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
Kind = Literal["counter", "gauge"]


class Family(msgspec.Struct, frozen=True):
    """One metric: `values` maps the label values (in the order of `labels`) to a number. A counter's name has no "_total"."""

    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...]
    values: dict[tuple[str, ...], float]


def counter(name: str, help_text: str, counts: Mapping[str, float] | float, label: str = "reason") -> Family:
    """A count that only grows: one number, or one per value of `label` (a Counter of discarded things, by reason)."""
    return _family(name, "counter", help_text, counts, label)


def gauge(name: str, help_text: str, values: Mapping[str, float] | float, label: str = "name") -> Family:
    """A number that goes up and down: one, or one per value of `label`."""
    return _family(name, "gauge", help_text, values, label)


def exposition(families: Iterable[Family]) -> bytes:
    """Prometheus text format 0.0.4 of `families` and of this process."""
    registry = CollectorRegistry(auto_describe=False)
    ProcessCollector(registry=registry)
    registry.register(_Families(families))
    return generate_latest(registry)


def _family(name: str, kind: Kind, help_text: str, values: Mapping[str, float] | float, label: str) -> Family:
    if isinstance(values, Mapping):
        return Family(name, kind, help_text, (label,), {(key,): float(value) for key, value in dict(values).items()})
    return Family(name, kind, help_text, (), {(): float(values)})


class _Families(Collector):
    def __init__(self, families: Iterable[Family]) -> None:
        self._families = list(families)

    def collect(self) -> Iterator[CounterMetricFamily | GaugeMetricFamily]:
        for family in self._families:
            make = CounterMetricFamily if family.kind == "counter" else GaugeMetricFamily
            metric = make(family.name, family.help, labels=family.labels)
            for labels, value in sorted(family.values.items()):
                metric.add_metric(labels, value)
            yield metric
