"""The team's pages: who is on it, changing places, removing, leaving, roles."""

from __future__ import annotations

import uuid

import pytest
from django.urls import reverse

from fabric.models import Job, Machine, MachineGrant
from plans.models import MemberLimit, Provisioning, Subscription
from tenants.models import Membership, Role, TenantRole
from tests.factories.fabric import make_machine
from tests.people import join, make_user


def place_of(user) -> Membership:
    return user.memberships.get()


def place_form(role=Role.APPLICATION, **fields) -> dict:
    return {"role": role, "reach": "all", **fields}


def change(client, user, **fields):
    return client.post(reverse("member", args=[place_of(user).pk]), place_form(**fields))


@pytest.fixture
def erin(alices):
    """Return a member with the Team right who is no Tenant Admin."""
    role = TenantRole.objects.create(tenant=alices, name="Lead", rights=["Start", "Stop", "Team"])
    return join(alices, make_user("erin@example.net"), Role.CUSTOM, custom_role=role)


def test_the_list_says_who_may_what(as_alice, alice, bob, dora, machine) -> None:
    Membership.objects.filter(user=bob).update(all_machines=False, rights=["Start"])
    MachineGrant.objects.create(membership=place_of(bob), machine=machine)
    MemberLimit.objects.create(
        membership=place_of(bob), subscription=machine.subscription, cores=4, memory_mb=2048
    )
    page = as_alice.get(reverse("team")).text.replace("<wbr>", "")
    for told in (bob.email, "Application Administrator", "1 chosen machine", "1 chosen action"):
        assert told in page
    for told in ("4 cores", "2 GB", dora.email, "Reader", "Tenant Admin", "Second factor"):
        assert told in page


def test_who_may_only_look_sees_no_commands(bob, dora, alice, sign_in, machine) -> None:
    for person in (bob, dora):
        page = sign_in(person).get(reverse("team")).text.replace("<wbr>", "")
        assert alice.email in page
        for hidden in (
            "Invite somebody",
            ">Second factor</th",
            reverse("team-settings"),
            "Change<",
        ):
            assert hidden not in page
        for name, args in (
            ("team-invite", []),
            ("member", [place_of(alice).pk]),
            ("member-remove", [place_of(alice).pk]),
            ("role-new", []),
        ):
            assert sign_in(person).get(reverse(name, args=args)).status_code == 403
            assert sign_in(person).post(reverse(name, args=args)).status_code == 403


def test_a_strangers_team_does_not_exist(charlie, bob, alices, sign_in) -> None:
    browser = sign_in(charlie)
    for name in ("member", "member-remove"):
        assert browser.get(reverse(name, args=[place_of(bob).pk])).status_code == 404
    for name in ("team", "team-leave", "roles", "team-invite"):
        assert browser.get(f"{reverse(name)}?tenant={alices.pk}").status_code == 404
    assert browser.post(reverse("team-settings"), {"tenant": alices.pk}).status_code == 404
    assert bob.email not in browser.get(reverse("team")).text


@pytest.mark.parametrize("nonsense", ["x", "%00", "1" * 500])
def test_a_tenant_that_makes_no_sense_is_not_found(as_alice, nonsense) -> None:
    assert as_alice.get(f"{reverse('team')}?tenant={nonsense}").status_code == 404


def test_the_number_of_members_costs_no_queries(
    as_alice, alices, machine, django_assert_max_num_queries
) -> None:
    def measured() -> int:
        with django_assert_max_num_queries(12) as asked:
            as_alice.get(reverse("team"))
        return len(asked)

    few = measured()
    for number in range(8):
        member = join(alices, make_user(f"m{number}@example.net"), Role.APPLICATION)
        MachineGrant.objects.create(membership=place_of(member), machine=machine)
        MemberLimit.objects.create(
            membership=place_of(member), subscription=machine.subscription, cores=1
        )
    assert measured() <= few + 1  # the names of the subscriptions, once there are parts


def test_machines_actions_and_part_are_kept(as_alice, bob, machine, subscription) -> None:
    make_machine(subscription, "other")
    page = as_alice.get(reverse("member", args=[place_of(bob).pk]))
    assert machine.name in page.text
    answer = change(
        as_alice,
        bob,
        narrowed="on",
        rights=["Start", "Shutdown"],
        reach="chosen",
        machines=[machine.pk],
        **{f"part-{subscription.pk}-memory_mb": "4", f"part-{subscription.pk}-machines": "2"},
    )
    assert answer.url == reverse("team")
    place = place_of(bob)
    assert (place.rights, place.all_machines) == (["Start", "Shutdown"], False)
    assert [grant.machine for grant in place.grants.all()] == [machine]
    part = place.limits.get()
    assert (part.machines, part.cores, part.memory_mb) == (2, None, 4096)
    again = as_alice.get(reverse("member", args=[place.pk]))
    assert 'value="4"' in again.text
    change(as_alice, bob)
    assert (place_of(bob).rights, place_of(bob).all_machines) == (None, True)
    assert not place_of(bob).grants.exists()
    assert not place_of(bob).limits.exists()


