"""Drafts of custom create: kept, found again, used once, nobody else's, and silent of secrets."""

from __future__ import annotations

import threading
import uuid
from datetime import timedelta

import pytest
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from fabric.models import HardwareProfile, Job, Machine, Network, Template
from portal import tasks
from portal.models import Draft
from portal.models.draft import MOST_OF_A_PERSON
from tenants.models import Membership
from tests.factories.fabric import make_machine, make_plan, make_subscription
from tests.people import PASSWORD
from tests.site.tenant.visitor import Visitor, begin, errors

# It asks all that the action will ask, but nothing twice; the last two are a savepoint.
LAST_PAGE = 11 + 2
SECRETS = {
    "password": PASSWORD,
    "product_key": "WX4NM-KYWYW-QJJR4-XV3QB-6VM33",
    "domain_password": "Joining-Horse-9",
    "user_data": "#cloud-config\npassword: Cloudy-Horse-3\n",
}
JOIN = {
    "membership": "domain",
    "domain": "corp.example.net",
    "account_domain": "CORP",
    "domain_user": "joiner",
}


@pytest.fixture
def visitor(as_alice, subscription) -> Visitor:
    visitor = begin(as_alice)
    visitor.choose(subscription)
    return visitor


@pytest.fixture
def windows(as_alice, subscription) -> Visitor:
    """Return a draft of a Windows machine that knows four secrets."""
    Template.objects.update(os_type="Windows")
    visitor = begin(as_alice)
    visitor.choose(subscription)
    visitor.name(**JOIN, **SECRETS)
    return visitor


class TestGoingBackAndForth:
    def test_back_keeps_what_was_typed_right_or_wrong(self, visitor) -> None:
        answer = visitor.send("disks", "back", **{"rows": 1, "size-0": "much", "name-0": "data"})
        assert answer.url == visitor.url("size")
        page = visitor.get("disks")
        assert 'value="much"' in page.text
        assert list(errors(page)) == ["size-0"]

    def test_jumping_ahead_leads_to_the_first_step_with_an_error(self, visitor) -> None:
        visitor.send("disks", "back", **{"rows": 1, "size-0": "much"})
        assert visitor.get("review").url == visitor.url("disks")
        assert visitor.get("identity").url == visitor.url("disks")
        assert visitor.create().url == visitor.url("disks")

    def test_nothing_goes_before_a_template(self, as_alice, subscription) -> None:
        visitor = begin(as_alice)
        assert visitor.get("options").url == visitor.url("template")

    def test_visited_steps_are_links_and_others_are_not(self, visitor) -> None:
        page = visitor.get("disks")
        assert f'<a href="{visitor.url("template")}"' in page.text
        assert f'<a href="{visitor.url("options")}"' not in page.text

    def test_a_link_of_the_line_keeps_what_was_typed_on_the_way(self, visitor) -> None:
        said = {"rows": 1, "size-0": 5}
        answer = visitor.client.post(
            visitor.url("disks"), {"do": "go-template", **said}, headers={"HX-Request": "true"}
        )
        assert answer["HX-Redirect"] == visitor.url("template")
        assert visitor.fresh().typed["disks"]["size-0"] == ["5"]

    def test_looking_says_whether_an_address_is_free(self, visitor, subscription) -> None:
        make_machine(subscription, "old", addresses=["10.20.0.4"])
        network = Network.objects.get().pk
        for address, said in (("10.20.0.4", "is taken"), ("10.20.0.5", "Free"), ("10.20", "IPv4")):
            beside = visitor.look(
                "networks", **{"rows": 1, "network-0": network, "address-0": address}
            )
            assert said in beside.text

    def test_looking_keeps_nothing(self, visitor) -> None:
        beside = visitor.look("disks", **{"rows": 1, "size-0": 100})
        assert "+ 110 GB" in beside.text
        said = 'role="status" id="said" hx-swap-oob="innerHTML">1 core, 1 GB, 110 GB</p>'
        assert said in beside.text, "who hears the page is told what changed, not all of it"
        assert "aria-live" not in beside.text
        assert "disks" not in visitor.fresh().typed

    def test_without_a_script_a_button_looks(self, visitor) -> None:
        page = visitor.send("disks", "look", **{"rows": 1, "size-0": 100})
        assert "+ 110 GB" in page.text
        assert 'name="size-0"' in page.text

    def test_another_plan_keeps_what_fits_and_says_what_does_not(
        self, visitor, alices, plan
    ) -> None:
        visitor.send("size", size=HardwareProfile.objects.get().pk)
        visitor.send("disks", **{"rows": 1, "size-0": 20})
        visitor.send("networks", **{"rows": 1, "network-0": Network.objects.get().pk})
        visitor.name()
        other = make_plan(plan.offering.cloud, "Other")
        other.offering.hardware_profiles.clear()
        page = visitor.choose(make_subscription(alices, other), Template.objects.get())
        page = visitor.client.get(page.url)
        assert "Size: The plan does not hold this size." in page.text
        assert "Networks" not in str(list(page.context["messages"]))
        assert visitor.get("review").url == visitor.url("size")
        visitor.send("size", size="template")
        assert "20 GB" in visitor.get("review").text

    def test_two_tabs_do_not_undo_each_other(self, visitor) -> None:
        visitor.send("disks", **{"rows": 1, "size-0": 20})
        visitor.send("options", tags="web", end_action="stop")
        assert set(visitor.fresh().typed) == {"template", "disks", "options"}


