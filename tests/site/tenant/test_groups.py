"""Ordered groups on the tenant site: made, put in order, run, imported and exported."""

from __future__ import annotations

import uuid

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from fabric.actions import groups
from fabric.models import Group, GroupMember, Job, MachineGrant
from portal.tenant_site.forms import one_of_many
from tenants.models import Membership
from tests.factories.fabric import make_machine


@pytest.fixture
def three(subscription) -> list:
    return [make_machine(subscription, name) for name in ("db-01", "app-01", "web-01")]


@pytest.fixture
def tier(alice, subscription, three) -> Group:
    return groups.create(by=alice, subscription=subscription, name="Shop", machines=three)


def page(group: Group, name: str = "group") -> str:
    return reverse(name, args=[group.pk])


def order(group: Group) -> list[str]:
    return [place.machine.name for place in group.in_order()]


def test_a_group_is_made_and_its_page_is_where_machines_are_added(as_alice, three):
    answer = as_alice.post(
        reverse("group-new"),
        {"subscription": three[0].subscription_id, "name": "Shop", "on_failure": "skip"},
    )
    made = Group.objects.get()
    assert answer.url == page(made)
    as_alice.post(page(made, "group-order"), {"act": "add", "machine": three[2].pk})
    as_alice.post(page(made, "group-order"), {"act": "add", "machine": three[0].pk})
    assert order(made) == ["web-01", "db-01"]


def test_of_many_machines_one_is_typed(as_alice, alice, subscription, tier):
    """A select of hundreds is of no use to anybody; the browser offers those that fit."""
    one = make_machine(subscription, "node-000")
    for n in range(1, one_of_many.FEW):
        one.pk, one.name = uuid.uuid4(), f"node-{n:03d}"
        one.save(force_insert=True)
    assert "<datalist" not in as_alice.get(page(tier)).text
    added = make_machine(subscription, "Node-999")
    html = as_alice.get(page(tier)).text
    assert '<datalist id="id_machine_list">' in html
    assert '<option value="Node-999"></option>' in html
    assert "<select" not in html.split("add-row")[1]
    as_alice.post(page(tier, "group-order"), {"act": "add", "machine": " node-999"})
    assert order(tier)[-1] == added.name
    told = as_alice.post(
        page(tier, "group-order"), {"act": "add", "machine": "nod<e"}, follow=True
    ).text
    assert "“nod&lt;e” is not on the list." in told


def test_D038_the_order_is_changed_by_buttons_without_javascript(as_alice, tier, three):
    html = as_alice.get(page(tier)).text
    assert "Move app-01 up" in html
    as_alice.post(page(tier, "group-order"), {"act": f"up:{three[1].pk}"})
    assert order(tier) == ["app-01", "db-01", "web-01"]
    as_alice.post(page(tier, "group-order"), {"act": f"down:{three[0].pk}"})
    assert order(tier) == ["app-01", "web-01", "db-01"]
    as_alice.post(page(tier, "group-order"), {"act": f"remove:{three[2].pk}"})
    assert order(tier) == ["app-01", "db-01"]


@pytest.mark.parametrize("act", ["", "up", "up:x", "down:", "remove:x", "add", "fly:x"])
def test_nonsense_is_answered_and_changes_nothing(as_alice, tier, act):
    assert as_alice.post(page(tier, "group-order"), {"act": act}).status_code == 302
    assert order(tier) == ["db-01", "app-01", "web-01"]


def test_D041_the_run_is_begun_and_its_page_watches_it(as_alice, tier):
    answer = as_alice.post(page(tier, "group-run"), {"verb": "stop"})
    assert answer.url == page(tier)
    job = Job.objects.get(recipe="group.run")
    assert [entry["name"] for entry in job.inputs["machines"]] == ["web-01", "app-01", "db-01"]
    html = as_alice.get(page(tier)).text
    assert "Stop Shop in order" in html
    assert "katal:changed" in html
    assert "Wait until the present run of this group ends." in html
    fragment = as_alice.get(page(tier), headers={"HX-Request": "true"}).text
    assert "<html" not in fragment
    assert 'id="run"' in fragment


