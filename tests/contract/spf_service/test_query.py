"""Filters, sorting and pages over the wire, as clients ask for them and as attackers do."""

from __future__ import annotations

import copy
import json
import time
import uuid
from urllib.parse import unquote, urlsplit

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from fabric.vmm.models import NetworkAdapter, VirtualMachine
from tests.contract.spf_service.conftest import NAMESPACES, key, said, texts, xml
from tests.factories.vmm import acting_for, deploy

NAMES = ("app-01", "app-02", "db-01", "web-01", "web-02")


@pytest.fixture
def machines(fabric, role, stamp):
    """Return alice's five machines; one was deployed, the others are like it without devices."""
    first = deploy(fabric, acting_for(role), "web-01")
    made = {"web-01": first}
    for name in NAMES:
        if name != "web-01":
            made[name] = another(first, name)
    VirtualMachine.objects.update(cores=2, hypervisor_id=None)
    VirtualMachine.objects.filter(name="web-02").update(cores=1, hypervisor_id=uuid.uuid4())
    VirtualMachine.objects.filter(name="db-01").update(owner_name="bob@example.net")
    return made


def another(like: VirtualMachine, name: str) -> VirtualMachine:
    found = copy.copy(like)
    found.pk, found.name, found.request_key = uuid.uuid4(), name, None
    found.save(force_insert=True)
    return found


def names(rows) -> list[str]:
    return [row["Name"] for row in rows]


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ("name eq 'db-01'", ["db-01"]),
        ("startswith(Name,'web') and CPUCount lt 2", ["web-02"]),
        (
            "endswith(NAME,'-01') or not startswith(Name,'web')",
            ["app-01", "app-02", "db-01", "web-01"],
        ),
        ("substringof('b-',Name) eq true", ["db-01", "web-01", "web-02"]),
        ("Name gt 'db' and Name le 'web-01'", ["db-01", "web-01"]),
        ("toupper(Name) eq 'DB-01'", ["db-01"]),
        ("Owner/UserName eq 'bob@example.net'", ["db-01"]),
        ("cloud/name eq 'Gold' and length(Name) eq 5", ["db-01"]),
        ("MostRecentTask/Status eq 'Completed' and startswith(Name,'app')", ["app-01", "app-02"]),
        ("MostRecentTask/Status eq 'Failed'", []),
        (
            "FailedJob eq null and VMId eq null and Name ne 'app-01'",
            ["app-02", "db-01", "web-01"],
        ),
        (
            "VirtualNetworkAdapters/any(a: a/VMNetworkName eq 'front') and Name eq 'web-01'",
            ["web-01"],
        ),
        ("VirtualNetworkAdapters/any(a: a/MACAddress eq 'x')", []),
        ("VirtualDVDDrives/any()", []),
        ("GrantedToList/any(g: g/RoleName eq 'x')", []),
        (
            "year(AddedTime) gt 2000 and AddedTime gt datetime'2000-01-01' and Name eq 'db-01'",
            ["db-01"],
        ),
        ("isof(VMHostName,'Edm.String') or Name eq 'app-02'", ["app-02"]),
        ("Memory mod 2 eq 0 and Memory div 2 gt 1 and Name eq 'web-02'", ["web-02"]),
    ],
)
def test_machines_are_found_by_what_they_are(tenant, machines, condition, found):
    assert names(tenant.rows(f"VirtualMachines?$filter={condition}&$orderby=Name")) == found
    count = tenant.get(f"VirtualMachines/$count?$filter={condition}")
    assert int(count.content) == len(found)


def test_machines_are_sorted_by_several_things(tenant, machines):
    by_owner = "Owner/UserName desc,Name desc"
    assert names(tenant.rows(f"VirtualMachines?$orderby={by_owner}"))[0] == "db-01"
    assert names(tenant.rows("VirtualMachines?$orderby=cpucount,NAME desc"))[:2] == [
        "web-02",
        "web-01",
    ]
    assert names(tenant.rows("VirtualMachines?$orderby=Cloud/Name,Name")) == list(NAMES)
    assert names(tenant.rows("VirtualMachines?$orderby=Name desc&$skip=1&$top=2")) == [
        "web-01",
        "db-01",
    ]


