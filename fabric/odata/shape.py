"""Which members of an entity an answer shows: `$select` and `$expand` against the model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from fabric.odata.errors import BadRequest
from fabric.odata.literals import Value, from_json
from fabric.odata.schema import EntitySet, EntityType, Model, Nav, Prop
from fabric.odata.uri import entity_url

MAX_EXPAND_DEPTH: Final = 5

Paths = tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Shape:
    """The members of one entity set as shown, each group in alphabetical order."""

    set: EntitySet
    props: tuple[Prop, ...]
    expanded: tuple[tuple[Nav, Shape], ...]
    links: tuple[Nav, ...]
    stream: str | None

    @property
    def type(self) -> EntityType:
        """The entity type shown."""
        return self.set.type

    def url(self, row: Mapping[str, object]) -> str:
        """The URL of the row's entity relative to the root."""
        entity = self.type
        return entity_url(
            self.set.name, {name: _key_value(entity, name, row.get(name)) for name in entity.key}
        )


def _key_value(entity: EntityType, name: str, value: object) -> Value:
    prop = entity.prop(name)
    return from_json(value, prop.item_type if prop is not None else "String")


@lru_cache(maxsize=512)
def resolve(model: Model, set_name: str, expand: Paths, select: Paths | None) -> Shape:
    """The shape of the rows of a set; raises BadRequest for members the type does not have."""
    return _resolve(model, model.set(set_name), expand, select, 0)


def _resolve(
    model: Model, entity_set: EntitySet, expand: Paths, select: Paths | None, depth: int
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
        expanded.append((nav, _resolve(model, target, below[name], picked, depth + 1)))
    return Shape(
        set=entity_set,
        props=tuple(
            sorted(
                (p for p in entity.props if chosen is None or p.name in chosen),
                key=lambda prop: prop.name,
            )
        ),
        expanded=tuple(expanded),
        links=tuple(
            navs[name]
            for name in sorted(navs)
            if name not in below and (chosen is None or name in chosen)
        ),
        stream=entity.stream if chosen is None or entity.stream in chosen else None,
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
