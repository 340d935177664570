"""Formats asked for, and how answers name theirs."""

from __future__ import annotations

import pytest

from fabric.odata.errors import NotAcceptable, UnsupportedMediaType
from fabric.odata.negotiate import Format, body_format, content_type, pick_format


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        (None, Format.ATOM),
        ("", Format.ATOM),
        ("*/*", Format.ATOM),
        ("application/atom+xml", Format.ATOM),
        ("application/atom+xml,application/xml", Format.ATOM),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", Format.ATOM),
        ("application/json", Format.JSON_MINIMAL),
        ("application/json;odata=minimalmetadata", Format.JSON_MINIMAL),
        ("application/json; odata=light", Format.JSON_MINIMAL),
        ("application/json;odata=FullMetadata", Format.JSON_FULL),
        ("application/json;odata=nometadata", Format.JSON_NONE),
        ("application/json;odata=verbose", Format.JSON_VERBOSE),
        ("application/json, text/plain, */*", Format.JSON_MINIMAL),
        ("*/*;q=0.1, application/json", Format.JSON_MINIMAL),
        ("application/atom+xml;q=0.5,application/json;odata=verbose;q=0.7", Format.JSON_VERBOSE),
        ("application/json;q=0,*/*", Format.ATOM),
        ("application/json;q=oops,application/xml", Format.ATOM),
    ],
)
def test_the_accept_header_decides(accept: str | None, expected: Format) -> None:
    assert pick_format(accept, None) is expected


def test_the_format_option_beats_the_header() -> None:
    assert pick_format("application/atom+xml", "json") is Format.JSON_MINIMAL
    assert pick_format("application/json", "atom") is Format.ATOM
    assert pick_format(None, "application/json;odata=fullmetadata") is Format.JSON_FULL


@pytest.mark.parametrize("accept", ["image/png", "application/json;odata=wild", "*/*;q=0"])
def test_unknown_formats_are_not_acceptable(accept: str) -> None:
    with pytest.raises(NotAcceptable):
        pick_format(accept, None)
    with pytest.raises(NotAcceptable):
        pick_format(None, "yaml")


def test_content_types_are_those_of_spf() -> None:
    assert content_type(Format.JSON_MINIMAL, "feed") == (
        "application/json;odata=minimalmetadata;streaming=true;charset=utf-8"
    )
    assert content_type(Format.ATOM, "feed") == "application/atom+xml;type=feed;charset=utf-8"
    assert content_type(Format.ATOM, "entry") == "application/atom+xml;type=entry;charset=utf-8"
    assert content_type(Format.ATOM, "error") == "application/xml;charset=utf-8"


def test_the_format_of_a_body() -> None:
    assert body_format("application/json; charset=utf-8") is Format.JSON_MINIMAL
    assert body_format("application/json;odata=verbose") is Format.JSON_VERBOSE
    assert body_format("application/atom+xml;type=entry") is Format.ATOM
    for media in (None, "", "text/plain", "*/*", "application/x-www-form-urlencoded"):
        with pytest.raises(UnsupportedMediaType):
            body_format(media)
