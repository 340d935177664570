"""Lists: paged by key, sorted by every column, as many queries for many rows as for one."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from plans.models import Access, Plan, PlanService
from tenants.actions import operations
from tenants.actions.users import open_tenant
from tenants.models import User
from tests.factories import fabric as rows

LISTS = {
    "/plans/": ("name", "access", "subscriptions", "created"),
    "/users/": ("email", "name", "kind", "state", "subscriptions", "joined"),
    "/subscriptions/": ("name", "tenant", "plan", "state", "provisioning", "machines", "created"),
    "/activity/": ("when", "action", "object", "person", "outcome"),
}
SORTS = [(url, sign + word) for url, words in LISTS.items() for word in words for sign in ("", "-")]


def add(plan: Plan, number: int) -> None:
    """Add one row to every list."""
    user = User.objects.create_user(f"user{number:03}@example.net")
    tenant = open_tenant(owner=user, name=f"Tenant {number % 3}")
    subscription = rows.make_subscription(tenant, plan, name=f"Name {number % 2}")
    for machine in range(number % 3):
        rows.make_machine(subscription, f"web-{machine}")
    another = Plan.objects.create(name=f"Plan {number:03}", access=Access.values[number % 3])
    PlanService.objects.create(plan=another, key="vmclouds", is_configured=bool(number % 2))
    operation = operations.started("machine.start", by=user, object_name=f"web-{number % 4}")
    if number % 2:
        operations.succeeded(operation)


def queries(site, url: str) -> int:
    with CaptureQueriesContext(connection) as captured:
        assert site.get(url).status_code == 200
    return len(captured)


@pytest.mark.parametrize("url", [*LISTS, "/"])
def test_more_rows_cost_no_more_queries(site, plan, url) -> None:
    add(plan, 1)
    few = queries(site, url)
    for number in range(2, 8):
        add(plan, number)
    assert queries(site, url) == few <= (22 if url == "/" else 14)


@pytest.mark.parametrize(("url", "sort"), SORTS)
def test_every_page_by_every_column_shows_each_row_once(site, plan, monkeypatch, url, sort) -> None:
    for number in range(1, 6):
        add(plan, number)
    whole = [row.pk for row in site.get(f"{url}?sort={sort}").context["page"].rows]
    monkeypatch.setattr("portal.admin_site.listing.PAGE_SIZE", 2)
    page = site.get(f"{url}?sort={sort}").context["page"]
    assert not page.previous
    forth = [row.pk for row in page.rows]
    while page.next:
        page = site.get(f"{url}?{page.next}").context["page"]
        forth += [row.pk for row in page.rows]
    assert forth == whole
    back = [row.pk for row in page.rows]
    while page.previous:
        page = site.get(f"{url}?{page.previous}").context["page"]
        back = [row.pk for row in page.rows] + back
    assert back == whole
