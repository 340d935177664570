"""Headers of the protocol: what clients prefer, which versions they speak, and entity tags."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fabric.odata.errors import BadRequest
from fabric.odata.headers import (
    check_tags,
    check_versions,
    page_size,
    preferences,
    understood,
)


@pytest.mark.parametrize(
    ("stated", "found"),
    [
        (None, {}),
        ("", {}),
        ("return-content", {"return-content": ""}),
        ("Return-Content", {"return-content": ""}),
        ("return=representation", {"return-content": ""}),
        ("return=minimal", {"return-no-content": ""}),
        ("return-content, return-no-content", {"return-content": ""}),
        ("return-no-content; x=1, return-content", {"return-no-content": ""}),
        ("odata.maxpagesize=5, wait=3", {"odata.maxpagesize": "5", "wait": "3"}),
        ('odata.maxpagesize="5"', {"odata.maxpagesize": "5"}),
        ("wait=3, wait=4", {"wait": "3"}),
        (
            'note="a,return-content";b="c,d", respond-async',
            {"note": "a,return-content", "respond-async": ""},
        ),
        ("@@@, return-content", {"return-content": ""}),
        (",,return-content,,", {"return-content": ""}),
    ],
)
def test_preferences(stated: str | None, found: dict[str, str]) -> None:
    values = preferences(stated)
    assert {name: values[name] for name in found if found[name]} == {
        name: value for name, value in found.items() if value
    }
    assert values.keys() == found.keys()


@pytest.mark.parametrize(
    ("stated", "size"),
    [
        ("odata.maxpagesize=5", 5),
        ("maxpagesize=7", 7),
        ("odata.maxpagesize=0", None),
        ("odata.maxpagesize=-5", None),
        ("odata.maxpagesize=five", None),
        ("odata.maxpagesize=٣", None),
        ("return-content", None),
    ],
)
def test_the_size_of_a_page(stated: str, size: int | None) -> None:
    assert page_size(preferences(stated)) == size


@pytest.mark.parametrize(
    ("sent", "greatest"),
    [
        (None, None),
        ("3.0;NetFx", "3.0;NetFx"),
        ("1.0;NetFx", "2.0;NetFx"),
        ("1.0", "1.0"),
        (" 2.0 ; anything ", None),
        (None, "4.0"),
        ("", ""),
    ],
)
def test_versions_in_the_field_are_spoken(sent: str | None, greatest: str | None) -> None:
    check_versions(sent, greatest)


@pytest.mark.parametrize(
    ("sent", "greatest"),
    [
        ("4.0", None),
        ("0.9", None),
        (None, "0.5"),
        ("three", None),
        ("3", None),
        (None, "3.0NetFx"),
        ("-1.0", None),
        ("3.0.0", None),
        ("٣.0", None),
    ],
)
def test_other_versions_are_refused(sent: str | None, greatest: str | None) -> None:
    with pytest.raises(BadRequest):
        check_versions(sent, greatest)


@pytest.mark.parametrize(
    ("greatest", "version"),
    [(None, 3), ("1.0;", 1), ("2.0;NetFx", 2), ("3.0", 3), ("4.0", 3), ("0.1", 1), ("x", 3)],
)
def test_the_newest_version_both_know(greatest: str | None, version: int) -> None:
    assert understood(greatest) == version


@pytest.mark.parametrize("tags", [None, "*", '"x"', 'W/"x"', 'W/"a", "b"', '""', " * "])
def test_sound_tags_are_ignored(tags: str | None) -> None:
    check_tags(tags)


@pytest.mark.parametrize("tags", ["", "x", '"x', "W/x", '"a" "b"', '"a",', "**"])
def test_broken_tags_are_refused(tags: str) -> None:
    with pytest.raises(BadRequest):
        check_tags(tags)


@given(st.text(max_size=60) | st.text('",;= \\ab', max_size=60))
def test_no_header_breaks_anything(text: str) -> None:
    preferences(text)
    understood(text)
    for check in (check_tags, lambda value: check_versions(value, value)):
        try:
            check(text)
        except BadRequest:
            pass


@pytest.mark.parametrize(
    "text", ['a="' + "\\" * 8_000, ";" * 8_000, 'a;"' * 3_000, '"a",' * 2_000 + "x"]
)
def test_no_header_takes_long(text: str) -> None:
    begun = time.process_time()
    preferences(text)
    with pytest.raises(BadRequest):
        check_tags(text)
    assert time.process_time() - begun < 1
