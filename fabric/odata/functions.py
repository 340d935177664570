"""Comparing, calculating and calling, as filters do it; values in, a value out.

Values of different kinds compare as text, because clients send a name that looks like a GUID or a
number as one. Nulls never come here.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any, Final
from uuid import UUID

from fabric.odata.errors import BadRequest
from fabric.odata.literals import (
    INTEGER_RANGES,
    from_json,
    parse_datetime,
    parse_duration,
    to_xml_text,
)
from fabric.odata.schema import PRIMITIVES

# `replace` inside `replace` multiplies lengths.
MAX_TEXT: Final = 32_768
_SEARCHES: Final = frozenset({"substringof", "startswith", "endswith", "indexof", "replace"})
_CHARACTERS_A_UNIT: Final = 256
# Numbers that grew by multiplication; Python refuses to write out many more digits.
_MOST_DIGITS: Final = 1_000

_COMPARE: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "lt": operator.lt,
    "le": operator.le,
    "gt": operator.gt,
    "ge": operator.ge,
}


def compare(op: str, left: object, right: object) -> bool | None:
    """What a comparison says; null is equal only to itself and unordered."""
    if left is None or right is None:
        if op not in ("eq", "ne"):
            return None
        return (left is right) == (op == "eq")
    left, right = _alike(left, right)
    try:
        return _COMPARE[op](left, right)
    except (TypeError, ArithmeticError):
        raise BadRequest("The $filter compares what cannot be compared.") from None


def _alike(left: object, right: object) -> tuple[Any, Any]:
    if type(left) is type(right):
        return left, right
    if isinstance(left, int | float | Decimal) and isinstance(right, int | float | Decimal):
        return left, right
    if isinstance(left, UUID | bool) or isinstance(right, UUID | bool):
        return _bare(left), _bare(right)
    for kind, read in ((datetime, instant), (timedelta, span)):
        if isinstance(left, kind) or isinstance(right, kind):
            try:
                return read(left), read(right)
            except (ValueError, ArithmeticError):
                break
    return text(left), text(right)


def instant(value: object) -> datetime:
    """A moment, or a text of one; raises ValueError."""
    if isinstance(value, datetime):
        return value if value.tzinfo is not None else value.replace(tzinfo=UTC)
    return parse_datetime(text(value))


def span(value: object) -> timedelta:
    """A length of time, or a text of one; raises ValueError."""
    return value if isinstance(value, timedelta) else parse_duration(text(value))


def _bare(value: object) -> str:
    return text(value).strip("{}").lower()


def text(value: object) -> str:
    """A value as it would be written."""
    return value if type(value) is str else to_xml_text(value, "Edm")


def _number(value: object) -> int | float | Decimal:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise BadRequest("A number was expected in '$filter'.")
    return value


def calculate(op: str, left: object, right: object) -> object:
    """`add sub mul div mod`; a null makes a null."""
    if left is None or right is None:
        return None
    first, second = _number(left), _number(right)
    try:
        if isinstance(first, float) or isinstance(second, float):
            first, second = float(first), float(second)
        found = _ARITHMETIC[op](first, second)
    except (ArithmeticError, ValueError):
        raise BadRequest("The arithmetic in '$filter' has no result.") from None
    if isinstance(found, int) and abs(found) >= 10**_MOST_DIGITS:
        raise BadRequest("A number in '$filter' grows too long.")
    if isinstance(found, Decimal) and abs(found.adjusted()) > _MOST_DIGITS:
        raise BadRequest("A number in '$filter' grows too long.")
    return found


def _divide(first: Any, second: Any) -> object:
    whole = isinstance(first, int) and isinstance(second, int)
    return _quotient(first, second) if whole else first / second


def _quotient(first: int, second: int) -> int:
    # Towards zero, as in the languages the protocol was made for.
    result = abs(first) // abs(second)
    return result if (first < 0) == (second < 0) else -result


def _remainder(first: Any, second: Any) -> object:
    if isinstance(first, float):
        return math.fmod(first, second)
    if isinstance(first, int) and isinstance(second, int):
        return first - second * _quotient(first, second)
    return Decimal(first) % Decimal(second)


_ARITHMETIC: Final[dict[str, Callable[[Any, Any], object]]] = {
    "add": operator.add,
    "sub": operator.sub,
    "mul": operator.mul,
    "div": _divide,
    "mod": _remainder,
}


def call(name: str, args: list[object]) -> object:
    """What a function gives; a null among the arguments makes a null."""
    if name == "isof":
        return _isof(*args)
    if any(arg is None for arg in args):
        return None
    try:
        return _FUNCTIONS[name](*args)
    except (ValueError, TypeError, ArithmeticError):
        raise BadRequest(f"Wrong argument for '{name}' in '$filter'.") from None


def cost(name: str, args: list[object]) -> int:
    """How much work a call is, in units of the evaluation's allowance."""
    lengths = [len(arg) for arg in args if isinstance(arg, str)]
    if name in _SEARCHES and len(lengths) > 1:
        # At worst a short part is compared at every place of the whole.
        lengths.append(max(lengths) * min(*lengths, 100))
    return sum(lengths) // _CHARACTERS_A_UNIT


