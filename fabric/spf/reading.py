"""Answers a GET on any set: find, narrow, filter, sort, page, expand.

What the database can do is handed down to it (`narrowing`); the rest is done on the rows. Queries
grow with the number of expanded navigations, never with the number of rows.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fabric.odata.errors import BadRequest, NotFound
from fabric.odata.filter import Expr, equalities, evaluate, fields
from fabric.odata.literals import Value
from fabric.odata.schema import EntitySet, EntityType
from fabric.odata.uri import QueryOptions, ResourcePath, Segment
from fabric.spf.narrowing import is_exact, narrow, ordered
from fabric.spf.schema import Row, Service, Table, Wanted
from fabric.spf.scope import Scope


@dataclass(frozen=True)
class Place:
    """What a path addresses: the rows of a set with these values; None is no row at all."""

    set: EntitySet
    wanted: Wanted | None
    is_single: bool
    segment: str


@dataclass(frozen=True)
class Page:
    """The rows of an answer, and how many there were before `$top` and `$skip` if asked."""

    rows: list[Row]
    count: int | None = None


class Reader:
    """Reads one service in one caller's name."""

    def __init__(self, service: Service, scope: Scope) -> None:
        self.service = service
        self.scope = scope

    def place(self, path: ResourcePath) -> Place:
        """Walk a path, reading what lies between; raises NotFound where the caller sees nothing."""
        first, *rest = path.entities
        assert first.set is not None
        place = Place(first.set, _keys(first), first.keys is not None, first.name)
        for segment in rest:
            place = self._follow(place, segment)
        return place

    def one(self, place: Place) -> Row:
        """The row of a place that addresses one; raises NotFound."""
        rows = [] if place.wanted is None else self.fetch(place.set, place.wanted)
        if not rows:
            explain = self.service.resource(place.set).missing
            if explain is not None and place.wanted is not None:
                explain(self.scope, place.wanted)
            raise NotFound(f"Resource not found for the segment '{place.segment}'.")
        return rows[0]

    def page(self, place: Place, options: QueryOptions) -> Page:
        """The rows a feed shows."""
        entity = place.set.type
        _check_names(entity, options)
        if place.wanted is None:
            return Page([], 0 if options.inlinecount else None)
        self._check_needs(place, options.filter)
        found = self._page_of_database(place, place.wanted, options)
        return self._page_of_rows(place, place.wanted, options) if found is None else found

    def fetch(
        self, entity_set: EntitySet, wanted: Wanted, hints: Wanted | None = None
    ) -> list[Row]:
        """All rows with these values; `hints` spare rows that will be thrown away anyway."""
        rows: list[Row] = []
        known = {**(hints or {}), **wanted}
        for source in self.service.resource(entity_set).sources:
            if isinstance(source, Table):
                found = narrow(self.scope, source, entity_set.type, known)
                rows += [source.row(self.scope, each) for each in found]
            else:
                rows += source.rows(self.scope, known)
        return _only(rows, wanted)

    def expand(self, entity_set: EntitySet, rows: Sequence[Row], paths: Iterable[str]) -> None:
        """Put the related rows into the rows, under the names of the navigations."""
        for name, below in _by_head(paths).items():
            nav = entity_set.type.nav(name)
            if nav is None or not rows:
                continue
            target = self.service.model.set(nav.target_set)
            groups = self._related(entity_set, name, rows)
            self.expand(target, _distinct(groups.values()), below)
            here = self._here(entity_set, name)
            for row in rows:
                related = groups.get(row.get(here), [])
                row[name] = related if nav.many else next(iter(related), None)

    def _follow(self, place: Place, segment: Segment) -> Place:
        assert segment.set is not None
        row = self.one(place)
        nav = place.set.type.nav(segment.name)
        single = segment.keys is not None or (nav is not None and not nav.many)
        wanted = self._wanted_by(place.set, segment.name, row)
        if wanted is not None:
            # Both must hold; a key can only pick from what is related.
            for name, values in _keys(segment).items():
                wanted[name] = [v for v in wanted.get(name, values) if v in values]
        return Place(segment.set, wanted, single, segment.name)

    def _wanted_by(
        self, entity_set: EntitySet, name: str, row: Row
    ) -> dict[str, list[Value]] | None:
        join = self.service.resource(entity_set).joins.get(name)
        value = row.get(join.here) if join is not None else None
        if join is None or value is None:
            return None
        values = [value]
        if join.through is not None:
            values = [there for _, there in join.through(self.scope, values)]
        return {join.there: values}

    def _here(self, entity_set: EntitySet, name: str) -> str:
        join = self.service.resource(entity_set).joins.get(name)
        return join.here if join is not None else ""

    def _related(
        self, entity_set: EntitySet, name: str, rows: Sequence[Row]
    ) -> dict[Value, list[Row]]:
        """The related rows by the value that joins them to ours."""
        join = self.service.resource(entity_set).joins.get(name)
        nav = entity_set.type.nav(name)
        if join is None or nav is None:
            return {}
        values = {row[join.here] for row in rows if row.get(join.here) is not None}
        pairs = [(value, value) for value in values]
        if join.through is not None:
            pairs = list(join.through(self.scope, values))
        theirs = {there for _, there in pairs}
        if not theirs:
            return {}
        by_value: dict[Value, list[Row]] = {}
        for row in self.fetch(self.service.model.set(nav.target_set), {join.there: [*theirs]}):
            by_value.setdefault(row[join.there], []).append(row)
        groups: dict[Value, list[Row]] = {}
        for here, there in pairs:
            groups.setdefault(here, []).extend(by_value.get(there, []))
        return groups

    def _check_needs(self, place: Place, condition: Expr | None) -> None:
        needs = self.service.resource(place.set).needs
        known = {**equalities(condition), **(place.wanted or {})} if condition else place.wanted
        for name in needs:
            if name not in (known or {}):
                raise BadRequest(f"{place.set.name} cannot be read without {name} in $filter.")

    def _page_of_database(self, place: Place, firm: Wanted, options: QueryOptions) -> Page | None:
        """The page when the database can do all of it, else None."""
        resource, entity = self.service.resource(place.set), place.set.type
        table = resource.table
        if table is None or len(resource.sources) > 1 or not firm.keys() <= table.columns.keys():
            return None
        order = ordered(table, entity, options.orderby)
        known = equalities(options.filter) if options.filter is not None else {}
        if order is None or known.keys() & firm.keys():
            return None
        if not is_exact(table, entity, options.filter):
            return None
        found = narrow(self.scope, table, entity, {**known, **firm}).order_by(*order)
        count = found.count() if options.inlinecount else None
        start = options.skip or 0
        found = found[start : None if options.top is None else start + options.top]
        return Page([table.row(self.scope, each) for each in found], count)

    def _page_of_rows(self, place: Place, firm: Wanted, options: QueryOptions) -> Page:
        condition = options.filter
        hints = equalities(condition) if condition is not None else {}
        rows = self.fetch(place.set, firm, hints)
        if condition is not None:
            rows = [row for row in rows if evaluate(condition, row)]
        for name, descending in reversed(options.orderby):
            rows.sort(key=lambda row, path=name: _sort_key(row, path), reverse=descending)  # type: ignore[misc]
        count = len(rows) if options.inlinecount else None
        start = options.skip or 0
        return Page(rows[start : None if options.top is None else start + options.top], count)


