"""Puts this folder on the path, so that the tests here share shop.py and invariants.py; `shop` is a whole front, guarded.

Tests marked `soak` are left to the long profile: `make soak`, or SOAK=1.
"""

import os
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


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "soak: a fault of the long profile")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if os.environ.get("SOAK"):
        return
    left = [item for item in items if item.get_closest_marker("soak")]
    if left:
        config.hook.pytest_deselected(items=left)
        items[:] = [item for item in items if item not in left]
