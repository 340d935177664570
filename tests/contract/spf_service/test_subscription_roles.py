"""What a portal may do to roles by telling of subscriptions, and who has the last word."""

from __future__ import annotations

import threading
import uuid

import pytest
from django.db import connection, transaction

from fabric.spf.actions import create_account
from fabric.spf.actions.quotas import ALWAYS
from fabric.spf.actions.subscriptions import Told, change_subscription
from fabric.spf.actions.tenants import create_tenant
from fabric.spf.models import Group, SubscriptionState, Tenant
from fabric.vmm.actions import userroles
from tests.contract.spf_service.conftest import basic
from tests.contract.spf_service.test_provider_service import ID, Portal, refusal, role, settings
from tests.factories.vmm import ADMINISTRATOR


@pytest.fixture
def portal(stamp) -> Portal:
    create_account("wap", "a-long-password", [Group.PROVIDER])
    return Portal(authorization=basic("wap", "a-long-password"), principal="")


def test_no_subscription_takes_over_a_role_that_is_not_its_own(portal, admin_service):
    """Whoever may name subscriptions could make themselves a member of any role in VMM."""
    told = {"SubscriptionId": ID, "AdminId": "mallory"}
    everybody = userroles.add(
        ADMINISTRATOR,
        id=uuid.UUID(ID),
        name="Administrators",
        profile="Administrator",
        members=["olga@example.net"],
    )
    assert "user role" in refusal(portal.tell("POST", "subscriptions", told), 409)
    tenant = {"ID": ID, "Name": "mine"}
    assert admin_service.send("POST", "Tenants", tenant).status_code == 409
    assert role().members == everybody.members
    assert not Tenant.objects.exists()


def test_what_others_permitted_stays_when_the_quota_changes(portal, fabric, stamp):
    told = {"SubscriptionId": ID, "AdminId": "anna", "QuotaSettings": settings(fabric, stamp)}
    portal.told("POST", "subscriptions", told)
    userroles.change(ADMINISTRATOR, role(), permissions=[*role().permissions, "Save"])
    plan = settings(fabric, stamp)
    plan[1]["Value"] = f'<Actions><Stamp Id="{stamp.pk}"><Action>Store</Action></Stamp></Actions>'
    portal.told("PUT", "subscriptions", {"SubscriptionId": ID, "QuotaSettings": plan})
    assert set(role().permissions) == {*ALWAYS, "Save", "Store"}


@pytest.mark.django_db(transaction=True)
def test_who_is_told_last_of_a_state_decides_it_whoever_looked_first(vault):
    tenant = create_tenant("anna", uuid.UUID(ID))
    change_subscription(Told(tenant.pk, state=SubscriptionState.ACTIVE))
    looked = threading.Event()

    def resume() -> None:
        try:
            looked.set()
            change_subscription(Told(tenant.pk, state=SubscriptionState.ACTIVE))
        finally:
            connection.close()

    with transaction.atomic():
        change_subscription(Told(tenant.pk, state=SubscriptionState.SUSPENDED))
        other = threading.Thread(target=resume)
        other.start()
        assert looked.wait(60)
        other.join(0.5)
        assert other.is_alive(), "it waits for the one before"
    other.join(60)
    tenant.refresh_from_db()
    assert tenant.subscription.state == SubscriptionState.ACTIVE
    assert tenant.account_status == 0
