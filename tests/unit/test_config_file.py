"""The configuration: every mistake in one go, each said so that it can be mended."""

from pathlib import Path

import pytest

from rfidguard.config_file import check, load
from rfidguard.config_problems import Problem
from rfidguard.errors import ConfigError

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
  antennas = { 1 = "inside", 2 = "outside" }
  [[gate.output]]
  id = "front-siren"
  reader = "front-1"
  pin = 1
"""


def problems(folder: Path, text: str, env: dict[str, str] | None = None) -> list[Problem]:
    path = folder / "shop.toml"
    path.write_text(text)
    return check(path, env or {})


def found(folder: Path, text: str, env: dict[str, str] | None = None) -> dict[str, Problem]:
    """The problems by key; each key has one."""
    listed = problems(folder, text, env)
    by_key = {problem.key: problem for problem in listed}
    assert len(by_key) == len(listed), [str(problem) for problem in listed]
    return by_key


def only(folder: Path, text: str, env: dict[str, str] | None = None) -> Problem:
    (problem,) = problems(folder, text, env)
    return problem


def test_a_good_configuration_has_no_problem_and_loads(tmp_path: Path) -> None:
    assert problems(tmp_path, GOOD) == []
    config = load(tmp_path / "shop.toml", {})
    assert config.site.id == "0001"
    assert config.gate[0].reader[0].settings() == {"host": "192.0.2.10"}


def test_five_different_mistakes_are_all_named_with_line_value_and_what_is_allowed(tmp_path: Path) -> None:
    text = (
        GOOD.replace('id = "0001"', 'id = "Shop 1"')
        .replace('"stock_only"', '"stok_only"')
        .replace('host = "192.0.2.10"', 'host = "192.0.2.10"\n  prot = 5084')
        .replace('2 = "outside"', '2 = "outsid"')
        .replace("pin = 1", "pin = 0")
    )
    listed = found(tmp_path, text)
    assert set(listed) == {
        "site.id", "ledger.unknown_epc", "gate[0].reader[0].prot", "gate[0].reader[0].antennas.2", "gate[0].output[0].pin",
    }  # fmt: skip
    assert [problem.line for problem in listed.values()] == [3, 6, 13, 14, 18]
    assert all(
        str(problem).startswith(f"{tmp_path / 'shop.toml'}:{problem.line}: {problem.key}: ") for problem in listed.values()
    )
    assert listed["ledger.unknown_epc"].given == '"stok_only"'
    assert listed["ledger.unknown_epc"].allowed == '"observe", "stock_only" or "strict"'
    assert listed["ledger.unknown_epc"].nearest == "stock_only"
    assert listed["gate[0].reader[0].prot"].nearest == "port"
    assert listed["gate[0].output[0].pin"].allowed == "at least 1"


def test_loading_a_wrong_file_raises_with_one_line_a_mistake(tmp_path: Path) -> None:
    path = tmp_path / "shop.toml"
    path.write_text(GOOD.replace("pin = 1", 'pin = "one"').replace('id = "0001"', "id = 1"))
    with pytest.raises(ConfigError) as error:
        load(path, {})
    assert len(error.value.problems) == 2


def test_a_misspelt_section_gets_the_nearest_one(tmp_path: Path) -> None:
    assert (
        only(
            tmp_path,
            GOOD.replace("[ledger]", "[leger]").replace('unknown_epc = "stock_only"', "") + "[ledger]\nunknown_epc='stock_only'",
        ).nearest
        == "ledger"
    )


@pytest.mark.parametrize(
    ("text", "line"),
    [("[site]\nid = \n", 2), ("[site\n", 1), ('[site]\nid = "a"\nid = "b"\nx = 1\n', 3), ("[site]\nid = 'a", 2)],
)
def test_a_file_that_is_no_toml_is_told_with_its_line(tmp_path: Path, text: str, line: int) -> None:
    problem = only(tmp_path, text)
    assert "is not TOML" in problem.text
    assert problem.line == line


def test_a_missing_file_tells_how_to_name_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no such file; name one with --config"):
        load(tmp_path / "none.toml", {})


def test_a_folder_or_bytes_that_are_no_text_are_told(tmp_path: Path) -> None:
    (tmp_path / "latin.toml").write_bytes(b"[site]\nid = '\xe9'\n")
    assert "UTF-8" in check(tmp_path / "latin.toml", {})[0].text
    assert "cannot be read" in check(tmp_path, {})[0].text


def test_an_unknown_driver_gets_the_known_ones_and_the_nearest(tmp_path: Path) -> None:
    problem = only(tmp_path, GOOD.replace('driver = "llrp"', 'driver = "lrp"'))
    assert problem.nearest == "llrp"
    assert "eas_serial" in (problem.allowed or "")


def test_a_driver_in_a_section_that_it_does_not_drive_is_told(tmp_path: Path) -> None:
    text = GOOD + '[[gate.pedestal]]\nid = "p"\ndriver = "llrp"\nhost = "192.0.2.9"\n'
    assert only(tmp_path, text).text == "does not drive a pedestal, but: reader"


def test_a_missing_setting_of_a_driver_is_told_at_its_section(tmp_path: Path) -> None:
    problem = only(tmp_path, GOOD.replace('  host = "192.0.2.10"\n', ""))
    assert (problem.key, problem.line) == ("gate[0].reader[0].host", 9)
    assert "missing" in problem.text


def test_an_unknown_rule_and_an_unknown_parameter_are_told(tmp_path: Path) -> None:
    listed = found(tmp_path, GOOD + '[[rule]]\nuse = "unpayed"\n[[rule]]\nuse = "unpaid"\nlevel = 3\n')
    assert listed["rule[0].use"].nearest == "unpaid"
    assert "unknown key" in listed["rule[1].level"].text


def test_names_used_twice_are_told_with_where_the_first_stands(tmp_path: Path) -> None:
    text = (
        GOOD
        + """
