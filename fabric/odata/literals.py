"""Single values in their four spellings: URL literal, JSON, XML text and Python.

A value read is checked against its EDM type; what a reader refuses is never repeated in the
message, because it may be a password in the wrong member.
"""

from __future__ import annotations

import base64
import binascii
import math
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal, InvalidOperation
from typing import Final
from uuid import UUID

from fabric.odata.errors import BadRequest

Value = UUID | str | int | float | Decimal | bool | datetime | timedelta | bytes | None

INTEGER_RANGES: Final = {
    "Byte": (0, 255),
    "Int16": (-(2**15), 2**15 - 1),
    "Int32": (-(2**31), 2**31 - 1),
    "Int64": (-(2**63), 2**63 - 1),
}
MAX_EXPONENT: Final = 400

_QUOTED = re.compile(r"([A-Za-z]*)'((?:[^']|'')*)'\Z", re.DOTALL)
_NUMBER = re.compile(
    r"(-?[0-9]{1,40}(?:\.[0-9]{0,40})?(?:[eE][+\- ]?[0-9]{1,4})?)([LlMmDdFf]?)\Z", re.ASCII
)
_GUID = re.compile(r"\{?([0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12})\}?\Z", re.ASCII)
_DATETIME = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})"
    r"(?:[T ]([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:\.([0-9]{1,9}))?)?)?"
    # A plus sign that went through URL decoding arrives as a blank.
    r"(Z|z|[+\- ][0-9]{2}:?[0-9]{2})?\Z",
    re.ASCII,
)
_DURATION = re.compile(
    r"(-?)P(?:([0-9]{1,6})D)?"
    r"(?:T(?:([0-9]{1,6})H)?(?:([0-9]{1,6})M)?(?:([0-9]{1,9})(?:\.([0-9]{1,9}))?S)?)?\Z",
    re.ASCII,
)
_TICKS = re.compile(r"/Date\((-?[0-9]{1,17})([+-][0-9]{1,4})?\)/\Z", re.ASCII)
_WORDS: Final[dict[str, Value]] = {
    "true": True,
    "false": False,
    "null": None,
    "nan": math.nan,
    "inf": math.inf,
    "-inf": -math.inf,
}


_UNWRITABLE = re.compile("[\0\ud800-\udfff]")


def is_writable(text: str) -> bool:
    """Tell whether Atom can say and a database hold a text: no NUL, no half of a character."""
    return _UNWRITABLE.search(text) is None


class _Mismatch(ValueError):
    """The text is not a value of the wanted type."""


def parse_literal(text: str) -> Value:
    """The value of an OData URL literal; raises BadRequest."""
    text = text.strip()
    quoted = _QUOTED.match(text)
    try:
        if quoted is not None:
            return _parse_quoted(quoted[1].lower(), quoted[2].replace("''", "'"))
        if _GUID.match(text):
            return parse_guid(text)
        number = _NUMBER.match(text)
        if number is not None:
            return _parse_number(number[1].replace(" ", "+"), number[2].lower())
        return _WORDS[text.lower()]
    except (ValueError, KeyError, ArithmeticError):
        raise BadRequest("Unrecognized literal in the URL.") from None


def _parse_quoted(prefix: str, text: str) -> Value:
    if not prefix:
        return text
    if prefix == "guid":
        return parse_guid(text)
    if prefix in ("datetime", "datetimeoffset"):
        return parse_datetime(text)
    if prefix == "time":
        return parse_duration(text)
    if prefix in ("x", "binary"):
        return bytes.fromhex(text)
    raise _Mismatch


def parse_duration(text: str) -> timedelta:
    """A span as XML Schema has it, `PT13H20M`; raises ValueError."""
    found = _DURATION.match(text.strip())
    if found is None or not any(found.groups()[1:]):
        raise _Mismatch
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups()[1:5])
    fraction = int((found[6] or "0")[:6].ljust(6, "0"))
    span = timedelta(days, seconds, fraction, minutes=minutes, hours=hours)
    return -span if found[1] else span


