"""Bodies of failed answers: written as OData 3 has them, read in every shape met in the field."""

from __future__ import annotations

import json
from typing import Any, Final

from fabric.odata.errors import BadRequest, ODataError
from fabric.odata.negotiate import Format, content_type
from fabric.odata.xml import DECLARATION, METADATA, child, escape, local_name, parse

# An error page of some proxy may be of any length; people read a sentence.
MAX_MESSAGE: Final = 2_000


def write(error: ODataError, fmt: Format) -> tuple[bytes, str]:
    """The body and content type that tell a client about the error."""
    kind = content_type(fmt, "error")
    if not fmt.is_json:
        text = (
            f'{DECLARATION}<m:error xmlns:m="{METADATA}"><m:code>{escape(error.code)}</m:code>'
            f'<m:message xml:lang="en-US">{escape(error.message)}</m:message></m:error>'
        )
        return text.encode(), kind
    name = "error" if fmt is Format.JSON_VERBOSE else "odata.error"
    message = {"lang": "en-US", "value": error.message}
    body = {name: {"code": error.code, "message": message}}
    return json.dumps(body, separators=(",", ":")).encode(), kind


def read_message(body: bytes, content_type: str | None = None) -> str:
    """The message in an error body of any known shape, or nothing; never raises.

    The content type is not trusted: an intermediary answers in XML whatever was asked.
    """
    start = body.lstrip(b"\xef\xbb\xbf \r\n\t")[:1]
    if start == b"{":
        message = _from_json(body)
    elif start == b"<":
        message = _from_xml(body)
    else:
        message = ""
    return message.strip()[:MAX_MESSAGE]


def _from_json(body: bytes) -> str:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    for name in ("odata.error", "error", "Error"):
        if isinstance(found, dict) and isinstance(found.get(name), dict):
            found = found[name]
            break
    if not isinstance(found, dict):
        return ""
    return _message_of(found) or _message_of(found.get("innererror"))


def _message_of(found: Any) -> str:
    if not isinstance(found, dict):
        return ""
    message = found.get("message", found.get("Message"))
    if isinstance(message, dict):
        message = message.get("value")
    return message if isinstance(message, str) else ""


def _from_xml(body: bytes) -> str:
    try:
        root = parse(body)
    except BadRequest:
        return ""
    if local_name(root).lower() != "error":
        return ""
    for holder in (root, child(root, "innererror")):
        for name in ("message", "Message"):
            found = child(holder, name) if holder is not None else None
            if found is not None and found.text and found.text.strip():
                return found.text
    return ""
