"""The lines of the table."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """What was measured, what came of it, the goal, and whether it was reached (None: no goal)."""

    what: str
    value: str
    goal: str = ""
    reached: bool | None = None


def show(rows: list[Row]) -> None:
    """Print the table."""
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    print(f"\n{os.cpu_count()} cores, Python {platform.python_version()}, load {load}\n")
    width = [max(len(getattr(row, key)) for row in rows) for key in ("what", "value", "goal")]
    for row in rows:
        mark = {True: "reached", False: "MISSED", None: ""}[row.reached]
        line = f"{row.what:<{width[0]}}  {row.value:>{width[1]}}  {row.goal:<{width[2]}}  {mark}"
        print(line.rstrip())
