"""Fill the cloud of the tenants' journeys, in a process of its own that has its environment."""

from __future__ import annotations

import sys
from pathlib import Path

import django

ALICE, CHARLIE = "alice@example.net", "charlie@example.net"
PASSWORD = "Owner-Marked-7"
CODE = "drawing-board"
SPF_ACCOUNT, SPF_PASSWORD = "watcher", "a-password-for-looking"
# They are being made while the first journeys begin.
MACHINES = ("shop-db", "shop-app", "shop-web", "kiosk", "till", "lamp")


def fill(url: str, authority: Path) -> None:
    """Build a cloud, two plans, an add-on, two tenants; order alice's first machines."""
    from fabric.spf.actions.accounts import create_account
    from portal import demo
    from tenants.models import User
    from tests import cloudmaker
    from tests.faults.build import Place

    starter = cloudmaker.build(Place(url, authority), owners=[ALICE, CHARLIE], password=PASSWORD)
    alice = User.objects.get(email=ALICE)
    [subscription] = alice.tenants.get().subscriptions.all()
    for name in MACHINES:
        demo.order(by=alice, subscription=subscription, name=name, image="Debian 12")
    by_invitation(User.objects.get(email=cloudmaker.OPERATOR), starter.offering.cloud)
    groups = demo.SPF_GROUPS
    create_account(SPF_ACCOUNT, SPF_PASSWORD, groups=groups, is_vmm_administrator=True)


def by_invitation(olga, cloud) -> None:
    """Offer a small plan to those who know a word, and more of it for who wants more."""
    from plans.actions import add_ons, plans
    from plans.models import Access
    from portal import demo

    limits = {"machines": 2, "cores": 2, "memory_mb": 4096, "storage_gb": 40}
    plan = demo.offer(by=olga, cloud=cloud, name="Studio", limits=limits)
    plans.change(
        by=olga,
        plan=plan,
        name=plan.name,
        highlights="Two machines\nMore on demand",
        invitation_code=CODE,
    )
    more = add_ons.create(by=olga, name="Two more cores", amounts={"cores": 2}, plans=[plan])
    add_ons.change_access(by=olga, add_on=more, access=Access.PUBLIC)


if __name__ == "__main__":
    django.setup()
    fill(sys.argv[1], Path(sys.argv[2]))
