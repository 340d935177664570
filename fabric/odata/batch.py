"""Many requests in one body, `multipart/mixed`: read, and the answers written.

Lines may end with CRLF or LF. What is unbalanced, nested too deeply, or too much is refused as a
whole, before any of it is carried out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from uuid import uuid4

from fabric.odata.errors import BadRequest, PayloadTooLarge, UnsupportedMediaType

MAX_PARTS: Final = 100
MAX_PART: Final = 524_288
MAX_HEADERS: Final = 60

_BOUNDARY = re.compile(r"[0-9A-Za-z'()+_,./:=?\- ]{0,69}[0-9A-Za-z'()+_,./:=?\-]\Z", re.ASCII)
_PARAMETER = re.compile(r';\s*([\w.-]+)\s*=\s*("[^"]*"|[^;\s"]*)', re.ASCII)
_BLANK_LINE = re.compile(rb"\r?\n\r?\n")
_LINE_END = re.compile(r"\r?\n")
_METHOD = re.compile(r"[A-Za-z]{1,20}\Z", re.ASCII)
_VERSION = re.compile(r"HTTP/[0-9](?:\.[0-9])?\Z", re.ASCII)
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}\Z", re.ASCII)


@dataclass(frozen=True)
class Part:
    """One request; the names of its headers in lower case."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    content_id: str = ""


@dataclass(frozen=True)
class ChangeSet:
    """Requests that are carried out together or not at all."""

    parts: tuple[Part, ...]


@dataclass(frozen=True)
class Answer:
    """What became of one request."""

    status: int
    reason: str
    headers: Sequence[tuple[str, str]]
    body: bytes = b""
    content_id: str = ""


def parse(content_type: str | None, body: bytes) -> list[Part | ChangeSet]:
    """The requests of a batch; raises UnsupportedMediaType, BadRequest or PayloadTooLarge."""
    boundary = _boundary(content_type)
    if boundary is None:
        raise UnsupportedMediaType("A batch is sent as multipart/mixed.")
    found: list[Part | ChangeSet] = []
    count = 0
    for headers, inside in _pieces(body, boundary):
        inner = _boundary(headers.get("content-type"))
        if inner is None:
            found.append(_part(headers, inside))
            count += 1
        else:
            parts = tuple(_part(*piece) for piece in _pieces(inside, inner))
            _check_ids(parts)
            found.append(ChangeSet(parts))
            count += len(parts) + 1
        if count > MAX_PARTS:
            raise BadRequest(f"A batch has at most {MAX_PARTS} parts.")
    return found


def _boundary(content_type: str | None) -> str | None:
    """The boundary of a multipart type; None for any other type."""
    text = content_type or ""
    if text.partition(";")[0].strip().lower() != "multipart/mixed":
        return None
    given = {found[1].lower(): found[2].strip('"') for found in _PARAMETER.finditer(text)}
    boundary: str = given.get("boundary", "")
    if not _BOUNDARY.match(boundary):
        raise BadRequest("The boundary of the batch makes no sense.")
    return boundary


def _pieces(body: bytes, boundary: str) -> list[tuple[dict[str, str], bytes]]:
    """What stands between the boundaries: headers and the rest."""
    marks = re.compile(
        rb"(?:\A|\r?\n)--" + re.escape(boundary.encode()) + rb"(--)?[ \t]*(?=\r?\n|\Z)"
    )
    found: list[tuple[dict[str, str], bytes]] = []
    start = None
    for mark in marks.finditer(body):
        if start is not None:
            found.append(_cut(body[start : mark.start()]))
        if mark[1]:
            return found
        if len(found) > MAX_PARTS:
            raise BadRequest(f"A batch has at most {MAX_PARTS} parts.")
        start = mark.end()
    raise BadRequest("The batch does not end with its boundary.")


def _cut(piece: bytes) -> tuple[dict[str, str], bytes]:
    if len(piece) > MAX_PART:
        raise PayloadTooLarge("A part of the batch is too long.")
    end = _BLANK_LINE.search(piece)
    if end is None:
        raise BadRequest("A part of the batch has no headers.")
    return _headers(piece[: end.start()]), piece[end.end() :]


