"""The Provider service, as a portal with plans tells it of subscriptions and their quotas."""

from __future__ import annotations

import json
import threading
import uuid
from typing import Any
from xml.sax.saxutils import quoteattr

import pytest
from django.db import connection
from django.http import HttpResponse
from django.test.utils import CaptureQueriesContext

from fabric.spf.actions import create_account, register_vmm_server
from fabric.spf.actions.quotas import ALWAYS
from fabric.spf.models import Group, Stamp, Subscription, Tenant
from fabric.vmm.actions import profiles, userroles
from fabric.vmm.models import UserRole, VirtualMachine
from tests.contract.spf_service.conftest import Caller, basic, xml
from tests.factories.vmm import ADMINISTRATOR, acting_for, deploy, make_fabric

WAZ = "{http://schemas.microsoft.com/windowsazure}"
ID = "0f6b2a84-93de-4d57-a1c8-5be27a90d604"


class Portal(Caller):
    """A portal at the Provider service."""

    def tell(self, method: str, path: str, body: Any = None, **options: Any) -> HttpResponse:
        return self.send(method, f"provider/{path}", body, root="", **options)

    def told(self, method: str, path: str, body: Any = None) -> Any:
        answer = self.tell(method, path, body)
        assert answer.status_code == 200, answer.content
        return json.loads(answer.content)


def refusal(answer: HttpResponse, status: int = 400) -> str:
    told = json.loads(answer.content)
    assert answer.status_code == status, told
    assert set(told) == {"Code", "Message", "Details"}
    return told["Message"]


@pytest.fixture
def portal(stamp) -> Portal:
    create_account("wap", "a-long-password", [Group.PROVIDER])
    return Portal(authorization=basic("wap", "a-long-password"), principal="")


@pytest.fixture
def plan(fabric, stamp) -> list[dict[str, str]]:
    """Return the settings of a plan with a cloud, a template, a network and checkpoints."""
    return settings(fabric, stamp)


def settings(fabric, stamp, actions: str = "", **limits: object) -> list[dict[str, str]]:
    limits = {"RoleVMCount": 10, "RoleCPUCount": 16, "RoleMemoryMB": "", **limits}
    sizes = "".join(f"<{name}>{value}</{name}>" for name, value in limits.items())
    here = f"StampId={quoteattr(str(stamp.pk))}"
    author = '<Action MaximumNetwork="3" MaximumMemberNetwork="">AuthorVMNetwork</Action>'
    return [
        {
            "Key": "Clouds",
            "Value": f'<Clouds><Cloud Id="{fabric.cloud.pk}" {here}><Quota>{sizes}</Quota></Cloud>'
            "</Clouds>",
        },
        {
            "Key": "Actions",
            "Value": f'<?xml version="1.0" encoding="utf-16"?><Actions><Stamp Id="{stamp.pk}">'
            f"{author}<Action>Start</Action><Action>Checkpoint</Action>{actions}</Stamp></Actions>",
        },
        {
            "Key": "VmResources",
            "Value": f'<Resources><VmTemplate Id="{fabric.template.pk}" {here} />'
            f'<GalleryItem Name="x" Version="1" Publisher="y" {here} /></Resources>',
        },
        {
            "Key": "Networks",
            "Value": f'<Networks><Network Id="{fabric.network.pk}" {here}/></Networks>',
        },
        {
            "Key": "CustomSettings",
            "Value": f'<CustomSettings><CustomSetting Key="{uuid.uuid4()}" '
            'Value="DREnabled,DisableNetworkExtension" /></CustomSettings>',
        },
        {"Key": "SomethingNewer", "Value": "not even XML"},
    ]


@pytest.fixture
def annas(plan) -> dict[str, Any]:
    return {
        "SubscriptionId": ID,
        "SubscriptionName": "Anna's cloud",
        "State": 0,
        "LifecycleState": "Provisioning",
        "LastErrorMessage": None,
        "QuotaSettings": plan,
        "AdminId": "anna@tenant1.example",
        "CoAdminIds": ["ben@tenant1.example"],
    }


def role() -> UserRole:
    return UserRole.objects.get(pk=ID)


def granted() -> set[tuple[str, uuid.UUID]]:
    return set(role().resources.values_list("kind", "resource_id"))


