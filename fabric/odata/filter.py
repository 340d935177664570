"""The door to `$filter`: parse and evaluate for a server, build for a client."""

from __future__ import annotations

from collections.abc import Iterable

from fabric.odata.evaluation import Condition, equalities, evaluate, fields, nulls
from fabric.odata.expressions import (
    And,
    Arithmetic,
    Call,
    Compare,
    Expr,
    Lambda,
    Literal,
    Not,
    Or,
    Property,
)
from fabric.odata.filterparser import MAX_DEPTH, MAX_LENGTH, MAX_TERMS, parse
from fabric.odata.literals import Value, format_literal

__all__ = [
    "MAX_DEPTH",
    "MAX_LENGTH",
    "MAX_TERMS",
    "And",
    "Arithmetic",
    "Call",
    "Compare",
    "Condition",
    "Expr",
    "Lambda",
    "Literal",
    "Not",
    "Or",
    "Property",
    "all_of",
    "any_of",
    "eq",
    "equalities",
    "evaluate",
    "fields",
    "nulls",
    "parse",
]


def eq(name: str, value: Value) -> str:
    """`Name eq 'web-01'`."""
    return f"{name} eq {format_literal(value)}"


def any_of(name: str, values: Iterable[Value]) -> str:
    """`(ID eq … or ID eq …)`; no values is an error, because it would match everything."""
    parts = [eq(name, value) for value in values]
    if not parts:
        raise ValueError("a filter over no values")
    return parts[0] if len(parts) == 1 else f"({' or '.join(parts)})"


def all_of(*parts: str) -> str:
    """The parts joined by `and`; empty ones are left out."""
    return " and ".join(part for part in parts if part)
