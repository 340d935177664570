"""What guests tell of themselves: for 2012 SP1, whose adapters do not tell their addresses."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Mapping, Sequence

from fabric.odata.uri import entity_url
from fabric.providers.errors import Missing, NoAnswer, Rejected, Unreachable
from fabric.providers.spf import reading
from fabric.providers.spf.reading import Row
from fabric.providers.spf.session import Session

log = logging.getLogger(__name__)

RUNNING = "running"


def read(session: Session, stamp_id: uuid.UUID, machines: Sequence[Row]) -> Mapping[uuid.UUID, Row]:
    """Ask the guests of the machines that run, one by one: nothing else is certain to be spoken.

    A guest that does not answer is left out: SPF fails (5xx) for one that is still starting.
    """
    found: dict[uuid.UUID, Row] = {}
    for row in machines:
        id = reading.guid(row, "ID")
        if id is None or not _runs(row):
            continue
        try:
            found[id] = session.row(
                session.vmm(entity_url("GuestInfos", {"VMId": id, "StampId": stamp_id}))
            )
        except NoAnswer:
            raise
        except (Missing, Rejected, Unreachable) as fault:
            log.info("guest of %s: %s", id, fault.message)
    return found


def of(row: Row, told: Mapping[uuid.UUID, Row]) -> Row | None:
    """Return what was told of this machine's guest; one that is off has no addresses."""
    id = reading.guid(row, "ID")
    return (told.get(id) if id else None) if _runs(row) else {}


def _runs(row: Row) -> bool:
    return reading.text(row, "Status").casefold() == RUNNING