def test_a_subscription_becomes_a_tenant_that_can_order_at_once(portal, annas, fabric, stamp):
    told = portal.told("POST", "subscriptions", annas)
    assert told == {
        **annas,
        "LifecycleState": "Provisioned",
        "QuotaSettings": annas["QuotaSettings"],
    }
    tenant = Tenant.objects.get(pk=ID)
    assert tenant.name == f"anna@tenant1.example_{ID}"
    assert list(tenant.stamps.all()) == [stamp]
    made = role()
    assert (made.profile, made.name) == ("TenantAdmin", tenant.name)
    assert made.members == ["anna@tenant1.example", "ben@tenant1.example"]
    wanted = {*ALWAYS, "Checkpoint", "CheckpointRestoreOnly"}
    assert set(made.permissions) == wanted
    scope = made.scopes.get()
    assert (scope.cloud, scope.vm_count, scope.cpu_count) == (fabric.cloud, 10, 16)
    assert (scope.memory_mb, scope.storage_gb, scope.member_vm_count) == (None, None, None)
    assert (made.most_networks, made.member_most_networks) == (3, None)
    assert granted() == {
        ("VMTemplate", fabric.template.pk),
        ("VMNetwork", fabric.network.pk),
    }
    door = Caller(tenant=made.pk, principal="anna@tenant1.example")
    assert [cloud["Name"] for cloud in door.rows("Clouds")] == [fabric.cloud.name]
    assert deploy(fabric, acting_for(made, "anna@tenant1.example")).status == "Running"


def test_what_is_told_twice_is_done_once(portal, annas):
    first = portal.told("POST", "subscriptions", annas)
    assert portal.told("POST", "subscriptions", annas) == first
    assert portal.told("PUT", "subscriptions", annas) == first
    assert portal.told("GET", "subscriptions") == [first]
    assert portal.told("GET", f"subscriptions/{ID}") == first
    assert Tenant.objects.count() == UserRole.objects.filter(pk=ID).count() == 1


def test_an_update_gives_what_is_new_and_takes_what_is_gone(portal, annas, fabric, stamp):
    portal.told("POST", "subscriptions", annas)
    other = profiles.add_hardware(
        ADMINISTRATOR, fabric.server, name="small", cores=1, memory_mb=512
    )
    userroles.change(ADMINISTRATOR, role(), add_members=["guest@tenant1.example"])
    plan = settings(fabric, stamp, RoleVMCount="", MemberVMCount=2)
    plan[1]["Value"] = f'<Actions><Stamp Id="{stamp.pk}"><Action>Save</Action></Stamp></Actions>'
    plan[2] = {
        "Key": "resources",
        "Value": f'<Resources><HardwareProfile Id="{other.pk}" StampId="{stamp.pk}"/></Resources>',
    }
    change = {"SubscriptionId": ID, "QuotaSettings": plan, "CoAdminIds": []}
    told = portal.told("PUT", "subscriptions", change)
    assert (told["SubscriptionName"], told["AdminId"]) == (
        annas["SubscriptionName"],
        annas["AdminId"],
    )
    made = role()
    assert set(made.permissions) == {*ALWAYS, "Save"}
    scope = made.scopes.get()
    assert (scope.vm_count, scope.member_vm_count) == (None, 2)
    assert made.most_networks is None
    assert granted() == {("HardwareProfile", other.pk), ("VMNetwork", fabric.network.pk)}
    # Who was not brought by the portal is not taken away by it.
    assert made.members == ["anna@tenant1.example", "guest@tenant1.example"]


def test_a_suspended_subscription_is_turned_away_until_it_is_resumed(portal, annas):
    portal.told("POST", "subscriptions", annas)
    door = Caller(tenant=role().pk)
    for state, status in (("Suspended", 403), (0, 200), (1, 403), ("0", 200)):
        told = portal.told("PUT", "subscriptions", {"SubscriptionId": ID, "State": state})
        assert told["State"] == (status == 403)
        assert door.get("Clouds").status_code == status
    assert role().scopes.count() == 1, "what is not told of stays"


def test_nothing_left_is_removed_and_again_is_no_error(portal, annas):
    portal.told("POST", "subscriptions", annas)
    for _ in range(2):
        assert portal.tell("DELETE", f"subscriptions/{ID}").status_code == 204
    assert not Tenant.objects.exists()
    assert not UserRole.objects.filter(pk=ID).exists()
    assert refusal(portal.tell("GET", f"subscriptions/{ID}"), 404)