def test_looking_through_a_navigation_costs_one_query_and_shows_nothing_of_it(
    tenant, machines, fabric
):
    asked = "VirtualMachines?$filter=VirtualNetworkAdapters/any(a: a/VMNetworkName eq 'front')"
    counts = []
    # Whoever signs in is remembered for the next call.
    tenant.rows("Clouds")
    for name in ("db-01", "app-01"):
        with CaptureQueriesContext(connection) as queries:
            rows = tenant.rows(asked)
        counts.append(len(queries))
        assert "VirtualNetworkAdapters" not in rows[0]
        NetworkAdapter.objects.create(
            machine=machines[name], network=fabric.network, slot=0, mac=name
        )
    assert [len(rows), counts[0]] == [2, counts[1]]
    assert counts[0] <= 10
    assert "VirtualNetworkAdapters" in tenant.rows(f"{asked}&$expand=VirtualNetworkAdapters")[0]


def test_select_and_expand_take_names_in_any_case(tenant, machines):
    (row,) = tenant.rows(
        "VirtualMachines?$filter=Name eq 'db-01'&$select=NAME,cloud/name&$expand=CLOUD"
    )
    assert set(row) == {"Name", "Cloud"}
    assert row["Cloud"] == {"Name": "Gold"}


@pytest.mark.parametrize(
    "condition",
    [
        "LocalAdminPassword eq 'x'",
        "localadminpassword ne null",
        "startswith(ProductKey,'A')",
        "Operation eq 'Start'",
        "StartVM eq true",
        "MostRecentTask/Password eq 'x'",
        "LinuxAdministratorSSHKey ne null",
    ],
)
def test_what_is_only_sent_is_never_asked_after(tenant, machines, condition):
    refused = tenant.get(f"VirtualMachines?$filter={condition}")
    assert refused.status_code == 400
    assert "what can be used:" in said(refused)
    assert "Name" in said(refused)
    assert tenant.get("VirtualMachines?$orderby=Operation").status_code == 400


def test_a_filter_is_refused_before_anything_is_read(tenant, machines, monkeypatch):
    def read(*args, **kwargs):
        raise AssertionError("read")

    monkeypatch.setattr("fabric.spf.reading.Reader.fetch", read)
    monkeypatch.setattr("fabric.spf.reading.Reader.place", read)
    for condition in ("Nonsense eq 1", "Operation eq 'x'", "Name add 1 eq 2", "Name", "Cloud eq 5"):
        assert tenant.get(f"VirtualMachines?$filter={condition}").status_code == 400


@pytest.mark.parametrize(
    "condition",
    [
        "(" * 60 + "true" + ")" * 60,
        " or ".join(["Name eq 'a'"] * 500),
        "Name eq '" + "x" * 9_000 + "'",
        " and ".join(["length(Name) gt 0"] * 70),
        "length(" + "concat(" * 25 + "Name" + ",Name)" * 25 + ") gt 0",
        f"indexof(replace(replace(Name,'a','{'b' * 900}'),'b','{'c' * 900}'),'{'c' * 99}d') gt 0",
        "VirtualNetworkAdapters/any(a: " * 9 + "true" + ")" * 9,
        "VMCheckpoints/any(c: c/ParentCheckPoint/ParentCheckPoint/ParentCheckPoint/Name eq 'x')",
    ],
)
def test_a_hostile_filter_is_refused_at_once(tenant, machines, condition):
    begun = time.process_time()
    assert tenant.get(f"VirtualMachines?$filter={condition}").status_code == 400
    assert time.process_time() - begun < 2


