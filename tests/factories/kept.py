"""Worlds that a process makes once; the tests after that get the rows back.

To make one asks the real actions, more than a hundred queries; to put its rows back asks one per
table. What comes back is as if it were made now: all ids are others, all times count from now.
"""

from __future__ import annotations

import io
import json
import pickle
import re
import sqlite3
import uuid
from collections.abc import Callable, Hashable
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from fabric.vmm.models import Server

T = TypeVar("T")
Rows = dict[str, list[str]]
_ID = re.compile(r'"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"')
_OWN_ID = re.compile(r'"id":' + _ID.pattern)
_TIME = re.compile(r'"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?\+00:00)"')


@dataclass(frozen=True)
class World:
    """What was made, between two moments, as text and bytes."""

    made: bytes
    rows: Rows
    ids: frozenset[str]
    rack: bytes
    began: datetime
    ended: datetime


_worlds: dict[Hashable, World] = {}


def kept(key: Hashable, make: Callable[[], T]) -> T:
    """Return what `make` makes; where there is no other VMM yet, its rows may be known already."""
    rack = Path(settings.SIMULATED_RACK)
    if rack.exists() or Server.objects.exists():
        return make()
    place = (connection.settings_dict["HOST"], connection.settings_dict["NAME"], key)
    if place in _worlds:
        made: T = _put_back(_worlds[place], rack)
        return made
    before, began = rows(), timezone.now()
    result = make()
    after, ended = rows(), timezone.now()
    if all(set(found) <= set(after.get(table, ())) for table, found in before.items()):
        added = {
            table: [row for row in found if row not in before.get(table, ())]
            for table, found in after.items()
        }
        ids = frozenset(_OWN_ID.findall("".join(sum(added.values(), []))))
        with closing(sqlite3.connect(rack)) as opened:
            racked = opened.serialize()
        pickled = _pickled(result, ids, began, ended)
        _worlds[place] = World(pickled, added, ids, racked, began, ended)
    return result


def rows() -> Rows:
    """Return every row of every table, as JSON."""
    with connection.cursor() as cursor:
        tables = [each.name for each in connection.introspection.get_table_list(cursor)]
        found = {}
        for table in tables:
            cursor.execute(f'SELECT to_json(t)::text FROM "{table}" AS t')  # noqa: S608
            found[table] = [row for (row,) in cursor.fetchall()]
    return {table: texts for table, texts in found.items() if texts}


def _put_back(world: World, rack: Path) -> Any:
    """Make rows, rack and objects anew."""
    ids = {id: str(uuid.uuid4()) for id in world.ids}
    later = timezone.now() - world.began

    def shifted(found: re.Match[str]) -> str:
        time = datetime.fromisoformat(found[1])
        return json.dumps((time + later).isoformat()) if _is_of(world, time) else found[0]

    with transaction.atomic(), connection.cursor() as cursor:
        for table, texts in world.rows.items():
            text = f"[{','.join(texts)}]"
            text = _ID.sub(lambda found: json.dumps(ids.get(found[1], found[1])), text)
            cursor.execute(
                f'INSERT INTO "{table}"'  # noqa: S608
                f' SELECT * FROM json_populate_recordset(NULL::"{table}", %s)',
                [_TIME.sub(shifted, text)],
            )
    rack.parent.mkdir(parents=True, exist_ok=True)
    rack.write_bytes(world.rack)
    return _Unpickler(io.BytesIO(world.made), ids, later).load()


def _is_of(world: World, time: datetime) -> bool:
    return world.began <= time <= world.ended


def _pickled(result: object, ids: frozenset[str], began: datetime, ended: datetime) -> bytes:
    class Pickler(pickle.Pickler):
        def persistent_id(self, found: object) -> object:
            if isinstance(found, uuid.UUID) and str(found) in ids:
                return ("id", str(found))
            if isinstance(found, datetime) and began <= found <= ended:
                return ("time", found.isoformat())
            return None

    into = io.BytesIO()
    Pickler(into).dump(result)
    return into.getvalue()


class _Unpickler(pickle.Unpickler):
    """Knows the ids and times that stand for the old ones."""

    def __init__(self, file: io.BytesIO, ids: dict[str, str], later: timedelta) -> None:
        super().__init__(file)
        self._ids, self._later = ids, later

    def persistent_load(self, known: Any) -> object:
        kind, value = known
        if kind == "id":
            return uuid.UUID(self._ids[value])
        return datetime.fromisoformat(value) + self._later
