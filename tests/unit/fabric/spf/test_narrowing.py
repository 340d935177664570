"""What is handed to the database never loses a row the filter would keep."""

from __future__ import annotations

import uuid

import pytest

from fabric.odata.filter import equalities, parse
from fabric.spf.conditions import Conditions
from fabric.spf.models import Account, Stamp
from fabric.spf.narrowing import narrow
from fabric.spf.schema import Table
from fabric.spf.scope import Scope
from fabric.spf.services import ADMIN_SERVICE, VMM_SERVICE
from fabric.vmm.roles import Caller

STAMPS = ADMIN_SERVICE.model.set("Stamps").type
SCOPE = Scope(account=Account(username="olga"))


def table() -> Table:
    found = ADMIN_SERVICE.resource("Stamps").table
    assert found is not None
    return found


SOME_ID = "11111111-1111-4111-8111-111111111111"


def told(text: str):
    return Conditions(SCOPE, table(), STAMPS).of(parse(text))


@pytest.mark.parametrize(
    "text",
    [
        "Name eq 'a'",
        "'a' eq Name",
        "Name eq 123",
        "Name eq null",
        "Name ne 'a'",
        "not (Name eq 'a')",
        "not (Name gt 'a' and Name lt 'b')",
        "Name eq 'a' and Name eq 'b'",
        "Name eq 'a' or Name eq 'b'",
        f"ID eq guid'{SOME_ID}' and Name eq 'a'",
        f"ID eq '{{{SOME_ID.upper()}}}'",
        "startswith(Name,'a') and endswith(Name,'b') eq true",
        "not substringof('a',Name)",
        "ID eq 5 or true",
        "ID eq 5 or true and true",
    ],
)
def test_plain_questions_need_no_second_look(text):
    found = told(text)
    assert found is not None
    assert found.is_exact


@pytest.mark.parametrize(
    ("text", "is_told"),
    [
        ("Name eq 'a' and tolower(Name) eq 'a'", True),
        ("not (Name eq 'a' or length(Name) gt 3)", True),
        ("Name eq 'a' or tolower(Name) eq 'a'", False),
        (f"Name eq guid'{SOME_ID}'", False),
        ("Name eq 1.5", False),
        ("Name eq true", False),
        ("tolower(Name) eq 'a'", False),
        ("startswith(Name,ID)", False),
        ("not (startswith(Name,'a') eq true)", False),
        ("ID gt 'a'", False),
        ("Name lt '\0'", False),
    ],
)
def test_what_the_database_would_see_otherwise_is_looked_at_again(text, is_told):
    found = told(text)
    assert (found is not None) is is_told
    assert found is None or not found.is_exact


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


def test_what_is_always_true_is_true_among_others(db):
    Stamp.objects.create(name="one")
    for text in (
        "Name eq 'x' or true",
        "Name eq 'x' or true and true",
        "not (Name eq 'x' or false)",
    ):
        assert Stamp.objects.filter(told(text).q).count() == 1


def test_a_list_of_ids_is_one_question_for_the_index(db):
    ids = [uuid.uuid4() for _ in range(150)]
    found = told(" or ".join(f"ID eq guid'{each}'" for each in ids))
    assert found is not None
    assert str(Stamp.objects.filter(found.q).query).count("=") == 0


def test_every_plain_column_holds_what_its_property_shows():
    """A text compared as an address, or a number as a text, would sort and match otherwise."""
    scope = Scope(account=Account(username="olga"), caller=Caller(is_administrator=True))
    for service in (ADMIN_SERVICE, VMM_SERVICE):
        for entity_set in service.model.sets.values():
            for source in service.resource(entity_set).sources:
                if not isinstance(source, Table):
                    continue
                for name, column in source.columns.items():
                    if column.values is None:
                        prop = entity_set.type.prop(name)
                        kept = kind_of(source.objects(scope), column.path)
                        assert prop is not None
                        assert kept in KINDS[prop.type], (entity_set.name, name, kept)


KINDS = {
    "Guid": {"UUIDField"},
    "String": {"CharField", "TextField"},
    "DateTime": {"DateTimeField"},
    "Boolean": {"BooleanField"},
    **dict.fromkeys(
        ("Byte", "Int16", "Int32", "Int64"),
        {
            "PositiveSmallIntegerField",
            "SmallIntegerField",
            "PositiveIntegerField",
            "IntegerField",
            "BigIntegerField",
            "PositiveBigIntegerField",
        },
    ),
}


def kind_of(rows, path: str) -> str:
    query = rows.values_list(path).query
    field = (
        query.annotations[path].output_field if path in query.annotations else query.select[0].field
    )
    while field.is_relation:
        field = field.target_field
    return type(field).__name__
