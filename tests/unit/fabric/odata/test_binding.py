"""Names of a query against the model: any case in, the model's out; nonsense refused unread."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fabric.odata.binding import bind
from fabric.odata.errors import BadRequest
from fabric.odata.filter import Literal, Not, parse
from fabric.odata.query import QueryOptions, parse_query
from fabric.odata.schema import EntitySet, Model


def bound(model: Model, query: str) -> QueryOptions:
    return bind(model, model.sets["VirtualMachines"], parse_query(query))


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("NAME eq 'a' and cpucount gt 2", "Name eq 'a' and CPUCount gt 2"),
        ("owner/username eq 'a'", "Owner/UserName eq 'a'"),
        ("cloud/NAME eq 'a'", "Cloud/Name eq 'a'"),
        ("TAGS/any(t: t eq 'a')", "Tags/any(t: t eq 'a')"),
        (
            "virtualnetworkadapters/any(A: A/macaddress eq NAME)",
            "VirtualNetworkAdapters/any(A: A/MACAddress eq Name)",
        ),
        ("cloud eq null", "Cloud eq null"),
        ("null ne owner", "null ne Owner"),
        ("tolower(name) eq 'a'", "tolower(Name) eq 'a'"),
        ("not enabled or startswith(name,'a')", "not Enabled or startswith(Name,'a')"),
        ("year(addedtime) add 1 eq 2027", "year(AddedTime) add 1 eq 2027"),
        ("name eq 123", "Name eq 123"),
    ],
)
def test_names_are_found_in_any_case(model: Model, written: str, meant: str) -> None:
    assert bound(model, f"$filter={written}").filter == parse(meant)


def test_sorting_showing_and_expanding_take_any_case(model: Model) -> None:
    found = bound(
        model,
        "$orderby=NAME desc,owner/USERNAME,CLOUD/name&$select=name,virtualnetworkadapters/id,NAME"
        "&$expand=virtualNETWORKadapters/logicalnetwork,CLOUD",
    )

    assert found.orderby == (("Name", True), ("Owner/UserName", False), ("Cloud/Name", False))
    assert found.select == ("Name", "VirtualNetworkAdapters/ID")
    assert found.expand == ("VirtualNetworkAdapters/LogicalNetwork", "Cloud")


def test_what_the_model_lacks_is_left_for_the_answers_shape_to_refuse(model: Model) -> None:
    found = bound(model, "$select=*,Nonsense&$expand=Nonsense/more")

    assert (found.select, found.expand) == (("*", "Nonsense"), ("Nonsense/more",))


def test_the_navigations_looked_through_are_known(model: Model) -> None:
    found = bound(
        model,
        "$filter=VirtualNetworkAdapters/any(a: a/LogicalNetwork/Name eq 'x')&$orderby=Cloud/Name",
    )

    assert found.joins == (
        "Cloud",
        "VirtualNetworkAdapters",
        "VirtualNetworkAdapters/LogicalNetwork",
    )


def test_whether_it_is_a_machine_is_known_of_all_rows(model: Model) -> None:
    found = bound(model, "$filter=not isof('VMM.VirtualMachine')")

    assert found.filter == Not(Literal(True))


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("$filter=Nonsense eq 1", "VMM.VirtualMachine has no property 'Nonsense'"),
        ("$filter=Owner/Nonsense eq 1", "VMM.UserAndRole has no property 'Nonsense'"),
        ("$filter=Name/Length eq 1", "no property 'Length'"),
        ("$filter=Owner eq 'alice'", "only compared with null"),
        ("$filter=Owner gt null", "only compared with null"),
        ("$filter=Cloud eq Owner", "only compared with null"),
        ("$filter=Name", "not a condition"),
        ("$filter=5", "not a condition"),
        ("$filter=Name and Enabled", "join conditions"),
        ("$filter=not Name", "join conditions"),
        ("$filter=Name add 1 eq 2", "'add' takes numbers"),
        ("$filter=year(Name) eq 1", "Wrong argument for 'year'"),
        ("$filter=floor(Name) eq 1", "Wrong argument for 'floor'"),
        ("$filter=substring(Name,'x') eq 'y'", "Wrong argument for 'substring'"),
        ("$filter=length(Owner) eq 1", "Wrong argument for 'length'"),
        ("$filter=Tags eq 'x'", "'Tags' are many"),
        ("$filter=VirtualNetworkAdapters/MACAddress eq 'x'", "'VirtualNetworkAdapters' are many"),
        ("$filter=Name/any(n: n eq 'x')", "no collection"),
        ("$filter=Cloud/any(n: true)", "no property 'Cloud'"),
        ("$filter=Tags/any(t: t/Name eq 'x')", "A single value has no property"),
        ("$filter=Tags/any(t: t)", "join conditions"),
        ("$orderby=Nonsense", "no property"),
        ("$orderby=Owner", "single value"),
        ("$orderby=Cloud", "single value"),
        ("$orderby=Tags", "are many"),
        ("$orderby=VirtualNetworkAdapters/MACAddress", "are many"),
    ],
)
def test_nonsense_is_refused_before_a_row_is_read(model: Model, query: str, message: str) -> None:
    with pytest.raises(BadRequest) as refused:
        bound(model, query)
    assert message in refused.value.message


def test_only_what_is_allowed_is_filtered_and_sorted_by(model: Model) -> None:
    def allowed(entity_set: EntitySet) -> set[str]:
        return {"Name", "ID"} if entity_set.name == "VirtualMachines" else {"Name"}

    def ask(query: str) -> QueryOptions:
        return bind(model, model.sets["VirtualMachines"], parse_query(query), allowed)

    ask("$filter=name eq 'x' and Cloud/Name eq 'y'&$orderby=Name&$select=Operation")
    for query in (
        "$filter=operation eq 'x'",
        "$orderby=Operation",
        "$filter=startswith(Operation,'x')",
        "$filter=VirtualNetworkAdapters/any(a: a/MACAddress eq 'x')",
        "$filter=Cloud/Description eq 'x'",
    ):
        with pytest.raises(BadRequest, match="what can be used: .*Name"):
            ask(query)
    with pytest.raises(BadRequest, match="filtered or sorted by Operation; .* ID, Name"):
        ask("$filter=Operation eq 'x'")


@given(st.text(alphabet="NameOwrUsCloudTgany(): eq/'1,&$filtrodby=", max_size=60))
def test_no_query_breaks_the_binding(model: Model, text: str) -> None:
    for prefix in ("$filter=", "$orderby=", "$select=", "$expand="):
        try:
            bound(model, prefix + text)
        except BadRequest:
            pass
