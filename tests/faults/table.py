"""What came of each fault: shown at the end of a run, and kept in docs/faults.md.

Tests hand rows over as properties of their reports, which reach us from any worker process.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

PROPERTY = "fault"
WRITE_TO = "KATAL_FAULT_TABLE"
STEPS_OF = (0.5, 1, 2, 3, 5, 10, 20, 30, 60)


@dataclass(frozen=True)
class Row:
    """A fault, what came of it, and the seconds until it was made good; `group` is a heading."""

    group: str
    fault: str
    outcome: str
    seconds: float


def rows(terminalreporter: Any) -> list[Row]:
    """Return the rows of all tests that passed; the same fault told twice, with the longer time."""
    found: dict[tuple[str, str], Row] = {}
    for report in terminalreporter.stats.get("passed", []):
        for name, value in report.user_properties:
            row = Row(*value) if name == PROPERTY else None
            if row is not None:
                known = found.setdefault((row.group, row.fault), row)
                found[row.group, row.fault] = max(known, row, key=lambda each: each.seconds)
    return list(found.values())


def show(terminalreporter: Any) -> None:
    """Print the table, and write it where the environment says."""
    found = sorted(rows(terminalreporter), key=lambda row: row.group)
    if not found:
        return
    terminalreporter.section("faults")
    width = max(len(row.fault) for row in found)
    told = ""
    for row in found:
        if row.group != told:
            told = row.group
            terminalreporter.write_line(f"\n{told}")
        terminalreporter.write_line(f"  {row.fault:<{width}}  {row.outcome}, {row.seconds:.1f} s")
    if os.environ.get(WRITE_TO):
        Path(os.environ[WRITE_TO]).write_text(document(found))


def document(found: Iterable[Row]) -> str:
    """Return the table as Markdown; times are rounded up, so that it changes seldom."""
    lines = HEAD.splitlines()
    told = ""
    for row in found:
        if row.group != told:
            told = row.group
            lines += ["", f"## {told}", "", "| fault | outcome | within |", "|---|---|---|"]
        lines.append(f"| {row.fault} | {row.outcome} | {_rounded(row.seconds)} s |")
    return "\n".join(lines) + "\n"


def _rounded(seconds: float) -> str:
    return f"{next((step for step in STEPS_OF if seconds <= step), 90):g}"


def prepared(row: Row) -> tuple[str, tuple[Any, ...]]:
    """Return a row as a report's property."""
    return PROPERTY, astuple(row)


HEAD = """# What a deployment survives

Every line is a test in `tests/faults/`, on real processes: two workers of the portal, two of VMM,
beat, our SPF over HTTPS, PostgreSQL and Valkey. `python -m tests.faults` runs them and writes this
page. Leases last 2 s there instead of 60 and sweeps come every 0.5 s instead of 2, and the times
are of that; hosts take no time.

*All is well* means, asked of every layer's own rows: one machine in VMM, one guest on one host,
one disk, one MAC, one address, each made once by the host's own journal; the portal's ledger,
VMM's quota and the room on hosts equal what is there; one *Started* and one *Succeeded* in the log;
no password in the database's dump, in the broker, in logs or on the rack. Afterwards every machine
is deleted, and nothing of it is left in any layer.

Not survived: an order that the network, or a process suspended in the act of sending, holds back
until its machine was given up *and removed*. When it then arrives, VMM makes a machine that the
portal does not know; VMM's quota shows it, and an operator removes it there."""
