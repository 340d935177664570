"""What is handed to the database never loses a row the filter would keep."""

from __future__ import annotations

import pytest

from fabric.odata.filter import equalities, parse
from fabric.spf.models import Account, Stamp
from fabric.spf.narrowing import is_exact, narrow, ordered
from fabric.spf.schema import Table
from fabric.spf.scope import Scope
from fabric.spf.services import ADMIN_SERVICE

STAMPS = ADMIN_SERVICE.model.set("Stamps").type
SCOPE = Scope(account=Account(username="olga"))


def table() -> Table:
    found = ADMIN_SERVICE.resource("Stamps").table
    assert found is not None
    return found


SOME_ID = "11111111-1111-4111-8111-111111111111"


@pytest.mark.parametrize(
    ("text", "exact"),
    [
        ("Name eq 'a'", True),
        ("'a' eq Name", False),
        ("Name eq 123", True),
        (f"ID eq guid'{SOME_ID}' and Name eq 'a'", True),
        ("Name eq 'a' and Name eq 'b'", False),
        ("Name eq 'a' or Name eq 'b'", False),
        ("Name eq null", False),
        ("Name ne 'a'", False),
        ("not (Name eq 'a')", False),
        (f"Name eq guid'{SOME_ID}'", False),
        ("Name eq 1.5", False),
        ("tolower(Name) eq 'a'", False),
    ],
)
def test_only_plain_equalities_need_no_second_look(text, exact):
    assert is_exact(table(), STAMPS, parse(text)) is exact


@pytest.mark.parametrize("name", ["123", "0F6B2A84-93DE-4D57-A1C8-5BE27A90D604", "true", "a'b"])
def test_a_name_is_found_however_it_is_spelled(db, name):
    Stamp.objects.create(name=name)
    Stamp.objects.create(name="another")
    for literal in (f"'{name.replace(chr(39), chr(39) * 2)}'", name, f"guid'{name}'"):
        try:
            known = equalities(parse(f"Name eq {literal}"))
        except Exception:  # no literal at all
            continue
        assert name in {each.name for each in narrow(SCOPE, table(), STAMPS, known)}


@pytest.mark.parametrize("value", ["no guid", 5, "a\0b", True, 1.5])
def test_a_value_of_another_kind_finds_nothing_and_breaks_nothing(db, value):
    Stamp.objects.create(name="one")
    assert list(narrow(SCOPE, table(), STAMPS, {"ID": [value]})) == []


def test_sorting_ends_with_the_key_so_that_pages_do_not_overlap(db):
    for name in ("b", "a", "c"):
        Stamp.objects.create(name=name)
    order = ordered(table(), STAMPS, (("Name", True),))
    assert order is not None
    assert [each.name for each in Stamp.objects.order_by(*order)] == ["c", "b", "a"]
    assert order[-1] == "pk"
    assert ordered(table(), STAMPS, (("Owner/UserName", False),)) is None
