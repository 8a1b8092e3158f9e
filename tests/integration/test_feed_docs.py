"""docs/feeds.md: its configuration can be used, and it names every feed and every reason."""

import re
import tomllib
from pathlib import Path

from rfidguard.config_file import check
from rfidguard.feeds import REGISTRY

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "feeds.md").read_text("utf-8")


def test_the_configuration_of_the_page_can_be_used_as_it_stands(tmp_path: Path) -> None:
    sections = "\n".join(re.findall(r"```toml\n(.*?)```", TEXT, re.DOTALL))
    path = tmp_path / "shop.toml"
    path.write_text(f'[site]\nid = "0001"\ncompany_prefixes = ["0614141"]\n{sections}', "utf-8")
    for name in ("shopify.secret", "square.secret", "square.token"):
        (tmp_path / name).write_text("a-secret-of-the-shop")
    assert [str(problem) for problem in check(path, {}) if problem.level == "error"] == []
    assert {feed["driver"] for feed in tomllib.loads(path.read_text("utf-8"))["feed"]} == set(REGISTRY)


def test_every_reason_of_a_feed_has_its_line() -> None:
    code = "".join(path.read_text("utf-8") for path in (ROOT / "rfidguard" / "feeds").glob("*.py"))
    reasons = set(re.findall(r'(?:RefusedInput\(\s*|reason=|_refuse\(\d+, )"([a-z_]+)"', code)) - {"bad_word", "not_now", "more"}
    assert {reason for reason in reasons if f"`{reason}`" not in TEXT} == set()
    assert len(reasons) > 20