def format_duration(value: timedelta) -> str:
    """A span in seconds, which every reader of `Edm.Time` takes."""
    micros = value // timedelta(microseconds=1)
    seconds, rest = divmod(abs(micros), 1_000_000)
    fraction = f".{rest:06d}" if rest else ""
    return f"{'-' if micros < 0 else ''}PT{seconds}{fraction}S"


def _parse_number(digits: str, suffix: str) -> Value:
    if suffix == "m":
        number = Decimal(digits)
        # A short literal may still name a number of ten thousand digits.
        if abs(number.adjusted()) > MAX_EXPONENT:
            raise _Mismatch
        return number
    if suffix == "l" or (not suffix and digits.lstrip("-").isdigit()):
        return int(digits)
    return float(digits)


def parse_guid(text: str) -> UUID:
    """A GUID with or without braces; raises ValueError for the looser forms `UUID()` would take."""
    found = _GUID.match(text.strip())
    if found is None:
        raise _Mismatch
    return UUID(found[1])


def parse_datetime(text: str) -> datetime:
    """An instant, always with an offset (UTC when none was sent), cut to microseconds.

    Raises ValueError.
    """
    text = text.strip()
    ticks = _TICKS.match(text)
    if ticks is not None:
        return _from_ticks(int(ticks[1]), int(ticks[2] or 0))
    found = _DATETIME.match(text)
    if found is None:
        raise _Mismatch
    year, month, day, hour, minute, second = (int(part or 0) for part in found.groups()[:6])
    fraction = int((found[7] or "0")[:6].ljust(6, "0"))
    return datetime(year, month, day, hour, minute, second, fraction, _offset(found[8]))


def _offset(text: str | None) -> timezone:
    if text is None or text in "Zz":
        return UTC
    delta = timedelta(hours=int(text[1:3]), minutes=int(text[-2:]))
    return timezone(-delta if text[0] == "-" else delta)


def _from_ticks(milliseconds: int, offset_minutes: int) -> datetime:
    try:
        instant = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=milliseconds)
        return instant.astimezone(timezone(timedelta(minutes=offset_minutes)))
    except OverflowError:
        raise _Mismatch from None


def format_datetime(value: datetime) -> str:
    """ISO 8601 with seven fractional digits and an offset; a naive value is taken as UTC."""
    if value.tzinfo is None:
        value = value.replace(tzinfo=UTC)
    text = value.isoformat(timespec="microseconds")
    if len(text) != 32:  # an historic offset with seconds, which the format cannot carry
        text = value.astimezone(UTC).isoformat(timespec="microseconds")
    return f"{text[:26]}0{text[26:]}"


def format_literal(value: Value) -> str:
    """The URL literal of a value, not yet percent-encoded; datetimes are written in UTC."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    if isinstance(value, UUID):
        return f"guid'{value}'"
    if isinstance(value, int):
        lowest, highest = INTEGER_RANGES["Int32"]
        return str(int(value)) if lowest <= value <= highest else f"{int(value)}L"
    if isinstance(value, Decimal):
        return f"{value:f}M"
    if isinstance(value, float):
        return f"{value!r}d" if math.isfinite(value) else _double_name(value)
    if isinstance(value, datetime):
        utc = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
        return f"datetime'{utc.replace(tzinfo=None).isoformat(timespec='microseconds')}Z'"
    if isinstance(value, timedelta):
        return f"time'{format_duration(value)}'"
    return f"X'{value.hex().upper()}'"


def _double_name(value: float) -> str:
    return "NaN" if math.isnan(value) else "INF" if value > 0 else "-INF"


def to_json(value: object, edm_type: str) -> object:
    """The JSON value of a primitive; Int64 and Decimal become strings."""
    if value is None:
        return None
    if edm_type == "Double":
        number = float(value)  # type: ignore[arg-type]
        return number if math.isfinite(number) else _double_name(number)
    if edm_type in ("Byte", "Int16", "Int32"):
        return int(value)  # type: ignore[call-overload]
    if edm_type == "Boolean":
        return bool(value)
    return to_xml_text(value, edm_type)


def to_xml_text(value: object, edm_type: str) -> str:
    """The text of a primitive inside an element; the caller escapes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return format_datetime(value)
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, timedelta):
        return format_duration(value)
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, float):
        return repr(value) if math.isfinite(value) else _double_name(value)
    if isinstance(value, int) and edm_type != "String":
        return str(int(value))
    # An enumeration of texts formats as its member name without the explicit call.
    return str.__str__(value) if isinstance(value, str) else str(value)


