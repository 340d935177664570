"""Fill the cloud of the fault tests, in a process of its own that has the cloud's environment."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import django

OWNER = "alice@example.net"
PASSWORD = "Owner-Marked-7"


@dataclass(frozen=True)
class Place:
    """Where SPF answers, told as a Stack would."""

    spf: str
    authority: Path

    def url(self, _site: str) -> str:
        return self.spf


if __name__ == "__main__":
    django.setup()
    from tests import cloudmaker

    cloudmaker.build(Place(sys.argv[1], Path(sys.argv[2])), owners=[OWNER], password=PASSWORD)
