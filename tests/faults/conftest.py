"""Puts this folder on the path, so that the tests here share shop.py and invariants.py; `shop` is a whole front, guarded."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parent))

from shop import Shop


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    """Broker, proxies, reader, handheld and till; the daemon is not started yet."""
    with Shop(tmp_path) as front:
        yield front
