"""Compiled writers of Atom entries: everything but the values is spelled once per shape."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any, Final
from uuid import UUID

from fabric.odata.columns import Column, Spell, Values, column, each, lines, present, spelling
from fabric.odata.literals import format_datetime, to_xml_text
from fabric.odata.schema import Model, Nav, Prop
from fabric.odata.shape import Row, Shape, members_shown
from fabric.odata.xml import MEDIA, RELATED, SCHEME, escape, escape_all

# The insides of `<entry>` of rows, below this service root, as of this moment.
Write = Callable[[Sequence[Row], str, str], list[str]]

_BOOLEANS: Final = {True: "true", False: "false"}


def _strings(values: Values) -> list[str]:
    return escape_all(values)


def _guids(values: Values) -> list[str]:
    return [str(value) if type(value) is UUID else escape(str(value)) for value in values]


def _booleans(values: Values) -> list[str]:
    return [_BOOLEANS[value] for value in values]


def _integers(values: Values) -> list[str]:
    return [f"{value:d}" for value in values]


def _moments(values: Values) -> list[str]:
    return [format_datetime(value) for value in values]


_FAST: Final[dict[str, Spell]] = {
    "Boolean": _booleans,
    "Byte": _integers,
    "DateTime": _moments,
    "Guid": _guids,
    "Int16": _integers,
    "Int32": _integers,
    "Int64": _integers,
    "String": _strings,
}


def _primitive(edm_type: str) -> Spell:
    """The texts of values of which none is missing."""

    def slow(values: Values) -> list[str]:
        return [escape(to_xml_text(value, edm_type)) for value in values]

    return spelling(_FAST.get(edm_type), slow)


@dataclass(frozen=True)
class _Member:
    """A property's element: its name, how values are spelled, and the element of none."""

    name: str
    spell: Spell
    null: str

    def part(self, rows: Sequence[Row], known: set[str]) -> Column:
        """The elements in each of the rows."""
        if self.name not in known:
            return self.null
        return column([row.get(self.name) for row in rows], self.spell)


def _member(model: Model, prop: Prop, version: int, *, nested: bool = False) -> _Member:
    kind = "" if prop.type == "String" else f' m:type="{model.type_name(prop)}"'
    start, end = f"<d:{prop.name}{kind}>", f"</d:{prop.name}>"
    null = f'<d:{prop.name}{kind} m:null="true" />'
    if prop.is_collection:
        spell = partial(_lists, _items(model, prop, version), start, end)
        return _Member(prop.name, spell, f"{start[:-1]} />")
    if prop.complex_name:
        inside: Spell = _complex(model, prop.complex_name, version)
        if not nested:
            # As in JSON no value is a value of nulls, but not below: the type may contain itself.
            spell = partial(_elements, lambda rows: inside([row or {} for row in rows]), start, end)
            return _Member(prop.name, spell, f"{start}{inside([{}])[0]}{end}")
    else:
        inside = _primitive(prop.type)
    elements = partial(_elements, inside, start, end)
    return _Member(prop.name, partial(present, spell=elements, null=null), null)


def _elements(inside: Spell, start: str, end: str, values: Values) -> list[str]:
    # An enumeration of texts must not be formatted: that may give its member's name.
    return [start + text + end for text in inside(values)]


def _items(model: Model, prop: Prop, version: int) -> Spell:
    if not prop.complex_name:
        return partial(_elements, _primitive(prop.item_type), "<d:element>", "</d:element>")
    start = f'<d:element m:type="{model.complex_full_name(prop.complex_name)}">'
    return partial(_elements, _complex(model, prop.complex_name, version), start, "</d:element>")


def _lists(items: Spell, start: str, end: str, values: Values) -> list[str]:
    found = each([value or () for value in values], items)
    return [f"{start}{''.join(texts)}{end}" if texts else f"{start[:-1]} />" for texts in found]


