"""Which members of an entity an answer shows: `$select` and `$expand` against the model."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final
from uuid import UUID

from fabric.odata.columns import Column, Spell, Values, column, lines
from fabric.odata.errors import BadRequest
from fabric.odata.literals import from_json
from fabric.odata.schema import EntitySet, EntityType, Model, Nav, Prop
from fabric.odata.uri import key_literal

MAX_EXPAND_DEPTH: Final = 5

Paths = tuple[str, ...]
Row = Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class Shape:
    """The members of one entity set as shown, each group in alphabetical order.

    Before version 3 the protocol knew no collections of values, no actions and no named streams.
    """

    model: Model
    version: int
    set: EntitySet
    props: tuple[Prop, ...]
    expanded: tuple[tuple[Nav, Shape], ...]
    links: tuple[Nav, ...]
    stream: str | None

    @property
    def type(self) -> EntityType:
        """The entity type shown."""
        return self.set.type

    @property
    def navs(self) -> list[Nav]:
        """All navigations shown, as links or with their entities."""
        return sorted([*self.links, *(nav for nav, _ in self.expanded)], key=lambda nav: nav.name)

    @property
    def actions(self) -> tuple[str, ...]:
        """What may be done to the entity beside writing it."""
        return self.type.actions if self.version >= 3 else ()

    def url(self, row: Row) -> str:
        """The URL of the row's entity relative to the root."""
        return self.urls([row])[0]

    def urls(self, rows: Sequence[Row]) -> list[str]:
        """The URLs of the rows' entities, percent-encoded, their keys in alphabetical order."""
        if not rows:
            return []
        names = sorted(self.type.key)
        parts: list[Column] = [f"{self.set.name}("]
        for number, name in enumerate(names):
            parts.append("," if number else "")
            parts.append(f"{name}=" if len(names) > 1 else "")
            parts.append(column([row.get(name) for row in rows], self._keys(name)))
        return lines([*parts, ")"], len(rows))

    def _keys(self, name: str) -> Spell:
        prop = self.type.prop(name)
        edm_type = prop.item_type if prop is not None else "String"

        def spell(values: Values) -> list[str]:
            return [
                f"guid'{value!s}'"
                if type(value) is UUID
                else key_literal(from_json(value, edm_type))
                for value in values
            ]

        return spell


def members_shown(props: Iterable[Prop], version: int) -> list[Prop]:
    """The properties a version of the protocol knows, in order."""
    known = (prop for prop in props if version >= 3 or not prop.is_collection)
    return sorted(known, key=lambda prop: prop.name)


@lru_cache(maxsize=512)
def resolve(
    model: Model, set_name: str, expand: Paths, select: Paths | None, version: int = 3
) -> Shape:
    """The shape of the rows of a set; raises BadRequest for members the type does not have."""
    return _resolve(model, model.set(set_name), expand, select, version, 0)


def _resolve(
    model: Model,
    entity_set: EntitySet,
    expand: Paths,
    select: Paths | None,
    version: int,
    depth: int,
) -> Shape:
    if depth > MAX_EXPAND_DEPTH:
        raise BadRequest(f"'$expand' is nested deeper than {MAX_EXPAND_DEPTH} levels.")
    entity = entity_set.type
    navs = {nav.name: nav for nav in entity.navs}
    below = _by_head(expand)
    chosen = None if select is None or "*" in select else _by_head(select)
    _check(entity, below, navs, chosen)
    expanded = []
    for name in sorted(below):
        nav = navs[name]
        picked = None if chosen is None else chosen.get(name) or None
        target = model.set(nav.target_set)
        expanded.append((nav, _resolve(model, target, below[name], picked, version, depth + 1)))
    props = [prop for prop in entity.props if chosen is None or prop.name in chosen]
    has_stream = version >= 3 and (chosen is None or entity.stream in chosen)
    return Shape(
        model=model,
        version=version,
        set=entity_set,
        props=tuple(members_shown(props, version)),
        expanded=tuple(expanded),
        links=tuple(
            navs[name]
            for name in sorted(navs)
            if name not in below and (chosen is None or name in chosen)
        ),
        stream=entity.stream if has_stream else None,
    )


def _by_head(paths: Paths) -> dict[str, Paths]:
    """`("A/B", "A/C", "D")` as `{"A": ("B", "C"), "D": ()}`; a bare name asks for all of it."""
    found: dict[str, list[str]] = {}
    whole = {path for path in paths if "/" not in path}
    for path in paths:
        head, _, rest = path.partition("/")
        found.setdefault(head, [])
        if rest:
            found[head].append(rest)
    return {head: tuple(rests) for head, rests in found.items() if rests or head in whole}


def _check(
    entity: EntityType,
    below: Mapping[str, Paths],
    navs: Mapping[str, Nav],
    chosen: Mapping[str, Paths] | None,
) -> None:
    for name in below:
        if name not in navs:
            raise BadRequest(f"'$expand': {entity.full_name} has no navigation '{name[:100]}'.")
    known = {prop.name for prop in entity.props} | set(navs) | {entity.stream}
    for name in chosen or ():
        if name not in known:
            raise BadRequest(f"'$select': {entity.full_name} has no property '{name[:100]}'.")
