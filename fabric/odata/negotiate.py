"""Which format an answer is written in, and how formats are named in headers."""

from __future__ import annotations

from enum import Enum
from typing import Literal

from fabric.odata.errors import NotAcceptable, UnsupportedMediaType

Kind = Literal["feed", "entry", "service", "error"]


class Format(Enum):
    """The bodies this service writes."""

    ATOM = "atom"
    JSON_MINIMAL = "minimalmetadata"
    JSON_FULL = "fullmetadata"
    JSON_NONE = "nometadata"
    JSON_VERBOSE = "verbose"

    @property
    def is_json(self) -> bool:
        """Whether `jsonfmt` writes it; the rest is `atom`'s."""
        return self is not Format.ATOM


_ATOM_TYPES = frozenset(
    {
        "*/*",
        "application/*",
        "application/atom+xml",
        "application/atomsvc+xml",
        "application/xml",
        "text/xml",
    }
)
_JSON_LEVELS = {
    "": Format.JSON_MINIMAL,
    "light": Format.JSON_MINIMAL,
    "minimalmetadata": Format.JSON_MINIMAL,
    "fullmetadata": Format.JSON_FULL,
    "nometadata": Format.JSON_NONE,
    "verbose": Format.JSON_VERBOSE,
}
_OPTION_WORDS = {
    "atom": Format.ATOM,
    "xml": Format.ATOM,
    "json": Format.JSON_MINIMAL,
    "verbosejson": Format.JSON_VERBOSE,
}


def pick_format(accept: str | None, format_option: str | None = None, version: int = 3) -> Format:
    """The format of the answer; `$format` beats `Accept`. Raises NotAcceptable.

    JSON without a further word is the form the caller's version of the protocol knows.
    """
    picked = _pick(accept, format_option)
    if picked is Format.JSON_MINIMAL and version < 3 and not _names_level(accept, format_option):
        return Format.JSON_VERBOSE
    return picked


def error_format(accept: str | None, format_option: str | None = None, version: int = 3) -> Format:
    """The format of an answer that must be told, whatever was asked for."""
    try:
        return pick_format(accept, format_option, version)
    except NotAcceptable:
        return Format.JSON_MINIMAL if "json" in (accept or "").lower() else Format.ATOM


def _names_level(*stated: str | None) -> bool:
    return any("odata" in (text or "").lower() for text in stated)


def _pick(accept: str | None, format_option: str | None) -> Format:
    if format_option:
        word = format_option.strip().lower()
        picked = _OPTION_WORDS.get(word) or _media_format(word)
        if picked is None:
            raise NotAcceptable("The $format option names no supported format.")
        return picked
    if accept is None or not accept.strip():
        return Format.ATOM
    wanted = sorted(_weighted(accept), key=lambda pair: -pair[0])
    for weight, media in wanted:
        picked = _media_format(media)
        if weight > 0 and picked is not None:
            return picked
    raise NotAcceptable("None of the media types in the Accept header is supported.")


def _weighted(accept: str) -> list[tuple[float, str]]:
    found = []
    for media in accept.lower().split(","):
        try:
            weight = float(_parameters(media).get("q", "1"))
        except ValueError:
            weight = 0.0
        found.append((weight, media))
    return found


def _parameters(media: str) -> dict[str, str]:
    pairs = (part.partition("=") for part in media.split(";")[1:])
    return {name.strip(): value.strip().strip('"') for name, _, value in pairs}


def _media_format(media: str) -> Format | None:
    name = media.partition(";")[0].strip()
    if name in _ATOM_TYPES:
        return Format.ATOM
    if name in ("application/json", "text/json"):
        return _JSON_LEVELS.get(_parameters(media).get("odata", ""))
    return None


def content_type(format: Format, kind: Kind) -> str:
    """The `Content-Type` of a body of this kind."""
    if format.is_json:
        return f"application/json;odata={format.value};streaming=true;charset=utf-8"
    if kind == "error":
        return "application/xml;charset=utf-8"
    if kind == "service":
        return "application/atomsvc+xml;charset=utf-8"
    return f"application/atom+xml;type={kind};charset=utf-8"


def body_format(content_type: str | None) -> Format:
    """The format of a body someone sent; raises UnsupportedMediaType."""
    media = (content_type or "").lower()
    found = None if "*" in media else _media_format(media)
    if found is None:
        raise UnsupportedMediaType("The media type of the request body is not supported.")
    return found
