"""Guided by coverage (atheris), for each target in turn: `python tests/fuzz --seconds 600 [TARGET…]`. Exit 1: something broke.

What was found to reach new code is kept in `.cache/fuzz/TARGET` and gone on from; what broke it lies there as `crash-…`.
"""

import argparse
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
MEMORY_MB = 1_500
"""libFuzzer's own tables take some hundreds of it."""
ONE_INPUT_S = 10


def fuzzed(name: str, seconds: int) -> bool:
    """Whether the target stood up to so many seconds, in a process of its own."""
    corpus = ROOT / ".cache" / "fuzz" / name
    corpus.mkdir(parents=True, exist_ok=True)
    limits = [f"-max_total_time={seconds}", f"-rss_limit_mb={MEMORY_MB}", f"-timeout={ONE_INPUT_S}", "-max_len=8192"]
    words = [str(HERE / "one_target.py"), name, *limits, f"-artifact_prefix={corpus}/", "-print_final_stats=1", str(corpus)]
    return subprocess.run([sys.executable, *words], cwd=ROOT, check=False).returncode == 0


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=int, default=60, help="for each target")
    parser.add_argument("targets", nargs="*", metavar="TARGET", help="all of them, if none is named")
    given = parser.parse_args()
    sys.path[:0] = [str(ROOT), str(HERE.parent)]
    from targets import TARGETS

    if unknown := set(given.targets) - TARGETS.keys():
        parser.error(f"no target is called {', '.join(sorted(unknown))}; known: {', '.join(TARGETS)}")
    broken = [name for name in given.targets or TARGETS if not fuzzed(name, given.seconds)]
    print(f"broken: {', '.join(broken)}" if broken else "nothing broke")
    sys.exit(bool(broken))


if __name__ == "__main__":
    main()
