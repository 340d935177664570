"""Fill a running stack: VMM, registration, a plan, people with subscriptions."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable

from fabric.actions import setup
from plans.models import Plan
from portal import demo
from tenants.models import User
from tests.bench.browserless import Person
from tests.stack import Stack

ROOMY = {"machines": None, "cores": None, "memory_mb": None, "storage_gb": None}
OPERATOR = "olga@example.net"
_OPTION = re.compile(r'<option value="([^"]+)"[^>]*>\s*([^<]*)')


def build(
    stack: Stack, *, owners: Iterable[str], password: str, limits: dict | None = None
) -> Plan:
    """Return the plan all owners are subscribed to; Django must be set up on the stack."""
    olga = setup.set_up(
        code=setup.new_code() or "",
        instance_name="Katal",
        email=OPERATOR,
        password=password,
        passphrase="a passphrase for tests",
    )
    demo.fill_vmm(host_count=10, cores=64, memory_gb=1024, storage_gb=100_000)
    stamp = demo.register(by=olga, url=stack.url("spf"), authority=stack.authority)
    plan = demo.offer(
        by=olga, cloud=demo.wait_for_cloud(stamp), name="Starter", limits=limits or ROOMY
    )
    waiting = [demo.subscribe(by=_owner(olga, owner, password), plan=plan) for owner in owners]
    for subscription in waiting:
        demo.wait_until_in_sync(subscription)
    return plan


def _owner(olga: User, email: str, password: str) -> User:
    return demo.person(by=olga, email=email, name="", secret=password)


def order(person: Person, name: str, image: str = "Debian 12") -> dict[str, str]:
    """Return the filled-in quick create form of a person."""
    path = "/machines/new/quick/"
    page = person.get(path).text
    options = {html.unescape(text).strip(): value for value, text in _OPTION.findall(page)}
    template = next(value for text, value in options.items() if text.startswith(image))
    subscription = next(value for text, value in options.items() if text.startswith("Starter"))
    return person.hidden(path) | {
        "name": name,
        "template": template,
        "subscription": subscription,
        "password": "Guest-Marked-7",
    }
