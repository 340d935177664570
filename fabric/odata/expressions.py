"""The tree a `$filter` is parsed into. `and` and `or` hold all their terms, not pairs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from fabric.odata import literals


@dataclass(frozen=True, slots=True)
class Literal:
    """A constant."""

    value: literals.Value


@dataclass(frozen=True, slots=True)
class Property:
    """A property, or one inside a complex value: `("Owner", "UserName")`.

    Inside `any` and `all` a variable may stand before it, or alone for the element itself.
    """

    path: tuple[str, ...]
    variable: str = ""

    @property
    def name(self) -> str:
        """The path as it is written, `Owner/UserName`."""
        return "/".join((self.variable, *self.path) if self.variable else self.path)


@dataclass(frozen=True, slots=True)
class Compare:
    """`eq ne lt le gt ge`."""

    op: str
    left: Expr
    right: Expr


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """`add sub mul div mod`."""

    op: str
    left: Expr
    right: Expr


@dataclass(frozen=True, slots=True)
class And:
    """All of two or more terms."""

    terms: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """Any of two or more terms."""

    terms: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The opposite of a term."""

    term: Expr


@dataclass(frozen=True, slots=True)
class Call:
    """A function, its name in lower case and its number of arguments checked."""

    name: str
    args: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Lambda:
    """`any` and `all` over the elements of a collection; `any()` has no condition."""

    kind: str
    collection: Property
    variable: str = ""
    condition: Expr | None = None


Expr: TypeAlias = Literal | Property | Compare | Arithmetic | And | Or | Not | Call | Lambda