[[gate.pedestal]]
id = "front-1"
driver = "eas_serial"
port = "/dev/ttyS0"
[[gate]]
id = "front"
  [[gate.reader]]
  id = "back-1"
  driver = "llrp"
  host = "192.0.2.11"
[[rule]]
use = "unpaid"
[[rule]]
use = "unpaid"
"""
    )
    listed = found(tmp_path, text)
    assert set(listed) == {"gate[0].pedestal[0].id", "gate[1].id", "rule[1].use"}
    assert "gate[0].reader[0]" in listed["gate[0].pedestal[0].id"].text


def test_references_to_nothing_are_told(tmp_path: Path) -> None:
    text = GOOD.replace('reader = "front-1"', 'reader = "front-2"').replace(
        '2 = "outside"', '2 = { zone = "outside", gate = "side" }'
    )
    listed = found(tmp_path, text)
    assert listed["gate[0].output[0].reader"].nearest == "front-1"
    assert listed["gate[0].reader[0].antennas.2.gate"].allowed == "front"


def test_a_pin_used_twice_is_told_and_inputs_and_outputs_are_counted_apart(tmp_path: Path) -> None:
    counter = '[[gate.counter]]\nid = "c"\ndriver = "gpi"\nreader = "front-1"\npins = [1, 2]\n'
    assert problems(tmp_path, GOOD + counter) == []
    second = '[[gate.output]]\nid = "lamp"\nreader = "front-1"\npin = 1\n'
    assert only(tmp_path, GOOD + second).key == "gate[0].output[1].pin"


def test_a_page_open_to_everybody_listens_on_loopback_only(tmp_path: Path) -> None:
    (tmp_path / "till.token").write_text("secret")
    client = '[[http.client]]\nname = "till-3"\ntoken_file = "till.token"\nscope = "till"\n'
    assert only(tmp_path, GOOD + '[http]\nlisten = "0.0.0.0:8080"\n').key == "http.listen"
    assert problems(tmp_path, GOOD + '[http]\nlisten = "0.0.0.0:8080"\n' + client) == []
    assert problems(tmp_path, GOOD + '[http]\nlisten = "[::1]:8080"\n') == []


def test_a_secret_that_is_not_there_is_told_unless_nobody_will_open_it(tmp_path: Path) -> None:
    text = GOOD + '[mqtt]\nusername = "guard"\npassword_file = "mqtt.secret"\n'
    assert only(tmp_path, text).key == "mqtt.password_file"
    assert load(tmp_path / "shop.toml", {}, needs_files=False).mqtt.username == "guard"


def test_a_secret_is_found_beside_the_file_and_first_among_systemd_credentials(tmp_path: Path) -> None:
    text = GOOD + '[mqtt]\nusername = "guard"\npassword_file = "mqtt.secret"\n'
    (tmp_path / "mqtt.secret").write_text("x")
    assert problems(tmp_path, text) == []
    assert load(tmp_path / "shop.toml", {}).mqtt.password_file == tmp_path / "mqtt.secret"
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    (credentials / "mqtt.secret").write_text("y")
    env = {"CREDENTIALS_DIRECTORY": str(credentials)}
    assert load(tmp_path / "shop.toml", env).mqtt.password_file == credentials / "mqtt.secret"


def test_a_password_in_the_broker_address_is_refused_and_not_repeated(tmp_path: Path) -> None:
    problem = only(tmp_path, GOOD + '[mqtt]\nurl = "mqtt://guard:hunter2@broker"\n')
    assert problem.level == "error"
    assert "hunter2" not in str(problem)


@pytest.mark.parametrize("url", ["mysql://h/x", "not an address", "sqlite3:///x.db"])
def test_a_database_of_another_kind_is_refused(tmp_path: Path, url: str) -> None:
    assert only(tmp_path, GOOD + f'[database]\nurl = "{url}"\n').key == "database.url"


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:////var/lib/x.db", "postgresql+psycopg://host/name"])
def test_the_databases_of_the_contract_are_accepted(tmp_path: Path, url: str) -> None:
    assert problems(tmp_path, GOOD + f'[database]\nurl = "{url}"\n') == []


def test_observe_is_said_plainly_not_to_alarm_and_strict_is_warned_of(tmp_path: Path) -> None:
    observe = only(tmp_path, GOOD.replace('unknown_epc = "stock_only"', ""))
    assert observe.level == "warning"
    assert "nothing alarms" in observe.text
    strict = only(tmp_path, GOOD.replace("stock_only", "strict"))
    assert strict.level == "warning"
    assert "stock count" in strict.text


def test_no_goods_of_our_own_and_no_gate_are_warned_of(tmp_path: Path) -> None:
    listed = found(tmp_path, '[site]\nid = "a"\n[ledger]\nunknown_epc = "stock_only"\n')
    assert {key: problem.level for key, problem in listed.items()} == {"site": "warning", "gate": "warning"}


def test_a_time_of_day_that_does_not_exist_is_told(tmp_path: Path) -> None:
    assert only(tmp_path, GOOD + '[[action]]\ndo = ["log"]\nschedule = "25:00-26:00"\n').key == "action[0].schedule"


def test_a_variable_lies_over_the_file(tmp_path: Path) -> None:
    (tmp_path / "shop.toml").write_text(GOOD)
    env = {
        "RFIDGUARD_MQTT__URL": "mqtt://10.0.0.5:1884",
        "rfidguard_alarms__expire_s": "60",
        "RFIDGUARD_SITE__COMPANY_PREFIXES": '["0614141", "4012345"]',
        "RFIDGUARD_GATE__0__MODE": "siren",
        "RFIDGUARD_CONFIG": "elsewhere",
        "PATH": "/bin",
    }
    config = load(tmp_path / "shop.toml", env)
    assert config.mqtt.url == "mqtt://10.0.0.5:1884"
    assert config.alarms.expire_s == 60.0
    assert config.site.company_prefixes == ("0614141", "4012345")
    assert config.gate[0].mode == "siren"


def test_a_mistake_in_a_variable_names_the_variable(tmp_path: Path) -> None:
    listed = found(
        tmp_path, GOOD, {"RFIDGUARD_MQTT__ULR": "x", "RFIDGUARD_GATE__7__MODE": "light", "RFIDGUARD_JOURNAL__KEEP_DAYS": "none"}
    )
    assert str(listed["mqtt.ulr"]).startswith("$RFIDGUARD_MQTT__ULR: mqtt.ulr: unknown key")
    assert listed["mqtt.ulr"].nearest == "url"
    assert listed["gate[7].mode"].origin == "$RFIDGUARD_GATE__7__MODE"
    assert listed["journal.keep_days"].allowed == "a whole number"


def test_a_setting_of_a_driver_can_be_overridden_too(tmp_path: Path) -> None:
    (tmp_path / "shop.toml").write_text(GOOD)
    config = load(tmp_path / "shop.toml", {"RFIDGUARD_GATE__0__READER__0__PORT": "5099"})
    assert config.gate[0].reader[0].settings()["port"] == "5099"
    assert problems(tmp_path, GOOD, {"RFIDGUARD_GATE__0__READER__0__PORT": "many"})[0].key == "gate[0].reader[0].port"


@pytest.mark.parametrize(
    "text", ["site = 3", "gate = 3", "[gate]", "gate = [1]", "rule = [[]]", "[[gate]]\nreader = 1", "http = []"]
)
def test_sections_of_the_wrong_shape_are_told_and_break_nothing(tmp_path: Path, text: str) -> None:
    assert any(problem.level == "error" for problem in problems(tmp_path, text))


def test_groups_of_handhelds_have_users_and_names_of_their_own(tmp_path: Path) -> None:
    text = GOOD + '[[group]]\nid = "floor"\nusers = ["ann"]\n'
    assert problems(tmp_path, text) == []
    twice = only(tmp_path, text + '[[group]]\nid = "floor"\nusers = ["eve"]\n')
    assert twice.key == "group[1].id"
    assert "taken by the group" in twice.text
    assert only(tmp_path, GOOD + '[[group]]\nid = "floor"\nusers = []\n').key == "group[0].users"


def test_alarm_that_expires_before_everybody_was_told_is_warned_of(tmp_path: Path) -> None:
    groups = "".join(f'[[group]]\nid = "g{number}"\nusers = ["u{number}"]\n' for number in range(9))
    doubt = only(tmp_path, GOOD + groups)
    assert (doubt.key, doubt.level) == ("alarms.escalate_s", "warning")
    assert "before everybody was told: 9 times 20 s" in doubt.text


@pytest.mark.parametrize(
    ("feed", "way"),
    [
        ('driver = "sql"\nurl = "postgresql://u:geheim@h/x"\ntable = "t"\ncursor = "no"\ncolumns = { epc = "tag" }', "url_file"),
        ('driver = "epcis"\nurl = "https://u:geheim@epcis.example/v2/events"', "token_file"),
    ],
)
def test_a_password_in_the_address_of_a_feed_is_refused_and_not_repeated(tmp_path: Path, feed: str, way: str) -> None:
    every = problems(tmp_path, f'{GOOD}[[feed]]\nid = "erp"\n{feed}\n')
    (told,) = [str(problem) for problem in every if problem.level == "error"]
    assert f"holds a password, and secrets never stand here; use {way}" in told
    assert "geheim" not in told