def _headers(block: bytes) -> dict[str, str]:
    lines = [line for line in _LINE_END.split(block.decode("latin-1")) if line]
    if len(lines) > MAX_HEADERS or len(block) > MAX_HEADERS * 1_000:
        raise BadRequest("A part of the batch has too many headers.")
    found: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or not _NAME.match(name) or "\r" in value or "\0" in value:
            raise BadRequest("A header in the batch makes no sense.")
        found.setdefault(name.lower(), value.strip())
    return found


def _part(outer: Mapping[str, str], inside: bytes) -> Part:
    kind = outer.get("content-type", "").partition(";")[0].strip().lower()
    if kind.startswith("multipart/"):
        raise BadRequest("A change set holds requests only.")
    if kind != "application/http":
        raise BadRequest("A part of a batch is application/http or a change set.")
    # A request without headers may end with its first line.
    head, body = _first_blank(inside)
    line, _, rest = head.partition(b"\n")
    method, _, target = line.decode("utf-8", "replace").strip().partition(" ")
    url, _, version = target.rpartition(" ")
    if not (url.strip() and _METHOD.match(method) and _VERSION.match(version)):
        raise BadRequest("A part of the batch is no request.")
    headers = _headers(rest)
    return Part(
        method=method.upper(),
        url=url.strip(),
        headers=headers,
        body=_measured(headers, body),
        content_id=headers.get("content-id", outer.get("content-id", "")).strip("<> "),
    )


def _first_blank(inside: bytes) -> tuple[bytes, bytes]:
    inside = inside.lstrip(b"\r\n")
    end = _BLANK_LINE.search(inside)
    return (inside, b"") if end is None else (inside[: end.start()], inside[end.end() :])


def _measured(headers: Mapping[str, str], body: bytes) -> bytes:
    """The body as long as it says it is; .NET counts the line end before the boundary with it."""
    text = headers.get("content-length")
    if text is None:
        return body
    longest = len(body) + len(b"\r\n")
    if not (text.isascii() and text.isdigit() and len(text) < 10) or int(text) > longest:
        raise BadRequest("A part of the batch is not as long as it says.")
    return body[: int(text)]


def _check_ids(parts: Iterable[Part]) -> None:
    ids = [part.content_id for part in parts if part.content_id]
    if len(ids) != len(set(ids)):
        raise BadRequest("A Content-ID stands for two requests of a change set.")


def write(answers: Iterable[Answer | Sequence[Answer]]) -> tuple[str, bytes]:
    """The content type and the body that tell the answers, those of change sets in a row."""
    boundary = f"batchresponse_{uuid4()}"
    return f"multipart/mixed; boundary={boundary}", b"".join(_written(answers, boundary))


def _written(answers: Iterable[Answer | Sequence[Answer]], boundary: str) -> Iterable[bytes]:
    for each in answers:
        yield f"--{boundary}\r\n".encode()
        if isinstance(each, Answer):
            yield from _one(each)
        else:
            inner = f"changesetresponse_{uuid4()}"
            yield f"Content-Type: multipart/mixed; boundary={inner}\r\n\r\n".encode()
            yield from _written(each, inner)
        yield b"\r\n"
    yield f"--{boundary}--\r\n".encode()


def _one(answer: Answer) -> Iterable[bytes]:
    # Microsoft's client for .NET takes these two headers and no third: the id stands inside.
    yield _lines([("Content-Type", "application/http"), ("Content-Transfer-Encoding", "binary")])
    yield f"\r\nHTTP/1.1 {answer.status} {answer.reason}\r\n".encode()
    own = [("Content-ID", answer.content_id)] if answer.content_id else []
    yield _lines([*own, *answer.headers, ("Content-Length", str(len(answer.body)))])
    yield b"\r\n"
    yield answer.body


def _lines(headers: Iterable[tuple[str, str]]) -> bytes:
    told = (f"{name}: {_CONTROL.sub(' ', value)}\r\n" for name, value in headers)
    return "".join(told).encode("latin-1", "replace")


_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