def from_json(value: object, edm_type: str) -> Value:
    """A JSON value read as a primitive of the EDM type. Raises BadRequest.

    Values typed already pass, so a client need not know which format they came in.
    """
    if value is None:
        return None
    try:
        return _READERS[edm_type](value)
    except (ValueError, TypeError, ArithmeticError):
        raise BadRequest(f"The value is not a valid Edm.{edm_type}.") from None


def from_xml_text(text: str, edm_type: str) -> Value:
    """The text of an element read as a primitive of the EDM type. Raises BadRequest.

    An empty element is null for every type that has no empty value, whatever `m:null` says.
    """
    if edm_type == "String":
        return text
    if edm_type == "Binary":
        return from_json(text, edm_type)
    return from_json(text.strip() or None, edm_type)


def _read_string(value: object) -> Value:
    if isinstance(value, str):
        return value
    if isinstance(value, bool | int | float | Decimal | UUID | datetime):
        return to_xml_text(value, "Edm")
    raise _Mismatch


def _read_boolean(value: object) -> Value:
    if isinstance(value, bool):
        return value
    words = {"true": True, "1": True, "false": False, "0": False}
    found = words.get(str(value).strip().lower())
    if found is None:
        raise _Mismatch
    return found


def _integer_reader(edm_type: str) -> Callable[[object], Value]:
    lowest, highest = INTEGER_RANGES[edm_type]

    def read(value: object) -> Value:
        number = _to_decimal(value)
        if number != number.to_integral_value() or not lowest <= number <= highest:
            raise _Mismatch
        return int(number)

    return read


def _to_decimal(value: object) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        raise _Mismatch
    text = str(value).strip()
    if len(text) > 64 or "_" in text:
        raise _Mismatch
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise _Mismatch from None
    # A short text may still name a number of a billion digits.
    if not number.is_finite() or abs(number.adjusted()) > MAX_EXPONENT:
        raise _Mismatch
    return number


def _read_double(value: object) -> Value:
    if isinstance(value, str) and value.strip().upper() in ("NAN", "INF", "-INF"):
        return float(value)
    if isinstance(value, float):
        return value
    return float(_to_decimal(value))


def _read_guid(value: object) -> Value:
    return value if isinstance(value, UUID) else parse_guid(_text(value))


def _read_datetime(value: object) -> Value:
    if isinstance(value, datetime):
        return value if value.tzinfo is not None else value.replace(tzinfo=UTC)
    return parse_datetime(_text(value))


def _read_binary(value: object) -> Value:
    if isinstance(value, bytes):
        return value
    try:
        return base64.b64decode("".join(_text(value).split()), validate=True)
    except binascii.Error:
        raise _Mismatch from None


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise _Mismatch
    return value


_READERS: Final[dict[str, Callable[[object], Value]]] = {
    "Binary": _read_binary,
    "Boolean": _read_boolean,
    "Byte": _integer_reader("Byte"),
    "DateTime": _read_datetime,
    "Decimal": _to_decimal,
    "Double": _read_double,
    "Guid": _read_guid,
    "Int16": _integer_reader("Int16"),
    "Int32": _integer_reader("Int32"),
    "Int64": _integer_reader("Int64"),
    "String": _read_string,
}
