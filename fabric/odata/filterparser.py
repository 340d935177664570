"""Text of a `$filter` to its tree.

The text comes from strangers: length, nesting and the numbers of operands, arithmetic operators,
calls and looks into collections are capped; what an evaluation may cost is `evaluation`'s matter.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

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
from fabric.odata.literals import parse_literal

MAX_LENGTH: Final = 8_000
MAX_DEPTH: Final = 20
MAX_TERMS: Final = 400
MAX_ARITHMETIC: Final = 20
MAX_CALLS: Final = 60
MAX_LAMBDAS: Final = 5

COMPARISONS: Final = frozenset({"eq", "ne", "lt", "le", "gt", "ge"})
SUMS: Final = frozenset({"add", "sub"})
PRODUCTS: Final = frozenset({"mul", "div", "mod"})
ARGUMENTS: Final = {
    "substringof": (2, 2),
    "startswith": (2, 2),
    "endswith": (2, 2),
    "indexof": (2, 2),
    "length": (1, 1),
    "tolower": (1, 1),
    "toupper": (1, 1),
    "trim": (1, 1),
    "concat": (2, 2),
    "substring": (2, 3),
    "replace": (3, 3),
    "year": (1, 1),
    "month": (1, 1),
    "day": (1, 1),
    "hour": (1, 1),
    "minute": (1, 1),
    "second": (1, 1),
    "round": (1, 1),
    "floor": (1, 1),
    "ceiling": (1, 1),
    "isof": (1, 2),
    "cast": (2, 2),
}
LAMBDAS: Final = frozenset({"any", "all"})

_TOKEN = re.compile(
    r"""\s*(?:
      (?P<literal>
          [A-Za-z]*'(?:[^']|'')*'
        | \{?[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}\}?(?![\w-])
        | -?(?:[0-9]+(?:\.[0-9]*)?(?:[eE][+\- ]?[0-9]+)?[LlMmDdFf]?(?![\w.])|(?i:INF)\b)
      )
    | (?P<word>[A-Za-z_]\w*(?:\.\w+)*(?:\s*/\s*[A-Za-z_]\w*)*)
    | (?P<mark>[(),:-])
    | (?P<end>\Z)
    )""",
    re.VERBOSE | re.ASCII,
)
_CONSTANTS: Final = frozenset({"true", "false", "null", "nan", "inf"})


class _Token(NamedTuple):
    kind: str
    text: str
    at: int


def parse(text: str) -> Expr:
    """The tree of a filter; raises BadRequest, also for what is too long, too deep or too wide."""
    if len(text) > MAX_LENGTH:
        raise BadRequest(f"The $filter is longer than {MAX_LENGTH} characters.")
    parser = _Parser(_tokens(text))
    tree = parser.disjunction()
    parser.expect_end()
    return tree


def _tokens(text: str) -> list[_Token]:
    tokens, at = [], 0
    while True:
        found = _TOKEN.match(text, at)
        if found is None:
            raise BadRequest(f"Syntax error at position {at} in '$filter'.")
        kind = str(found.lastgroup)
        tokens.append(_Token(kind, found[kind], found.start(kind)))
        if kind == "end":
            return tokens
        at = found.end()


def _type_name(expr: Expr) -> Literal:
    """The type of `isof` and `cast`, in quotes or bare."""
    match expr:
        case Literal(str()):
            return expr
        case Property((name,), ""):
            return Literal(name)
    raise BadRequest("'isof' and 'cast' end with the name of a type in '$filter'.")


class _Parser:
    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens = tokens
        self._next = 0
        self._depth = 0
        self._terms = 0
        self._operators = 0
        self._calls = 0
        self._lambdas = 0
        self._variables: list[str] = []

    def disjunction(self) -> Expr:
        terms = [self._conjunction()]
        while self._take_word("or"):
            terms.append(self._conjunction())
        return terms[0] if len(terms) == 1 else Or(tuple(terms))

    def expect_end(self) -> None:
        if self._peek().kind != "end":
            self._fail()

    def _conjunction(self) -> Expr:
        terms = [self._comparison()]
        while self._take_word("and"):
            terms.append(self._comparison())
        return terms[0] if len(terms) == 1 else And(tuple(terms))

    def _comparison(self) -> Expr:
        left = self._sum()
        op = self._take_one_of(COMPARISONS)
        if not op:
            return left
        return Compare(op, left, self._sum())

    def _sum(self) -> Expr:
        left = self._product()
        while op := self._take_one_of(SUMS):
            left = Arithmetic(op, left, self._product())
        return left

    def _product(self) -> Expr:
        left = self._unary()
        while op := self._take_one_of(PRODUCTS):
            left = Arithmetic(op, left, self._unary())
        return left

    def _unary(self) -> Expr:
        self._descend()
        if self._take_word("not"):
            # `not` binds tighter than comparing, except that clients leave out the parentheses.
            tree: Expr = Not(self._comparison())
        elif self._take_mark("-"):
            self._count_operator()
            tree = Arithmetic("sub", Literal(0), self._unary())
        else:
            tree = self._primary()
        self._depth -= 1
        return tree

    def _primary(self) -> Expr:
        if self._take_mark("("):
            tree = self.disjunction()
            self._expect_mark(")")
            return tree
        token = self._peek()
        self._next += 1
        if token.kind == "literal" or token.text.lower() in _CONSTANTS:
            self._count_term()
            return Literal(parse_literal(token.text))
        if token.kind != "word":
            self._next -= 1
            self._fail()
        self._count_term()
        path = [part.strip() for part in token.text.split("/")]
        if not self._take_mark("("):
            return self._property(path)
        if len(path) > 1 and path[-1].lower() in LAMBDAS:
            return self._lambda(path[-1].lower(), self._property(path[:-1]))
        return self._call(token)

    def _property(self, path: list[str]) -> Property:
        if path[0] in self._variables:
            return Property(tuple(path[1:]), variable=path[0])
        return Property(tuple(path))

    def _lambda(self, kind: str, collection: Property) -> Expr:
        self._lambdas += 1
        if self._lambdas > MAX_LAMBDAS:
            raise BadRequest(f"The $filter has more than {MAX_LAMBDAS} of 'any' and 'all'.")
        if kind == "any" and self._take_mark(")"):
            return Lambda(kind, collection)
        variable = self._peek()
        if variable.kind != "word" or not variable.text.isidentifier():
            self._fail()
        if variable.text in self._variables:
            raise BadRequest(f"'{variable.text[:64]}' stands for two things in '$filter'.")
        self._next += 1
        self._expect_mark(":")
        self._variables.append(variable.text)
        condition = self.disjunction()
        self._variables.pop()
        self._expect_mark(")")
        return Lambda(kind, collection, variable.text, condition)

    def _call(self, token: _Token) -> Expr:
        name = token.text.lower()
        if name not in ARGUMENTS:
            raise BadRequest(f"Unknown function '{token.text[:64]}' in '$filter'.")
        self._calls += 1
        if self._calls > MAX_CALLS:
            raise BadRequest(f"The $filter has more than {MAX_CALLS} calls.")
        args: list[Expr] = []
        while not args or self._take_mark(","):
            args.append(self.disjunction())
        self._expect_mark(")")
        fewest, most = ARGUMENTS[name]
        if not fewest <= len(args) <= most:
            raise BadRequest(f"Wrong number of arguments for '{name}' in '$filter'.")
        if name in ("isof", "cast"):
            args[-1] = _type_name(args[-1])
        return Call(name, tuple(args))

    def _peek(self) -> _Token:
        return self._tokens[self._next]

    def _take_word(self, word: str) -> bool:
        return bool(self._take_one_of(frozenset({word})))

    def _take_one_of(self, words: frozenset[str]) -> str:
        token = self._peek()
        text = token.text.lower()
        if token.kind != "word" or text not in words:
            return ""
        self._next += 1
        if words & (SUMS | PRODUCTS):
            self._count_operator()
        return text

    def _take_mark(self, mark: str) -> bool:
        token = self._peek()
        if token.kind != "mark" or token.text != mark:
            return False
        self._next += 1
        return True

    def _expect_mark(self, mark: str) -> None:
        if not self._take_mark(mark):
            self._fail()

    def _descend(self) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise BadRequest(f"The $filter is nested deeper than {MAX_DEPTH} levels.")

    def _count_term(self) -> None:
        # Every comparison has two operands; the cap is meant in comparisons.
        self._terms += 1
        if self._terms > 2 * MAX_TERMS:
            raise BadRequest(f"The $filter has more than {MAX_TERMS} terms.")

    def _count_operator(self) -> None:
        self._operators += 1
        if self._operators > MAX_ARITHMETIC:
            raise BadRequest(f"The $filter has more than {MAX_ARITHMETIC} arithmetic operators.")

    def _fail(self) -> None:
        raise BadRequest(f"Syntax error at position {self._peek().at} in '$filter'.")
