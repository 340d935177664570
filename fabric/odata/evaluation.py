"""What a filter tree says about one row, and what can be known of it without any row.

A tree is compiled once into functions of a row. All rows of one condition share an allowance of
work: what a stranger asks costs an error, never minutes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from fabric.odata import functions
from fabric.odata.errors import BadRequest
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
from fabric.odata.literals import Value

# About a second of evaluation; a unit is one node of the tree met once.
MAX_WORK: Final = 1_500_000
_CALL: Final = 4

Row = Mapping[str, object]
# The row under the empty name, elements of collections under the names of their variables.
_Names = dict[str, object]
_Read = Callable[[_Names], object]


class Condition:
    """A filter made ready for many rows."""

    def __init__(self, expr: Expr, work: int = MAX_WORK) -> None:
        self._left = work
        self._size = _size(expr)
        self._read = self._compiled(expr)

    def passes(self, row: Row) -> bool | None:
        """Whether the row passes; None where nulls leave it open, which a server treats as no.

        Raises BadRequest for what is no condition, and when all rows together cost too much.
        """
        self._spend(self._size)
        return _truth(self._read({"": row}))

    def _spend(self, units: int) -> None:
        self._left -= units
        if self._left < 0:
            raise BadRequest("The $filter is too much work; narrow it by what is compared with eq.")

    def _compiled(self, expr: Expr) -> _Read:
        read = self._reader(expr)
        if isinstance(expr, Literal) or not _is_constant(expr):
            return read
        value = read({})
        return lambda names: value

    def _reader(self, expr: Expr) -> _Read:
        match expr:
            case Literal(value):
                return lambda names: value
            case Property(path, variable):
                return _property(path, variable)
            case Compare(op, left, right):
                first, second = self._compiled(left), self._compiled(right)
                return lambda names: functions.compare(op, first(names), second(names))
            case And(terms):
                return _joined([self._compiled(term) for term in terms], decisive=False)
            case Or(terms):
                return _joined([self._compiled(term) for term in terms], decisive=True)
            case Not(term):
                return _opposite(self._compiled(term))
            case Arithmetic(op, left, right):
                first, second = self._compiled(left), self._compiled(right)
                return lambda names: functions.calculate(op, first(names), second(names))
            case Call(name, args):
                return self._call(name, [self._compiled(arg) for arg in args])
            case Lambda():
                return self._lambda(expr)

    def _call(self, name: str, args: list[_Read]) -> _Read:
        def read(names: _Names) -> object:
            values = [arg(names) for arg in args]
            self._spend(_CALL + functions.cost(name, values))
            return functions.call(name, values)

        return read

    def _lambda(self, expr: Lambda) -> _Read:
        collection = _property(expr.collection.path, expr.collection.variable)
        if expr.condition is None:
            return lambda names: bool(collection(names))
        condition, size = self._compiled(expr.condition), _size(expr.condition)
        variable, decisive = expr.variable, expr.kind == "any"

        def read(names: _Names) -> object:
            elements = collection(names)
            result: bool | None = not decisive
            for element in elements if isinstance(elements, list | tuple) else ():
                self._spend(size)
                truth = _truth(condition({**names, variable: element}))
                if truth is decisive:
                    return decisive
                result = None if truth is None else result
            return result

        return read


def evaluate(expr: Expr, row: Row) -> bool | None:
    """Whether one row passes; see `Condition`."""
    return Condition(expr).passes(row)


def _truth(value: object) -> bool | None:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    raise BadRequest("The $filter is not a condition.")


def _property(path: tuple[str, ...], variable: str) -> _Read:
    def read(names: _Names) -> object:
        value = names.get(variable)
        for name in path:
            value = value.get(name) if isinstance(value, Mapping) else None
        return value

    return read


def _joined(terms: list[_Read], *, decisive: bool) -> _Read:
    """`and` is decided by one false term, `or` by one true one; else a null leaves it open."""

    def read(names: _Names) -> object:
        result: bool | None = not decisive
        for term in terms:
            truth = _truth(term(names))
            if truth is decisive:
                return decisive
            result = None if truth is None else result
        return result

    return read


def _opposite(term: _Read) -> _Read:
    def read(names: _Names) -> object:
        truth = _truth(term(names))
        return None if truth is None else not truth

    return read


def nodes(expr: Expr) -> Iterator[Expr]:
    """The expression and all below it."""
    yield expr
    match expr:
        case Compare(_, left, right) | Arithmetic(_, left, right):
            below: tuple[Expr, ...] = (left, right)
        case And(terms) | Or(terms):
            below = terms
        case Not(term):
            below = (term,)
        case Call(_, args):
            below = args
        case Lambda(_, collection, _, condition):
            below = (collection,) if condition is None else (collection, condition)
        case _:
            below = ()
    for each in below:
        yield from nodes(each)


def _size(expr: Expr) -> int:
    return sum(1 for _ in nodes(expr))


def _is_constant(expr: Expr) -> bool:
    return not any(isinstance(node, Property) for node in nodes(expr))


def fields(expr: Expr) -> set[str]:
    """The names of all properties of the row used, nested ones as `Owner/UserName`."""
    return {node.name for node in nodes(expr) if isinstance(node, Property) and not node.variable}


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


def nulls(expr: Expr) -> frozenset[str]:
    """Return properties that every passing row is without."""
    match expr:
        case Compare("eq", Property() as prop, Literal(None)):
            return frozenset({prop.name})
        case Compare("eq", Literal(None), Property() as prop):
            return frozenset({prop.name})
        case And(terms):
            return frozenset().union(*(nulls(term) for term in terms))
        case _:
            return frozenset()


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
