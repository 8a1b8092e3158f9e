"""`rfidguard check` as a person and as a program call it."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
GOOD = """
[site]
id = "0001"
company_prefixes = ["0614141"]
[ledger]
unknown_epc = "stock_only"
[[gate]]
id = "front"
  [[gate.reader]]
  id = "front-1"
  driver = "llrp"
  host = "192.0.2.10"
"""


def check(folder: Path, text: str, *options: str, **env: str) -> subprocess.CompletedProcess[str]:
    path = folder / "shop.toml"
    path.write_text(text)
    command = [sys.executable, "-m", "rfidguard", "check", "--config", str(path), *options]
    return subprocess.run(
        command, capture_output=True, text=True, cwd=ROOT, env={"PATH": "/usr/bin", **env}, timeout=60, check=False
    )


def test_a_good_configuration_is_summed_up(tmp_path: Path) -> None:
    done = check(tmp_path, GOOD)
    assert done.returncode == 0
    assert "site 0001" in done.stdout
    assert "gate front (handheld): reader front-1 (llrp)" in done.stdout


def test_five_mistakes_are_all_named_on_standard_error_with_status_two(tmp_path: Path) -> None:
    text = (
        GOOD.replace('"0001"', '"Shop 1"').replace("stock_only", "stok_only").replace('"llrp"', '"lrp"').replace("host", "hots")
        + '[[rule]]\nuse = "unpayed"\n[mqqt]\nurl = "x"\n'
    )
    done = check(tmp_path, text)
    assert done.returncode == 2
    for expected in ("site.id", "ledger.unknown_epc", "gate[0].reader[0].driver", "rule[0].use", "mqqt", "did you mean mqtt?"):
        assert expected in done.stderr


def test_overrides_from_the_environment_are_part_of_what_is_checked(tmp_path: Path) -> None:
    done = check(tmp_path, GOOD, RFIDGUARD_ALARMS__EXPIRE_S="soon")
    assert done.returncode == 2
    assert "$RFIDGUARD_ALARMS__EXPIRE_S: alarms.expire_s" in done.stderr


def test_a_program_gets_one_json_object(tmp_path: Path) -> None:
    fine = check(tmp_path, GOOD.replace("stock_only", "observe"), "--json")
    report = json.loads(fine.stdout)
    assert (fine.returncode, report["ok"], report["site"]) == (0, True, "0001")
    assert [warning["key"] for warning in report["warnings"]] == ["ledger.unknown_epc"]
    wrong = check(tmp_path, GOOD.replace('"0001"', "1"), "--json")
    assert (wrong.returncode, json.loads(wrong.stdout)["errors"][0]["key"]) == (2, "site.id")


def test_the_file_is_named_by_the_environment_too(tmp_path: Path) -> None:
    path = tmp_path / "other.toml"
    path.write_text(GOOD)
    env = {"PATH": "/usr/bin", "RFIDGUARD_CONFIG": str(path)}
    command = [sys.executable, "-m", "rfidguard", "check"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=env, timeout=60, check=False)
    assert done.returncode == 0
    assert str(path) in done.stdout
