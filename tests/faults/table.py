"""What came of each fault: shown at the end of a run, and kept in docs/faults.md.

Tests hand rows over as properties of their reports, which reach us from any worker process.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

PROPERTY, OPERATION = "fault", "operation"
WRITE_TO = "KATAL_FAULT_TABLE"
COLUMNS = {
    "hang": "hangs",
    "lose_reply": "reply lost",
    "lie": "said done, is not",
    "fail": "refuses",
    "vanish": "vanishes",
}
STEPS_OF = (0.5, 1, 2, 3, 5, 10, 20, 30, 60, 120, 180, 300)


@dataclass(frozen=True)
class Row:
    """A fault, what came of it, and the seconds until it was made good; `group` is a heading."""

    group: str
    fault: str
    outcome: str
    seconds: float


@dataclass(frozen=True)
class Cell:
    """What came of one trouble at one step of an operation."""

    recipe: str
    trouble: str
    outcome: str
    seconds: float

    @property
    def column(self) -> str:
        return COLUMNS.get(self.trouble, "killed")


def cells(terminalreporter: Any) -> list[Cell]:
    """Return the cells of the matrix of all tests that passed."""
    return [
        Cell(*value)
        for report in terminalreporter.stats.get("passed", [])
        for name, value in report.user_properties
        if name == OPERATION
    ]


def matrix(found: Iterable[Cell]) -> list[str]:
    """Return the matrix as Markdown: operations down, troubles across."""
    table: dict[str, dict[str, list[Cell]]] = {}
    for cell in found:
        table.setdefault(cell.recipe, {}).setdefault(cell.column, []).append(cell)
    if not table:
        return []
    columns = ("killed", *COLUMNS.values())
    lines = ["", *MATRIX.splitlines(), "", f"| operation | {' | '.join(columns)} |"]
    lines.append("|---" * (len(columns) + 1) + "|")
    for recipe, by_column in table.items():
        told = (_told(by_column.get(column, [])) for column in columns)
        lines.append(f"| {recipe} | {' | '.join(told)} |")
    return lines


def _told(found: list[Cell]) -> str:
    """Say how many steps got over it by themselves, what the others took, and how long."""
    met = [cell for cell in found if cell.outcome != "asks nothing"]
    if not met:
        return "–"
    outcomes = Counter(cell.outcome for cell in met)
    words = ", ".join(f"{n} {outcome}" for outcome, n in sorted(outcomes.items()))
    return f"{words}; {_rounded(max(cell.seconds for cell in met))} s"


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
    of_operations = matrix(cells(terminalreporter))
    if not found and not of_operations:
        return
    terminalreporter.section("faults")
    width = max((len(row.fault) for row in found), default=0)
    told = ""
    for row in found:
        if row.group != told:
            told = row.group
            terminalreporter.write_line(f"\n{told}")
        terminalreporter.write_line(f"  {row.fault:<{width}}  {row.outcome}, {row.seconds:.1f} s")
    for line in of_operations:
        if line.startswith("| "):
            terminalreporter.write_line(line)
    if os.environ.get(WRITE_TO):
        Path(os.environ[WRITE_TO]).write_text(document(found, of_operations))


def document(found: Iterable[Row], of_operations: Iterable[str] = ()) -> str:
    """Return the table as Markdown; times are rounded up, so that it changes seldom."""
    lines = HEAD.splitlines()
    told = ""
    for row in found:
        if row.group != told:
            told = row.group
            lines += ["", f"## {told}", "", "| fault | outcome | within |", "|---|---|---|"]
        lines.append(f"| {row.fault} | {row.outcome} | {_rounded(row.seconds)} s |")
    return "\n".join([*lines, *of_operations]) + "\n"


def _rounded(seconds: float) -> str:
    return f"{next((step for step in STEPS_OF if seconds <= step), 600):g}"


def of_operation(*values: Any) -> tuple[str, tuple[Any, ...]]:
    """Return a cell of the matrix as a report's property."""
    return OPERATION, values


def prepared(row: Row) -> tuple[str, tuple[Any, ...]]:
    """Return a row as a report's property."""
    return PROPERTY, astuple(row)


HEAD = """# What a deployment survives

Every line is a test in `tests/faults/`, on real processes: two workers of the portal, two of VMM,
beat, our SPF over HTTPS, PostgreSQL and Valkey. `python -m tests.faults` runs them and writes this
page. Leases last 2 s there instead of 120 and sweeps come every 0.5 s instead of 2, and the times
are of that; hosts take no time.

*All is well* means, asked of every layer's own rows: one machine in VMM, one guest on one host,
one disk, one MAC, one address, each made once by the host's own journal; the portal's ledger,
VMM's quota and the room on hosts equal what is there; one *Started* and one *Succeeded* in the log;
no password in the database's dump, in the broker, in logs or on the rack. Afterwards every machine
is deleted, and nothing of it is left in any layer.

Not survived: an order that the network, or a process suspended in the act of sending, holds back
until its machine was given up *and removed*. When it then arrives, VMM makes a machine that the
portal does not know; VMM's quota shows it, and an operator removes it there."""

MATRIX = """## Every step of every operation of VMM

One machine for each operation, step and trouble, all at once, on VMM's own workers. *Killed*: the
worker is, before, in and after every step. The others befall the host at every step that asks it
something: it hangs, does it and loses the reply, says it did and did not, refuses for good, or is
away for a while. *Well*: the job got over it by itself; *resumed* or *asked again*: it failed, told
why, and was repaired so. Either way the machine is where it should be afterwards, our books are
what hosts have (guests, disks, adapters, media, checkpoints), room, slots, quota and addresses are
counted exactly, no copy is left in the library, and the drift sweep finds nothing. The time is from
the first click to the last end."""
