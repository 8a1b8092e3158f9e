"""The targets of the nightly fuzzing (tests/fuzz) stand: their seeds are good, and so is what lies near them."""

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

FUZZ = Path(__file__).resolve().parents[1] / "fuzz"
sys.path.insert(0, str(FUZZ))
from seeds import seeds  # noqa: E402
from targets import TARGETS  # noqa: E402


@pytest.mark.parametrize("name", TARGETS)
def test_seeds_are_taken(name: str) -> None:
    for seed in seeds(name):
        TARGETS[name](seed)


@pytest.mark.parametrize("name", TARGETS)
@given(data=st.data())
def test_what_lies_near_a_seed_is_taken_or_refused(name: str, data: st.DataObject) -> None:
    known = [seed for seed in seeds(name) if len(seed) < 2000] or [b""]
    seed = data.draw(st.sampled_from(known))
    at = data.draw(st.integers(0, len(seed)))
    TARGETS[name](seed[:at] + data.draw(st.binary(max_size=8)) + seed[at + data.draw(st.integers(0, 8)) :])


def test_a_target_that_is_not_there_is_said_in_words() -> None:
    done = subprocess.run([sys.executable, str(FUZZ), "nothing"], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 2
    assert "no target is called nothing; known: llrp," in done.stderr
