"""Reading JSON bodies: typed by the schema for a server, raw for a client.

Lenient where published clients are: see the package's docstring. A value refused is named by its
property and never shown.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from fabric.odata.errors import BadRequest
from fabric.odata.literals import from_json, is_writable
from fabric.odata.schema import Model, Prop
from fabric.odata.xml import MAX_DEPTH


def load(body: bytes) -> Any:
    """The JSON value of a body; raises BadRequest for anything else."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise BadRequest("The body is not valid JSON.") from None


def read_entry(body: bytes, model: Model, set_name: str) -> dict[str, object]:
    """The properties present in a request body, typed by the schema; null is None.

    Annotations, navigations and members the schema does not know are left out silently.
    """
    return read_values(body, model, model.set(set_name).type.props)


def read_values(body: bytes, model: Model, props: Iterable[Prop]) -> dict[str, object]:
    """The values of these properties in an object."""
    found = load(body)
    _check_depth(found)
    if isinstance(found, dict) and isinstance(found.get("d"), dict):
        found = found["d"]
    if not isinstance(found, dict):
        raise BadRequest("The body must be a JSON object.")
    return _typed(model, props, found, "")


def _typed(
    model: Model, props: Iterable[Prop], found: dict[str, Any], above: str
) -> dict[str, object]:
    return {
        prop.name: _typed_value(model, prop, found[prop.name], above + prop.name)
        for prop in props
        if prop.name in found
    }


def _typed_value(model: Model, prop: Prop, value: object, path: str) -> object:
    if value is None:
        return None
    if prop.is_collection:
        if isinstance(value, dict):
            value = value.get("results")
        if not isinstance(value, list):
            raise BadRequest(f"The value of the property '{path}' must be an array.")
        return [_typed_item(model, prop, item, path) for item in value if item is not None]
    return _typed_item(model, prop, value, path)


def _typed_item(model: Model, prop: Prop, value: object, path: str) -> object:
    if prop.complex_name:
        if not isinstance(value, dict):
            raise BadRequest(f"The value of the property '{path}' must be an object.")
        return _typed(model, model.complex_types[prop.complex_name].props, value, f"{path}/")
    try:
        typed = from_json(value, prop.item_type)
        if isinstance(typed, str) and not is_writable(typed):
            raise BadRequest("No text.")
    except BadRequest:
        raise BadRequest(
            f"The value of the property '{path}' is not a valid Edm.{prop.item_type}."
        ) from None
    return typed


def _check_depth(value: Any) -> None:
    level = [value] if isinstance(value, (dict, list)) else []
    for _ in range(MAX_DEPTH):
        below = [each.values() if isinstance(each, dict) else each for each in level]
        level = [each for members in below for each in members if isinstance(each, (dict, list))]
        if not level:
            return
    raise BadRequest("The body is nested too deeply.")


def read_feed(body: bytes) -> tuple[list[dict[str, Any]], str | None, int | None]:
    """The rows of a feed as raw values, the address of the next page, and the total count."""
    found = load(body)
    if isinstance(found, dict) and "d" in found:
        found = found["d"]
    if isinstance(found, dict):
        rows = found.get("value", found.get("results"))
        next_link = found.get("odata.nextLink", found.get("__next"))
        count = found.get("odata.count", found.get("__count"))
    else:
        rows, next_link, count = found, None, None
    if not isinstance(rows, list):
        raise BadRequest("The body is not an OData feed.")
    plain = _unwrapped([row for row in rows if isinstance(row, dict)])
    return plain, _text(next_link), _whole(count)


def read_object(body: bytes) -> dict[str, Any]:
    """The members of one object as raw values, without annotations and unread navigations."""
    found = load(body)
    if isinstance(found, dict) and isinstance(found.get("d"), dict):
        found = found["d"]
    if not isinstance(found, dict):
        raise BadRequest("The body is not an OData entity.")
    plain: dict[str, Any] = _unwrapped(found)
    return plain


def read_link(body: bytes) -> str:
    """The address in the body of a request to `$links`."""
    found = read_object(body)
    url = found.get("url", found.get("uri"))
    if not isinstance(url, str) or not url:
        raise BadRequest("The body must hold the 'url' of an entity.")
    return url


def _unwrapped(value: Any) -> Any:
    try:
        return _plain(value)
    except RecursionError:
        raise BadRequest("The body is nested too deeply.") from None


def _plain(value: Any) -> Any:
    """The value without the wrappers of either JSON dialect."""
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if not isinstance(value, dict):
        return value
    if isinstance(value.get("results"), list) and not value.keys() - {"results", "__metadata"}:
        return _plain(value["results"])
    # Most members are no containers; a call for each of them is most of what reading would cost.
    return {
        name: _plain(member) if isinstance(member, (dict, list)) else member
        for name, member in value.items()
        if not _is_annotation(name) and not (isinstance(member, dict) and _is_unread(member))
    }


def _is_annotation(name: str) -> bool:
    return name.startswith(("odata.", "__", "#")) or "@odata." in name


def _is_unread(value: dict[str, Any]) -> bool:
    return "__deferred" in value or "__mediaresource" in value


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _whole(value: object) -> int | None:
    text = str(value)
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else None