class TestOnce:
    def test_sent_twice_it_is_one_machine(self, visitor) -> None:
        visitor.name()
        first, second = visitor.create(), visitor.create()
        assert first.url == second.url
        assert Machine.objects.count() == 1

    def test_back_after_it_leads_to_the_machine(self, visitor) -> None:
        visitor.name()
        made = visitor.create().url
        for slug in ("template", "identity", "review"):
            assert visitor.get(slug).url == made
            assert visitor.send(slug, name="another").url == made
        assert Machine.objects.count() == 1

    def test_a_draft_of_several_leads_to_the_list(self, visitor) -> None:
        visitor.name("web##", 3)
        assert visitor.create().url == visitor.create().url
        assert Machine.objects.count() == 3

    def test_when_the_machine_is_gone_it_leads_to_the_list(self, visitor) -> None:
        visitor.name()
        visitor.create()
        Machine.objects.update(state="deleted")
        assert visitor.get("review").url.startswith(reverse("machines"))

    @pytest.mark.slow
    @pytest.mark.django_db(transaction=True)
    def test_two_tabs_at_the_same_moment_make_one_machine(self, visitor) -> None:
        visitor.name()
        together, answers = threading.Barrier(2), []

        def press() -> None:
            together.wait()
            try:
                answers.append(visitor.create().url)
            finally:
                connection.close()

        tabs = [threading.Thread(target=press) for _tab in range(2)]
        for tab in tabs:
            tab.start()
        for tab in tabs:
            tab.join()
        made = Machine.objects.get()
        assert answers == [reverse("machine", args=[made.pk])] * 2


class TestSecrets:
    def test_they_are_sealed_and_never_said_again(self, windows) -> None:
        draft = windows.fresh()
        assert draft.secrets == SECRETS
        stored = f"{draft.typed} {draft.sealed}"
        pages = [windows.get(slug).text for slug in ("identity", "options", "review")]
        pages.append(windows.send("identity", "back").url)
        pages.append(str(dict(windows.client.session)))
        for secret in ("Correct-Horse", "Joining-Horse", "Cloudy-Horse", "WX4NM"):
            assert secret not in stored
            assert not [page for page in pages if secret in page]

    def test_left_empty_they_stay_and_a_box_lets_go(self, windows) -> None:
        windows.name(**JOIN, password="", domain_password="", product_key="")
        assert windows.fresh().secrets == SECRETS
        assert "Kept; type to replace it" in windows.get("identity").text
        windows.name(**JOIN, password="", forget_product_key="on", user_data="#!/bin/sh\n")
        kept = windows.fresh().secrets
        assert "product_key" not in kept
        assert kept["user_data"] == "#!/bin/sh\n"

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("password", "weak"),
            ("product_key", "AAAAA"),
            ("domain_password", "x" * 150),
        ],
    )
    def test_what_is_refused_is_not_sent_back(self, windows, field, value) -> None:
        page = windows.name(**JOIN, **{field: value})
        assert field in errors(page)
        assert f'value="{value}"' not in page.text

    def test_user_data_come_back_only_to_be_put_right(self, visitor) -> None:
        wrong = "#cloud-config\nhostname: a: b\n"
        assert "hostname: a: b" in visitor.name(user_data=wrong).text
        assert "hostname" not in visitor.name("-", user_data="#cloud-config\nhostname: a\n").text

    def test_used_they_are_erased(self, windows) -> None:
        windows.create()
        draft = windows.fresh()
        assert (draft.sealed, draft.typed) == ("", {})
        assert Job.objects.get().inputs["guest"]["secrets"], "the job has them, sealed"

    def test_a_password_is_made_without_a_script_and_shown_once(self, visitor) -> None:
        page = visitor.send("identity", "generate", name="web-07", count=1, admin_user="root")
        made = page.context["made_password"]
        assert made in page.text
        assert visitor.fresh().secrets["password"] == made
        assert made not in visitor.get("identity").text
        assert visitor.name(password="").url == visitor.url("options")

    def test_typed_text_of_any_kind_can_be_kept(self, visitor) -> None:
        said = {"tags": "a\0b", "end_action": "stop", "x" * 300: "y" * 50_000}
        assert visitor.send("options", "back", **said).status_code == 302
        assert visitor.fresh().typed["options"]["tags"] == ["ab"]


