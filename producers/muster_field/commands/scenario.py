"""``field-office scenario``: synthetic offices that record and send (``muster_field.scenario``)."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Timer
from typing import Annotated, TextIO

import structlog
import typer
from rich.console import Console
from rich.progress import Progress

from muster_contract.errors import ConfigurationError, MusterError
from muster_contract.register import Office, load_register
from muster_contract.shell.running import run_command, stopped_by_signals
from muster_contract.times import now_ms, to_ms
from muster_field.commands.options import Bootstrap, KafkaConfig, OfficesFile, kafka_properties
from muster_field.commands.serving import LOOPBACK, MetricsHost, MetricsPort, serving
from muster_field.kafka import KafkaSender
from muster_field.scenario import live as living
from muster_field.scenario import oig_18_36 as audited
from muster_field.scenario import outage as out
from muster_field.scenario.log_file import LogFile
from muster_field.scenario.player import Connect, play
from muster_field.scenario.script import Ours, Scenario, Step
from muster_field.scenario.truth import truth_of
from muster_field.settings import instant
from muster_field.wiring import new_id

app = typer.Typer(help="Synthetic offices: invented events, and the truth about them.", no_args_is_help=True)

OptionalBootstrap = Annotated[
    str | None,
    typer.Option("--bootstrap", envvar="MUSTER_BOOTSTRAP", metavar="HOST:PORT", help="Kafka's address, to send there."),
]
Work = Annotated[
    Path | None,
    typer.Option(
        "--work", metavar="DIR", help="Where the outboxes stay for the next period; else they are thrown away."
    ),
]
LogOut = Annotated[
    Path | None, typer.Option("--log", metavar="FILE", help="Write a log file instead of sending; - is stdout.")
]
TruthOut = Annotated[
    Path | None, typer.Option("--truth", metavar="FILE", help="Write what headquarters must find, as JSON.")
]
Seed = Annotated[int, typer.Option(help="Another seed, other events.")]


@app.command("oig-18-36")
@run_command
def oig_18_36(
    offices: OfficesFile,
    bootstrap: OptionalBootstrap = None,
    kafka_config: KafkaConfig = None,
    log: LogOut = None,
    truth: TruthOut = None,
    work: Work = None,
    between: Annotated[
        tuple[str, str] | None,
        typer.Option(metavar="FROM TO", help="Send only what happened from one RFC 3339 time on and before another."),
    ] = None,
    cases: Annotated[int, typer.Option(min=0, help="Cases of fiscal years 2013 to 2015.")] = 142,
    untransmitted: Annotated[int, typer.Option(min=0, help="Cases since 2016 whose required report never comes.")] = 19,
    seed: Seed = 1,
) -> None:
    """Play fiscal years 2013 to 2017 at the offices of a register, with the published numbers of that audit.

    Records have the scenario's times: the topics must be of CreateTime, and headquarters told to trust it.
    """
    register = load_register(offices)
    scenario = audited.generate(audited.Parameters(register, cases, untransmitted, seed))
    start, end = (to_ms(instant(text, "--between")) for text in between) if between else (0, scenario.end + 1)
    if between and log:
        raise ConfigurationError.of("--between", "goes with --bootstrap only", "a log file holds the whole scenario")
    _write_truth(scenario, truth)
    if log:
        _write_log(scenario, register, log, work)
    elif bootstrap:
        _play(scenario, scenario.between(start, end), register, work, _kafka(bootstrap, kafka_config))
    elif not truth:
        raise ConfigurationError.of(
            "scenario", "has nowhere to go", "--bootstrap HOST:PORT, --log FILE or --truth FILE"
        )


@app.command()
@run_command
def outage(
    offices: OfficesFile,
    log: Annotated[Path, typer.Option("--log", metavar="FILE", help="The log file to write; - is stdout.")],
    truth: TruthOut = None,
    seed: Seed = 1,
) -> None:
    """Write a log with headquarters' own outage in it, and what was due then; its policy is demo-outage.toml."""
    register = load_register(offices)
    if len(register) < 2:  # noqa: PLR2004 - one with the outage, one without
        raise ConfigurationError.of(str(offices), "has one office only", "the outage is one office's, not the other's")
    scenario = out.generate(register, seed)
    _write_truth(scenario, truth)
    _write_log(scenario, register, log, None)


