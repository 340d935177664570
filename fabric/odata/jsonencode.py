"""Compiled writers of JSON objects: everything but the values is spelled once per shape.

Members stand in alphabetical order, as real SPF writes them; readers depend on no order.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache, partial
from json.encoder import encode_basestring_ascii as quoted
from typing import Final
from uuid import UUID

from fabric.odata.columns import Column, Spell, Values, column, each, lines, present, spelling
from fabric.odata.literals import format_datetime, to_json
from fabric.odata.negotiate import Format
from fabric.odata.schema import Model, Nav, Prop
from fabric.odata.shape import Row, Shape, members_shown

# The JSON objects of rows, below this service root.
Write = Callable[[Sequence[Row], str], list[str]]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_BOOLEANS: Final = {None: "null", True: "true", False: "false"}


def _strings(values: Values) -> list[str]:
    return ["null" if value is None else quoted(value) for value in values]


def _guids(values: Values) -> list[str]:
    return [
        f'"{value!s}"' if type(value) is UUID else "null" if value is None else quoted(str(value))
        for value in values
    ]


def _booleans(values: Values) -> list[str]:
    return [_BOOLEANS[value] for value in values]


def _integers(values: Values) -> list[str]:
    return ["null" if value is None else f"{value:d}" for value in values]


def _long_integers(values: Values) -> list[str]:
    return ["null" if value is None else f'"{value:d}"' for value in values]


def _moments(values: Values) -> list[str]:
    return ["null" if value is None else f'"{format_datetime(value)}"' for value in values]


def _old_moments(values: Values) -> list[str]:
    """Milliseconds, as verbose JSON had them before version 3."""
    milli = timedelta(milliseconds=1)
    return [
        "null" if value is None else rf'"\/Date({(value - _EPOCH) // milli})\/"' for value in values
    ]


_FAST: Final[dict[str, Spell]] = {
    "Boolean": _booleans,
    "Byte": _integers,
    "DateTime": _moments,
    "Guid": _guids,
    "Int16": _integers,
    "Int32": _integers,
    "Int64": _long_integers,
    "String": _strings,
}


def _primitive(edm_type: str, fmt: Format, version: int) -> Spell:
    fast = _FAST.get(edm_type)
    if edm_type == "DateTime" and fmt is Format.JSON_VERBOSE and version < 3:
        fast = _old_moments

    def slow(values: Values) -> list[str]:
        return [json.dumps(to_json(value, edm_type)) for value in values]

    return spelling(fast, slow)


@dataclass(frozen=True)
class _Member:
    """A member's name, what stands before its values, and how they are spelled."""

    name: str
    before: str
    spell: Spell
    null: str

    def parts(self, rows: Sequence[Row], known: set[str]) -> list[Column]:
        """What the member is in each of the rows."""
        if self.name not in known:
            return [self.before, self.null]
        return [self.before, column([row.get(self.name) for row in rows], self.spell)]


def _member(model: Model, prop: Prop, fmt: Format, version: int) -> _Member:
    spell = _spell(model, prop, fmt, version)
    null, label = spell([None])[0], f"{quoted(prop.name)}:"
    if fmt is not Format.JSON_FULL or not _needs_type(prop):
        return _Member(prop.name, label, spell, null)
    told = f'"{prop.name}@odata.type":"{model.type_name(prop)}",{label}'

    def typed(values: Values) -> list[str]:
        texts = zip(values, spell(values), strict=True)
        return [label + text if value is None else told + text for value, text in texts]

    return _Member(prop.name, "", typed, label + null)


def _needs_type(prop: Prop) -> bool:
    # A complex value carries its type inside.
    return prop.is_collection or not (prop.complex_name or prop.type == "String")


def _spell(model: Model, prop: Prop, fmt: Format, version: int) -> Spell:
    if prop.complex_name:
        item: Spell = _objects(model, prop.complex_name, fmt, version)
    else:
        item = _primitive(prop.item_type, fmt, version)
    if prop.is_collection:
        return partial(_lists, item, model.type_name(prop) if fmt is Format.JSON_VERBOSE else "")
    if prop.complex_name:
        # SPF writes a complex value that is not there as an object of nulls.
        nulls = json.dumps(_nulls(model, prop.complex_name, version, ()), separators=(",", ":"))
        return partial(present, spell=item, null=nulls)
    return item


def _lists(item: Spell, type_name: str, values: Values) -> list[str]:
    before, after = "[", "]"
    if type_name:
        before, after = f'{{"__metadata":{{"type":"{type_name}"}},"results":[', "]}"
    found = each([value or () for value in values], item)
    return [f"{before}{','.join(texts)}{after}" for texts in found]


@lru_cache(maxsize=512)
def _objects(model: Model, name: str, fmt: Format, version: int) -> Spell:
    members: list[_Member] = []
    full_name = model.complex_full_name(name)
    head = {
        Format.JSON_FULL: [[f'"odata.type":"{full_name}"']],
        Format.JSON_VERBOSE: [[f'"__metadata":{{"type":"{full_name}"}}']],
    }.get(fmt, [])

    def spell(values: Values) -> list[str]:
        # Compiled at first use: a complex type may contain itself.
        if not members:
            props = members_shown(model.complex_types[name].props, version)
            members.extend(_member(model, prop, fmt, version) for prop in props)
        return _objects_of([*head, *_member_parts(members, values)], len(values))

    return spell


