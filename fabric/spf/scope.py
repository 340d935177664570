"""In whose name a call is made, and which VMM servers it may see."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import F, OuterRef, QuerySet, Subquery
from django.db.models.functions import JSONObject

from fabric.odata.errors import BadRequest
from fabric.spf.models import Account, ServerEntry, ServerType
from fabric.vmm.models import Server
from fabric.vmm.roles import Caller


@dataclass(frozen=True)
class Stamps:
    """Stamps and the VMM servers they mean, one of each."""

    servers: Mapping[UUID, Any]
    ids: Mapping[Any, UUID]

    @classmethod
    def of(cls, pairs: Iterable[tuple[UUID, Any]]) -> Stamps:
        """From pairs of a stamp's id and a server's."""
        known = dict(pairs)
        return cls(known, {server: stamp for stamp, server in known.items()})


def _pairs() -> QuerySet[Any]:
    server = Server.objects.filter(name=OuterRef("name")).values("pk")[:1]
    return (
        ServerEntry.objects.filter(server_type=ServerType.VMM, stamps__isnull=False)
        .annotate(vmm_server=Subquery(server))
        .exclude(vmm_server=None)
    )


def load_stamps() -> Stamps:
    """Every stamp whose VMM server exists. One query."""
    return Stamps.of(_pairs().values_list("stamps", "vmm_server"))


def with_stamps(rows: QuerySet[Any]) -> QuerySet[Any]:
    """The rows, each with what `stamps_with` makes the same of, without a query of its own."""
    told = _pairs().values(told=JSONObject(stamp=F("stamps"), server=F("vmm_server")))
    return rows.annotate(stamps_told=ArraySubquery(told))


def stamps_with(row: Any) -> Stamps:
    """Every stamp whose VMM server exists, as read with a row."""
    return Stamps.of((UUID(each["stamp"]), UUID(each["server"])) for each in row.stamps_told)


@dataclass(frozen=True)
class Scope:
    """What a handler may know of a call. The Admin service has no `caller` and no stamps.

    `request_key` is the same when a client repeats a call it got no answer to.
    """

    account: Account
    caller: Caller | None = None
    stamps: Stamps = Stamps({}, {})
    tenant: UUID | None = None
    request_key: str = ""
    root: str = ""

    @property
    def servers(self) -> list[Any]:
        """The ids of the VMM servers in sight."""
        return list(self.stamps.ids)

    def stamp_of(self, server_id: Any) -> UUID:
        """The stamp of a server in sight."""
        return self.stamps.ids[server_id]

    def server_of(self, stamp_id: UUID) -> Any:
        """The id of the VMM server a stamp means; raises BadRequest for an unknown stamp."""
        found = self.stamps.servers.get(stamp_id)
        if found is None:
            raise BadRequest("The parameter StampId names no stamp of this server.")
        return found
