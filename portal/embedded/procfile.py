"""Read the Procfile: one `name: command` a line, the command as a shell would read it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

LINE = re.compile(r"^(?P<name>[A-Za-z0-9_-]+):\s*(?P<command>\S.*)$")


@dataclass(frozen=True)
class Process:
    """A named command line."""

    name: str
    command: str

    @property
    def argv(self) -> list[str]:
        """The command through a shell that steps aside, so that its process id is ours."""
        return ["/bin/sh", "-c", f"exec {self.command}"]


def read(path: Path) -> list[Process]:
    """Return the processes in order; blank lines and comments are skipped."""
    found = (LINE.match(line) for line in path.read_text().splitlines())
    return [Process(match["name"], match["command"].strip()) for match in found if match]
