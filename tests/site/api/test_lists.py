"""Lists: pages, filters, orders, ETags; as many queries for ten machines as for one."""

from __future__ import annotations

import pytest

from fabric.models import Machine
from fabric.states import MachineState
from tests.factories.fabric import make_machine

pytestmark = pytest.mark.django_db


def names(answer) -> list[str]:
    assert answer.status_code == 200, answer.content
    return [row["name"] for row in answer.json()["results"]]


@pytest.fixture
def ten(world) -> list[Machine]:
    states = (MachineState.RUNNING, MachineState.STOPPED)
    more = [
        make_machine(world.subscription, f"vm-{n}", state=states[n % 2], tags=[f"t{n % 3}"])
        for n in range(9)
    ]
    return [*more, world.machine]


@pytest.mark.parametrize(
    "sort", ["name", "-name", "state", "-cores", "age", "-age", "subscription"]
)
def test_pages_follow_one_another_without_a_gap(as_alice, ten, sort):
    seen, url, pages = [], f"machines/?limit=3&sort={sort}", 0
    while url:
        answer = as_alice.get(url)
        seen += names(answer)
        url, pages = answer.json()["next"], pages + 1
        assert answer.headers.get("Link") == (f'<{url}>; rel="next"' if url else None)
    assert (len(seen), len(set(seen)), pages) == (10, 10, 4)
    if sort == "-name":
        assert seen == sorted(seen, reverse=True)


def test_age_grows_as_time_goes_by(as_alice, ten):
    youngest = names(as_alice.get("machines/?sort=age"))
    assert youngest[0] == "vm-8"
    assert names(as_alice.get("machines/?sort=-age"))[0] == "web-01"


def test_a_cursor_is_of_one_order_and_ours(as_alice, ten):
    url = as_alice.get("machines/?limit=3").json()["next"]
    answer = as_alice.get(url + "&sort=-name")
    assert (answer.status_code, answer.json()["errors"][0]["parameter"]) == (400, "cursor")
    assert as_alice.get(url[:-3]).status_code == 400


def test_filters(as_alice, ten, world):
    assert names(as_alice.get("machines/?state=stopped")) == ["vm-1", "vm-3", "vm-5", "vm-7"]
    assert names(as_alice.get("machines/?tag=t2")) == ["vm-2", "vm-5", "vm-8"]
    assert names(as_alice.get("machines/?q=WEB")) == ["web-01"]
    mine = f"subscription={world.subscription.pk}&plan={world.plan.pk}&tenant={world.tenant.pk}"
    assert len(names(as_alice.get(f"machines/?{mine}"))) == 10
    assert names(as_alice.get(f"machines/?subscription={world.plan.pk}")) == []


def test_more_machines_cost_no_more_queries(as_alice, world, django_assert_num_queries):
    as_alice.get("machines/")
    with django_assert_num_queries(2):  # the key, the machines
        as_alice.get("machines/")
    for n in range(8):
        make_machine(world.subscription, f"vm-{n}")
    with django_assert_num_queries(2):
        assert len(names(as_alice.get("machines/"))) == 9


@pytest.mark.parametrize(
    "path", ["operations/", "activity/", "subscriptions/", "groups/", "schedules/", "plans/"]
)
def test_no_list_costs_more_than_a_page_may(as_alice, world, path, django_assert_max_num_queries):
    as_alice.post("groups/", {"subscription": str(world.subscription.pk), "name": "One"})
    as_alice.post(f"machines/{world.machine.pk}/stop/")
    with django_assert_max_num_queries(7):
        assert as_alice.get(path).status_code == 200


def test_what_did_not_change_is_not_sent_again(as_alice, ten, machine):
    for path in ("machines/", f"machines/{machine.pk}/", "me/", "plans/", "templates/"):
        first = as_alice.get(path)
        again = as_alice.get(path, If_None_Match=first.headers["ETag"])
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["ETag"] == first.headers["ETag"]


def test_a_new_look_at_the_cloud_changes_no_etag(as_alice, machine):
    first = as_alice.get("machines/")
    Machine.objects.update(synced_at="2030-01-01T00:00:00Z")
    assert as_alice.get("machines/", If_None_Match=first.headers["ETag"]).status_code == 304
    Machine.objects.update(status_text="Stopping…")
    assert as_alice.get("machines/", If_None_Match=first.headers["ETag"]).status_code == 200


def test_a_change_of_something_changed_meanwhile_is_refused(as_alice, machine):
    path = f"machines/{machine.pk}/"
    etag = as_alice.get(path).headers["ETag"]
    changed = as_alice.patch(path, {"tags": ["shop"]}, If_Match=etag)
    assert (changed.status_code, changed.json()["tags"]) == (200, ["shop"])
    for answer in (
        as_alice.patch(path, {"tags": ["late"]}, If_Match=etag),
        as_alice.post(f"{path}stop/", If_Match=etag),
        as_alice.delete(path, If_Match=etag),
    ):
        assert (answer.status_code, answer.json()["code"]) == (412, "precondition_failed")
    assert as_alice.get(path).json()["tags"] == ["shop"]
    assert as_alice.patch(path, {"tags": ["late"]}, If_Match="*").status_code == 200


def test_all_of_a_change_is_accepted_or_none(as_alice, machine):
    """The size cannot change while it runs; so its tags do not either."""
    answer = as_alice.patch(f"machines/{machine.pk}/", {"tags": ["shop"], "cores": 4})
    assert answer.status_code == 409
    assert as_alice.get(f"machines/{machine.pk}/").json()["tags"] == []


def test_acts_are_found_by_what_came_of_them(as_alice, machine):
    as_alice.patch(f"machines/{machine.pk}/", {"tags": ["shop"]})
    as_alice.post(f"machines/{machine.pk}/stop/")
    for outcome, expected in (
        ("running", ["machine.stop"]),
        ("succeeded", ["machine.tag"]),
        ("failed", []),
    ):
        path = f"activity/?object={machine.pk}&outcome={outcome}"
        found = as_alice.get(path).json()["results"]
        assert [act["action"] for act in found] == expected
        assert {act["outcome"] for act in found} <= {outcome}
