"""Certificates instead of passwords: on a real broker, the CN of an office's is its principal, as operating.md says."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from muster_contract.topics import encounters
from muster_hq.grants import Principals, grants_of
from muster_hq.kafka import Acls, Admin
from tests.kafka_broker import free_ports
from tests.secure_broker import NOT_LET_IN, SecureBroker, Somebody

pytestmark = pytest.mark.kafka

OFFICES = ("dal", "elp")
MAPPING = "RULE:^CN=([a-z0-9-]+)(,.*)?$/$1/"
"""Stands in docs/operating.md."""
MTLS = """
listener.name.mtls.ssl.keystore.type=PEM
listener.name.mtls.ssl.keystore.location={folder}/broker.store.pem
listener.name.mtls.ssl.truststore.type=PEM
listener.name.mtls.ssl.truststore.location={folder}/ca.pem
listener.name.mtls.ssl.client.auth=required
listener.name.mtls.ssl.principal.mapping.rules={mapping}
"""


class Authority:
    """Issues certificates into a folder: ``NAME.pem`` and ``NAME.key``."""

    def __init__(self, folder: Path, name: str = "ca") -> None:
        self.folder, self._name = folder, name
        folder.mkdir(exist_ok=True)
        self._openssl("req", "-x509", *self._new_key(name), "-subj", f"/CN=authority {name}", "-days", "2")

    def issue(self, name: str, subject: str) -> None:
        """Issue one, for this machine's loopback as well."""
        signed = ["-CA", f"{self._name}.pem", "-CAkey", f"{self._name}.key", "-days", "2"]
        self._openssl(
            "req", "-x509", *signed, *self._new_key(name), "-subj", subject, "-addext", "subjectAltName=IP:127.0.0.1"
        )

    def _new_key(self, name: str) -> list[str]:
        key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
        return [*key, "-keyout", f"{name}.key", "-out", f"{name}.pem"]

    def _openssl(self, *arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=self.folder, check=True, capture_output=True, timeout=60)


class MutualTlsBroker(SecureBroker):
    """A broker with one listener more, at which everybody shows a certificate of the authority's."""

    def __init__(self, folder: Path, authority: Authority) -> None:
        super().__init__(folder)
        authority.issue("broker", "/CN=broker")
        stored = [(authority.folder / f"broker.{kind}").read_text("ascii") for kind in ("key", "pem")]
        (authority.folder / "broker.store.pem").write_text("".join(stored), "ascii")
        (port,) = free_ports(1)
        self.bootstrap_mtls = f"127.0.0.1:{port}"
        text = self._properties.read_text("utf-8")
        for name in ("listeners", "advertised.listeners"):
            text = text.replace(f"\n{name}=", f"\n{name}=MTLS://{self.bootstrap_mtls},", 1)
        text = text.replace("\nlistener.security.protocol.map=", "\nlistener.security.protocol.map=MTLS:SSL,", 1)
        text += MTLS.format(folder=authority.folder, mapping=MAPPING)
        self._properties.write_text(text, "utf-8")


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """Found an authority."""
    return Authority(tmp_path / "certificates")


@pytest.fixture
def mtls(tmp_path: Path, authority: Authority) -> Iterator[MutualTlsBroker]:
    """Run a broker with the topics and rights of two offices."""
    broker = MutualTlsBroker(tmp_path / "kafka", authority)
    try:
        broker.start()
        Admin({}, broker.bootstrap).create_topics(OFFICES)
        hq = "User:headquarters"
        Acls({}, broker.bootstrap).create(grants_of(OFFICES, Principals("User:", hq, hq), "muster-headquarters"))
        yield broker
    finally:
        broker.kill()


def holder(broker: MutualTlsBroker, authority: Authority, name: str) -> Somebody:
    """Give a client that shows a certificate."""
    folder = authority.folder
    return Somebody(
        broker.bootstrap_mtls,
        {
            "security.protocol": "SSL",
            "ssl.ca.location": str(folder / "ca.pem"),
            "ssl.certificate.location": str(folder / f"{name}.pem"),
            "ssl.key.location": str(folder / f"{name}.key"),
        },
    )


def test_an_office_is_who_its_certificate_says(mtls: MutualTlsBroker, authority: Authority) -> None:
    """It writes its own stream and no other; a certificate of another authority lets nobody in."""
    authority.issue("dal", "/CN=dal")
    authority.issue("elp", "/O=An office/CN=elp")
    assert holder(mtls, authority, "dal").writes(encounters("dal")) == "OK"
    assert holder(mtls, authority, "dal").writes(encounters("elp")) == "TOPIC_AUTHORIZATION_FAILED"
    other = Authority(authority.folder, "other-ca")
    other.issue("forged", "/CN=dal")
    assert holder(mtls, authority, "elp").writes(encounters("elp")) == "OK"
    assert holder(mtls, authority, "forged").writes(encounters("dal"), seconds=5) in {*NOT_LET_IN, "_MSG_TIMED_OUT"}
    page = Path(__file__).parents[2] / "docs" / "operating.md"
    assert f"ssl.principal.mapping.rules={MAPPING}" in page.read_text("utf-8")
