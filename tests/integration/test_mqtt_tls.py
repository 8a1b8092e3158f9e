"""mqtts:// to a real mosquitto with a certificate of our own authority."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import Broker
from mqtt_site import running_site, site_config
from wait import wait_for

from simulators.handheld import SimHandheld
from simulators.mqtt_client import Login


def openssl(folder: Path, *arguments: str) -> None:
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def secured(tmp_path: Path) -> Iterator[Broker]:
    folder = tmp_path / "secured"
    folder.mkdir()
    new_key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    openssl(folder, "req", "-x509", *new_key, "-keyout", "ca.key", "-out", "ca.crt", "-days", "2", "-subj", "/CN=Test CA")
    openssl(folder, "req", *new_key, "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=broker")
    (folder / "san").write_text("subjectAltName=IP:127.0.0.1")
    signing = ("-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-extfile", "san", "-days", "2")
    openssl(folder, "x509", "-req", "-in", "server.csr", *signing, "-out", "server.crt")
    broker = Broker(folder)
    broker.extra = (
        f"listener {broker.port} 127.0.0.1\nallow_anonymous true\nuser root\n"
        f"cafile {folder / 'ca.crt'}\ncertfile {folder / 'server.crt'}\nkeyfile {folder / 'server.key'}\n"
    )
    broker.start()
    yield broker
    broker.stop()


def test_alarms_and_answers_pass_over_tls(secured: Broker, tmp_path: Path) -> None:
    url, authority = f"mqtts://127.0.0.1:{secured.port}", secured.folder / "ca.crt"
    config = site_config(secured.port, tmp_path, url=url, ca_file=str(authority))
    staff = SimHandheld(Login(url, ca_file=authority), "staff-1")
    staff.start()
    try:
        with running_site(config) as site:
            for _ in range(50):
                site.raise_alarm()
            assert staff.wait_for(lambda handheld: len(handheld.replies) == 50)
            assert len(site.desk.answers) >= 50
    finally:
        staff.stop()


# paho leaves the socket of a failed handshake to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_broker_of_an_unknown_authority_is_not_trusted(secured: Broker, tmp_path: Path) -> None:
    config = site_config(secured.port, tmp_path, url=f"mqtts://127.0.0.1:{secured.port}")
    with running_site(config, connected=False) as site:
        wait_for(lambda: site.link.problem and "certificate" in site.link.problem.lower())
        assert not site.link.connected