def test_a_subscription_with_machines_is_deleting_and_keeps_them(portal, annas, fabric):
    portal.told("POST", "subscriptions", annas)
    machine = deploy(fabric, acting_for(role(), "anna@tenant1.example"))
    said = refusal(portal.tell("DELETE", f"subscriptions/{ID}"), 409)
    assert "Anna's cloud" in said
    assert "1 virtual machine" in said
    (told,) = portal.told("GET", "subscriptions")
    assert (told["State"], told["LifecycleState"]) == (2, "Deleting")
    assert "1 virtual machine" in told["LastErrorMessage"]
    assert VirtualMachine.objects.filter(pk=machine.pk, status="Running").exists()
    assert Caller(tenant=role().pk).get("Clouds").status_code == 403

    pending = {"SubscriptionId": ID, "State": "DeletePending"}
    assert portal.told("PUT", "subscriptions", pending)["LifecycleState"] == "Deleting"
    machine.delete()
    assert portal.told("PUT", "subscriptions", pending)["LifecycleState"] == "Deleted"
    assert not Tenant.objects.exists()
    assert portal.told("PUT", "subscriptions", pending)["LifecycleState"] == "Deleted"


def test_who_thinks_again_has_the_subscription_back(portal, annas, fabric):
    portal.told("POST", "subscriptions", annas)
    deploy(fabric, acting_for(role(), "anna@tenant1.example"))
    portal.tell("DELETE", f"subscriptions/{ID}")
    told = portal.told("PUT", "subscriptions", {"SubscriptionId": ID, "State": 0})
    assert (told["LifecycleState"], told["LastErrorMessage"]) == ("Provisioned", None)
    assert Caller(tenant=role().pk).get("Clouds").status_code == 200


def broken(fabric, stamp) -> dict[str, tuple[list[dict[str, str]], str]]:
    """Quotas that cannot be, and what the refusal speaks of."""
    nowhere, cloud = uuid.uuid4(), fabric.cloud.pk
    at = f'StampId="{stamp.pk}"'

    def clouds(inside: str, attributes: str = "") -> list[dict[str, str]]:
        head = attributes or f'Id="{cloud}" {at}'
        text = f"<Clouds><Cloud {head}>{inside}</Cloud></Clouds>"
        return [{"Key": "Clouds", "Value": text}]

    def actions(name: str, attributes: str = "") -> list[dict[str, str]]:
        inside = f'<Stamp Id="{stamp.pk}"><Action {attributes}>{name}</Action></Stamp>'
        return [{"Key": "Actions", "Value": f"<Actions>{inside}</Actions>"}]

    bomb = '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><Clouds>&b;</Clouds>'
    outside = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><Clouds>&a;</Clouds>'
    return {
        "bomb": ([{"Key": "Clouds", "Value": bomb}], "Clouds"),
        "external": ([{"Key": "Clouds", "Value": outside}], "Clouds"),
        "broken": ([{"Key": "Networks", "Value": "<Networks>"}], "Networks"),
        "root": ([{"Key": "Actions", "Value": "<Clouds />"}], "Actions"),
        "twice": (clouds("") + clouds(""), "twice"),
        "limit": (clouds("<Quota><RoleVMCount>many</RoleVMCount></Quota>"), "RoleVMCount"),
        "negative": (clouds("<Quota><RoleVMCount>-1</RoleVMCount></Quota>"), "RoleVMCount"),
        "large": (clouds("<Quota><RoleVMCount>2147483648</RoleVMCount></Quota>"), "RoleVMCount"),
        "id": (clouds("", f'Id="gold" {at}'), "GUID"),
        "no stamp": (clouds("", f'Id="{cloud}"'), "StampId"),
        "strange stamp": (clouds("", f'Id="{cloud}" StampId="{nowhere}"'), str(nowhere)),
        "strange cloud": (clouds("", f'Id="{nowhere}" {at}'), str(nowhere)),
        "action": (actions("Fly"), "Fly"),
        "networks": (actions("AuthorVMNetwork", 'MaximumNetwork="x"'), "MaximumNetwork"),
        "custom": (
            [
                {
                    "Key": "CustomSettings",
                    "Value": '<CustomSettings><CustomSetting Value="Turbo"/></CustomSettings>',
                }
            ],
            "Turbo",
        ),
        "value": ([{"Key": "Clouds", "Value": 5}], "Value"),
        "key": ([{"Value": "<Clouds />"}], "Key"),
        "nul": ([{"Key": "Clouds", "Value": "<Clouds>\0</Clouds>"}], "Clouds"),
    }


def test_a_quota_that_cannot_be_changes_nothing(portal, annas, fabric, stamp):
    for name, (plan, word) in broken(fabric, stamp).items():
        answer = portal.tell("POST", "subscriptions", annas | {"QuotaSettings": plan})
        assert word in refusal(answer), name
        assert not Tenant.objects.exists(), name
    portal.told("POST", "subscriptions", annas)
    before = portal.told("GET", "subscriptions")
    for name, (plan, word) in broken(fabric, stamp).items():
        answer = portal.tell("PUT", "quota", {"BaseQuota": plan, "SubscriptionIdsToUpdate": [ID]})
        assert word in refusal(answer), name
    assert portal.told("GET", "subscriptions") == before


