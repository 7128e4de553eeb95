"""The findings of a sample as a page to print: one file, no script, nothing fetched."""

from __future__ import annotations

from importlib.resources import files
from uuid import UUID

from jinja2 import Environment, StrictUndefined

from muster_contract.times import format_instant
from muster_hq.inspection.sampling import Inspection


def page(inspection: Inspection, drawn: str, judged_to: str) -> str:
    """Give the page. ``drawn`` says how the sample was drawn, ``judged_to`` up to where the ledger has judged."""
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters["instant"] = format_instant
    environment.filters["uuid"] = lambda stored: str(UUID(bytes=stored)) if stored else ""
    template = environment.from_string(files(__package__).joinpath("page.html.j2").read_text("utf-8"))
    policies = sorted({one.policy for one in inspection.instances})
    return template.render(inspection=inspection, drawn=drawn, judged_to=judged_to, policies=policies)
