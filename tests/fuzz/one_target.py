"""One target under atheris: `python tests/fuzz/one_target.py NAME [options of libFuzzer]`. Ends the process."""

import logging
import sys
from pathlib import Path

import atheris

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parents[1]), str(HERE.parent), str(HERE)]

with atheris.instrument_imports(include=["drivers", "rfidguard"]):
    from seeds import seeds
    from targets import TARGETS

for program in ("rfidguard", "drivers"):
    logging.getLogger(program).setLevel(logging.CRITICAL)
name = sys.argv.pop(1)
corpus = Path(sys.argv[-1])
for number, seed in enumerate(seeds(name)):
    (corpus / f"seed-{number}").write_bytes(seed)
atheris.Setup(sys.argv, TARGETS[name])
atheris.Fuzz()