@pytest.mark.parametrize(
    "change",
    [
        {"SubscriptionId": None},
        {"SubscriptionId": "anna"},
        {"SubscriptionId": 5},
        {"State": 3},
        {"State": "Sleeping"},
        {"SubscriptionName": "x" * 300},
        {"SubscriptionName": ["x"]},
        {"AdminId": "a\0b"},
        {"CoAdminIds": "ben"},
        {"CoAdminIds": [{}]},
        {"QuotaSettings": "all"},
        {"QuotaSettings": ["all"]},
    ],
)
def test_what_makes_no_sense_is_refused_in_words(portal, annas, change):
    (name,) = change
    assert name in refusal(portal.tell("POST", "subscriptions", annas | change))
    assert not Tenant.objects.exists()


def test_bodies_that_are_none(portal):
    for body in ("", "[]", "5", "{", "<a", "[" * 100_000):
        assert refusal(portal.tell("POST", "subscriptions", body))
    assert refusal(portal.tell("POST", "subscriptions", "x", content_type="text/plain"), 415)
    assert refusal(portal.tell("PUT", "subscriptions", {"SubscriptionId": ID}), 404)
    assert refusal(portal.tell("PATCH", "subscriptions", {}), 405)
    assert refusal(portal.tell("DELETE", "subscriptions/anna"))
    assert refusal(portal.tell("GET", "plans"), 404)


def test_many_subscriptions_get_a_quota_each_whole_or_not_at_all(portal, annas, fabric, stamp):
    other, nobody = str(uuid.uuid4()), str(uuid.uuid4())
    for id in (ID, other):
        portal.told("POST", "subscriptions", annas | {"SubscriptionId": id})
    bigger = settings(fabric, stamp, RoleVMCount=50)
    body = {"BaseQuota": bigger, "AddOnQuotas": [], "SubscriptionIdsToUpdate": [ID, nobody, other]}
    told = portal.told("PUT", "quota", body)
    assert told["UpdatedSubscriptionIds"] == [ID, other]
    assert told["FailedSubscriptionIds"] == [nobody]
    assert nobody in told["Error"]
    for id in (ID, other):
        assert UserRole.objects.get(pk=id).scopes.get().vm_count == 50


def test_add_ons_count_on_top_and_can_be_taken_away(portal, annas, fabric, stamp):
    portal.told("POST", "subscriptions", annas)
    base = settings(fabric, stamp)
    extra = settings(fabric, stamp, "<Action>Save</Action>", RoleVMCount=5, RoleCPUCount="")
    body = {
        "BaseQuota": {"Settings": base},
        "AddOnQuotas": [{"Settings": extra}, [extra[0]]],
        "SubscriptionIdsToUpdate": [ID],
    }
    assert portal.told("PUT", "quota", body)["Error"] is None
    made = role()
    scope = made.scopes.get()
    assert (scope.vm_count, scope.cpu_count) == (20, None)
    assert made.most_networks == 6
    assert "Save" in made.permissions
    # Another word on the subscription itself leaves the add-ons.
    portal.told("PUT", "subscriptions", annas)
    assert role().scopes.get().vm_count == 20
    portal.told("PUT", "quota", body | {"AddOnQuotas": []})
    assert role().scopes.get().vm_count == 10
    assert "Save" not in role().permissions


def test_a_quota_is_tried_without_being_given(portal, annas, fabric, stamp):
    portal.told("POST", "subscriptions", annas)
    bigger = settings(fabric, stamp, RoleVMCount=50)
    body = {"BaseQuota": bigger, "SubscriptionIdsToUpdate": [ID]}
    told = portal.told("PUT", "quota?validateOnly=true", body)
    assert told["UpdatedSubscriptionIds"] == [ID]
    assert role().scopes.get().vm_count == 10
    alone = portal.told("PUT", "quota?validateonly=True", {"BaseQuota": bigger})
    assert alone == {"UpdatedSubscriptionIds": [], "FailedSubscriptionIds": [], "Error": None}


def test_the_default_quota_is_one_that_can_be_given(portal, annas, stamp):
    told = portal.told("GET", "defaultquota")
    keys = ["Clouds", "Actions", "VmResources", "Networks", "CustomSettings"]
    assert [each["Key"] for each in told] == keys
    portal.told("POST", "subscriptions", annas | {"QuotaSettings": told})
    assert set(role().permissions) == set(ALWAYS)
    assert not role().scopes.exists()


