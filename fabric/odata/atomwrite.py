"""Compiled writers of Atom entries: everything but the values is spelled once per shape."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any, Final

from fabric.odata.literals import to_xml_text
from fabric.odata.schema import Model, Prop
from fabric.odata.shape import Shape
from fabric.odata.xml import MEDIA, RELATED, SCHEME, escape

Row = Mapping[str, object]
Write = Callable[[Any], str]

_PLAIN_TEXT: Final = frozenset({"Guid", "Byte", "Int16", "Int32", "Int64", "DateTime", "Boolean"})


@lru_cache(maxsize=512)
def entry_writer(model: Model, shape: Shape) -> Callable[[Row, str, str], str]:
    """A function of a row, the service root and the time, giving the inside of `<entry>`."""
    properties = [(p.name, _property_writer(model, p)) for p in shape.props]
    nested = {nav.name: entry_writer(model, to) for nav, to in shape.expanded}
    targets = {nav.name: to.set.name for nav, to in shape.expanded}
    navs = sorted([*shape.links, *(nav for nav, _ in shape.expanded)], key=lambda nav: nav.name)
    entity = shape.type
    category = f'<category term="{entity.full_name}" scheme="{SCHEME}" />'

    def write(row: Row, root: str, updated: str) -> str:
        url = escape(shape.url(row))
        out = [f"<id>{escape(root)}{url}</id>", category]
        out.append(f'<link rel="edit" title="{entity.name}" href="{url}" />')
        for nav in navs:
            inner = ""
            if nav.name in nested:
                value, writer = row.get(nav.name), nested[nav.name]
                inner = _inline(value, nav.many, writer, root, updated, targets[nav.name], nav.name)
            kind = "feed" if nav.many else "entry"
            head = (
                f'<link rel="{RELATED}{nav.name}" type="application/atom+xml;type={kind}" '
                f'title="{nav.name}" href="{url}/{nav.name}"'
            )
            out.append(f"{head}><m:inline>{inner}</m:inline></link>" if inner else f"{head} />")
        if shape.stream:
            out.append(
                f'<link rel="{MEDIA}{shape.stream}" type="{entity.stream_type}" '
                f'title="{shape.stream}" href="{url}/{shape.stream}" />'
            )
        out.append(f"<title /><updated>{updated}</updated><author><name /></author>")
        out += [_action(entity.namespace, action, f"{root}{url}") for action in entity.actions]
        out.append('<content type="application/xml"><m:properties>')
        out += [writer(row.get(name)) for name, writer in properties]
        out.append("</m:properties></content>")
        return "".join(out)

    return write


def _inline(
    value: Any,
    many: bool,
    writer: Callable[[Row, str, str], str],
    root: str,
    updated: str,
    set_name: str,
    title: str,
) -> str:
    if not many:
        # A blank keeps the inline element apart from a link that is not expanded.
        return " " if value is None else f"<entry>{writer(value, root, updated)}</entry>"
    entries = [writer(row, root, updated) for row in value or ()]
    return f"<feed>{feed_inside(entries, root, updated, set_name, title=title)}</feed>"


def feed_inside(
    entries: Iterable[str],
    root: str,
    updated: str,
    set_name: str,
    *,
    title: str,
    count: int | None = None,
    next_link: str | None = None,
) -> str:
    """The inside of `<feed>`."""
    out = [] if count is None else [f"<m:count>{count}</m:count>"]
    out.append(f"<id>{escape(root)}{set_name}</id>")
    out.append(f'<title type="text">{title}</title><updated>{updated}</updated>')
    out.append(f'<link rel="self" title="{title}" href="{set_name}" />')
    body = [f"<entry>{inside}</entry>" for inside in entries]
    # Atom wants an author somewhere; without entries the feed has to name it.
    out += body or ["<author><name /></author>"]
    if next_link is not None:
        out.append(f'<link rel="next" href="{escape(next_link)}" />')
    return "".join(out)


def _action(namespace: str, action: str, url: str) -> str:
    return (
        f'<m:action metadata="$metadata#{namespace}.{action}" title="{action}" '
        f'target="{url}/{action}" />'
    )


def _property_writer(model: Model, prop: Prop, *, nested: bool = False) -> Write:
    type_name = model.type_name(prop)
    kind = "" if prop.type == "String" else f' m:type="{type_name}"'
    start, end = f"<d:{prop.name}{kind}>", f"</d:{prop.name}>"
    null = f'<d:{prop.name}{kind} m:null="true" />'
    if prop.is_collection:
        return _collection_writer(model, prop, start, end)
    if prop.complex_name:
        inside = _complex_inside(model, prop.complex_name)
        # As in JSON no value is a value of nulls, but not below: the type may contain itself.
        empty: Row | None = None if nested else {}
        return lambda value: (
            null
            if value is None and empty is None
            else f"{start}{inside(empty if value is None else value)}{end}"
        )
    text = _text_writer(prop.type)
    return lambda value: null if value is None else f"{start}{text(value)}{end}"


def _collection_writer(model: Model, prop: Prop, start: str, end: str) -> Write:
    if prop.complex_name:
        inside = _complex_inside(model, prop.complex_name)
        item = f'<d:element m:type="{model.complex_full_name(prop.complex_name)}">'
    else:
        inside = _text_writer(prop.item_type)
        item = "<d:element>"

    def write(values: Iterable[Any] | None) -> str:
        body = "".join(f"{item}{inside(value)}</d:element>" for value in values or ())
        return f"{start}{body}{end}" if body else f"{start[:-1]} />"

    return write


@lru_cache(maxsize=512)
def _complex_inside(model: Model, name: str) -> Write:
    writers: list[tuple[str, Write]] = []

    def write(value: Row) -> str:
        # Compiled at first use: a complex type may contain itself.
        if not writers:
            props = sorted(model.complex_types[name].props, key=lambda prop: prop.name)
            writers.extend((p.name, _property_writer(model, p, nested=True)) for p in props)
        return "".join(writer(value.get(member)) for member, writer in writers)

    return write


def _text_writer(edm_type: str) -> Write:
    if edm_type in _PLAIN_TEXT:
        return lambda value: (
            escape(value) if isinstance(value, str) else to_xml_text(value, edm_type)
        )
    return lambda value: escape(to_xml_text(value, edm_type))