def test_every_change_has_the_cloud_told(as_alice, bob, subscription) -> None:
    change(as_alice, bob, role=Role.READER)
    job = Job.objects.get(recipe="subscription.provision")
    assert job.subscription == subscription
    assert Subscription.objects.get().provisioning == Provisioning.SYNCING


def test_machines_of_another_tenant_cannot_be_given(as_alice, bob, charlie, machine, plan) -> None:
    from tests.factories.fabric import make_subscription

    theirs = make_machine(make_subscription(charlie.tenants.get(), plan), "theirs")
    page = change(as_alice, bob, reach="chosen", machines=[theirs.pk])
    assert page.context["form"].errors["machines"]
    assert not MachineGrant.objects.exists()


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"role": "emperor"},
        {"role": "application"},
        {"role": "application", "reach": "some"},
        {"role": "application", "reach": "chosen", "machines": ["x"]},
        {"role": "application", "reach": "all", "rights": ["Everything"], "narrowed": "on"},
        {"role": "\0", "reach": "\0"},
    ],
)
def test_a_form_that_makes_no_sense_changes_nothing(as_alice, bob, machine, fields) -> None:
    page = as_alice.post(reverse("member", args=[place_of(bob).pk]), fields)
    assert page.status_code == 200
    assert page.context["form"].errors
    assert place_of(bob).role == Role.APPLICATION


def test_a_part_that_makes_no_sense_is_told_at_its_field(as_alice, bob, subscription) -> None:
    name = f"part-{subscription.pk}-cores"
    for nonsense in ("-1", "many", str(10**30)):
        page = change(as_alice, bob, **{name: nonsense})
        assert page.context["form"].errors[name]


def test_the_last_tenant_admin_stays(as_alice, alice, bob) -> None:
    page = change(as_alice, alice, role=Role.READER)
    assert "last Tenant Admin" in page.text
    left = as_alice.post(reverse("team-leave"), follow=True)
    assert "last Tenant Admin" in left.text
    assert place_of(alice).role == Role.ADMIN


def test_nobody_climbs_by_the_team_right(erin, bob, dora, alice, sign_in, machine) -> None:
    browser = sign_in(erin)
    for above in (alice, bob):
        assert browser.get(reverse("member", args=[place_of(above).pk])).status_code == 403
        assert change(browser, above, role=Role.READER).status_code == 403
        gone = browser.post(reverse("member-remove", args=[place_of(above).pk]))
        assert gone.status_code == 403
    assert change(browser, erin, role=Role.ADMIN).status_code == 403
    offered = dict(
        browser.get(reverse("member", args=[place_of(dora).pk]))
        .context["form"]["role"]
        .field.choices
    )
    assert set(offered) == {Role.READER, str(place_of(erin).custom_role_id)}
    for role in (Role.ADMIN, Role.APPLICATION):
        assert change(browser, dora, role=role).context["form"].errors["role"]
    assert place_of(dora).role == Role.READER


def test_a_removed_member_keeps_the_session_and_nothing_else(
    as_alice, bob, sign_in, machine
) -> None:
    browser = sign_in(bob)
    assert browser.get(reverse("machine", args=[machine.pk])).status_code == 200
    as_alice.post(reverse("member-remove", args=[place_of(bob).pk]))
    assert browser.get(reverse("machine", args=[machine.pk])).status_code == 404
    page = browser.get(reverse("team"))
    assert (page.status_code, "No team" in page.text) == (200, True)
    twice = as_alice.get(reverse("team"))
    assert "is off the team" in twice.text


def test_leaving_and_the_tenant_one_has_left(bob, sign_in, alices) -> None:
    browser = sign_in(bob)
    assert alices.name in browser.get(reverse("team-leave")).text
    page = browser.post(reverse("team-leave"), follow=True)
    assert "You left Alice Ltd" in page.text
    assert not bob.memberships.exists()


def test_a_person_of_two_tenants_chooses(alice, alices, charlie, sign_in) -> None:
    theirs = charlie.tenants.get()
    join(alices, charlie, Role.READER)
    browser = sign_in(charlie)
    page = browser.get(f"{reverse('team')}?tenant={alices.pk}").text.replace("<wbr>", "")
    assert alice.email in page
    assert f"?tenant={theirs.pk}" in page
    assert browser.get(f"{reverse('team-invite')}?tenant={theirs.pk}").status_code == 200
    assert browser.get(f"{reverse('team-invite')}?tenant={alices.pk}").status_code == 403
    assert browser.post(reverse("team-invite"), {"tenant": alices.pk}).status_code == 403