@pytest.mark.parametrize(
    "query", ["$top=1&$top=2", "$filter=true&$FILTER=true", "$format=json&%24format=atom"]
)
def test_an_option_given_twice_is_refused(tenant, query):
    assert tenant.get(f"Clouds?{query}").status_code == 400


def test_unknown_options_may_come_as_often_as_they_like(tenant, stamp):
    assert len(tenant.rows("Clouds?api-version=1&api-version=2&$search=x&$search=y&a&a")) == 1


def pages(caller, path, **headers):
    """Follow next links; yields the rows of each page."""
    answer = caller.get(path, **headers)
    while True:
        assert answer.status_code == 200, answer.content
        body = json.loads(answer.content)
        yield body["value"]
        link = body.get("odata.nextLink")
        if link is None:
            return
        split = urlsplit(link)
        assert split.path.startswith(caller.root)
        assert len(body["value"]) > 0
        # As a client does: the link as it is, without wishes of its own.
        answer = caller.get(unquote(f"{split.path[1:]}?{split.query}"), root="")


PAGED = {"Prefer": "odata.maxpagesize=2"}


def test_without_a_wish_a_feed_is_complete(tenant, machines):
    answer = tenant.get("VirtualMachines")
    assert len(json.loads(answer.content)["value"]) == 5
    assert b"nextLink" not in answer.content
    assert "Preference-Applied" not in answer


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("$orderby=Name", [["app-01", "app-02"], ["db-01", "web-01"], ["web-02"]]),
        ("$orderby=Name desc&$top=3", [["web-02", "web-01"], ["db-01"]]),
        ("$orderby=Name&$top=4&$skip=1", [["app-02", "db-01"], ["web-01", "web-02"]]),
        ("$orderby=CPUCount,Name", [["web-02", "app-01"], ["app-02", "db-01"], ["web-01"]]),
        (
            "$orderby=VMId desc,Name&$filter=Name ne 'db-01'",
            [["web-02", "app-01"], ["app-02", "web-01"]],
        ),
        # Sorted and filtered where the database cannot.
        (
            "$orderby=Owner/UserName desc,Name",
            [["db-01", "app-01"], ["app-02", "web-01"], ["web-02"]],
        ),
        ("$orderby=Name&$filter=length(Name) gt 5", [["app-01", "app-02"], ["web-01", "web-02"]]),
    ],
)
def test_pages_are_complete_and_in_order(tenant, machines, query, expected):
    found = list(pages(tenant, f"VirtualMachines?{query}&$select=Name", **PAGED))
    assert [names(page) for page in found] == expected
    assert all(set(row) == {"Name"} for page in found for row in page)


def test_rows_that_come_and_go_meanwhile_move_no_others(tenant, machines):
    turning = pages(tenant, "VirtualMachines?$orderby=Name", **PAGED)
    assert names(next(turning)) == ["app-01", "app-02"]
    VirtualMachine.objects.filter(name="app-02").delete()
    another(machines["db-01"], "aaa-01")
    another(machines["db-01"], "mail-01")
    assert names(next(turning)) == ["db-01", "mail-01"]
    assert names(next(turning)) == ["web-01", "web-02"]


def test_every_page_says_how_many_there_are_and_keeps_the_other_options(tenant, machines):
    answer = tenant.get("VirtualMachines?$inlinecount=allpages&$expand=Cloud&x=a+b", **PAGED)
    body = json.loads(answer.content)
    assert body["odata.count"] == "5"
    assert answer["Preference-Applied"] == "odata.maxpagesize=2"
    link = urlsplit(body["odata.nextLink"])
    kept = [part for part in unquote(link.query).split("&") if "skiptoken" not in part]
    assert kept == ["$inlinecount=allpages", "$expand=Cloud", "x=a+b"]
    second = json.loads(tenant.get(unquote(f"{link.path[1:]}?{link.query}"), root="").content)
    assert second["odata.count"] == "5"
    assert second["value"][0]["Cloud"]["Name"] == "Gold"


