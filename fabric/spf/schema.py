"""How an entity set is declared: where its rows come from and what may be done to them.

A declaration speaks of properties, never of HTTP, URLs or formats; `reading` and `writing` do the
rest for every set alike. The names and types of the properties are in `fabric.spf.edm`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from fabric.odata.literals import Value
from fabric.odata.schema import EntitySet, EntityType, Model
from fabric.spf.scope import Scope

# What may have been typed by somebody to be kept from others; `…HasValue` only says that it was.
_SECRET = re.compile(r"(?i)(?:password|productkey|sshkey(?:string)?|^key)\Z")

Row = dict[str, Any]
Wanted = Mapping[str, list[Value]]


@dataclass(frozen=True)
class Column:
    """Where the database keeps a property. `values` gives all that a wanted value is called there,
    and nothing else: what is found by it is not looked at again. Without it the property shows the
    column as it is. Only plain columns can be sorted by.
    """

    path: str
    values: Callable[[Scope, Value], Iterable[Any]] | None = None


@dataclass(frozen=True)
class Join:
    """A navigation: the rows of the target set whose `there` equals our `here`.

    With `through`, pairs of the two, for what no property of either side shows.
    """

    here: str
    there: str
    through: Callable[[Scope, Collection[Value]], Iterable[tuple[Value, Value]]] | None = None


@dataclass(frozen=True)
class Written:
    """What a handler did: the object as it is now, and the VMM job still at work."""

    found: Any
    job_id: UUID | None = None


@dataclass(frozen=True)
class Create:
    """POST: the properties read from the body, those without which it is refused, and the act."""

    run: Callable[[Scope, Row], Written]
    takes: frozenset[str]
    requires: tuple[str, ...] = ()


@dataclass(frozen=True)
class Update:
    """PUT, MERGE and PATCH alike: absent and null both mean unchanged. Returns the job, if any.

    An id of zeros is left out as well, unless the property is in `zeros`: there it says "none".
    """

    run: Callable[[Scope, Any, Row], UUID | None]
    takes: frozenset[str]
    zeros: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Action:
    """POST on an action of one entity, with the parameters it takes. Returns the job, if any."""

    run: Callable[[Scope, Any, Row], UUID | None]
    takes: frozenset[str] = frozenset()
    requires: tuple[str, ...] = ()


@dataclass(frozen=True)
class Media:
    """A named stream of an entity, read whole: a file, and what kind of file it is."""

    content: bytes
    content_type: str


@dataclass(frozen=True)
class Link:
    """POST and DELETE on `$links`: join two objects, or part them."""

    add: Callable[[Scope, Any, Any], None]
    remove: Callable[[Scope, Any, Any], None]

    @property
    def back(self) -> Link:
        """The same link as the other object has it."""
        return Link(
            add=lambda scope, there, here: self.add(scope, here, there),
            remove=lambda scope, there, here: self.remove(scope, here, there),
        )


def names(text: str) -> frozenset[str]:
    """Property names separated by blanks."""
    return frozenset(text.split())


@dataclass(frozen=True)
class Table:
    """Rows of the database: what the caller may see, and how one is told in properties.

    With `fields`, the names of columns and annotations, `row` is given these alone instead of an
    object: of wide tables, making the objects would be most of what a long feed costs.
    """

    objects: Callable[[Scope], QuerySet[Any]]
    row: Callable[[Scope, Any], Row]
    columns: Mapping[str, Column] = field(default_factory=dict)
    fields: tuple[str, ...] = ()

    def told(self, found: QuerySet[Any]) -> QuerySet[Any]:
        """What of the objects `row` is given."""
        return found.values_list(*self.fields, named=True) if self.fields else found


@dataclass(frozen=True)
class Computed:
    """Rows made up on the spot. `rows` gets the equalities known of what is wanted and may answer
    more than that, never less. `filled` are properties that all of them have: where one without is
    wanted, they are not made up at all.
    """

    rows: Callable[[Scope, Wanted], Iterable[Row]]
    filled: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True)
class Resource:
    """One entity set. Writing acts on objects of the first source.

    `needs` are properties without an equality on which the set is not read. `filters` are those it
    may be filtered and sorted by: unless said, all but secrets and what is `only_sent`, which
    shows nothing. `missing` may raise something better than NotFound for a key without a row;
    `refusal` says why nothing is written.
    """

    name: str
    sources: tuple[Table | Computed, ...] = ()
    joins: Mapping[str, Join] = field(default_factory=dict)
    needs: tuple[str, ...] = ()
    filters: frozenset[str] | None = None
    only_sent: frozenset[str] = frozenset()
    missing: Callable[[Scope, Wanted], None] | None = None
    refusal: str = ""
    create: Create | None = None
    update: Update | None = None
    delete: Callable[[Scope, Any], UUID | None] | None = None
    links: Mapping[str, Link] = field(default_factory=dict)
    actions: Mapping[str, Action] = field(default_factory=dict)
    streams: Mapping[str, Callable[[Scope, Any], Media]] = field(default_factory=dict)

    @property
    def table(self) -> Table | None:
        """The first source, if it is a table."""
        first = self.sources[0] if self.sources else None
        return first if isinstance(first, Table) else None


class Service:
    """A model with what stands behind its sets; a set without a declaration is empty."""

    def __init__(self, model: Model, resources: Iterable[Resource]) -> None:
        self.model = model
        self._resources = {each.name: each for each in resources}
        for each in self._resources.values():
            _check(each, model)
        self._filters = {
            each.name: _filters(self.resource(each), each.type) for each in model.sets.values()
        }

    def resource(self, entity_set: EntitySet | str) -> Resource:
        """The declaration of a set."""
        name = entity_set if isinstance(entity_set, str) else entity_set.name
        found = self._resources.get(name)
        return found if found is not None else Resource(name=name)

    def filters(self, entity_set: EntitySet) -> frozenset[str]:
        """The properties a set may be filtered and sorted by."""
        return self._filters[entity_set.name]


def _filters(resource: Resource, entity: EntityType) -> frozenset[str]:
    if resource.filters is not None:
        return resource.filters
    return frozenset(
        prop.name
        for prop in entity.props
        if prop.name not in resource.only_sent and not _SECRET.search(prop.name)
    )


def _check(resource: Resource, model: Model) -> None:
    """Refuse, when the process starts, a declaration that names what its type does not have."""
    entity = model.sets[resource.name].type
    known = {prop.name for prop in entity.props}
    navs = {nav.name: model.sets[nav.target_set].type for nav in entity.navs}
    tables = (each for each in resource.sources if isinstance(each, Table))
    used = {*resource.needs, *resource.only_sent, *(resource.filters or ())}
    used |= {*(name for table in tables for name in table.columns)}
    for written in (resource.create, resource.update):
        used |= written.takes if written is not None else set()
    strange = used - known
    for name, join in resource.joins.items():
        if name not in navs or join.here not in known or navs[name].prop(join.there) is None:
            strange.add(name)
    strange |= resource.links.keys() - navs.keys()
    strange |= resource.streams.keys() - {entity.stream}
    for name, action in resource.actions.items():
        strange |= {name} - set(entity.actions)
        strange |= action.takes - {prop.name for prop in entity.parameters_of(name)}
    if strange:
        raise LookupError(f"{resource.name} has no {', '.join(sorted(strange))}")
