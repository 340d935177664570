"""Resource paths and the URLs of entities; `parse_query` can be had from here too."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final
from urllib.parse import quote

from fabric.odata.errors import BadRequest, NotFound
from fabric.odata.literals import Value, format_literal, from_json, parse_literal
from fabric.odata.query import QueryOptions, parse_query
from fabric.odata.schema import EntitySet, EntityType, Model, Prop

__all__ = [
    "Kind",
    "QueryOptions",
    "ResourcePath",
    "Segment",
    "entity_url",
    "parse_path",
    "parse_query",
]

MAX_SEGMENTS: Final = 20


class Kind(Enum):
    """What a path segment stands for."""

    SET = "set"
    NAVIGATION = "navigation"
    PROPERTY = "property"
    STREAM = "stream"
    ACTION = "action"
    METADATA = "$metadata"
    BATCH = "$batch"
    LINKS = "$links"
    COUNT = "$count"
    VALUE = "$value"


@dataclass(frozen=True, slots=True)
class Segment:
    """One step of a path, under its canonical name; `set` is where its entities live, `prop` is
    the property of this name.
    """

    name: str
    kind: Kind
    keys: dict[str, Value] | None = None
    set: EntitySet | None = None
    prop: Prop | None = None


@dataclass(frozen=True, slots=True)
class ResourcePath:
    """A path resolved against the model; no segments means the service document."""

    segments: tuple[Segment, ...]

    def _has(self, kind: Kind) -> bool:
        return any(segment.kind is kind for segment in self.segments)

    def _last(self, kind: Kind) -> str | None:
        return next((s.name for s in reversed(self.segments) if s.kind is kind), None)

    @property
    def is_service_document(self) -> bool:
        """The root itself."""
        return not self.segments

    @property
    def is_metadata(self) -> bool:
        """`$metadata`."""
        return self._has(Kind.METADATA)

    @property
    def is_batch(self) -> bool:
        """`$batch`."""
        return self._has(Kind.BATCH)

    @property
    def is_links(self) -> bool:
        """`…/$links/Nav`: the addresses of related entities, not the entities."""
        return self._has(Kind.LINKS)

    @property
    def is_count(self) -> bool:
        """`…/$count`."""
        return self._has(Kind.COUNT)

    @property
    def is_value(self) -> bool:
        """`…/$value`."""
        return self._has(Kind.VALUE)

    @property
    def action(self) -> str | None:
        """The action at the end of the path."""
        return self._last(Kind.ACTION)

    @property
    def stream(self) -> str | None:
        """The named stream at the end of the path."""
        return self._last(Kind.STREAM)

    @property
    def members(self) -> tuple[Prop, ...]:
        """The property at the end of the path, those it is inside of before it."""
        return tuple(s.prop for s in self.segments if s.prop is not None)

    @property
    def entities(self) -> tuple[Segment, ...]:
        """The sets and navigations gone through, in order."""
        return tuple(s for s in self.segments if s.set is not None)

    @property
    def set(self) -> EntitySet | None:
        """The set the addressed entity or entities belong to."""
        found = self.entities
        return found[-1].set if found else None

    @property
    def is_single(self) -> bool:
        """Whether one entity is addressed: by key, or by a navigation to one."""
        found = self.entities
        if not found:
            return False
        if found[-1].keys is not None:
            return True
        owner = found[-2].set if len(found) > 1 else None
        nav = owner.type.nav(found[-1].name) if owner is not None else None
        return nav is not None and not nav.many


def parse_path(path: str, model: Model) -> ResourcePath:
    """The path below the service root, percent-decoded once by the caller.

    Raises NotFound for names the model does not know, BadRequest for broken keys.
    """
    parts = _split(path)
    if len(parts) > MAX_SEGMENTS:
        raise BadRequest("The path has too many segments.")
    walk = _Walk(model)
    for part in parts:
        walk.step(part)
    if walk.segments and walk.segments[-1].kind is Kind.LINKS:
        raise _not_found(Kind.LINKS.value)
    return ResourcePath(tuple(walk.segments))


def _split(path: str) -> list[str]:
    """Cut at slashes outside parentheses; a string key may contain some."""
    parts, start, inside, quoted = [], 0, False, False
    for at, char in enumerate(path):
        if inside and char == "'":
            quoted = not quoted
        elif not quoted and char in "()":
            inside = char == "("
        elif char == "/" and not inside:
            parts.append(path[start:at])
            start = at + 1
    if inside:
        raise BadRequest("The parentheses in the path do not match.")
    parts.append(path[start:])
    return [part for part in (part.strip() for part in parts) if part]


class _Walk:
    """Resolves segments one after the other, remembering the set it stands in."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self.segments: list[Segment] = []

    def step(self, part: str) -> None:
        here = self.segments[-1] if self.segments else None
        if part.startswith("$"):
            self._system(part, here)
        elif here is None:
            name, keys = _cut_keys(part)
            found = self._model.set(name)
            self._add(found.name, Kind.SET, keys, found)
        elif here.kind is Kind.LINKS:
            self._link(part)
        elif here.prop is not None and here.prop.complex_name and not here.prop.is_collection:
            self._property(part, self._model.complex_types[here.prop.complex_name].props)
        elif here.set is None:
            raise _not_found(part)
        elif self._wants_key(here):
            self.segments[-1] = Segment(here.name, here.kind, _segment_key(here, part), here.set)
        elif not self._is_one(here):
            raise _not_found(part)
        else:
            self._member(part, here.set.type)

    def _system(self, part: str, here: Segment | None) -> None:
        alone = {"$metadata": Kind.METADATA, "$batch": Kind.BATCH}
        after = {"$links": Kind.LINKS, "$count": Kind.COUNT, "$value": Kind.VALUE}
        kind = (alone if here is None else after).get(part.lower())
        if kind is None or (here is not None and not self._allows(kind, here)):
            raise _not_found(part)
        self.segments.append(Segment(kind.value, kind))

    def _allows(self, kind: Kind, here: Segment) -> bool:
        if kind is Kind.COUNT:
            return here.set is not None and not self._is_one(here)
        if kind is Kind.LINKS:
            return here.set is not None and self._is_one(here)
        if here.prop is not None:
            return not here.prop.complex_name and not here.prop.is_collection
        return here.kind is Kind.STREAM

    def _link(self, part: str) -> None:
        owner = self.segments[-2].set
        if owner is None or not self._navigate(part, owner.type):
            raise _not_found(part)

    def _member(self, part: str, entity: EntityType) -> None:
        if self._navigate(part, entity):
            return
        name = part.removesuffix("()")
        action = _find(entity.actions, name.rpartition(".")[2])
        stream = _find([entity.stream or ""], name)
        if action is not None:
            self.segments.append(Segment(action, Kind.ACTION))
        elif stream is not None:
            self.segments.append(Segment(stream, Kind.STREAM))
        else:
            self._property(name, entity.props)

    def _property(self, name: str, props: tuple[Prop, ...]) -> None:
        found = _find([prop.name for prop in props], name)
        prop = next((prop for prop in props if prop.name == found), None)
        if prop is None:
            raise _not_found(name)
        self.segments.append(Segment(prop.name, Kind.PROPERTY, prop=prop))

    def _navigate(self, part: str, entity: EntityType) -> bool:
        name, keys = _cut_keys(part)
        found = _find([nav.name for nav in entity.navs], name)
        nav = entity.nav(found) if found is not None else None
        if nav is None:
            return False
        self._add(nav.name, Kind.NAVIGATION, keys, self._model.set(nav.target_set))
        return True

    def _add(self, name: str, kind: Kind, keys: str | None, target: EntitySet) -> None:
        parsed = None if keys is None else _parse_keys(keys, target.type)
        self.segments.append(Segment(name, kind, parsed, target))

    def _wants_key(self, here: Segment) -> bool:
        single = here.set is not None and len(here.set.type.key) == 1
        return single and not self._is_one(here)

    def _is_one(self, here: Segment) -> bool:
        if here.keys is not None:
            return True
        return ResourcePath(tuple(self.segments)).is_single


