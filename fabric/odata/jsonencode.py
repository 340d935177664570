"""Compiled encoders: a row of Python values to the JSON object of an entity.

A template with every member in order is copied and overlaid in C; only the members whose value must
be respelled are touched one by one, so that long feeds cost little more than dumping them.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from enum import Enum
from functools import lru_cache, partial
from typing import Any, Final, NamedTuple
from uuid import UUID

from fabric.odata.literals import format_datetime, to_json
from fabric.odata.negotiate import Format
from fabric.odata.schema import Model, Prop
from fabric.odata.shape import Shape

Row = Mapping[str, object]
Encoder = Callable[[Row, str], dict[str, Any]]
Convert = Callable[[Any], Any]


class _Respelled(NamedTuple):
    name: str
    convert: Convert
    null: object


def _datetime(value: object) -> object:
    return format_datetime(value) if isinstance(value, datetime) else value


# None: what Python holds is what JSON shows.
_CONVERTERS: Final[dict[str, Convert | None]] = {
    "Binary": partial(to_json, edm_type="Binary"),
    "Boolean": None,
    "Byte": None,
    "DateTime": _datetime,
    "Decimal": partial(to_json, edm_type="Decimal"),
    "Double": partial(to_json, edm_type="Double"),
    "Guid": str,
    "Int16": None,
    "Int32": None,
    "Int64": str,
    "String": None,
}


def fallback(value: object) -> object:
    """For `json.dumps`: values standing where the schema promises another type."""
    if isinstance(value, UUID | Decimal):
        return str(value)
    if isinstance(value, datetime):
        return format_datetime(value)
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, Enum):
        return value.value
    raise TypeError(f"{type(value).__name__} has no JSON form")


class _Members:
    """Encodes a fixed list of properties, with optional slots for expanded navigations."""

    def __init__(self, model: Model, props: tuple[Prop, ...], fmt: Format, slots: Row) -> None:
        respelled = [_respelled(model, prop, fmt) for prop in props]
        self._respelled = [each for each in respelled if each is not None]
        blank: dict[str, object] = {prop.name: None for prop in props}
        blank |= slots
        self._template = {name: blank[name] for name in sorted(blank)}
        self._names = frozenset(blank)
        self._types = {
            prop.name: model.type_name(prop)
            for prop in props
            if fmt is Format.JSON_FULL and _needs_type(prop)
        }

    def encode(self, row: Row) -> dict[str, Any]:
        """The members of the row in order; what the shape does not show is left out."""
        if self._names.issuperset(row):
            out = {**self._template, **row}
        else:
            out = {**self._template, **{name: row[name] for name in row if name in self._names}}
        for name, convert, null in self._respelled:
            value = out[name]
            out[name] = null if value is None else convert(value)
        return out

    def annotated(self, out: dict[str, Any]) -> dict[str, Any]:
        """The members, each preceded by its type where JSON does not show it."""
        types = self._types
        if not types:
            return out
        result: dict[str, Any] = {}
        for name, value in out.items():
            if value is not None and name in types:
                result[f"{name}@odata.type"] = types[name]
            result[name] = value
        return result


def _needs_type(prop: Prop) -> bool:
    # A complex value carries its type inside.
    return prop.is_collection or not (prop.complex_name or prop.type == "String")


def _respelled(model: Model, prop: Prop, fmt: Format) -> _Respelled | None:
    convert: Convert | None
    null: object = None
    if prop.complex_name:
        convert = _complex_encoder(model, prop.complex_name, fmt)
        null = _nulls(model, prop.complex_name, ())
    else:
        convert = _CONVERTERS[prop.item_type]
    if prop.is_collection:
        wrap = partial(_collection, model.type_name(prop) if fmt is Format.JSON_VERBOSE else "")
        return _Respelled(prop.name, partial(_each, convert, wrap), wrap([]))
    return None if convert is None else _Respelled(prop.name, convert, null)


def _each(convert: Convert | None, wrap: Convert, values: Any) -> object:
    return wrap(list(values) if convert is None else [convert(value) for value in values])


def _collection(type_name: str, values: list[object]) -> object:
    if not type_name:
        return values
    return {"__metadata": {"type": type_name}, "results": values}


@lru_cache(maxsize=512)
def _complex_encoder(model: Model, name: str, fmt: Format) -> Convert:
    members: list[_Members] = []
    full_name = model.complex_full_name(name)

    def encode(value: Row) -> dict[str, Any]:
        # Compiled at first use: a complex type may contain itself.
        if not members:
            members.append(_Members(model, model.complex_types[name].props, fmt, {}))
        out = members[0].annotated(members[0].encode(value))
        if fmt is Format.JSON_FULL:
            return {"odata.type": full_name, **out}
        if fmt is Format.JSON_VERBOSE:
            return {"__metadata": {"type": full_name}, **out}
        return out

    return encode


def _nulls(model: Model, name: str, above: tuple[str, ...]) -> dict[str, object] | None:
    """A null complex value as SPF writes it: an object of nulls."""
    if name in above:
        return None
    nulls: dict[str, object] = {}
    for prop in sorted(model.complex_types[name].props, key=lambda prop: prop.name):
        if prop.is_collection:
            nulls[prop.name] = []
        elif prop.complex_name:
            nulls[prop.name] = _nulls(model, prop.complex_name, (*above, name))
        else:
            nulls[prop.name] = None
    return nulls


@lru_cache(maxsize=512)
def entity_encoder(model: Model, shape: Shape, fmt: Format) -> Encoder:
    """A function of a row and the service root giving the entity's JSON object."""
    nested = [(nav.name, nav.many, entity_encoder(model, to, fmt)) for nav, to in shape.expanded]
    slots: dict[str, object] = {name: None for name, _, _ in nested}
    plain = fmt in (Format.JSON_MINIMAL, Format.JSON_NONE)
    if shape.stream and fmt is Format.JSON_MINIMAL:
        slots[f"{shape.stream}@odata.mediaContentType"] = shape.type.stream_type
    members = _Members(model, shape.props, fmt, slots)
    verbose = fmt is Format.JSON_VERBOSE

    def encode(row: Row, root: str) -> dict[str, Any]:
        out = members.encode(row)
        for name, many, encoder in nested:
            out[name] = _inline(row.get(name), many, encoder, root, verbose)
        if plain:
            return out
        head = _verbose_head(shape, row, root) if verbose else _full_head(shape, row, root)
        return {**head, **members.annotated(out)}

    return encode


