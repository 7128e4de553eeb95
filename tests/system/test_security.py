"""Who may do what on a real broker with SCRAM and ACLs from the register: an office its own, and nothing else."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from confluent_kafka.admin import AclBinding, AclBindingFilter, AclOperation, AclPermissionType
from confluent_kafka.admin import ResourcePatternType as Pattern
from confluent_kafka.admin import ResourceType as Kind

from muster_contract import codec, headers
from muster_contract.events import EncounterReported, Stamp, wire_fields
from muster_contract.times import now_ms, to_datetime
from muster_contract.topics import QUARANTINE, VERDICTS, encounters, incidents
from muster_field.wiring import new_id
from muster_hq.grants import RECEIVER_GROUP, SCAN_GROUP
from tests.kafka_broker import KafkaBroker
from tests.secure_broker import SecureBroker, Somebody, login, properties
from tests.system.headquarters import Headquarters
from tests.system.policies import DUE_IN_A_DAY
from tests.system.processes import PATIENCE

pytestmark = pytest.mark.kafka

OFFICES = ("dal", "dal-2")  # one's name begins with the other's
PASSWORDS = {"dal": "dallas-dallas", "dal-2": "second-second", "headquarters": "hq-hq-hq-hq"}


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecureBroker]:
    """Run a broker where everybody has a password, and the topics and ACLs are those of the register."""
    broker = SecureBroker(tmp_path_factory.mktemp("secure-kafka"))
    try:
        broker.start()
        for user, password in PASSWORDS.items():
            broker.set_password(user, password)
        done = topics(broker.bootstrap, tmp_path_factory.mktemp("register"), "--create", "--acls")
        assert done.returncode == 0, done.stderr
        yield broker
    finally:
        broker.kill()


def topics(bootstrap: str, folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run ``headquarters topics`` as the administrator, for the register of these tests."""
    register = folder / "offices.toml"
    register.write_text("".join(f'[[office]]\nid = "{office}"\n' for office in OFFICES), "utf-8")
    command = [sys.executable, "-m", "muster_hq", "topics", "--bootstrap", bootstrap, "--offices", str(register)]
    return subprocess.run([*command, *options], capture_output=True, text=True, timeout=PATIENCE, check=False)


def somebody(broker: SecureBroker, user: str) -> Somebody:
    """Give a principal that says who it is."""
    return Somebody(broker.bootstrap_sasl, login(user, PASSWORDS[user]))


REFUSED = {"TOPIC_AUTHORIZATION_FAILED", "CLUSTER_AUTHORIZATION_FAILED"}


def test_an_office_writes_its_own_streams_and_reads_its_own_receipts(secure: SecureBroker) -> None:
    """With an idempotent producer, which needs no right on the cluster."""
    dal = somebody(secure, "dal")
    assert [
        dal.writes(encounters("dal")),
        dal.writes(incidents("dal")),
        dal.reads("hq.receipts.dal", RECEIVER_GROUP),
    ] == ["OK"] * 3


@pytest.mark.parametrize(
    "topic", [encounters("dal-2"), incidents("dal-2"), VERDICTS, QUARANTINE, "hq.directives", "hq.receipts.dal"]
)
def test_an_office_writes_nothing_else(secure: SecureBroker, topic: str) -> None:
    """Not another's stream, whose name begins with its own; not what is headquarters' own."""
    assert somebody(secure, "dal").writes(topic) in REFUSED


@pytest.mark.parametrize("topic", [encounters("dal"), encounters("dal-2"), "hq.receipts.dal-2", VERDICTS, QUARANTINE])
def test_an_office_reads_nothing_else(secure: SecureBroker, topic: str) -> None:
    """Not even its own streams."""
    assert somebody(secure, "dal").reads(topic, RECEIVER_GROUP) in REFUSED


def test_an_office_joins_no_group(secure: SecureBroker) -> None:
    """Or it could take headquarters' streams away from it. What its receiver names is not joined."""
    dal = somebody(secure, "dal")
    for group in ("muster-headquarters", RECEIVER_GROUP):
        assert dal.joins(group) == "GROUP_AUTHORIZATION_FAILED"


def test_an_office_creates_no_topic(secure: SecureBroker) -> None:
    """Neither one of its own prefix."""
    dal = somebody(secure, "dal")
    assert {dal.creates("field.dal.more"), dal.creates("anything")} <= REFUSED


def test_headquarters_reads_streams_and_writes_what_is_its_own(secure: SecureBroker) -> None:
    """And creates no topic: the administrator does."""
    headquarters = somebody(secure, "headquarters")
    assert headquarters.reads(encounters("dal"), SCAN_GROUP) == "OK"
    assert [headquarters.writes(topic) for topic in (VERDICTS, QUARANTINE, "hq.receipts.dal")] == ["OK"] * 3
    assert headquarters.creates("hq.more") in REFUSED