def test_a_tenant_of_the_admin_service_is_a_subscription_too(portal, annas, admin_service):
    made = admin_service.send("POST", "Tenants", {"Name": "anna", "SubscriptionID": ID})
    assert made.status_code == 201
    (told,) = portal.told("GET", "subscriptions")
    assert (told["SubscriptionName"], told["QuotaSettings"]) == ("anna", [])
    portal.told("POST", "subscriptions", annas)
    assert (role().name, role().scopes.count()) == ("anna", 1)


def test_the_same_in_xml(portal, annas, fabric, stamp):
    quota = "".join(
        f"<ServiceQuotaSetting><Key>{each['Key']}</Key><Value>{_escaped(each['Value'])}</Value>"
        "</ServiceQuotaSetting>"
        for each in annas["QuotaSettings"]
    )
    body = (
        '<Subscription xmlns="http://schemas.microsoft.com/windowsazure" '
        'xmlns:i="http://www.w3.org/2001/XMLSchema-instance" '
        'xmlns:a="http://schemas.microsoft.com/2003/10/Serialization/Arrays">'
        "<AdminId>anna@tenant1.example</AdminId>"
        "<CoAdminIds><a:string>ben@tenant1.example</a:string></CoAdminIds>"
        '<LastErrorMessage i:nil="true" />'
        f"<QuotaSettings>{quota}</QuotaSettings><State>Active</State>"
        f"<SubscriptionId>{ID}</SubscriptionId><SubscriptionName>Anna</SubscriptionName>"
        "</Subscription>"
    )
    options = {"content_type": "application/xml", "accept": "application/xml"}
    told = portal.tell("POST", "subscriptions", body, **options)
    assert told.status_code == 200, told.content
    assert xml(told).findtext(f"{WAZ}SubscriptionName") == "Anna"
    assert xml(told).findtext(f"{WAZ}CoAdminIds/{WAZ}string") == "ben@tenant1.example"
    assert role().members == ["anna@tenant1.example", "ben@tenant1.example"]
    assert role().scopes.get().vm_count == 10
    listed = xml(portal.tell("GET", "subscriptions", accept="text/xml"))
    found = listed.findtext(
        f"{WAZ}Subscription/{WAZ}QuotaSettings/{WAZ}ServiceQuotaSetting/{WAZ}Key"
    )
    assert found == "Clouds"
    bomb = f'<!DOCTYPE a [<!ENTITY b "c">]><Subscription>{ID}</Subscription>'
    refused = portal.tell("POST", "subscriptions", bomb, **options)
    assert refused.status_code == 400
    assert xml(refused).tag == f"{WAZ}Error"
    assert xml(refused).findtext(f"{WAZ}Code") == "BadRequest"


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")


def test_usage_is_told_here_as_well(portal, stamp):
    assert portal.told("GET", "usage?lastId=0&batchSize=10") == []
    assert "lastID" in refusal(portal.tell("GET", "usage?lastId=x"))


def test_only_the_group_of_the_provider_service_is_heard(stamp, annas):
    groups = [Group.ADMIN, Group.VMM, Group.USAGE]
    create_account("other", "a-long-password", groups)
    caller = Portal(authorization=basic("other", "a-long-password"))
    assert "SPF_Provider" in refusal(caller.tell("POST", "subscriptions", annas), 403)
    assert not Tenant.objects.exists()


def test_many_subscriptions_cost_no_more_queries_than_one(portal, annas):
    def queries() -> int:
        with CaptureQueriesContext(connection) as asked:
            portal.told("GET", "subscriptions")
        return len(asked)

    portal.told("POST", "subscriptions", annas)
    few = queries()
    for _ in range(4):
        portal.told("POST", "subscriptions", annas | {"SubscriptionId": str(uuid.uuid4())})
    assert queries() == few == 2


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_the_same_subscription_told_of_at_once_is_one(vault):
    fabric = make_fabric()
    stamp: Stamp = register_vmm_server(fabric.server.name)
    create_account("wap", "a-long-password", [Group.PROVIDER])
    body = {"SubscriptionId": ID, "AdminId": "anna", "QuotaSettings": settings(fabric, stamp)}
    portal = Portal(authorization=basic("wap", "a-long-password"))
    answers: list[int] = []

    def tell() -> None:
        try:
            answers.append(portal.tell("POST", "subscriptions", body).status_code)
        finally:
            connection.close()

    threads = [threading.Thread(target=tell) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert answers == [200] * 5
    assert Tenant.objects.count() == Subscription.objects.count() == 1
    assert role().scopes.count() == 1