def _inline(value: Any, many: bool, encoder: Encoder, root: str, verbose: bool) -> object:
    if not many:
        return None if value is None else encoder(value, root)
    rows = [encoder(row, root) for row in value or ()]
    return {"results": rows} if verbose else rows


def _full_head(shape: Shape, row: Row, root: str) -> dict[str, Any]:
    url = shape.url(row)
    head: dict[str, Any] = {
        "odata.type": shape.type.full_name,
        "odata.id": root + url,
        "odata.editLink": url,
    }
    navs = [*shape.links, *(nav for nav, _ in shape.expanded)]
    for nav in sorted(navs, key=lambda nav: nav.name):
        head[f"{nav.name}@odata.navigationLinkUrl"] = f"{url}/{nav.name}"
    if shape.stream:
        head[f"{shape.stream}@odata.mediaReadLink"] = f"{url}/{shape.stream}"
        head[f"{shape.stream}@odata.mediaContentType"] = shape.type.stream_type
    for action in shape.type.actions:
        name = f"{shape.type.namespace}.{action}"
        head[f"#{name}"] = {"title": action, "target": f"{root}{url}/{action}"}
    return head


def _verbose_head(shape: Shape, row: Row, root: str) -> dict[str, Any]:
    url = root + shape.url(row)
    head: dict[str, Any] = {
        "__metadata": {"id": url, "uri": url, "type": shape.type.full_name},
    }
    for nav in shape.links:
        head[nav.name] = {"__deferred": {"uri": f"{url}/{nav.name}"}}
    if shape.stream:
        resource = {"media_src": f"{url}/{shape.stream}", "content_type": shape.type.stream_type}
        head[shape.stream] = {"__mediaresource": resource}
    return head