def test_every_format_has_its_own_link(tenant, machines):
    verbose = tenant.get("VirtualMachines", accept="application/json;odata=verbose", **PAGED)
    assert "$skiptoken=" in json.loads(verbose.content)["d"]["__next"]
    atom = xml(tenant.get("VirtualMachines", accept="application/atom+xml", **PAGED))
    (link,) = atom.findall("a:link[@rel='next']", NAMESPACES)
    assert "$skiptoken=" in str(link.get("href"))
    assert len(texts(atom, "a:entry/a:id")) == 2


def token_of(answer) -> str:
    return urlsplit(json.loads(answer.content)["odata.nextLink"]).query.partition("$skiptoken=")[2]


def test_a_token_is_good_for_its_own_query_only(tenant, stranger, machines):
    token = unquote(token_of(tenant.get("VirtualMachines?$orderby=Name", **PAGED)))
    assert len(tenant.rows(f"VirtualMachines?$orderby=Name&$skiptoken={token}")) == 2
    for query in (
        f"VirtualMachines?$orderby=Name desc&$skiptoken={token}",
        f"VirtualMachines?$skiptoken={token}",
        f"VirtualMachines?$orderby=Name&$filter=CPUCount gt 0&$skiptoken={token}",
        f"Clouds?$orderby=Name&$skiptoken={token}",
        f"VirtualMachines?$orderby=Name&$skiptoken={token[:-2]}",
        f"VirtualMachines?$orderby=Name&$skiptoken={token[0]}x{token[2:]}",
        "VirtualMachines?$orderby=Name&$skiptoken=1",
        "VirtualMachines?$skiptoken=%00",
        f"VirtualMachines?$skiptoken={'x' * 20_000}",
    ):
        answer = tenant.get(query)
        assert answer.status_code == 400, query
        assert "$skiptoken" in said(answer)
    # It holds a place, not rights.
    assert stranger.rows(f"VirtualMachines?$orderby=Name&$skiptoken={token}") == []


@pytest.mark.parametrize("wish", ["0", "-1", "x", "", "99999999999999999999"])
def test_a_wish_without_sense_is_ignored(tenant, machines, wish):
    assert (
        len(
            json.loads(tenant.get("VirtualMachines", Prefer=f"odata.maxpagesize={wish}").content)[
                "value"
            ]
        )
        == 5
    )


def test_wishes_may_come_several_at_a_time(tenant, machines):
    answer = tenant.get("VirtualMachines", Prefer='respond-async, x="a,b";c, odata.maxpagesize=3;y')
    assert len(json.loads(answer.content)["value"]) == 3


def test_links_are_paged_filtered_and_counted_as_feeds_are(tenant, machines, stamp):
    machine = key("VirtualMachines", machines["web-01"].pk, stamp.pk)
    adapters = f"{machine}/$links/VirtualNetworkAdapters"
    assert len(json.loads(tenant.get(adapters).content)["value"]) == 1
    assert json.loads(tenant.get(f"{adapters}?$filter=MACAddress eq 'x'").content)["value"] == []
    assert json.loads(tenant.get(f"{adapters}?$top=0").content)["value"] == []


def test_links_come_in_pages_too(admin_service, stamp):
    for name in ("alice", "bob", "charlie"):
        body = {"Name": f"{name}_{uuid.uuid4()}", "SubscriptionID": uuid.uuid4()}
        made = admin_service.send("POST", "Tenants", body)
        url = {"url": made["Location"]}
        links = f"Stamps(guid'{stamp.pk}')/$links/Tenants"
        assert admin_service.send("POST", links, url).status_code == 204
    found = list(pages(admin_service, links, **PAGED))
    assert [len(page) for page in found] == [2, 1]
    assert len({each["url"] for page in found for each in page}) == 3


def test_a_set_that_must_be_asked_precisely_still_must(tenant, machines):
    refused = tenant.get("PerformanceData?$filter=TimeFrame eq 'Hour'")
    assert refused.status_code == 400
    assert "StampId" in said(refused)