@app.command()
@run_command
def live(
    offices: OfficesFile,
    bootstrap: Bootstrap,
    work: Annotated[Path, typer.Option("--work", metavar="DIR", help="Where the outboxes are.")],
    kafka_config: KafkaConfig = None,
    seconds: Annotated[float | None, typer.Option(help="End after so long; else when stopped.")] = None,
    seed: Seed = 1,
    office: Annotated[
        list[str] | None, typer.Option(metavar="ID", help="Only this office of the register lives here; repeatable.")
    ] = None,
    metrics_port: MetricsPort = None,
    metrics_host: MetricsHost = LOOPBACK,
) -> None:
    """Let some offices publish now and then by the real clock, until stopped."""
    register = load_register(offices)
    only = office or []
    strangers = set(only).difference(one.id for one in register)
    if strangers:
        raise ConfigurationError.of("--office", f"is not in {offices}: {', '.join(sorted(strangers))}")
    if metrics_port is not None and len(only) != 1:
        raise ConfigurationError.of("--metrics-port", "goes with one --office", "each relay has its own metrics")
    watch = living.unwatched if metrics_port is None else partial(serving, host=metrics_host, port=metrics_port)
    connect = _kafka(bootstrap, kafka_config)
    with stopped_by_signals() as stop, _after(seconds, stop.set):
        living.live(register, work, connect, seed=seed, clock=now_ms, new_id=new_id, stop=stop, only=only, watch=watch)


def _kafka(bootstrap: str, config: Path | None) -> Connect:
    return partial(KafkaSender, bootstrap, kafka_properties(config))


def _play(
    scenario: Scenario, steps: Sequence[Step], register: Sequence[Office], work: Path | None, connect: Connect
) -> None:
    """Play steps, and show on a terminal how far they have come."""
    # A relay is started and stopped here for every few events: only what goes wrong is worth a line.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    with ExitStack() as stack:
        folder = work or Path(stack.enter_context(TemporaryDirectory(prefix="muster-scenario-")))
        shown = Progress(console=Console(stderr=True), disable=not sys.stderr.isatty(), transient=True)
        progress = stack.enter_context(shown)
        task = progress.add_task(scenario.name, total=len(steps))
        play(
            scenario, steps, register=register, folder=folder, connect=connect, progress=partial(progress.advance, task)
        )
    typer.echo(f"{scenario.name}: {len(steps)} steps taken", err=True)


def _write_log(scenario: Scenario, register: Sequence[Office], path: Path, work: Path | None) -> None:
    log = LogFile()
    for step in scenario.steps:
        if isinstance(step, Ours):
            log.say(step)
    _play(scenario, [step for step in scenario.steps if not isinstance(step, Ours)], register, work, log.connect)
    with _written(path) as file:
        lines = log.write(file)
    typer.echo(f"{path}: {lines} records", err=True)


def _write_truth(scenario: Scenario, path: Path | None) -> None:
    if path:
        with _written(path) as file:
            json.dump(truth_of(scenario), file, indent=1)
            file.write("\n")


@contextmanager
def _written(path: Path) -> Iterator[TextIO]:
    """Open a file to write, or stdout for ``-``."""
    if str(path) == "-":
        yield sys.stdout
        return
    try:
        with path.open("w", encoding="utf-8", newline="\n") as file:
            yield file
    except OSError as fault:
        raise MusterError.of(str(path), f"cannot be written: {fault.strerror}") from None


@contextmanager
def _after(seconds: float | None, do: Callable[[], None]) -> Iterator[None]:
    """Do something after a time, unless the context is left before; never for None."""
    timer = Timer(seconds or 0, do)
    if seconds is not None:
        timer.start()
    try:
        yield
    finally:
        timer.cancel()
