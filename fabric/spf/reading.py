"""Answers a GET on any set: find, narrow, filter, sort, page, expand.

What the database can do is handed down to it (`narrowing`); the rest is done on the rows. Queries
grow with the number of expanded navigations, never with the number of rows.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from fabric.odata.errors import BadRequest, NotFound
from fabric.odata.filter import And, Condition, Expr, equalities, fields, nulls
from fabric.odata.literals import Value
from fabric.odata.schema import EntitySet
from fabric.odata.uri import QueryOptions, ResourcePath, Segment
from fabric.spf.narrowing import filtered, narrow
from fabric.spf.paging import cut, in_database, is_plain, sort
from fabric.spf.schema import Row, Service, Table, Wanted
from fabric.spf.scope import Scope

# How many rows of a long feed are in hand at a time.
CHUNK: Final = 1000
# How many entities these may hold, each counted as often as it is told: navigations that lead back
# and forth would multiply without end.
MOST_TOLD: Final = 200_000


@dataclass(frozen=True)
class Place:
    """What a path addresses: the rows of a set with these values; None is no row at all."""

    set: EntitySet
    wanted: Wanted | None
    is_single: bool
    segment: str


@dataclass(frozen=True)
class Page:
    """The rows of an answer, to be gone through once; how many there were before `$top` and `$skip`
    if asked; and the token of the next page if there is one.
    """

    rows: Iterable[Row]
    count: int | None = None
    token: str | None = None


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

    def page(self, place: Place, options: QueryOptions, size: int | None = None) -> Page:
        """The rows a feed shows, at most `size` of them; the names in the options are bound."""
        if place.wanted is None:
            return Page([], 0 if options.inlinecount else None)
        self._check_needs(place, options.filter)
        found = self._page_of_database(place, place.wanted, options, size)
        return self._page_of_rows(place, place.wanted, options, size) if found is None else found

    def fetch(
        self, entity_set: EntitySet, wanted: Wanted, condition: Expr | None = None
    ) -> list[Row]:
        """All rows with these values; the condition spares rows that will not pass it anyway."""
        rows: list[Row] = []
        known = {**(equalities(condition) if condition is not None else {}), **wanted}
        is_one = all(len(wanted.get(name, ())) == 1 for name in entity_set.type.key)
        for source in self.service.resource(entity_set).sources:
            if is_one and rows:
                # A key names one entity: the other sources cannot have it as well.
                break
            if isinstance(source, Table):
                found = narrow(self.scope, source, entity_set.type, wanted)
                found, _ = filtered(self.scope, source, entity_set.type, found, condition)
                rows += [source.row(self.scope, each) for each in source.told(found)]
            elif condition is None or source.filled.isdisjoint(nulls(condition)):
                rows += source.rows(self.scope, known)
        return _only(rows, wanted)

    def chunks(
        self, entity_set: EntitySet, rows: Iterable[Row], paths: Sequence[str]
    ) -> Iterator[list[Row]]:
        """The rows in portions, as they are read, each with what is related to it."""
        each = iter(rows)
        while some := list(islice(each, CHUNK)):
            self.expand(entity_set, some, paths)
            yield some

    def expand(
        self, entity_set: EntitySet, rows: Sequence[Row], paths: Iterable[str]
    ) -> Mapping[int, int]:
        """Put the related rows into the rows, under the names of the navigations.

        Returns how many entities each row (by its `id`) tells in all; raises BadRequest for too
        many.
        """
        told = {id(row): 1 for row in rows}
        for name, below in _by_head(paths).items():
            nav = entity_set.type.nav(name)
            if nav is None or not rows:
                continue
            target = self.service.model.set(nav.target_set)
            groups = self._related(entity_set, name, rows)
            inside = self.expand(target, _distinct(groups.values()), below)
            here = self._here(entity_set, name)
            for row in rows:
                related = groups.get(row.get(here), [])
                row[name] = related if nav.many else next(iter(related), None)
                told[id(row)] += sum(inside[id(each)] for each in related)
            if sum(told.values()) > MOST_TOLD:
                raise BadRequest("The $expand tells too many entities; ask for less at a time.")
        return told

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

    def _page_of_database(
        self, place: Place, firm: Wanted, options: QueryOptions, size: int | None
    ) -> Page | None:
        """The page when the database can do all of it, else None."""
        resource, entity = self.service.resource(place.set), place.set.type
        table = resource.table
        if table is None or len(resource.sources) > 1 or not firm.keys() <= table.columns.keys():
            return None
        keys = [name for name in entity.key if is_plain(table, name)]
        if not keys or not all(is_plain(table, name) for name, _ in options.orderby):
            return None
        found = narrow(self.scope, table, entity, firm)
        found, is_exact = filtered(self.scope, table, entity, found, options.filter)
        if not is_exact:
            return None
        count = found.count() if options.inlinecount else None
        part = cut(options, keys, size, (place.set.name, firm))
        found = found.order_by(*in_database(entity, table, part.sorts))
        found = part.of_database(table, entity, found)
        found = table.told(found)
        if part.size is None:
            each = found.iterator(CHUNK)
            return Page((table.row(self.scope, one) for one in each), count)
        rows, token = part.ended([table.row(self.scope, one) for one in found])
        return Page(rows, count, token)

    def _page_of_rows(
        self, place: Place, firm: Wanted, options: QueryOptions, size: int | None
    ) -> Page:
        rows = self._passing(place, firm, options)
        part = cut(options, place.set.type.key, size, (place.set.name, firm))
        if options.orderby or part.skip or part.limit is not None or part.after is not None:
            sort(rows, part.sorts)
        count = len(rows) if options.inlinecount else None
        rows, token = part.ended(part.of_rows(rows))
        for name in _by_head(options.joins):
            # Looked at, but not asked for.
            for row in rows:
                row.pop(name, None)
        return Page(rows, count, token)

    def _passing(self, place: Place, firm: Wanted, options: QueryOptions) -> list[Row]:
        """The rows that pass, with what sorting looks at in them.

        What can be told of a row alone is told first, so that less is read of what is related.
        """
        condition = options.filter
        rows = self.fetch(place.set, firm, condition)
        if not options.joins:
            return _kept(rows, (condition,) if condition is not None else ())
        heads = _by_head(options.joins)
        terms = condition.terms if isinstance(condition, And) else (condition,)
        late = [
            term for term in terms if term is not None and not _members_of(term).isdisjoint(heads)
        ]
        early = [term for term in terms if term is not None and term not in late]
        rows = _kept(rows, early)
        self.expand(place.set, rows, options.joins)
        return _kept(rows, late)


def _kept(rows: list[Row], terms: Sequence[Expr]) -> list[Row]:
    if not terms:
        return rows
    condition = Condition(terms[0] if len(terms) == 1 else And(tuple(terms)))
    return [row for row in rows if condition.passes(row)]


def _members_of(condition: Expr) -> set[str]:
    return {name.partition("/")[0] for name in fields(condition)}


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