def test_a_wrong_password_does_nothing(secure: SecureBroker) -> None:
    """The client hears that it may not come in."""
    assert Somebody(secure.bootstrap_sasl, login("dal", "not-the-one")).writes(encounters("dal")) == "_AUTHENTICATION"


def test_acls_are_created_once_and_are_as_they_must_be(secure: SecureBroker, tmp_path: Path) -> None:
    """A second run finds nothing to do, and nothing wrong."""
    again = topics(secure.bootstrap, tmp_path, "--create", "--acls")
    assert again.returncode == 0, again.stderr
    assert "ACLs, 0 created, 0 wrong" in again.stdout


def test_a_right_too_many_and_one_too_few_are_found(secure: SecureBroker, tmp_path: Path) -> None:
    """Above all a prefix without its dot, by which one office writes another's stream."""
    star = ("*", AclOperation.WRITE, AclPermissionType.ALLOW)
    prefixed = AclBinding(Kind.TOPIC, "field.dal", Pattern.PREFIXED, "User:dal", *star)
    missing = AclBinding(Kind.TOPIC, incidents("dal-2"), Pattern.LITERAL, "User:dal-2", *star)
    for answer in secure.admin.create_acls([prefixed]).values():
        answer.result()
    (gone,) = secure.admin.delete_acls([_filter_of(missing)]).values()
    assert len(gone.result()) == 1
    try:
        until(lambda: somebody(secure, "dal").writes(encounters("dal-2")) == "OK", "the prefix lets it through")
        told = topics(secure.bootstrap, tmp_path, "--acls")
    finally:
        for answer in secure.admin.delete_acls([_filter_of(prefixed)]).values():
            answer.result()
        mended = topics(secure.bootstrap, tmp_path, "--acls", "--create")
    assert told.returncode == 1
    assert told.stderr.splitlines() == [
        f"User:dal-2: may not WRITE topic {incidents('dal-2')} (headquarters topics --acls --create)",
        "User:dal: may WRITE topic field.dal (prefixed): the register does not say so (kafka-acls --remove)",
    ]
    assert mended.returncode == 0, mended.stderr
    assert "ACLs, 1 created, 0 wrong" in mended.stdout


def test_a_broker_without_an_authorizer_is_refused(broker: KafkaBroker, tmp_path: Path) -> None:
    """Every client may do everything there, whatever ACLs one would write."""
    told = topics(broker.bootstrap, tmp_path, "--create", "--acls")
    assert told.returncode == 2
    assert "has no authorizer: every client may do everything" in told.stderr


@pytest.fixture
def hq(secure: SecureBroker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Headquarters]:
    """Run a headquarters, pulses included, with its own principal over the offices' listener."""
    headquarters = Headquarters(tmp_path, secure.bootstrap, DUE_IN_A_DAY, OFFICES)
    headquarters.bootstrap = secure.bootstrap_sasl
    monkeypatch.setenv("MUSTER_KAFKA_CONFIG", str(properties(tmp_path, "headquarters", PASSWORDS["headquarters"])))
    headquarters.start()
    yield headquarters
    headquarters.kill()


def test_an_office_that_is_forged_in_a_record_is_found(hq: Headquarters, secure: SecureBroker) -> None:
    """Kafka keeps no principal with a record: the stream's name says whose it is, and the record lies."""
    now = now_ms()
    event = EncounterReported(
        case_id="c", encounter_id="e", occurred_at=to_datetime(now), match="POTENTIAL", custody="SUPERVISED"
    )
    forged = Stamp(event_id=new_id(now), office_id="dal-2", epoch=new_id(now), sequence=1, recorded_at=now)
    value = codec.encode(event.type, wire_fields(event, forged))
    assert (
        somebody(secure, "dal").writes(encounters("dal"), value, with_headers=headers.of_event(event.type, forged))
        == "OK"
    )

    def found() -> list[tuple[str, str]]:
        with hq.reading() as ledger:
            return [
                (finding.kind, finding.office_id) for finding in ledger.findings() if finding.kind == "WRONG_OFFICE"
            ]

    hq.until(found, "the forgery is found")
    assert found() == [("WRONG_OFFICE", "dal")], "whose stream it is, not who it claims to be"
    with hq.reading() as ledger:
        assert "WRONG_OFFICE" in {record.reason for record in ledger.quarantined()}
    assert hq.stop() == 0
    hq.assert_audit_agrees()  # which reads the whole log with headquarters' rights


def until(holds: Callable[[], object], what: str) -> None:
    """Wait until something holds."""
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, f"waited in vain until {what}"
        time.sleep(0.1)


def _filter_of(acl: AclBinding) -> AclBindingFilter:
    return AclBindingFilter(
        acl.restype, acl.name, acl.resource_pattern_type, acl.principal, acl.host, acl.operation, acl.permission_type
    )
