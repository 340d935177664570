"""The list of machines: filters, order, paging, its age, and what it costs."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from fabric.models import Machine, Stamp
from fabric.states import MachineState
from portal.tenant_site.machine_list import PAGE_SIZES
from tests.factories.fabric import make_machine, make_subscription
from tests.site.tenant.conftest import make_job

MOST_QUERIES = 12
PAGE_SIZE = PAGE_SIZES[0]
HTML_BUDGET = 60_000


@pytest.fixture
def many(subscription):
    """Return 120 machines, every third of them stopped."""
    one = make_machine(subscription, "pattern")
    rows = [
        Machine(
            subscription=subscription,
            stamp=one.stamp,
            cloud=one.cloud,
            template=one.template,
            name=f"node-{n:03d}",
            state=MachineState.STOPPED if n % 3 == 0 else MachineState.RUNNING,
            os_name=one.os_name,
            cores=n % 4 + 1,
            memory_mb=1024,
            storage_gb=10,
            addresses=[f"10.1.0.{n}"],
            created_at=timezone.now() - timedelta(minutes=n),
        )
        for n in range(119)
    ]
    Machine.objects.bulk_create(rows)


def names(page) -> list[str]:
    return [machine.name for machine in page.context["listed"].page.rows]


def follow(browser, page, way: str):
    link = getattr(page.context["listed"].page, way)
    return browser.get(f"{reverse('machines')}?{link}")


def test_it_costs_the_same_however_many_there_are(as_alice, subscription, machine, many) -> None:
    with CaptureQueriesContext(
        connection,
    ) as asked:
        as_alice.get(reverse("machines"))
    assert len(asked) <= MOST_QUERIES, [query["sql"][:90] for query in asked]
    Machine.objects.exclude(name="web-01").delete()
    with CaptureQueriesContext(connection) as asked_of_one:
        as_alice.get(reverse("machines"))
    assert len(asked_of_one) == len(asked)


def test_a_hundred_rows_are_light(as_alice, alices, plan, many) -> None:
    make_subscription(alices, plan, name="Other")
    Machine.objects.update(tags=["production", "web"])
    page = as_alice.get(f"{reverse('machines')}?size=100")
    assert len(names(page)) == 100
    assert len(page.content) <= HTML_BUDGET


@pytest.mark.parametrize(("asked", "size"), [("50", 50), ("100", 100), ("99", 25), ("x", 25)])
def test_a_page_is_as_long_as_asked(as_alice, many, asked, size) -> None:
    assert len(names(as_alice.get(f"{reverse('machines')}?size={asked}"))) == size


@pytest.mark.parametrize(
    "sort",
    [
        *("name", "-name", "age", "-age", "cores", "-state", "memory"),
        *("subscription", "-os", "address", "-address"),
    ],
)
def test_pages_follow_one_another_without_gap_or_repeat(as_alice, many, sort) -> None:
    page = as_alice.get(f"{reverse('machines')}?sort={sort}")
    seen = names(page)
    while page.context["listed"].page.next:
        page = follow(as_alice, page, "next")
        seen += names(page)
    assert len(seen) == len(set(seen)) == 120
    back = names(follow(as_alice, page, "previous"))
    last = (len(seen) - 1) // PAGE_SIZE * PAGE_SIZE
    assert back == seen[last - PAGE_SIZE : last]


def test_the_youngest_has_the_smallest_age(as_alice, many) -> None:
    assert names(as_alice.get(f"{reverse('machines')}?sort=-age"))[:2] == ["node-118", "node-117"]


def test_addresses_sort_by_number_and_odd_ones_to_the_ends(as_alice, subscription) -> None:
    for name, address in (
        *(("nine", "10.0.0.9"), ("ten", "10.0.0.10"), ("six", "fe80::1")),
        *(("odd", "999.1.1.1"), ("none", "")),
    ):
        make_machine(subscription, name, addresses=[address] if address else [])
    found = names(as_alice.get(f"{reverse('machines')}?sort=address"))
    assert found[:3] == ["none", "nine", "ten"]
    assert set(found[3:]) == {"six", "odd"}


def test_facets_count_what_the_other_filters_leave(as_alice, subscription) -> None:
    make_machine(subscription, "a", tags=["web"], state=MachineState.STOPPED)
    make_machine(subscription, "b", tags=["web", "old"])
    make_machine(subscription, "c", template=None)
    listed = as_alice.get(f"{reverse('machines')}?tag=web").context["listed"]
    assert [machine.name for machine in listed.page.rows] == ["a", "b"]
    assert {facet.value: facet.count for facet in listed.tags} == {"web": 2, "old": 1}
    assert {facet.value: facet.count for facet in listed.states} == {"running": 1, "stopped": 1}
    listed = as_alice.get(f"{reverse('machines')}?template=Ubuntu 24.04").context["listed"]
    assert listed.total == 2


def test_what_stands_out_is_on_the_row(as_alice, subscription) -> None:
    ends = timezone.now() + timedelta(days=3, hours=1)
    make_machine(subscription, "a", tags=["t1", "t2", "<b>", "t4"], is_protected=True, ends_at=ends)
    page = as_alice.get(reverse("machines")).text
    for told in ("protected", "ends in 3 days", "t1", "&lt;b&gt;", "+1"):
        assert told in page


def test_filters_stand_in_the_url(as_alice, many, alices, plan) -> None:
    other = make_subscription(alices, plan, name="Other")
    make_machine(other, "elsewhere")
    url = reverse("machines")
    assert as_alice.get(f"{url}?state=stopped").context["listed"].total == 40
    assert names(as_alice.get(f"{url}?q=NODE-007")) == ["node-007"]
    assert names(as_alice.get(f"{url}?q=10.1.0.8")) == [
        "node-008",
        *(f"node-{n:03d}" for n in range(80, 90)),
    ]
    assert names(as_alice.get(f"{url}?subscription={other.pk}")) == ["elsewhere"]


@pytest.mark.parametrize(
    "query", ["sort=password", "state=nonsense", "subscription=1", "after=%00x", "after=WzEsMl0"]
)
def test_nonsense_in_the_url_counts_as_not_given(as_alice, machine, query) -> None:
    assert names(as_alice.get(f"{reverse('machines')}?{query}")) == ["web-01"]


def test_filtered_to_nothing_offers_to_clear(as_alice, machine) -> None:
    assert "Clear filters" in as_alice.get(f"{reverse('machines')}?q=zzz").text


def test_empty_says_how_to_begin(as_alice, alices, plan) -> None:
    page = as_alice.get(reverse("machines"))
    assert reverse("plans") in page.text
    make_subscription(alices, plan)
    page = as_alice.get(reverse("machines"))
    assert "New machine" in page.text


def live(browser, seen: str = "", query: str = ""):
    """Ask as the live line of the list does."""
    url = f"{reverse('machines')}?{query}&seen={seen}"
    return browser.get(url, headers={"HX-Request": "true"})


def test_the_live_line_is_told_of_changes_alone(as_alice, machine) -> None:
    seen = as_alice.get(reverse("machines")).context["listed"].mark
    quiet = live(as_alice, seen)
    assert "web-01" not in quiet.text
    assert 'id="machine-live"' in quiet.text, "the age of the list comes along"
    assert 'id="running"' in quiet.text, "so does the indicator in the top bar"
    Machine.objects.update(state=MachineState.UPDATING, status_text="Starting…")
    make_job(machine, remote={"percent": 43})
    changed = live(as_alice, seen)
    assert "<html" not in changed.text
    for told in ("Starting", "43 %", 'hx-swap-oob="true"'):
        assert told in changed.text


def test_a_quiet_list_of_many_pages_is_told_so(as_alice, many) -> None:
    seen = as_alice.get(f"{reverse('machines')}?sort=-name").context["listed"].mark
    quiet = live(as_alice, seen, "sort=-name")
    assert "node-118" not in quiet.text
    assert "seen=" not in quiet.text, "what is asked next names it once"


def test_a_page_hears_of_changes_in_its_tenants(as_alice, machine) -> None:
    page = as_alice.get(reverse("machines"))
    assert "data-pulse" in page.text
    assert "katal:changed" in page.text


def test_it_says_when_it_is_older_than_it_should_be(as_alice, machine) -> None:
    assert "out of date" not in as_alice.get(reverse("machines")).text
    Stamp.objects.update(synced_at=timezone.now() - timedelta(minutes=5))
    assert "out of date" in as_alice.get(reverse("machines")).text


def test_an_unreachable_machine_keeps_its_last_state(as_alice, machine) -> None:
    Machine.objects.update(unreachable_since=timezone.now())
    assert "Running, unreachable" in as_alice.get(reverse("machines")).text
