"""What a filter tree says about one row, and what can be known of it without any row.

Null works as in OData: equal only to itself, unordered, and carried through functions and `not`.
Values of different kinds compare as text, because clients send a name that looks like a GUID or
a number as one.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any, Final
from uuid import UUID

from fabric.odata.errors import BadRequest
from fabric.odata.expressions import (
    And,
    Arithmetic,
    Call,
    Compare,
    Expr,
    Literal,
    Not,
    Or,
    Property,
)
from fabric.odata.literals import Value, parse_datetime, to_xml_text

# `replace` inside `replace` multiplies lengths.
MAX_TEXT: Final = 100_000

_COMPARE: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "lt": operator.lt,
    "le": operator.le,
    "gt": operator.gt,
    "ge": operator.ge,
}


def evaluate(expr: Expr, row: Mapping[str, object]) -> bool | None:
    """Whether the row passes; None where nulls leave it open, which a server treats as no."""
    return _truth(_value(expr, row))


def _truth(value: object) -> bool | None:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    raise BadRequest("The $filter is not a condition.")


def _value(expr: Expr, row: Mapping[str, object]) -> object:
    match expr:
        case Literal(value):
            return value
        case Property(path):
            return _lookup(path, row)
        case Compare(op, left, right):
            return _compare(op, _value(left, row), _value(right, row))
        case And(terms):
            return _all(terms, row)
        case Or(terms):
            return _any(terms, row)
        case Not(term):
            truth = _truth(_value(term, row))
            return None if truth is None else not truth
        case Arithmetic(op, left, right):
            return _arithmetic(op, _value(left, row), _value(right, row))
        case Call(name, args):
            return _call(name, [_value(arg, row) for arg in args])


def _lookup(path: tuple[str, ...], row: Mapping[str, object]) -> object:
    value: object = row
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def _all(terms: tuple[Expr, ...], row: Mapping[str, object]) -> bool | None:
    result: bool | None = True
    for term in terms:
        truth = _truth(_value(term, row))
        if truth is False:
            return False
        result = None if truth is None else result
    return result


def _any(terms: tuple[Expr, ...], row: Mapping[str, object]) -> bool | None:
    result: bool | None = False
    for term in terms:
        truth = _truth(_value(term, row))
        if truth is True:
            return True
        result = None if truth is None else result
    return result


def _compare(op: str, left: object, right: object) -> bool | None:
    if left is None or right is None:
        if op not in ("eq", "ne"):
            return None
        return (left is right) == (op == "eq")
    left, right = _alike(left, right)
    return _COMPARE[op](left, right)


def _alike(left: object, right: object) -> tuple[Any, Any]:
    if isinstance(left, int | float | Decimal) and isinstance(right, int | float | Decimal):
        return left, right
    if isinstance(left, datetime) or isinstance(right, datetime):
        try:
            return _instant(left), _instant(right)
        except ValueError:
            return _text(left), _text(right)
    if type(left) is type(right):
        return left, right
    if isinstance(left, UUID | bool) or isinstance(right, UUID | bool):
        return _bare(left), _bare(right)
    return _text(left), _text(right)


def _instant(value: object) -> datetime:
    if isinstance(value, datetime):
        return value if value.tzinfo is not None else value.replace(tzinfo=UTC)
    return parse_datetime(_text(value))


def _bare(value: object) -> str:
    return _text(value).strip("{}").lower()


def _text(value: object) -> str:
    return to_xml_text(value, "Edm")


def _number(value: object) -> int | float | Decimal:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise BadRequest("A number was expected in '$filter'.")
    return value


def _arithmetic(op: str, left: object, right: object) -> object:
    if left is None or right is None:
        return None
    first, second = _number(left), _number(right)
    if isinstance(first, float) or isinstance(second, float):
        first, second = float(first), float(second)
    try:
        return _apply(op, first, second)
    except ArithmeticError:
        raise BadRequest("The arithmetic in '$filter' has no result.") from None


def _apply(op: str, first: Any, second: Any) -> object:
    if op == "add":
        return first + second
    if op == "sub":
        return first - second
    if op == "mul":
        return first * second
    if op == "mod":
        return math.fmod(first, second) if isinstance(first, float) else _remainder(first, second)
    whole = isinstance(first, int) and isinstance(second, int)
    return _quotient(first, second) if whole else first / second


def _quotient(first: int, second: int) -> int:
    # Towards zero, as in the languages the protocol was made for.
    result = abs(first) // abs(second)
    return result if (first < 0) == (second < 0) else -result


def _remainder(first: Any, second: Any) -> object:
    if isinstance(first, int) and isinstance(second, int):
        return first - second * _quotient(first, second)
    return Decimal(first) % Decimal(second)


def _call(name: str, args: list[object]) -> object:
    if any(arg is None for arg in args):
        return None
    try:
        return _FUNCTIONS[name](*args)
    except (ValueError, ArithmeticError):
        raise BadRequest(f"Wrong argument for '{name}' in '$filter'.") from None


def _capped(text: str) -> str:
    if len(text) > MAX_TEXT:
        raise BadRequest("A text in '$filter' grows too long.")
    return text


def _replace(value: object, old: object, new: object) -> str:
    text, search, put = _text(value), _text(old), _text(new)
    if not search:
        return text
    if len(text) + text.count(search) * len(put) > MAX_TEXT:
        raise BadRequest("A text in '$filter' grows too long.")
    return text.replace(search, put)


def _substring(value: object, start: object, length: object = None) -> str:
    first = max(0, int(_number(start)))
    last = None if length is None else first + max(0, int(_number(length)))
    return _text(value)[first:last]


def _part(name: str) -> Callable[[object], object]:
    return lambda value: getattr(_instant(value), name)


def _rounded(value: object) -> object:
    number = _number(value)
    if isinstance(number, Decimal):
        return number.to_integral_value(ROUND_HALF_EVEN)
    return float(round(number)) if isinstance(number, float) else number


_FUNCTIONS: Final[dict[str, Callable[..., object]]] = {
    "substringof": lambda part, whole: _text(part) in _text(whole),
    "startswith": lambda whole, part: _text(whole).startswith(_text(part)),
    "endswith": lambda whole, part: _text(whole).endswith(_text(part)),
    "indexof": lambda whole, part: _text(whole).find(_text(part)),
    "length": lambda value: len(_text(value)),
    "tolower": lambda value: _text(value).lower(),
    "toupper": lambda value: _text(value).upper(),
    "trim": lambda value: _text(value).strip(),
    "concat": lambda first, second: _capped(_text(first) + _text(second)),
    "substring": _substring,
    "replace": _replace,
    "round": _rounded,
    "floor": lambda value: math.floor(_number(value)),
    "ceiling": lambda value: math.ceil(_number(value)),
    **{name: _part(name) for name in ("year", "month", "day", "hour", "minute", "second")},
}


def fields(expr: Expr) -> set[str]:
    """The names of all properties used, nested ones as `Owner/UserName`."""
    match expr:
        case Property():
            return {expr.name}
        case Compare(_, left, right) | Arithmetic(_, left, right):
            return fields(left) | fields(right)
        case And(terms) | Or(terms):
            return set().union(*(fields(term) for term in terms))
        case Not(term):
            return fields(term)
        case Call(_, args):
            return set().union(*(fields(arg) for arg in args))
        case _:
            return set()


def equalities(expr: Expr) -> dict[str, list[Value]]:
    """For each property tied down by the filter, values one of which every passing row must have.

    The answer may be wider than the filter, never narrower: fetch by it, then `evaluate`.
    """
    match expr:
        case Compare("eq", Property() as prop, Literal(value)):
            return {} if value is None else {prop.name: [value]}
        case Compare("eq", Literal(value), Property() as prop):
            return {} if value is None else {prop.name: [value]}
        case And(terms):
            return _narrowest([equalities(term) for term in terms])
        case Or(terms):
            return _united([equalities(term) for term in terms])
        case _:
            return {}


def _narrowest(found: list[dict[str, list[Value]]]) -> dict[str, list[Value]]:
    best: dict[str, list[Value]] = {}
    for each in found:
        for name, values in each.items():
            if name not in best or len(values) < len(best[name]):
                best[name] = values
    return best


def _united(found: list[dict[str, list[Value]]]) -> dict[str, list[Value]]:
    shared = set(found[0]).intersection(*found[1:])
    return {
        name: _distinct([value for each in found for value in each[name]])
        for name in found[0]
        if name in shared
    }


def _distinct(values: list[Value]) -> list[Value]:
    # By kind as well: true and 1 are one key to Python, but "true" and "1" to a text property.
    return list({(type(value), value): value for value in values}.values())
