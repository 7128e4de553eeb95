"""Client properties: secrets by reference, Muster's own properties refused, every fault at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from muster_contract.client_config import RESERVED, load_client_config
from muster_contract.errors import ConfigurationError


def properties(folder: Path, text: str) -> Path:
    """Write a properties file."""
    path = folder / "client.properties"
    path.write_text(text, "utf-8")
    return path


def test_nothing_given_is_nothing_set() -> None:
    """Without a file and variables there are no properties, whatever else the environment holds."""
    assert load_client_config(None, {"HOME": "/", "KAFKA_OPTS": "x"}) == {}


def test_a_file_of_properties(tmp_path: Path) -> None:
    """Comments and empty lines are passed over; a value keeps its equals signs."""
    path = properties(tmp_path, "# ours\n\nsecurity.protocol = SASL_SSL\n sasl.username=a=b \n")
    assert load_client_config(path, {}) == {"security.protocol": "SASL_SSL", "sasl.username": "a=b"}


def test_a_secret_stands_in_a_file_of_its_own(tmp_path: Path) -> None:
    """``file:`` reads the value, from the properties file's folder, without its newline."""
    (tmp_path / "password").write_text("s3cret \n", "utf-8")
    path = properties(tmp_path, "sasl.password = file:password\n")
    assert load_client_config(path, {}) == {"sasl.password": "s3cret "}


def test_the_environment_stands_over_the_file(tmp_path: Path) -> None:
    """``MUSTER_KAFKA_SASL_USERNAME`` sets ``sasl.username``, and may name a file too."""
    (tmp_path / "password").write_text("s3cret", "utf-8")
    path = properties(tmp_path, "sasl.username = file-user\n")
    env = {
        "MUSTER_KAFKA_SASL_USERNAME": "env-user",
        "MUSTER_KAFKA_SASL_PASSWORD": f"file:{tmp_path / 'password'}",
    }
    assert load_client_config(path, env) == {"sasl.username": "env-user", "sasl.password": "s3cret"}


def test_the_variable_that_names_the_file_is_no_property() -> None:
    """``MUSTER_KAFKA_CONFIG`` is where commands look for the file."""
    assert load_client_config(None, {"MUSTER_KAFKA_CONFIG": "client.properties"}) == {}


def test_every_fault_at_once_and_no_value_shown(tmp_path: Path) -> None:
    """One reading names all that is wrong, by line, and shows no value."""
    (tmp_path / "empty").write_text("\n", "utf-8")
    path = properties(
        tmp_path,
        "hunter2\nsasl.password = hunter2\nsasl.password = hunter2\nsasl.username =\n"
        "acks = hunter2\nssl.key.password = file:nowhere\nssl.keystore.password = file:empty\n",
    )
    with pytest.raises(ConfigurationError) as refused:
        load_client_config(path, {"MUSTER_KAFKA_GROUP_ID": "hunter2"})
    assert [fault.place.rpartition(":")[2] for fault in refused.value.faults] == [
        "1", "3", "4", "5", "6", "7", "MUSTER_KAFKA_GROUP_ID",
    ]  # fmt: skip
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize("content", [None, b"\xff\xfe"])
def test_a_file_that_cannot_be_read(tmp_path: Path, content: bytes | None) -> None:
    """A missing file and one that is not text are a user's mistakes, not tracebacks."""
    path = tmp_path / "client.properties"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigurationError, match="cannot be read"):
        load_client_config(path, {})


@pytest.mark.parametrize("name", sorted(RESERVED))
def test_what_the_promises_rest_on_is_not_for_the_user(tmp_path: Path, name: str) -> None:
    """Each property that Muster sets is refused, with why."""
    with pytest.raises(ConfigurationError, match="not yours to set"):
        load_client_config(properties(tmp_path, f"{name} = 1\n"), {})
