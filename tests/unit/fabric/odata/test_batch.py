"""Batches: many requests in one body, from well-behaved clients and from others."""

from __future__ import annotations

import email.parser
import email.policy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fabric.odata import batch
from fabric.odata.batch import MAX_PARTS, Answer, ChangeSet, Part
from fabric.odata.errors import BadRequest, ODataError, PayloadTooLarge, UnsupportedMediaType

KIND = "multipart/mixed; boundary=batch_1"
BATCH = """--batch_1
Content-Type: application/http
Content-Transfer-Encoding: binary

GET Clouds?$filter=Name eq 'Gold' HTTP/1.1
Accept: application/json


--batch_1
Content-Type: multipart/mixed; boundary="set 1"

--set 1
Content-Type: application/http
Content-ID: 1

POST /root/Tenants HTTP/1.1
Content-Type: application/json
Content-Length: 12

{"Name":"a"}
--set 1
Content-Type: application/http

DELETE $1 HTTP/1.1
content-id: <2>

--set 1--

--batch_1--
"""
FOUND = [
    Part("GET", "Clouds?$filter=Name eq 'Gold'", {"accept": "application/json"}),
    ChangeSet(
        (
            Part(
                "POST",
                "/root/Tenants",
                {"content-type": "application/json", "content-length": "12"},
                b'{"Name":"a"}',
                "1",
            ),
            Part("DELETE", "$1", {"content-id": "<2>"}, b"", "2"),
        )
    ),
]


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_reads_and_change_sets_are_told_apart(ending: str) -> None:
    first, changes = batch.parse(KIND, BATCH.replace("\n", ending).encode())

    assert isinstance(first, Part)
    assert (first.method, first.url, first.headers) == ("GET", FOUND[0].url, FOUND[0].headers)  # type: ignore[union-attr]
    assert changes == FOUND[1]


def test_what_stands_before_and_after_is_no_part() -> None:
    body = b"To whom it may concern\r\n" + BATCH.encode() + b"--batch_1\r\nand more"

    assert len(batch.parse(KIND, body)) == 2


def test_a_body_may_hold_what_looks_like_a_boundary() -> None:
    inside = "--batch_10\n--batch_1x\n --batch_1\n"
    body = f"--batch_1\nContent-Type: application/http\n\nPUT x HTTP/1.1\n\n{inside}\n--batch_1--"
    (part,) = batch.parse(KIND, body.encode())

    assert isinstance(part, Part)
    assert part.body == inside.encode()


def test_an_empty_batch_is_a_batch() -> None:
    assert batch.parse(KIND, b"--batch_1--") == []


@pytest.mark.parametrize("kind", [None, "", "application/json", "multipart/form-data; boundary=a"])
def test_another_media_type_is_no_batch(kind: str | None) -> None:
    with pytest.raises(UnsupportedMediaType):
        batch.parse(kind, b"--a--")


@pytest.mark.parametrize(
    "kind", ["multipart/mixed", "multipart/mixed; boundary=", 'multipart/mixed; boundary="a\x01"']
)
def test_a_boundary_must_make_sense(kind: str) -> None:
    with pytest.raises(BadRequest):
        batch.parse(kind, b"--a--")


HEAD = "--batch_1\nContent-Type: application/http\n\n"
SET = "--batch_1\nContent-Type: multipart/mixed; boundary=s\n\n"
CHANGE = "--s\nContent-Type: application/http\nContent-ID: 1\n\nDELETE x HTTP/1.1\n\n"


@pytest.mark.parametrize(
    "body",
    [
        "",
        "--batch_1",
        f"{HEAD}GET Clouds HTTP/1.1\n\n",
        f"{HEAD}GET Clouds HTTP/1.1\n\n--batch_1-",
        f"{HEAD}--batch_1--",
        f"{HEAD}Clouds\n\n--batch_1--",
        f"{HEAD}GET  HTTP/1.1\n\n--batch_1--",
        f"{HEAD}GET Clouds\n\n--batch_1--",
        f"{HEAD}GET Clouds HTTP/x\n\n--batch_1--",
        f"{HEAD}G3T Clouds HTTP/1.1\n\n--batch_1--",
        f"{HEAD}GET Clouds HTTP/1.1\nno header\n\n--batch_1--",
        f"{HEAD}GET Clouds HTTP/1.1\nA: b\n folded\n\n--batch_1--",
        f"{HEAD}PUT Clouds HTTP/1.1\nContent-Length: 50\n\nshort\n--batch_1--",
        f"{HEAD}PUT Clouds HTTP/1.1\nContent-Length: -1\n\nshort\n--batch_1--",
        f"{HEAD}PUT Clouds HTTP/1.1\n" + "A: b\n" * 100 + "\n--batch_1--",
        "--batch_1\nContent-Type: text/plain\n\nGET Clouds HTTP/1.1\n\n--batch_1--",
        "--batch_1\n\nGET Clouds HTTP/1.1\n\n--batch_1--",
        f"{SET}{CHANGE}\n--batch_1--",
        f"{SET}{CHANGE}{CHANGE}--s--\n--batch_1--",
        f"{SET}--s\nContent-Type: multipart/mixed; boundary=t\n\n--t--\n--s--\n--batch_1--",
        f"{HEAD}GET Clouds HTTP/1.1\n\n" * (MAX_PARTS + 1) + "--batch_1--",
        SET + CHANGE.replace("Content-ID: 1\n", "") * (MAX_PARTS + 1) + "--s--\n--batch_1--",
        (SET + CHANGE.replace("Content-ID: 1\n", "") * 50 + "--s--\n") * 3 + "--batch_1--",
        "--batch_1\nContent-Type: application/http",
    ],
)
def test_a_broken_batch_is_refused_as_a_whole(body: str) -> None:
    with pytest.raises(BadRequest):
        batch.parse(KIND, body.encode())