class TestWhose:
    def test_a_draft_is_nobody_elses(self, visitor, bob, charlie, olga, sign_in) -> None:
        for person in (bob, charlie, olga):
            theirs = Visitor(sign_in(person), visitor.draft)
            assert theirs.get("template").status_code == 404
            assert theirs.create().status_code == 404
        discard = reverse("machine-draft-discard", args=[visitor.draft.pk])
        assert sign_in(bob).post(discard).status_code == 404

    def test_who_may_not_create_sees_no_pages(self, subscription, dora, sign_in) -> None:
        browser = sign_in(dora)
        for name in ("machine-new", "machine-quick"):
            assert browser.get(reverse(name)).status_code == 403
        assert browser.post(reverse("machine-custom")).status_code == 403
        assert reverse("machine-new") not in browser.get(reverse("machines")).text
        draft = Draft.objects.create(user=dora)
        assert Visitor(browser, draft).get("template").status_code == 403

    def test_a_right_taken_away_closes_an_open_draft(self, visitor) -> None:
        visitor.name()
        Membership.objects.update(rights=["Start"])
        assert reverse("machine-new") not in visitor.client.get(reverse("machines")).text
        assert visitor.get("review").status_code == 403
        assert visitor.create().status_code == 403
        assert not Machine.objects.exists()

    def test_a_strangers_subscription_is_not_a_choice(self, visitor, charlie, plan) -> None:
        theirs = make_subscription(charlie.tenants.get(), plan)
        visitor.choose(theirs, plan.offering.templates.get())
        visitor.name()
        visitor.create()
        assert not Machine.objects.filter(subscription=theirs).exists()

    @pytest.mark.parametrize("slug", ["nothing", "Template", "review-2"])
    def test_there_are_no_other_steps(self, visitor, slug) -> None:
        assert visitor.client.get(visitor.url(slug)).status_code == 404


class TestLife:
    def test_unfinished_ones_are_listed_to_go_on_with(self, as_alice, visitor) -> None:
        visitor.name("half-done", password="")
        page = as_alice.get(reverse("machine-new"))
        assert "half-done" in page.text
        assert visitor.url("identity") in page.text
        visitor.name("half-done")
        visitor.create()
        assert "half-done" not in as_alice.get(reverse("machine-new")).text

    def test_discarded_they_are_gone(self, as_alice, visitor) -> None:
        as_alice.post(reverse("machine-draft-discard", args=[visitor.draft.pk]))
        assert not Draft.objects.exists()
        assert visitor.get("template").status_code == 404

    def test_after_a_week_they_are_forgotten(self, visitor, as_alice) -> None:
        young = begin(as_alice)
        Draft.objects.filter(pk=visitor.draft.pk).update(
            changed_at=timezone.now() - timedelta(days=7, seconds=1)
        )
        tasks.forget_forms()
        assert list(Draft.objects.all()) == [young.draft]

    def test_a_person_has_so_many_and_the_oldest_give_way(self, as_alice, visitor) -> None:
        for _draft in range(MOST_OF_A_PERSON):
            begin(as_alice)
        assert Draft.objects.count() == MOST_OF_A_PERSON
        assert not Draft.objects.filter(pk=visitor.draft.pk).exists()


class TestQueries:
    """Constant in what there is to choose from, and in machines."""

    @pytest.fixture
    def much(self, subscription) -> None:
        stamp, offering = subscription.plan.offering.cloud.stamp, subscription.plan.offering
        common = {"stamp": stamp, "synced_at": timezone.now()}
        for number in range(12):
            for model, held in (
                (Template, offering.templates),
                (HardwareProfile, offering.hardware_profiles),
                (Network, offering.networks),
            ):
                held.add(model.objects.create(id=uuid.uuid4(), name=f"more-{number}", **common))
            if number < 8:
                make_machine(subscription, f"machine-{number}")

    @pytest.mark.parametrize(
        ("slug", "most"),
        [
            *(("template", 12), ("size", 12), ("disks", 12), ("networks", 12)),
            *(("identity", 12), ("options", 12)),
        ],
    )
    def test_a_step(self, visitor, much, django_assert_max_num_queries, slug, most) -> None:
        visitor.name()
        with django_assert_max_num_queries(most):
            assert visitor.get(slug).status_code == 200

    def test_quick_create(self, as_alice, subscription, much, django_assert_max_num_queries):
        url = reverse("machine-quick")
        with django_assert_max_num_queries(12):
            as_alice.get(url, {"template": Template.objects.get(name="Ubuntu 24.04").pk})
        with django_assert_max_num_queries(12):
            as_alice.get(reverse("machine-new"))

    def test_the_last_page_asks_as_much_for_ten_as_for_two(
        self, visitor, django_assert_num_queries
    ) -> None:
        for count in (2, 10):
            visitor.name("web##", count)
            with django_assert_num_queries(LAST_PAGE):
                visitor.get("review")
