"""Carries out `$batch`: reads one by one, the changes of a set all together or not at all.

Every part is the outer call again, with its account and its scope: what a part says of these is
not heard, and no address outside the service root is reached. Jobs begin after the commit of their
set, so nothing has happened where a set is undone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from io import BytesIO
from typing import Final
from urllib.parse import quote, unquote, unquote_to_bytes, urlsplit
from uuid import UUID, uuid5

from django.core.handlers.wsgi import WSGIRequest
from django.db import transaction
from django.http import HttpRequest, HttpResponse

from fabric.odata import batch
from fabric.odata.batch import Answer, ChangeSet, Part
from fabric.odata.errors import BadRequest, MethodNotAllowed, NotFound
from fabric.spf.answers import AnyResponse, whole
from fabric.spf.calls import Call, answer_format, read_body, request_key, understand
from fabric.spf.guarding import guarded

Run = Callable[[Call], AnyResponse]

# All answers together; they are kept until the last is made.
MAX_ANSWERS: Final = 33_554_432
READS: Final = frozenset({"GET", "HEAD"})
# What the outer call says of its way here and of its caller holds for every part.
_OF_THE_WAY: Final = (
    "HTTP_HOST",
    "HTTP_X_FORWARDED_PROTO",
    "HTTP_X_FORWARDED_HOST",
    "HTTP_X_FORWARDED_FOR",
    "REMOTE_ADDR",
    "SERVER_NAME",
    "SERVER_PORT",
)
_INHERITED: Final = ("MaxDataServiceVersion", "Accept-Language")


class _Undone(Exception):
    """A part of a change set failed."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer


def carry_out(call: Call, run: Run) -> HttpResponse:
    """202 with an answer for each part, and one for a change set that was undone."""
    if call.verb != "POST":
        raise MethodNotAllowed("A batch is posted.")
    parts = batch.parse(call.request.headers.get("Content-Type"), read_body(call.request))
    return _Batch(call, run).carried_out(parts)


class _Batch:
    def __init__(self, call: Call, run: Run) -> None:
        self._call = call
        self._run = run
        self._number = 0
        self._left = MAX_ANSWERS

    def carried_out(self, parts: list[Part | ChangeSet]) -> HttpResponse:
        told = [
            self._set(each) if isinstance(each, ChangeSet) else self._alone(each) for each in parts
        ]
        kind, body = batch.write(told)
        return HttpResponse(body, status=202, content_type=kind)

    def _alone(self, part: Part) -> Answer:
        return self._answer(part, {}, reading=True)

    def _set(self, changes: ChangeSet) -> Answer | list[Answer]:
        made: dict[str, str] = {}
        told: list[Answer] = []
        try:
            with transaction.atomic():
                for part in changes.parts:
                    answer = self._answer(part, made, reading=False)
                    if answer.status >= 400:
                        raise _Undone(answer)
                    told.append(answer)
        except _Undone as undone:
            return undone.answer
        return told

    def _answer(self, part: Part, made: dict[str, str], *, reading: bool) -> Answer:
        self._number += 1
        request = _request(self._call.request, part)

        def work() -> AnyResponse:
            below, query = _address(self._call, part.url, made)
            root = urlsplit(self._call.root).path
            _lead(request, f"{unquote(root)}{below}", query)
            call = self._understood(request, below, made)
            if call.path.is_batch:
                raise BadRequest("A batch holds no other batch.")
            if (part.method in READS) is not reading:
                raise BadRequest("Reads stand outside of change sets, changes inside of them.")
            response = self._run(call)
            if not reading and part.content_id:
                made[part.content_id] = _made(call, response, below)
            found = whole(response, self._left)
            self._left -= len(found.content)
            return found

        response = guarded(request, work)
        return Answer(
            response.status_code,
            response.reason_phrase,
            list(response.items()),
            b"" if part.method == "HEAD" else bytes(response.content),
            part.content_id,
        )

    def _understood(self, request: HttpRequest, below: str, made: Mapping[str, str]) -> Call:
        """The call of a part, in the name of the outer caller."""
        scope = self._call.scope
        key = request_key(request, scope.tenant)
        if not key and scope.request_key:
            # The same repeat of the whole batch is the same repeat of each of its parts.
            whose, _, given = scope.request_key.rpartition(":")
            key = f"{whose}:{uuid5(UUID(given), str(self._number))}"
        format = answer_format(request)
        scope = replace(scope, request_key=key)
        call = understand(request, self._call.service, scope, below, format)
        return replace(call, references=dict(made))


def _request(outer: HttpRequest, part: Part) -> WSGIRequest:
    """The part as a request of its own; where it leads to is not known yet."""
    headers = {
        f"HTTP_{name.upper().replace('-', '_')}": value
        for name, value in part.headers.items()
        if "_" not in name
    }
    for name in _INHERITED:
        if name in outer.headers:
            headers.setdefault(f"HTTP_{name.upper().replace('-', '_')}", outer.headers[name])
    accept = outer.headers.get("Accept", "")
    if accept and "multipart/" not in accept.lower():
        headers.setdefault("HTTP_ACCEPT", accept)
    content = {"CONTENT_TYPE": headers.pop("HTTP_CONTENT_TYPE", "")}
    headers.pop("HTTP_CONTENT_LENGTH", None)
    headers.pop("HTTP_AUTHORIZATION", None)
    for name in _OF_THE_WAY:
        headers.pop(name, None)
        if name in outer.META:
            headers[name] = outer.META[name]
    return WSGIRequest(
        {
            **headers,
            **content,
            "REQUEST_METHOD": part.method,
            "CONTENT_LENGTH": str(len(part.body)),
            "PATH_INFO": "/",
            "QUERY_STRING": "",
            "wsgi.input": BytesIO(part.body),
            "wsgi.url_scheme": outer.scheme or "https",
        }
    )


def _lead(request: WSGIRequest, path: str, query: str) -> None:
    """Have a request lead to an address, as if it had come with it."""
    request.path = request.path_info = path
    request.META["PATH_INFO"] = path.encode().decode("latin-1")
    request.META["QUERY_STRING"] = query


def _address(call: Call, url: str, made: Mapping[str, str]) -> tuple[str, str]:
    """The path below the service root, decoded, and the query; raises for any other address."""
    if url.startswith("$"):
        name, slash, rest = url[1:].partition("/")
        name, mark, asked = (name, "", "") if slash else name.partition("?")
        if name in made:
            url = f"{made[name]}{slash}{rest}{mark}{asked}"
    try:
        split = urlsplit(url)
    except ValueError:
        raise BadRequest("An address in the batch makes no sense.") from None
    root = urlsplit(call.root)
    path = unquote_to_bytes(split.path).decode("utf-8", "replace")
    query = "".join(char if char.isascii() else quote(char) for char in split.query)
    if not (split.scheme or split.netloc or path.startswith("/")):
        return path, query
    if split.netloc and split.netloc.lower() != root.netloc.lower():
        raise BadRequest("An address in the batch is one of another server.")
    above = unquote(root.path).rstrip("/")
    if path[: len(above)].lower() != above.lower() or path[len(above) : len(above) + 1] not in (
        "",
        "/",
    ):
        raise NotFound("An address in the batch is not below this service root.")
    return path[len(above) :].lstrip("/"), query


def _made(call: Call, response: AnyResponse, below: str) -> str:
    """The address, relative to the root, of what a change was about."""
    location = response.get("Location")
    if location is None:
        return quote(below, safe="/$()',=:;@!*~")
    return str(location).removeprefix(call.root)