def _capped(found: str) -> str:
    if len(found) > MAX_TEXT:
        raise BadRequest("A text in '$filter' grows too long.")
    return found


def _replace(value: object, old: object, new: object) -> str:
    whole, search, put = text(value), text(old), text(new)
    if not search:
        return whole
    if len(whole) + whole.count(search) * len(put) > MAX_TEXT:
        raise BadRequest("A text in '$filter' grows too long.")
    return whole.replace(search, put)


def _substring(value: object, start: object, length: object = None) -> str:
    first = max(0, int(_number(start)))
    last = None if length is None else first + max(0, int(_number(length)))
    return text(value)[first:last]


def _part(name: str) -> Callable[[object], object]:
    return lambda value: getattr(instant(value), name)


def _clock(name: str, seconds: int, most: int) -> Callable[[object], object]:
    """A part of a moment, or of a length of time."""

    def read(value: object) -> object:
        if isinstance(value, timedelta):
            return int(abs(value).total_seconds()) // seconds % most
        return getattr(instant(value), name)

    return read


def _rounded(value: object) -> object:
    number = _number(value)
    if isinstance(number, Decimal):
        return number.to_integral_value(ROUND_HALF_EVEN)
    return float(round(number)) if isinstance(number, float) else number


def _isof(value: object, type_name: object) -> bool:
    """Whether a value is one of the type, as it is; null is of none."""
    kind = _primitive(type_name)
    if value is None:
        return False
    if kind in INTEGER_RANGES:
        lowest, highest = INTEGER_RANGES[kind]
        return type(value) is int and lowest <= value <= highest
    return isinstance(value, _PYTHON[kind]) and (kind != "Decimal" or type(value) is Decimal)


def _cast(value: object, type_name: object) -> object:
    """The value as one of the type; null where it is none."""
    kind = _primitive(type_name)
    try:
        return from_json(value if kind != "String" else text(value), kind)
    except BadRequest:
        return None


def _primitive(type_name: object) -> str:
    kind = text(type_name).removeprefix("Edm.")
    kind = "DateTime" if kind == "DateTimeOffset" else kind
    if kind not in PRIMITIVES:
        raise BadRequest("'isof' and 'cast' take the types of Edm in '$filter'.")
    return kind


_PYTHON: Final[dict[str, type]] = {
    "Binary": bytes,
    "Boolean": bool,
    "DateTime": datetime,
    "Decimal": Decimal,
    "Double": float,
    "Guid": UUID,
    "String": str,
}
_FUNCTIONS: Final[dict[str, Callable[..., object]]] = {
    "substringof": lambda part, whole: text(part) in text(whole),
    "startswith": lambda whole, part: text(whole).startswith(text(part)),
    "endswith": lambda whole, part: text(whole).endswith(text(part)),
    "indexof": lambda whole, part: text(whole).find(text(part)),
    "length": lambda value: len(text(value)),
    "tolower": lambda value: _capped(text(value).lower()),
    "toupper": lambda value: _capped(text(value).upper()),
    "trim": lambda value: text(value).strip(),
    "concat": lambda first, second: _capped(text(first) + text(second)),
    "substring": _substring,
    "replace": _replace,
    "round": _rounded,
    "floor": lambda value: math.floor(_number(value)),
    "ceiling": lambda value: math.ceil(_number(value)),
    "cast": _cast,
    **{name: _part(name) for name in ("year", "month", "day")},
    "hour": _clock("hour", 3600, 24),
    "minute": _clock("minute", 60, 60),
    "second": _clock("second", 1, 60),
}
