"""Formats asked for, and how answers name theirs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fabric.odata.errors import NotAcceptable, UnsupportedMediaType
from fabric.odata.negotiate import (
    Format,
    body_format,
    content_type,
    error_format,
    pick_format,
)


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


@pytest.mark.parametrize(
    ("accept", "option", "version", "expected"),
    [
        ("application/json", None, 2, Format.JSON_VERBOSE),
        ("application/json", None, 1, Format.JSON_VERBOSE),
        (None, "json", 2, Format.JSON_VERBOSE),
        ("application/json", None, 3, Format.JSON_MINIMAL),
        # Who names a level knows it.
        ("application/json;odata=minimalmetadata", None, 2, Format.JSON_MINIMAL),
        ("application/atom+xml,application/xml", None, 2, Format.ATOM),
    ],
)
def test_plain_json_is_the_form_that_the_callers_version_knows(
    accept: str | None, option: str | None, version: int, expected: Format
) -> None:
    assert pick_format(accept, option, version) is expected


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        (None, Format.ATOM),
        ("image/png", Format.ATOM),
        ("text/plain", Format.ATOM),
        ("application/json;odata=wild", Format.JSON_MINIMAL),
        ("application/problem+json", Format.JSON_MINIMAL),
        ("application/json;odata=verbose", Format.JSON_VERBOSE),
    ],
)
def test_an_error_is_told_in_some_format_whatever_is_wanted(
    accept: str | None, expected: Format
) -> None:
    assert error_format(accept, None) is expected


@given(st.text(max_size=60), st.text(max_size=30))
def test_no_header_breaks_the_choice_of_a_format(accept: str, option: str) -> None:
    error_format(accept, option)
    try:
        body_format(accept)
    except UnsupportedMediaType:
        pass