def test_a_part_has_a_limit_of_its_own() -> None:
    body = f"{HEAD}PUT x HTTP/1.1\n\n{'x' * 600_000}\n--batch_1--"
    with pytest.raises(PayloadTooLarge):
        batch.parse(KIND, body.encode())


@pytest.mark.parametrize(
    "line",
    ["GET a" + " " * 100_000 + "b", "GET " + "\t" * 100_000, "a:" * 50_000],
)
def test_long_lines_are_refused_at_once(line: str) -> None:
    with pytest.raises(BadRequest):
        batch.parse(KIND, f"{HEAD}{line}\n\n--batch_1--".encode())


def test_answers_are_what_a_mail_reader_takes_apart() -> None:
    told = [
        Answer(200, "OK", [("Content-Type", "application/json")], b'{"value":[]}'),
        [
            Answer(201, "Created", [("Location", "x")], "größer".encode(), "1"),
            Answer(204, "No Content", [], b"", "2"),
        ],
        Answer(400, "Bad Request", [("X-Odd", "a\r\nSet-Cookie: b")], b"no"),
    ]
    kind, body = batch.write(told)
    message = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(
        f"Content-Type: {kind}\r\n\r\n".encode() + body
    )

    first, changes, last = message.iter_parts()
    assert first.get_content_type() == "application/http"
    assert first.get_payload(decode=True).startswith(b"HTTP/1.1 200 OK\r\n")
    made, gone = changes.iter_parts()
    # Microsoft's client for .NET breaks off where a part has a third header.
    assert made.keys() == ["Content-Type", "Content-Transfer-Encoding"]
    assert b"Content-ID: 1\r\n" in made.get_payload(decode=True)
    assert made.get_payload(decode=True).endswith("\r\n\r\ngrößer".encode())
    assert b"Content-ID: 2\r\n" in gone.get_payload(decode=True)
    assert b"\r\nSet-Cookie" not in last.get_payload(decode=True)


ids = st.text("abc123", max_size=4)
tokens = st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1, max_size=8)
requests = st.builds(
    Part,
    method=st.sampled_from(["GET", "POST", "MERGE"]),
    url=tokens,
    headers=st.dictionaries(
        tokens.map(str.lower).filter(lambda name: name != "content-length"), tokens, max_size=3
    ),
    body=st.binary(max_size=60).filter(lambda body: not body.startswith((b"\r", b"\n"))),
)


@given(st.lists(requests, max_size=5))
def test_every_request_is_read_as_it_was_sent(parts: list[Part]) -> None:
    lines = [b""]
    for part in parts:
        lines += [b"--batch_1", b"Content-Type: application/http", b""]
        lines += [f"{part.method} {part.url} HTTP/1.1".encode()]
        lines += [f"{name}: {value}".encode() for name, value in part.headers.items()]
        lines += [f"Content-Length: {len(part.body)}".encode(), b"", part.body]
    found = batch.parse(KIND, b"\r\n".join([*lines, b"--batch_1--", b""]))

    assert [(each.method, each.url, each.body) for each in found if isinstance(each, Part)] == [
        (part.method, part.url, part.body) for part in parts
    ]


@given(st.text(max_size=60) | st.just(KIND), st.binary(max_size=300))
def test_no_bytes_break_the_reader(kind: str, body: bytes) -> None:
    try:
        batch.parse(kind, body)
    except ODataError:
        pass


@given(st.data())
def test_no_damage_breaks_the_reader(data: st.DataObject) -> None:
    body = bytearray(BATCH.encode())
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(body) - 1))
        body[at : at + data.draw(st.integers(0, 12))] = data.draw(st.binary(max_size=6))
    try:
        batch.parse(KIND, bytes(body))
    except ODataError:
        pass


def test_the_line_end_before_a_boundary_may_be_counted_with_the_body():
    """Microsoft's client for .NET counts it."""
    body = BATCH.replace("Content-Length: 12", "Content-Length: 13").encode()
    assert batch.parse(KIND, body)[1].parts[0].body == b'{"Name":"a"}'
