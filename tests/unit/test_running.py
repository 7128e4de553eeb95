"""How commands run: a refusal is lines and an exit code, a signal is an event."""

from __future__ import annotations

import signal

import pytest
import typer

from muster_contract.errors import ConfigurationError, Fault, Finding, MusterError
from muster_contract.shell.running import run_command, stopped_by_signals
from muster_hq.commands.options import address_of


@pytest.mark.parametrize(("kind", "code"), [(MusterError, 2), (ConfigurationError, 2), (Finding, 1)])
def test_a_refusal_is_a_line_a_fault(kind: type[MusterError], code: int, capsys: pytest.CaptureFixture[str]) -> None:
    """Each with its place, cause and hint; the kind of refusal says the exit code."""

    def command() -> None:
        raise kind([Fault("policy.toml", "is not TOML", "see docs/policy.md"), Fault("offices.toml", "is empty")])

    with pytest.raises(typer.Exit) as left:
        run_command(command)()
    assert left.value.exit_code == code
    assert capsys.readouterr().err == "policy.toml: is not TOML (see docs/policy.md)\noffices.toml: is empty\n"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_in_good_order(number: signal.Signals) -> None:
    """It sets the event; afterwards the signal has its former effect again."""
    before = signal.getsignal(number)
    with stopped_by_signals() as stop:
        assert not stop.is_set()
        signal.raise_signal(number)
        assert stop.wait(5)
        assert signal.getsignal(number) == signal.SIG_DFL, "a second one ends the process at once"
    assert signal.getsignal(number) == before


@pytest.mark.parametrize(("listen", "address"), [("127.0.0.1:9464", ("127.0.0.1", 9464)), ("[::1]:0", ("::1", 0))])
def test_an_address_to_listen_at(listen: str, address: tuple[str, int]) -> None:
    """A host and a port."""
    assert address_of(listen) == address


@pytest.mark.parametrize("listen", ["9464", ":9464", "localhost", "localhost:", "localhost:65536", "localhost:x"])
def test_an_address_that_is_none_is_refused(listen: str) -> None:
    """Never taken for all interfaces."""
    with pytest.raises(ConfigurationError, match="is not HOST:PORT"):
        address_of(listen)
