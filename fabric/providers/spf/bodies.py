"""Bodies of requests in the three formats an SPF may understand, from one plain form.

Orders are written as light JSON: `odata.type` names an object's type, `X@odata.type` that of a
collection. The others are made from it: verbose JSON for older services, Atom for those without.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from enum import Enum
from typing import Any, Final

from fabric.odata.xml import ATOM, DATA, DECLARATION, METADATA, escape

_TYPE: Final = "odata.type"
_OF: Final = "@odata.type"


class Dialect(Enum):
    """The value is the Content-Type."""

    LIGHT = "application/json;odata=minimalmetadata"
    VERBOSE = "application/json;odata=verbose"
    ATOM = "application/atom+xml"

    @property
    def next(self) -> Dialect | None:
        """The one to try when this one is not understood."""
        following = {Dialect.LIGHT: Dialect.VERBOSE, Dialect.VERBOSE: Dialect.ATOM}
        return following.get(self)


def encode(body: Mapping[str, Any], dialect: Dialect, *, is_link: bool) -> tuple[bytes, str]:
    """The bytes of a body, and their Content-Type; `is_link`: it names an entity to be linked."""
    if dialect is Dialect.LIGHT:
        return _dump(body), dialect.value
    if dialect is Dialect.VERBOSE:
        return _dump({"uri": body["url"]} if is_link else _verbose(body)), dialect.value
    if is_link:
        text = f'{DECLARATION}<uri xmlns="{DATA}">{escape(body["url"])}</uri>'
        return text.encode(), "application/xml"
    return _entry(body).encode(), dialect.value


def _dump(body: object) -> bytes:
    return json.dumps(body, ensure_ascii=True).encode("ascii")


def _verbose(value: Any, kind: str = "") -> Any:
    if isinstance(value, Mapping):
        plain = {
            name: _verbose(inner, str(value.get(f"{name}{_OF}", "")))
            for name, inner in value.items()
            if name != _TYPE and not name.endswith(_OF)
        }
        named = {"__metadata": {"type": value[_TYPE]}} if _TYPE in value else {}
        return {**named, **plain}
    if isinstance(value, list):
        items = [_verbose(item) for item in value]
        return {"__metadata": {"type": kind}, "results": items} if kind else {"results": items}
    return value


def _entry(body: Mapping[str, Any]) -> str:
    kind = str(body.get(_TYPE, ""))
    category = (
        f'<category term="{escape(kind)}" '
        'scheme="http://schemas.microsoft.com/ado/2007/08/dataservices/scheme"/>'
        if kind
        else ""
    )
    return (
        f'{DECLARATION}<entry xmlns="{ATOM}" xmlns:d="{DATA}" xmlns:m="{METADATA}">{category}'
        "<title/><author><name/></author><updated>1970-01-01T00:00:00Z</updated><id/>"
        f'<content type="application/xml"><m:properties>{_members(body)}</m:properties></content>'
        "</entry>"
    )


def _members(value: Mapping[str, Any]) -> str:
    return "".join(
        _member(name, inner, str(value.get(f"{name}{_OF}", "")))
        for name, inner in value.items()
        if name != _TYPE and not name.endswith(_OF)
    )


def _member(name: str, value: Any, kind: str) -> str:
    """One property. The service knows the types of its own primitives."""
    if value is None:
        return f'<d:{name} m:null="true"/>'
    if isinstance(value, list):
        items = "".join(_element(item) for item in value)
        typed = f' m:type="{escape(kind)}"' if kind else ""
        return f"<d:{name}{typed}>{items}</d:{name}>"
    if isinstance(value, Mapping):
        typed = f' m:type="{escape(str(value[_TYPE]))}"' if _TYPE in value else ""
        return f"<d:{name}{typed}>{_members(value)}</d:{name}>"
    return f"<d:{name}>{_text(value)}</d:{name}>"


def _element(item: Any) -> str:
    inside = _members(item) if isinstance(item, Mapping) else _text(item)
    return f"<d:element>{inside}</d:element>"


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return escape(str(value))