def _nulls(
    model: Model, name: str, version: int, above: tuple[str, ...]
) -> dict[str, object] | None:
    if name in above:
        return None
    nulls: dict[str, object] = {}
    for prop in members_shown(model.complex_types[name].props, version):
        if prop.is_collection:
            nulls[prop.name] = []
        elif prop.complex_name:
            nulls[prop.name] = _nulls(model, prop.complex_name, version, (*above, name))
        else:
            nulls[prop.name] = None
    return nulls


def _member_parts(members: Iterable[_Member], rows: Sequence[Row]) -> list[list[Column]]:
    known = set().union(*rows)
    return [member.parts(rows, known) for member in members]


def _objects_of(members: Sequence[Sequence[Column]], count: int) -> list[str]:
    parts: list[Column] = ["{"]
    for number, member in enumerate(members):
        parts += ["," if number else "", *member]
    return lines([*parts, "}"], count)


@lru_cache(maxsize=512)
def entity_writer(shape: Shape, fmt: Format) -> Write:
    """A function of rows and the service root giving the entities' JSON objects."""
    members = [_member(shape.model, prop, fmt, shape.version) for prop in shape.props]
    nested = [(nav, entity_writer(below, fmt)) for nav, below in shape.expanded]
    if shape.stream and fmt is Format.JSON_MINIMAL:
        name = f"{shape.stream}@odata.mediaContentType"
        told = quoted(shape.type.stream_type)
        members.append(_Member(name, f"{quoted(name)}:", _strings, told))
    head = {Format.JSON_FULL: _full_head, Format.JSON_VERBOSE: _verbose_head}.get(fmt)

    def write(rows: Sequence[Row], root: str) -> list[str]:
        if not rows:
            return []
        inline = [_expansion(nav, below, fmt, root) for nav, below in nested]
        shown = sorted([*members, *inline], key=lambda member: member.name)
        before = head(shape, rows, root) if head is not None else []
        return _objects_of([*before, *_member_parts(shown, rows)], len(rows))

    return write


def _expansion(nav: Nav, write: Write, fmt: Format, root: str) -> _Member:
    label = f"{quoted(nav.name)}:"
    if not nav.many:
        return _Member(
            nav.name,
            label,
            partial(present, spell=lambda rows: write(rows, root), null="null"),
            "null",
        )
    before, after = ('{"results":[', "]}") if fmt is Format.JSON_VERBOSE else ("[", "]")

    def spell(values: Values) -> list[str]:
        found = each([value or () for value in values], lambda rows: write(rows, root))
        return [f"{before}{','.join(texts)}{after}" for texts in found]

    return _Member(nav.name, label, spell, f"{before}{after}")


def _full_head(shape: Shape, rows: Sequence[Row], root: str) -> list[list[Column]]:
    urls, base = shape.urls(rows), quoted(root)[1:-1]
    head: list[list[Column]] = [
        [f'"odata.type":"{shape.type.full_name}"'],
        [f'"odata.id":"{base}', urls, '"'],
        ['"odata.editLink":"', urls, '"'],
    ]
    for nav in shape.navs:
        head.append([f'"{nav.name}@odata.navigationLinkUrl":"', urls, f'/{nav.name}"'])
    if shape.stream:
        name = shape.stream
        head.append([f'"{name}@odata.mediaReadLink":"', urls, f'/{name}"'])
        head.append([f'"{name}@odata.mediaContentType":{quoted(shape.type.stream_type)}'])
    for action in shape.actions:
        named = f'"#{shape.type.namespace}.{action}":{{"title":"{action}","target":"{base}'
        head.append([named, urls, f'/{action}"}}'])
    return head


def _verbose_head(shape: Shape, rows: Sequence[Row], root: str) -> list[list[Column]]:
    urls, base = shape.urls(rows), quoted(root)[1:-1]
    head: list[list[Column]] = [
        [
            f'"__metadata":{{"id":"{base}',
            urls,
            f'","uri":"{base}',
            urls,
            f'","type":"{shape.type.full_name}"}}',
        ]
    ]
    for nav in shape.links:
        uri = f'"{nav.name}":{{"__deferred":{{"uri":"{base}'
        head.append([uri, urls, f'/{nav.name}"}}}}'])
    if shape.stream:
        source = f'"{shape.stream}":{{"__mediaresource":{{"media_src":"{base}'
        kind = quoted(shape.type.stream_type)
        head.append([source, urls, f'/{shape.stream}","content_type":{kind}}}}}'])
    return head


def value_writer(model: Model, prop: Prop, fmt: Format, version: int) -> Spell:
    """A function of values of a property giving their JSON."""
    return _spell(model, prop, fmt, version)
