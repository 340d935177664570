"""Rows of a set by their ids, in as few queries as the service understands."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, TypeVar

from fabric.odata import filter
from fabric.providers.errors import Rejected
from fabric.providers.spf.reading import Row
from fabric.providers.spf.session import Session, query

T = TypeVar("T")

# IIS refuses queries longer than 2048 characters unless told otherwise; ours does not.
IDS_IN_ONE_QUERY: Final = 40
IDS_IN_ONE_QUERY_OF_IIS: Final = 30


def by_ids(
    session: Session,
    name: str,
    stamp_id: uuid.UUID,
    ids: Iterable[uuid.UUID],
    expand: str,
    *,
    size: int,
    tenant: uuid.UUID | None = None,
) -> list[Row]:
    """Return the rows of a set with these ids, as the administrator or the tenant sees them."""
    found: list[Row] = []
    for chunk in _chunks(list(dict.fromkeys(ids)), size):
        found += _one_chunk(session, name, stamp_id, chunk, expand, tenant)
    return found


def _one_chunk(
    session: Session,
    name: str,
    stamp_id: uuid.UUID,
    ids: Sequence[uuid.UUID],
    expand: str,
    tenant: uuid.UUID | None,
) -> list[Row]:
    condition = filter.all_of(filter.eq("StampId", stamp_id), filter.any_of("ID", ids))
    try:
        return session.rows(session.vmm(name, tenant) + query(filter=condition, expand=expand))
    except Rejected:
        if len(ids) == 1:
            raise
        # No client in the field is known to send `or`: one by one is understood by all.
        one_by_one = (_one_chunk(session, name, stamp_id, [id], expand, tenant) for id in ids)
        return [row for rows in one_by_one for row in rows]


def _chunks(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