@lru_cache(maxsize=512)
def _complex(model: Model, name: str, version: int) -> Spell:
    members: list[_Member] = []

    def spell(values: Values) -> list[str]:
        # Compiled at first use: a complex type may contain itself.
        if not members:
            props = members_shown(model.complex_types[name].props, version)
            members.extend(_member(model, prop, version, nested=True) for prop in props)
        return lines(_parts(members, values), len(values))

    return spell


def _parts(members: Sequence[_Member], rows: Sequence[Row]) -> list[Column]:
    known = set().union(*rows)
    return [member.part(rows, known) for member in members]


@lru_cache(maxsize=512)
def entry_writer(shape: Shape) -> Write:
    """A function of rows, the service root and the time, giving the insides of `<entry>`."""
    entity = shape.type
    members = [_member(shape.model, prop, shape.version) for prop in shape.props]
    nested = {nav.name: entry_writer(below) for nav, below in shape.expanded}
    category = f'<category term="{entity.full_name}" scheme="{SCHEME}" />'

    def write(rows: Sequence[Row], root: str, updated: str) -> list[str]:
        if not rows:
            return []
        base, urls = escape(root), shape.urls(rows)
        parts: list[Column] = [f"<id>{base}", urls, f"</id>{category}"]
        parts += [f'<link rel="edit" title="{entity.name}" href="', urls, '" />']
        for nav in shape.navs:
            parts += _link_head(nav, urls)
            inner = nested.get(nav.name)
            if inner is None:
                parts.append(" />")
                continue
            below = [row.get(nav.name) for row in rows]
            parts += ["><m:inline>", _inline(shape, nav, below, inner, root, updated)]
            parts.append("</m:inline></link>")
        if shape.stream:
            parts += [f'<link rel="{MEDIA}{shape.stream}" type="{entity.stream_type}" ']
            parts += [f'title="{shape.stream}" href="', urls, f'/{shape.stream}" />']
        parts.append(f"<title /><updated>{updated}</updated><author><name /></author>")
        for action in shape.actions:
            parts.append(f'<m:action metadata="$metadata#{entity.namespace}.{action}" ')
            parts += [f'title="{action}" target="{base}', urls, f'/{action}" />']
        parts.append('<content type="application/xml"><m:properties>')
        parts += _parts(members, rows)
        parts.append("</m:properties></content>")
        return lines(parts, len(rows))

    return write


def _link_head(nav: Nav, urls: list[str]) -> list[Column]:
    kind = "feed" if nav.many else "entry"
    return [
        f'<link rel="{RELATED}{nav.name}" type="application/atom+xml;type={kind}" '
        f'title="{nav.name}" href="',
        urls,
        f'/{nav.name}"',
    ]


def _inline(
    shape: Shape, nav: Nav, values: Values, write: Write, root: str, updated: str
) -> list[str]:
    """The related entities of each row inside their links."""

    def spell(rows: Values) -> list[str]:
        return [f"<entry>{inside}</entry>" for inside in write(rows, root, updated)]

    if not nav.many:
        # A blank keeps the inline element apart from a link that is not expanded.
        return present(values, spell, " ")
    target = shape.model.set(nav.target_set).name
    head = feed_head(root, updated, target, title=nav.name)
    found = each([value or () for value in values], spell)
    return [f"<feed>{head}{''.join(entries) or NOBODY}</feed>" for entries in found]


# Atom wants an author somewhere; without entries the feed has to name it.
NOBODY: Final = "<author><name /></author>"


def feed_head(
    root: str, updated: str, set_name: str, *, title: str, count: int | None = None
) -> str:
    """What stands before the entries inside `<feed>`."""
    counted = "" if count is None else f"<m:count>{count}</m:count>"
    return (
        f"{counted}<id>{escape(root)}{set_name}</id>"
        f'<title type="text">{title}</title><updated>{updated}</updated>'
        f'<link rel="self" title="{title}" href="{set_name}" />'
    )


def element(model: Model, prop: Prop, value: Any, version: int) -> str:
    """One property with its value."""
    return _member(model, prop, version).spell([value])[0]
