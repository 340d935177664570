"""Names in query options against the model: spelling, existence, kinds, and what is allowed.

Clients write names in any case; here each gets its own. What makes no sense for any row (adding
to a text, comparing a structure) is refused before a row is read.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from typing import Final

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
from fabric.odata.query import QueryOptions
from fabric.odata.schema import EntitySet, Model, Prop

MAX_JOINS: Final = 6
MAX_JOIN_DEPTH: Final = 3

# Which properties of a set may be filtered and sorted by.
Allowed = Callable[[EntitySet], Collection[str]]

_NUMBERS: Final = frozenset({"Byte", "Int16", "Int32", "Int64", "Decimal", "Double"})
_DATE_PARTS: Final = frozenset({"year", "month", "day", "hour", "minute", "second"})
_ROUNDINGS: Final = frozenset({"round", "floor", "ceiling"})
_TESTS: Final = frozenset({"substringof", "startswith", "endswith", "isof"})
_TEXTS: Final = frozenset({"tolower", "toupper", "trim", "concat", "substring", "replace"})


@dataclass(frozen=True)
class _Here:
    """What names are looked up in: an entity of a set, a structure, or a single value.

    `path` are the navigations gone through from the row.
    """

    set: EntitySet | None = None
    complex: str = ""
    item: str = ""
    path: tuple[str, ...] = ()


def bind(
    model: Model, entity_set: EntitySet, options: QueryOptions, allowed: Allowed | None = None
) -> QueryOptions:
    """The options with every name as the model spells it; raises BadRequest.

    `$expand` and `$select` keep names the model lacks: whoever shapes the answer refuses them.
    """
    binder = _Binder(model, entity_set, allowed)
    condition = options.filter
    if condition is not None:
        condition, kind = binder.bound(condition)
        _expect(kind, {"Boolean"}, "The $filter is not a condition.")
    orderby = tuple((binder.sort(path), descending) for path, descending in options.orderby)
    expand = (_spelled(model, entity_set, path) for path in options.expand)
    select = (_spelled(model, entity_set, path) for path in options.select or ())
    return replace(
        options,
        filter=condition,
        orderby=orderby,
        expand=tuple(dict.fromkeys(expand)),
        select=tuple(dict.fromkeys(select)) or None,
        joins=tuple(sorted(binder.joins)),
    )


class _Binder:
    """Walks a tree, knowing what every variable stands for."""

    def __init__(self, model: Model, entity_set: EntitySet, allowed: Allowed | None) -> None:
        self._model = model
        self._allowed = allowed
        self._known: dict[str, _Here] = {"": _Here(set=entity_set)}
        self.joins: set[str] = set()

    def sort(self, text: str) -> str:
        """The path of `$orderby` to one value."""
        path, here = self._walk(tuple(part.strip() for part in text.split("/")), "")
        if not here.item:
            raise BadRequest("'$orderby' takes properties with a single value.")
        return "/".join(path)

    def bound(self, expr: Expr) -> tuple[Expr, str]:
        """The expression with names as spelled, and the kind of its value.

        A kind is an EDM type, "" for one only rows tell, "null", or "structure".
        """
        match expr:
            case Literal(value):
                return expr, _kind_of(value)
            case Property(path, variable):
                found, here = self._walk(path, variable)
                return Property(found, variable), here.item or "structure"
            case Compare(op, left, right):
                return self._compare(op, left, right)
            case And(terms):
                return And(self._conditions(terms)), "Boolean"
            case Or(terms):
                return Or(self._conditions(terms)), "Boolean"
            case Not(term):
                return Not(self._conditions((term,))[0]), "Boolean"
            case Arithmetic(op, left, right):
                message = f"'{op}' takes numbers in '$filter'."
                return Arithmetic(op, self._number(left, message), self._number(right, message)), ""
            case Call(name, args):
                return self._call(name, args)
            case Lambda():
                return self._lambda(expr), "Boolean"

    def _conditions(self, terms: tuple[Expr, ...]) -> tuple[Expr, ...]:
        found = []
        for term in terms:
            each, kind = self.bound(term)
            _expect(kind, {"Boolean"}, "'and', 'or' and 'not' join conditions in '$filter'.")
            found.append(each)
        return tuple(found)

    def _compare(self, op: str, left: Expr, right: Expr) -> tuple[Expr, str]:
        first, kind = self.bound(left)
        second, other = self.bound(right)
        if "structure" in (kind, other) and ("null" not in (kind, other) or op not in ("eq", "ne")):
            raise BadRequest("A structure is only compared with null in '$filter'.")
        return Compare(op, first, second), "Boolean"

    def _number(self, expr: Expr, message: str) -> Expr:
        found, kind = self.bound(expr)
        _expect(kind, _NUMBERS, message)
        return found

    def _call(self, name: str, args: tuple[Expr, ...]) -> tuple[Expr, str]:
        if name == "isof" and len(args) == 1:
            return self._isof(args[0]), "Boolean"
        found = []
        for at, arg in enumerate(args):
            each, kind = self.bound(arg)
            message = f"Wrong argument for '{name}' in '$filter'."
            if kind == "structure":
                raise BadRequest(message)
            if name in _ROUNDINGS or (name == "substring" and at > 0):
                _expect(kind, _NUMBERS, message)
            elif name in _DATE_PARTS:
                written = kind == "String" and isinstance(each, Literal)
                _expect(kind, {"DateTime", "Time", *(["String"] if written else [])}, message)
            found.append(each)
        return Call(name, tuple(found)), _result(name)

    def _isof(self, type_name: Expr) -> Expr:
        entity = self._known[""].set
        assert entity is not None
        return Literal(type_name == Literal(entity.type.full_name))

    def _lambda(self, expr: Lambda) -> Expr:
        *above, name = expr.collection.path or ("",)
        path, here = self._walk(tuple(above), expr.collection.variable)
        name, inside = self._elements(here, name)
        collection = Property((*path, name), expr.collection.variable)
        if expr.condition is None:
            return Lambda(expr.kind, collection)
        self._known[expr.variable] = inside
        condition = self._conditions((expr.condition,))[0]
        del self._known[expr.variable]
        return Lambda(expr.kind, collection, expr.variable, condition)

    def _elements(self, here: _Here, name: str) -> tuple[str, _Here]:
        """What a collection holds."""
        nav = _match([nav.name for nav in here.set.type.navs], name) if here.set else None
        if here.set is not None and nav is not None:
            to = here.set.type.nav(nav)
            if to is not None and to.many:
                return nav, self._joined(here, nav, to.target_set)
        prop = self._prop(here, name)
        if not prop.is_collection:
            raise BadRequest(f"'{name[:100]}' is no collection for 'any' or 'all'.")
        return prop.name, _Here(complex=prop.complex_name, item=_item(prop), path=here.path)

    def _walk(self, path: tuple[str, ...], variable: str) -> tuple[tuple[str, ...], _Here]:
        here = self._known[variable]
        found: list[str] = []
        for name in path:
            name, here = self._step(here, name)
            found.append(name)
        return tuple(found), here

    def _step(self, here: _Here, name: str) -> tuple[str, _Here]:
        nav = _match([nav.name for nav in here.set.type.navs], name) if here.set else None
        if here.set is not None and nav is not None:
            to = here.set.type.nav(nav)
            if to is not None and not to.many:
                return nav, self._joined(here, nav, to.target_set)
            raise BadRequest(f"'{nav}' are many: ask with 'any' or 'all' in '$filter'.")
        prop = self._prop(here, name)
        if prop.is_collection:
            raise BadRequest(f"'{prop.name}' are many: ask with 'any' or 'all' in '$filter'.")
        return prop.name, _Here(complex=prop.complex_name, item=_item(prop), path=here.path)

    def _prop(self, here: _Here, name: str) -> Prop:
        if here.set is not None:
            owner, props = here.set.type.full_name, here.set.type.props
        elif here.complex:
            owner = self._model.complex_full_name(here.complex)
            props = self._model.complex_types[here.complex].props
        else:
            raise BadRequest(f"A single value has no property '{name[:100]}'.")
        found = _match([prop.name for prop in props], name)
        prop = next((prop for prop in props if prop.name == found), None)
        if prop is None:
            raise BadRequest(f"{owner} has no property '{name[:100]}'.")
        if here.set is not None and self._allowed is not None:
            able = self._allowed(here.set)
            if prop.name not in able:
                raise BadRequest(
                    f"{here.set.name} cannot be filtered or sorted by {prop.name}; "
                    f"what can be used: {', '.join(sorted(able))}."
                )
        return prop

    def _joined(self, here: _Here, nav: str, target: str) -> _Here:
        path = (*here.path, nav)
        if len(path) > MAX_JOIN_DEPTH:
            raise BadRequest(f"A path leads over more than {MAX_JOIN_DEPTH} navigations.")
        self.joins.add("/".join(path))
        if len(self.joins) > MAX_JOINS:
            raise BadRequest(f"The query looks through more than {MAX_JOINS} navigations.")
        return _Here(set=self._model.set(target), path=path)


def _item(prop: Prop) -> str:
    return "" if prop.complex_name else prop.item_type


def _match(names: list[str], name: str) -> str | None:
    """The name as the model has it: exactly, or else in any case."""
    if name in names:
        return name
    lowered = name.lower()
    return next((known for known in names if known.lower() == lowered), None)


def _expect(kind: str, wanted: Collection[str], message: str) -> None:
    if kind not in ("", "null") and kind not in wanted:
        raise BadRequest(message)


def _kind_of(value: object) -> str:
    names = {
        "NoneType": "null",
        "bool": "Boolean",
        "str": "String",
        "int": "Int64",
        "float": "Double",
        "datetime": "DateTime",
        "timedelta": "Time",
        "UUID": "Guid",
        "bytes": "Binary",
    }
    return names.get(type(value).__name__, type(value).__name__)


def _result(name: str) -> str:
    if name in _TESTS:
        return "Boolean"
    if name in _TEXTS:
        return "String"
    return "" if name == "cast" else "Int64" if name not in _ROUNDINGS else "Decimal"


def _spelled(model: Model, entity_set: EntitySet, path: str) -> str:
    """The path of `$expand` or `$select` as the model spells it."""
    found: list[str] = []
    here: EntitySet | None = entity_set
    for part in (part.strip() for part in path.split("/")):
        if here is None:
            found.append(part)
            continue
        entity = here.type
        members = [*(p.name for p in entity.props), *(n.name for n in entity.navs)]
        name = _match([*members, entity.stream or ""], part) or part
        nav = entity.nav(name)
        here = model.set(nav.target_set) if nav is not None else None
        found.append(name)
    return "/".join(found)
