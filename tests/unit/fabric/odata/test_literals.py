"""Single values: what clients send, what we send, and that both meet in the middle."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fabric.odata.errors import BadRequest
from fabric.odata.literals import (
    format_datetime,
    format_literal,
    from_json,
    from_xml_text,
    parse_literal,
    to_json,
    to_xml_text,
)

GUID = UUID("5a1c3f0e-2b7d-4c66-9d0e-8f31b0a4c201")

# Hypothesis wants its bounds without a zone.
FIRST, LAST = datetime.fromisoformat("1900-01-01"), datetime.fromisoformat("2200-01-01")

zones = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
instants = st.datetimes(FIRST, LAST, timezones=zones)
decimals = st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-(10**12)).filter(
    lambda number: abs(number) < 10**20
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (f"guid'{GUID}'", GUID),
        (f"Guid'{str(GUID).upper()}'", GUID),
        (f"guid'{{{GUID}}}'", GUID),
        (str(GUID), GUID),
        ("'it''s'", "it's"),
        ("''", ""),
        ("12", 12),
        ("-12", -12),
        ("12L", 12),
        ("1.5M", Decimal("1.5")),
        ("1.5", 1.5),
        ("2d", 2.0),
        ("1e3", 1000.0),
        ("true", True),
        ("False", False),
        ("null", None),
        ("X'00FF'", b"\x00\xff"),
        ("binary'00ff'", b"\x00\xff"),
        ("datetime'2026-02-03T10:00:00'", datetime(2026, 2, 3, 10, tzinfo=UTC)),
        ("datetime'2026-02-03T10:00'", datetime(2026, 2, 3, 10, tzinfo=UTC)),
        ("datetimeoffset'2026-02-03T11:00:00+01:00'", datetime(2026, 2, 3, 10, tzinfo=UTC)),
        # The plus sign of the offset went through URL decoding.
        ("datetimeoffset'2026-02-03T11:00:00 01:00'", datetime(2026, 2, 3, 10, tzinfo=UTC)),
    ],
)
def test_url_literals_of_published_clients_are_read(text: str, value: object) -> None:
    found = parse_literal(text)

    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "guid'nonsense'",
        "guid'5a1c3f0e2b7d4c669d0e8f31b0a4c201'",
        "'open",
        "1 2",
        "word",
        "X'0'",
    ],
)
def test_broken_literals_are_refused(text: str) -> None:
    with pytest.raises(BadRequest):
        parse_literal(text)


@given(
    st.none()
    | st.booleans()
    | st.text()
    | st.uuids()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False)
    | decimals
    | instants
    | st.binary(max_size=50)
)
def test_every_literal_written_is_read_back(value: object) -> None:
    found = parse_literal(format_literal(value))  # type: ignore[arg-type]

    assert found == value
    assert type(found) is type(value)


def test_datetimes_carry_seven_digits_and_an_offset() -> None:
    zone = timezone(timedelta(hours=-5))

    assert format_datetime(datetime(2019, 4, 29, 23, 6, 1, 282306, zone)) == (
        "2019-04-29T23:06:01.2823060-05:00"
    )
    assert format_datetime(FIRST).endswith("00:00:00.0000000+00:00")
    assert from_json("2019-04-29T23:06:01.2823063-05:00", "DateTime") == datetime(
        2019, 4, 29, 23, 6, 1, 282306, zone
    )


def test_an_historic_offset_with_seconds_is_written_in_utc() -> None:
    amsterdam = timezone(timedelta(minutes=19, seconds=32))

    assert format_datetime(datetime(1930, 1, 1, 12, tzinfo=amsterdam)) == (
        "1930-01-01T11:40:28.0000000+00:00"
    )


@pytest.mark.parametrize(
    ("sent", "edm_type", "value"),
    [
        ("true", "Boolean", True),
        ("True", "Boolean", True),
        ("4", "Byte", 4),
        (4.0, "Int32", 4),
        ("4194304", "Int64", 4194304),
        (4194304, "Int64", 4194304),
        ("-1", "Int64", -1),
        (1.25, "Decimal", Decimal("1.25")),
        ("1.25", "Double", 1.25),
        ("INF", "Double", float("inf")),
        (str(GUID).upper(), "Guid", GUID),
        (f"{{{GUID}}}", "Guid", GUID),
        (GUID, "Guid", GUID),
        (123, "String", "123"),
        (True, "String", "true"),
        ("", "String", ""),
        (None, "Int32", None),
        ("/Date(1770112800000)/", "DateTime", datetime(2026, 2, 3, 10, tzinfo=UTC)),
        ("/Date(1770112800000+0060)/", "DateTime", datetime(2026, 2, 3, 10, tzinfo=UTC)),
        ("0001-01-01T00:00:00", "DateTime", datetime(1, 1, 1, tzinfo=UTC)),
        ("AP8=", "Binary", b"\x00\xff"),
    ],
)
def test_json_values_are_read_leniently(sent: object, edm_type: str, value: object) -> None:
    found = from_json(sent, edm_type)

    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("sent", "edm_type"),
    [
        (256, "Byte"),
        (-1, "Byte"),
        (2**31, "Int32"),
        (2**63, "Int64"),
        (1.5, "Int32"),
        ("1e999999999", "Int64"),
        ("1e999999999", "Decimal"),
        ("1_0", "Int32"),
        (True, "Int32"),
        ("yes", "Boolean"),
        ("x", "Guid"),
        (5, "Guid"),
        ("yesterday", "DateTime"),
        ("/Date(99999999999999999)/", "DateTime"),
        ("!", "Binary"),
        ([], "String"),
        ({}, "Int32"),
    ],
)
def test_json_values_of_the_wrong_type_are_refused(sent: object, edm_type: str) -> None:
    with pytest.raises(BadRequest, match=edm_type):
        from_json(sent, edm_type)


def test_a_refused_value_is_not_repeated() -> None:
    with pytest.raises(BadRequest) as caught:
        from_json("S3cret-phrase", "Int32")

    assert "S3cret" not in str(caught.value)
    assert "S3cret" not in caught.value.message


@pytest.mark.parametrize(
    ("edm_type", "values"),
    [
        ("Guid", st.uuids()),
        ("Boolean", st.booleans()),
        ("Byte", st.integers(0, 255)),
        ("Int16", st.integers(-(2**15), 2**15 - 1)),
        ("Int32", st.integers(-(2**31), 2**31 - 1)),
        ("Int64", st.integers(-(2**63), 2**63 - 1)),
        ("Decimal", decimals),
        ("Double", st.floats(allow_nan=False)),
        ("DateTime", instants),
        ("Binary", st.binary(max_size=50)),
        ("String", st.text()),
    ],
)
def test_every_type_survives_both_bodies(edm_type: str, values: st.SearchStrategy[object]) -> None:
    @given(values)
    def check(value: object) -> None:
        assert from_json(to_json(value, edm_type), edm_type) == value
        assert from_xml_text(to_xml_text(value, edm_type), edm_type) == value

    check()


def test_wide_numbers_travel_as_text_in_json() -> None:
    assert to_json(4194304, "Int64") == "4194304"
    assert to_json(Decimal("1E+3"), "Decimal") == "1000"
    assert to_json(7, "Int32") == 7


def test_an_empty_element_is_null_unless_it_is_a_text() -> None:
    assert from_xml_text("  ", "Guid") is None
    assert from_xml_text("", "String") == ""


def test_an_enumeration_is_written_as_its_value() -> None:
    class Status(StrEnum):
        RUNNING = "Running"

    assert to_xml_text(Status.RUNNING, "String") == "Running"
    assert format_literal(Status.RUNNING) == "'Running'"