def test_D046_the_report_tells_what_became_of_each(as_alice, tier, three):
    as_alice.post(page(tier, "group-run"), {"verb": "stop"})
    results = {
        str(three[2].pk): {"outcome": "done", "text": "", "seconds": 9, "before": [], "after": []},
        str(three[1].pk): {"outcome": "failed", "text": "The host is away.", "seconds": 2},
    }
    Job.objects.update(state="failed", memo={"results": results}, message="1 of 3 done.")
    html = as_alice.get(page(tier)).text
    for told in ("The host is away.", "not tried", "9 s", "Try again what was not done"):
        assert told in html


def test_D039_a_file_is_imported_or_its_text(as_alice, subscription, three):
    file = SimpleUploadedFile("list.txt", "Shop;web-01\r\nShop;db-01".encode("utf-16"))
    form = {"subscription": subscription.pk}
    assert as_alice.post(reverse("groups-import"), form | {"file": file}).url == reverse("groups")
    assert order(Group.objects.get()) == ["web-01", "db-01"]
    answer = as_alice.post(reverse("groups-import"), form | {"text": "shop;db-01", "replace": "on"})
    assert answer.url == reverse("groups")
    assert order(Group.objects.get()) == ["db-01"]


def test_D039_what_is_wrong_is_said_by_line_and_the_text_is_kept(as_alice, subscription, three):
    text = "Service;VM\nShop;web-01\nnobody"
    html = as_alice.post(
        reverse("groups-import"), {"subscription": subscription.pk, "text": text}
    ).text
    assert "Line 1: this is a header." in html
    assert "Line 3: there is no semicolon." in html
    assert "Shop;web-01" in html
    assert not Group.objects.exists()


@pytest.mark.parametrize(
    ("what", "field"),
    [
        ({}, "file"),
        ({"file": SimpleUploadedFile("x.zip", b"PK\x03\x04\x00\xff")}, "file"),
        ({"file": SimpleUploadedFile("x.txt", b"a;b\n" * 70_000)}, "file"),
        ({"file": SimpleUploadedFile("x.txt", b"a;b"), "text": "a;b"}, "text"),
    ],
)
def test_what_is_no_file_is_refused_at_its_field(as_alice, subscription, what, field):
    answer = as_alice.post(reverse("groups-import"), {"subscription": subscription.pk} | what)
    assert field in answer.context["form"].errors


def test_the_export_can_be_imported_again(as_alice, tier):
    answer = as_alice.get(reverse("groups-export"))
    assert answer.text == "Shop;db-01\nShop;app-01\nShop;web-01\n"
    assert "attachment" in answer.headers["Content-Disposition"]


def test_a_reader_sees_the_group_and_no_commands(dora, sign_in, tier):
    browser = sign_in(dora)
    html = browser.get(page(tier)).text
    assert "app-01" in html
    for absent in ("Start in order", "Add at the end", page(tier, "group-delete")):
        assert absent not in html
    for name in ("group-edit", "group-delete"):
        assert browser.get(page(tier, name)).status_code == 403
    assert browser.get(reverse("group-new")).status_code == 403
    browser.post(page(tier, "group-run"), {"verb": "start"})
    browser.post(page(tier, "group-order"), {"act": "remove:x"})
    assert not Job.objects.filter(recipe="group.run").exists()
    assert GroupMember.objects.count() == 3


def test_who_may_not_see_a_machine_does_not_see_its_group(bob, sign_in, tier, three):
    member = Membership.objects.get(user=bob)
    Membership.objects.filter(pk=member.pk).update(all_machines=False)
    MachineGrant.objects.create(membership=member, machine=three[0])
    assert sign_in(bob).get(page(tier)).status_code == 404
    assert "Shop" not in sign_in(bob).get(reverse("groups")).text
    assert sign_in(bob).get(reverse("groups-export")).text == ""


def test_deleting_a_group_leaves_its_machines(as_alice, tier):
    assert "Its machines stay" in as_alice.get(page(tier, "group-delete")).text
    assert as_alice.post(page(tier, "group-delete")).url == reverse("groups")
    assert not Group.objects.exists()


def test_queries_do_not_grow_with_machines_and_groups(
    as_alice, alice, subscription, tier, django_assert_max_num_queries
):
    for n in range(6):
        made = make_machine(subscription, f"m-{n}")
        groups.add(by=alice, group=tier, machine=made)
        groups.create(by=alice, subscription=subscription, name=f"G{n}", machines=[made])
    for url in (page(tier), reverse("groups"), reverse("group-new"), reverse("groups-import")):
        with django_assert_max_num_queries(12):
            assert as_alice.get(url).status_code == 200
