"""What is handed out: the wheel holds everything the program needs, and the package's scripts never touch a configuration."""

import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DEBIAN = ROOT / "packaging" / "debian"
SCRIPTS = [*sorted((ROOT / "packaging").glob("*.sh")), *(DEBIAN / name for name in ("postinst", "prerm", "postrm"))]
CODE = ("rfidguard", "drivers", "rules", "simulators")


@pytest.fixture(scope="module")
def names(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(folder), str(ROOT)]
    subprocess.run(command, check=True, timeout=110)
    with zipfile.ZipFile(next(folder.glob("*.whl"))) as wheel:
        return set(wheel.namelist())


def test_the_wheel_holds_every_file_that_the_program_reads(names: set[str]) -> None:
    sources = [path for part in CODE for path in (ROOT / part).rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    assert {str(path.relative_to(ROOT)) for path in sources} - names == set()


def test_the_wheel_brings_unit_users_and_examples_and_no_tests(names: set[str]) -> None:
    shared = {re.sub(r"^rfidguard-[^/]+/data/", "", name) for name in names}
    assert {f"share/rfidguard/systemd/{path.name}" for path in (ROOT / "systemd").iterdir() if path.is_file()} <= shared
    assert not [name for name in names if name.startswith(("tests/", "benchmarks/", "packaging/"))]


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_the_shell_reads_the_script_and_it_stops_at_the_first_error(script: Path) -> None:
    subprocess.run(["sh", "-n", str(script)], check=True)
    assert re.search(r"^set -eu?$", script.read_text(), re.MULTILINE)


def test_only_purge_removes_what_a_box_has_learnt_and_only_a_first_installation_writes_a_configuration() -> None:
    removals = [line for name in ("postinst", "prerm") for line in (DEBIAN / name).read_text().splitlines() if "rm -" in line]
    assert removals == []
    assert (DEBIAN / "postrm").read_text().index('"$1" = purge') < (DEBIAN / "postrm").read_text().index("rm -rf")
    assert 'if [ -z "$2" ] && [ ! -e "$CONFIG" ]' in (DEBIAN / "postinst").read_text()
