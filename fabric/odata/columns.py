"""Many rows written at once: what is the same in all of them is spelled once, the rest by column.

Calling costs Python more than writing, so all values of a column are spelled in one go, and C puts
the rows together of their columns. Long feeds cost about what dumping them would.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import chain, islice, repeat
from typing import Any

Values = list[Any]
Spell = Callable[[Values], list[str]]
# One text for all rows, or one for each of them.
Column = str | list[str]


def column(values: Values, spell: Spell) -> Column:
    """The texts of a column; a single one when every row has the very same value."""
    return spell(values[:1])[0] if _is_same(values) else spell(values)


def spelling(fast: Spell | None, slow: Spell) -> Spell:
    """The fast way, and for values of another type than the schema promises the slow one."""
    if fast is None:
        return slow

    def spell(values: Values) -> list[str]:
        try:
            return fast(values)
        except (TypeError, ValueError, KeyError, AttributeError):
            # Such as a number in digits.
            return slow(values)

    return spell


def lines(parts: Iterable[Column], count: int) -> list[str]:
    """The rows: the parts side by side."""
    sides: list[Iterable[str]] = []
    fixed: list[str] = []
    for part in parts:
        if isinstance(part, str):
            fixed.append(part)
            continue
        sides += [repeat("".join(fixed), count), part]
        fixed = []
    sides.append(repeat("".join(fixed), count))
    return list(map("".join, zip(*sides, strict=True)))


def each(lists: Sequence[Sequence[Any]], spell: Spell) -> list[list[str]]:
    """The texts of the items of many lists, spelled together and parted again."""
    items = list(chain.from_iterable(lists))
    texts = iter(spell(items) if items else ())
    return [list(islice(texts, len(some))) for some in lists]


def present(values: Values, spell: Spell, null: str) -> list[str]:
    """The texts of a column in which values may be missing."""
    found = [value for value in values if value is not None]
    if len(found) == len(values):
        return spell(values)
    texts = iter(spell(found) if found else ())
    return [null if value is None else next(texts) for value in values]


def _is_same(values: Values) -> bool:
    first, last = values[0], values[-1]
    if first is last:
        return len(set(map(id, values))) == 1
    # Texts of a database are never the same object, and often the same.
    return type(first) is str and first == last and values.count(first) == len(values)
