"""A running cloud to measure: real processes, hosts that take no time, ten tenants.

Django runs in the measuring process too, on the same database, to look at rows directly.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.stack import ALL, Stack, stack

PASSWORD = "Bench-Marked-7"
TENANTS = 10


@dataclass(frozen=True)
class Cloud:
    """A cloud at work, and the mail addresses of its tenants' owners; `lone` is one more."""

    stack: Stack
    owners: tuple[str, ...]
    lone: str = "lone@example.net"


@contextmanager
def cloud() -> Iterator[Cloud]:
    """Yield a cloud with a plan that ten tenants have subscribed to."""
    with tempfile.TemporaryDirectory(prefix="katal-bench-") as folder, stack(Path(folder)) as it:
        os.environ.update({name: it.env[name] for name in it.env if name.startswith("KATAL_")})
        os.environ.update(DATABASE_URL=it.env["DATABASE_URL"], REDIS_URL=it.env["REDIS_URL"])
        os.environ["DJANGO_SETTINGS_MODULE"] = "portal.settings.worker"
        import django

        django.setup()
        from tests import cloudmaker

        it.start(*ALL)
        made = Cloud(it, tuple(f"owner{n}@example.net" for n in range(TENANTS)))
        cloudmaker.build(it, owners=(*made.owners, made.lone), password=PASSWORD)
        yield made