def _not_found(part: str) -> NotFound:
    return NotFound(f"Resource not found for the segment '{part[:100]}'.")


def _find(names: tuple[str, ...] | list[str], name: str) -> str | None:
    lowered = name.lower()
    return next((known for known in names if known and known.lower() == lowered), None)


def _cut_keys(part: str) -> tuple[str, str | None]:
    name, bracket, rest = part.partition("(")
    if not bracket:
        return name, None
    if not rest.endswith(")"):
        raise BadRequest("The parentheses in the path do not match.")
    return name.strip(), rest[:-1].strip() or None


def _parse_keys(text: str, entity: EntityType) -> dict[str, Value]:
    found: dict[str, Value] = {}
    for part in _split_keys(text):
        name, literal = _cut_name(part)
        if name is None and len(entity.key) == 1:
            name = entity.key[0]
        known = _find(entity.key, name or "")
        if known is None or known in found:
            raise BadRequest(f"The key of a {entity.name} is {', '.join(entity.key)}.")
        found[known] = _key_value(parse_literal(literal), _key_prop(entity, known))
    if len(found) != len(entity.key):
        raise BadRequest(f"The key of a {entity.name} is {', '.join(entity.key)}.")
    return {name: found[name] for name in entity.key}


def _split_keys(text: str) -> list[str]:
    parts, start, quoted = [], 0, False
    for at, char in enumerate(text):
        if char == "'":
            quoted = not quoted
        elif char == "," and not quoted:
            parts.append(text[start:at])
            start = at + 1
    return [*parts, text[start:]]


def _cut_name(part: str) -> tuple[str | None, str]:
    name, equals, literal = part.partition("=")
    return (None, part) if not equals or "'" in name else (name.strip(), literal)


def _key_prop(entity: EntityType, name: str) -> Prop:
    return entity.prop(name) or Prop(name, "String")


def _key_value(value: Value, prop: Prop) -> Value:
    if value is None:
        raise BadRequest(f"The key {prop.name} must not be null.")
    try:
        return from_json(value, prop.item_type)
    except BadRequest:
        raise BadRequest(f"The key {prop.name} is not a valid Edm.{prop.item_type}.") from None


def _segment_key(here: Segment, part: str) -> dict[str, Value]:
    """A key given as its own segment; text that cannot be one names nothing that exists."""
    assert here.set is not None
    prop = _key_prop(here.set.type, here.set.type.key[0])
    if prop.item_type == "String":
        return {prop.name: part}
    try:
        return {prop.name: _key_value(parse_literal(part), prop)}
    except BadRequest:
        raise _not_found(part) from None


def entity_url(set_name: str, key: Mapping[str, Value]) -> str:
    """The percent-encoded URL of an entity relative to the root, its keys in alphabetical order."""
    if len(key) == 1:
        inner = key_literal(next(iter(key.values())))
    else:
        inner = ",".join(f"{name}={key_literal(key[name])}" for name in sorted(key))
    return f"{set_name}({inner})"


def key_literal(value: Value) -> str:
    """A key as it stands in the URL of an entity."""
    return quote(format_literal(value), safe="'(),=:@!*;~$")
