"""What POST, PUT, MERGE, PATCH and DELETE have in common for every set.

PUT, MERGE and PATCH are the same partial update and null means unchanged, because known clients
PUT whole objects full of nulls. Members a set does not take are dropped, not refused.
"""

from __future__ import annotations

from collections.abc import Container, Iterable
from typing import Any
from uuid import UUID

from fabric.odata.errors import BadRequest, MethodNotAllowed, NotFound, ODataError
from fabric.odata.schema import EntitySet
from fabric.spf.narrowing import narrow
from fabric.spf.reading import Place
from fabric.spf.schema import Action, Link, Row, Service, Written
from fabric.spf.scope import Scope
from fabric.vmm import errors as vmm

NO_ID = UUID(int=0)


class Writer:
    """Writes to one service in one caller's name."""

    def __init__(self, service: Service, scope: Scope) -> None:
        self.service = service
        self.scope = scope

    def create(self, place: Place, body: Row) -> Written:
        """Make an entity of what the body says."""
        act = self.service.resource(place.set).create
        if act is None:
            raise self._not_taken(place, "POST")
        values = _meant(body, act.takes)
        _demand(values, act.requires)
        try:
            return act.run(self.scope, values)
        except vmm.NotFound as error:
            # What the body names is not there; the address itself is.
            raise BadRequest(error.message, code=error.code) from None

    def update(self, place: Place, body: Row) -> UUID | None:
        """Change what the body names of one entity; returns the job that does it."""
        act = self.service.resource(place.set).update
        if act is None:
            raise self._not_taken(place, "PUT, MERGE or PATCH")
        return act.run(self.scope, self.found(place), _meant(body, act.takes, act.zeros))

    def delete(self, place: Place) -> UUID | None:
        """Remove one entity; returns the job that does it."""
        act = self.service.resource(place.set).delete
        if act is None:
            raise self._not_taken(place, "DELETE")
        return act(self.scope, self.found(place))

    def action(self, place: Place, name: str) -> Action:
        """How an action of an entity is carried out."""
        found = self.service.resource(place.set).actions.get(name)
        if found is None:
            raise ODataError(f"{place.set.name}/{name} is not offered.", status=501)
        return found

    def act(self, place: Place, action: Action, body: Row) -> UUID | None:
        """Carry out an action on one entity; returns the job that does it."""
        values = _meant(body, action.takes)
        _demand(values, action.requires)
        return action.run(self.scope, self.found(place), values)

    def link(self, place: Place, name: str) -> Link:
        """How the navigation of an entity is written to."""
        found = self.service.resource(place.set).links.get(name)
        if found is None:
            raise MethodNotAllowed(f"{place.set.name}/$links/{name} cannot be changed.")
        return found

    def found(self, place: Place) -> Any:
        """The object behind a place; raises NotFound when the caller does not see it."""
        table = self.service.resource(place.set).table
        found = None
        # Without a column for each value the first row might be another one.
        if table is not None and place.wanted and place.wanted.keys() <= table.columns.keys():
            found = narrow(self.scope, table, place.set.type, place.wanted).first()
        if found is None:
            raise NotFound(f"Resource not found for the segment '{place.segment}'.")
        return found

    def _not_taken(self, place: Place, verb: str) -> MethodNotAllowed:
        why = self.service.resource(place.set).refusal
        return MethodNotAllowed(f"{place.set.name} does not take {verb}. {why}".strip())

    def row(self, entity_set: EntitySet, written: Any) -> Row:
        """The object as the set shows it."""
        table = self.service.resource(entity_set).table
        assert table is not None
        if table.fields:
            written = table.told(table.objects(self.scope).filter(pk=written.pk)).get()
        return table.row(self.scope, written)


def _demand(values: Row, names: Iterable[str]) -> None:
    for name in names:
        if values.get(name) in (None, ""):
            raise BadRequest(f"The parameter {name} is mandatory.")


def _meant(body: Row, takes: Container[str], zeros: Container[str] = ()) -> Row:
    """What the sender really said: no nulls, no ids of zeros, nothing that is only read."""
    return {
        name: value
        for name, value in body.items()
        if name in takes and value is not None and (value != NO_ID or name in zeros)
    }