def test_a_role_is_composed_changed_and_deleted(as_alice, bob, alices) -> None:
    as_alice.post(reverse("role-new"), {"name": "Night", "rights": ["Start", "Stop"]})
    role = TenantRole.objects.get()
    change(as_alice, bob, role=str(role.pk))
    assert place_of(bob).custom_role == role
    assert "Night" in as_alice.get(reverse("team")).text
    url = reverse("role", args=[role.pk])
    assert "1 person has this role" in as_alice.get(url).text
    as_alice.post(url, {"name": "Night watch", "rights": ["Start"]})
    role.refresh_from_db()
    assert (role.name, role.rights) == ("Night watch", ["Start"])
    used = as_alice.post(reverse("role-delete", args=[role.pk]), follow=True)
    assert "in use" in used.text
    change(as_alice, bob, role=Role.READER)
    as_alice.post(reverse("role-delete", args=[role.pk]))
    assert not TenantRole.objects.exists()


def test_a_role_with_a_wrong_name_is_told_why(as_alice, alices) -> None:
    TenantRole.objects.create(tenant=alices, name="Night")
    for name in ("", "night", "Tenant Admin", "x" * 61):
        page = as_alice.post(reverse("role-new"), {"name": name, "rights": ["Start"]})
        assert page.context["form"].errors["name"]


def test_a_strangers_role_does_not_exist(as_alice, charlie, alices) -> None:
    theirs = TenantRole.objects.create(tenant=charlie.tenants.get(), name="R", rights=["Start"])
    for name in ("role", "role-delete"):
        assert as_alice.post(reverse(name, args=[theirs.pk])).status_code == 404


def test_the_tenants_name_is_an_admins_to_change(as_alice, erin, alices, sign_in) -> None:
    as_alice.post(reverse("team-settings"), {"name": "Alice & Co"})
    alices.refresh_from_db()
    assert alices.name == "Alice & Co"
    page = sign_in(erin).post(reverse("team-settings"), {"name": "Erin's"}, follow=True)
    assert "Only a Tenant Admin" in page.text
    alices.refresh_from_db()
    assert alices.name == "Alice & Co"


class TestManyMachines:
    """Of more machines than fit on a page those that are ticked are shown, and some others."""

    @pytest.fixture
    def many(self, subscription, monkeypatch):
        monkeypatch.setattr("portal.tenant_site.forms.team.SHOWN", 3)
        return [make_machine(subscription, f"web-{n:02}") for n in range(8)]

    def boxes(self, page) -> list[str]:
        return [
            label.split(" · ")[0] for _pk, label in page.context["form"]["machines"].field.choices
        ]

    def look(self, client, user, **fields):
        return change(client, user, reach="chosen", look="1", **fields)

    def test_some_are_shown_and_it_says_so(self, as_alice, bob, many) -> None:
        page = as_alice.get(reverse("member", args=[place_of(bob).pk]))
        assert self.boxes(page) == ["web-00", "web-01", "web-02"]
        assert "3 of 8 machines are shown" in page.text

    def test_looking_changes_nothing_and_keeps_what_is_ticked(self, as_alice, bob, many) -> None:
        page = self.look(as_alice, bob, find="WEB-07", machines=[many[4].pk], narrowed="on")
        assert self.boxes(page) == ["web-04", "web-07"]
        assert f'value="{many[4].pk}" id="id_machines_0" checked' in page.text
        assert not page.context["form"].errors
        assert place_of(bob).all_machines

    def test_what_is_ticked_is_kept_however_many_there_are(self, as_alice, bob, many) -> None:
        change(as_alice, bob, reach="chosen", machines=[one.pk for one in many[2:]])
        page = as_alice.get(reverse("member", args=[place_of(bob).pk]))
        assert self.boxes(page)[:6] == [one.name for one in many[2:]]
        change(as_alice, bob, reach="chosen", machines=[one.pk for one in many[1:]])
        assert place_of(bob).grants.count() == 7

    def test_thousands_may_be_ticked(self, as_alice, bob, many) -> None:
        page = change(as_alice, bob, reach="chosen", machines=[uuid.uuid4() for _ in range(2000)])
        assert list(page.context["form"].errors) == ["machines"]

    def test_enter_in_the_search_field_looks_and_does_not_save(self, as_alice, bob, many) -> None:
        page = change(as_alice, bob, reach="chosen", find="web-05", found="")
        assert self.boxes(page) == ["web-05"]
        sent = change(as_alice, bob, reach="chosen", find="web-05", found="web-05")
        assert sent.url == reverse("team")

    def test_a_script_gets_the_machines_alone(self, as_alice, many) -> None:
        sent = place_form(reach="chosen", look="1", find="06", email="")
        page = as_alice.post(reverse("team-invite"), sent, headers={"HX-Request": "true"})
        assert "web-06" in page.text
        assert "web-01" not in page.text
        assert "<form" not in page.text

    def test_one_that_is_gone_is_said_at_its_field(self, as_alice, bob, many) -> None:
        Machine.objects.filter(pk=many[0].pk).update(state="deleted")
        page = change(as_alice, bob, reach="chosen", machines=[many[0].pk, many[1].pk])
        assert page.context["form"].errors["machines"] == [
            "A machine that was ticked is not there any more."
        ]
        assert self.boxes(page)[0] == "web-01"