def _keys(segment: Segment) -> dict[str, list[Value]]:
    return {name: [value] for name, value in (segment.keys or {}).items()}


def _only(rows: list[Row], wanted: Wanted) -> list[Row]:
    tests = [(name, {_folded(value) for value in values}) for name, values in wanted.items()]
    return [row for row in rows if all(_folded(row.get(name)) in found for name, found in tests)]


def _folded(value: Any) -> Any:
    # Words in keys, such as a time frame, are taken in any case.
    return value.lower() if isinstance(value, str) else value


def _by_head(paths: Iterable[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for path in paths:
        head, _, rest = path.partition("/")
        below = found.setdefault(head, [])
        if rest:
            below.append(rest)
    return found


def _distinct(groups: Collection[list[Row]]) -> list[Row]:
    return list({id(row): row for group in groups for row in group}.values())


def _check_names(entity: EntityType, options: QueryOptions) -> None:
    used = {name for name, _ in options.orderby}
    if options.filter is not None:
        used |= fields(options.filter)
    for name in used:
        if entity.prop(name.partition("/")[0]) is None:
            raise BadRequest(f"{entity.full_name} has no property '{name[:100]}'.")


def _sort_key(row: Row, path: str) -> tuple[bool, Any]:
    value: Any = row
    for name in path.split("/"):
        value = value.get(name) if isinstance(value, Mapping) else None
    if isinstance(value, Mapping | list):
        raise BadRequest("'$orderby' takes properties with a single value.")
    return value is not None, value if value is not None else 0
