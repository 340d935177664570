"""Every entity set this SPF publishes makes the trip through every format and back."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from decimal import Decimal
from types import ModuleType
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fabric.odata import atom, jsonfmt
from fabric.odata.literals import INTEGER_RANGES, from_json
from fabric.odata.negotiate import Format
from fabric.odata.schema import PRIMITIVES, Model, Prop
from fabric.spf.edm import ADMIN, VMM

ROOT = "https://spf.example.net:8090/SC2012R2/VMM/Microsoft.Management.Odata.svc/"
SETS = [(model, name) for model in (VMM, ADMIN) for name in sorted(model.sets)]

texts = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"), max_size=12
)
zones = st.sampled_from([timezone(timedelta(minutes=minutes)) for minutes in (0, -300, 345)])
moments = st.datetimes(
    datetime.fromisoformat("1900-01-01"), datetime.fromisoformat("2200-01-01"), timezones=zones
)
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "Binary": st.binary(max_size=8),
    "Boolean": st.booleans(),
    "DateTime": moments,
    "DateTimeOffset": moments,
    "Decimal": st.decimals(-(10**9), 10**9, places=3).map(Decimal),
    "Double": st.floats(allow_nan=False),
    "Guid": st.uuids(),
    "String": texts,
    **{name: st.integers(*bounds) for name, bounds in INTEGER_RANGES.items()},
}


def value_of(model: Model, prop: Prop, depth: int = 0) -> st.SearchStrategy[Any]:
    if prop.complex_name:
        item = structure_of(model, prop.complex_name, depth + 1)
    else:
        item = VALUES[prop.item_type]
    return st.lists(item, max_size=2) if prop.is_collection else item


def structure_of(model: Model, name: str, depth: int) -> st.SearchStrategy[Any]:
    props = model.complex_types[name].props
    return members_of(model, [p for p in props if depth < 2 or not p.complex_name], depth)


def members_of(model: Model, props: list[Prop], depth: int = 0) -> st.SearchStrategy[Any]:
    """Some of the properties, each with a value of its type."""

    def some(chosen: list[Prop]) -> st.SearchStrategy[Any]:
        return st.fixed_dictionaries({p.name: value_of(model, p, depth) for p in chosen})

    if not props:
        return st.just({})
    return st.lists(st.sampled_from(props), max_size=6, unique_by=lambda p: p.name).flatmap(some)


def rows_of(model: Model, name: str) -> st.SearchStrategy[list[dict[str, Any]]]:
    entity = model.sets[name].type
    keys = {key: VALUES[_prop(model, name, key).item_type] for key in entity.key}
    rest = [prop for prop in entity.props if prop.name not in entity.key]
    row = st.tuples(members_of(model, rest), st.fixed_dictionaries(keys)).map(
        lambda pair: {**pair[0], **pair[1]}
    )
    # The same row twice: what does not change is written in another way.
    return st.lists(row, max_size=3).map(lambda rows: rows + rows[:1])


def _prop(model: Model, name: str, key: str) -> Prop:
    found = model.sets[name].type.prop(key)
    assert found is not None
    return found


def told(value: Any) -> Any:
    """A value without what is not there, however a format writes that."""
    if isinstance(value, dict):
        members = {name: told(member) for name, member in value.items()}
        return {name: member for name, member in members.items() if member not in (None, {}, [])}
    return [told(item) for item in value] if isinstance(value, list) else value


def module(fmt: Format) -> ModuleType:
    return jsonfmt if fmt.is_json else atom


@pytest.mark.parametrize(("model", "name"), SETS, ids=[name for _, name in SETS])
def test_every_set_makes_the_trip(model: Model, name: str) -> None:
    @settings(max_examples=15, suppress_health_check=list(HealthCheck))
    @given(rows_of(model, name), st.sampled_from(Format))
    def check(rows: list[dict[str, Any]], fmt: Format) -> None:
        feed = module(fmt).feed(model, name, rows, root=ROOT, fmt=fmt)
        found, _, _ = module(fmt).read_feed(feed)
        assert len(found) == len(rows)
        for row, seen in zip(rows, found, strict=True):
            entry = module(fmt).entry(model, name, row, root=ROOT, fmt=fmt)
            assert told(module(fmt).read_entry(entry, model, name)) == told(row)
            # A feed shows an entity as it is shown alone.
            assert seen == module(fmt).read_object(entry)

    check()


@pytest.mark.parametrize("edm_type", sorted(PRIMITIVES))
@pytest.mark.parametrize("fmt", list(Format))
def test_every_type_makes_the_trip_as_one_property(edm_type: str, fmt: Format) -> None:
    prop = Prop("Value", edm_type)

    @settings(max_examples=25)
    @given(VALUES[edm_type])
    def check(value: Any) -> None:
        body = module(fmt).property_value(VMM, prop, value, root=ROOT, fmt=fmt)
        if fmt is Format.ATOM:
            wrapped = b'<properties xmlns:m="x">' + body.partition(b"?>")[2] + b"</properties>"
            seen = atom.read_values(wrapped, VMM, [prop])["Value"]
        else:
            found = jsonfmt.read_object(body)
            seen = from_json(found.get("value", found.get("Value")), edm_type)
        assert seen == value

    check()
