"""Charlie takes a plan by invitation, wants more of it, works in it, and leaves it for good."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e import backstage
from tests.e2e.machines import in_vmm, is_now
from tests.e2e.tenant.town import CHARLIE, CODE, PASSWORD
from tests.e2e.visitor import Visitor
from tests.stack import Stack

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

GUEST_PASSWORD = "Guest-Marked-9"
ROLE = f"SELECT count(*) FROM vmm_userrole WHERE name = '{CHARLIE}_%s'"


@pytest.fixture(scope="module")
def charlie(browser: Browser, cloud: Stack) -> Iterator[Visitor]:
    visitor = Visitor(browser, cloud, "charlie")
    visitor.sign_in("tenant", CHARLIE, PASSWORD)
    yield visitor
    visitor.leave()


class TestFromSubscribingToLeaving:
    def test_a_plan_by_invitation_asks_for_the_word(self, charlie: Visitor) -> None:
        charlie.open("tenant", "/plans/")
        studio = charlie.page.locator(".plan", has_text="Studio")
        expect(studio).to_contain_text("More on demand")
        charlie.look("plans")
        studio.get_by_role("link", name="Subscribe").click()
        charlie.send("Subscribe", name="Atelier", invitation_code="a guess")
        expect(charlie.error_at("invitation_code")).to_contain_text("not the plan's")
        charlie.look("subscribe, refused")
        charlie.send("Subscribe", invitation_code=CODE)
        expect(charlie.heading("Atelier")).to_be_visible()
        expect(charlie.page.locator("dd .state")).to_have_text("In sync")
        charlie.look("subscription")

    def test_an_add_on_raises_its_limits(self, charlie: Visitor, cloud: Stack) -> None:
        charlie.press("Take an add-on")
        expect(charlie.heading("Add-ons for Atelier")).to_be_visible()
        charlie.look("add-ons")
        charlie.press("Take Two more cores")
        expect(charlie.heading("Atelier")).to_be_visible()
        expect(charlie.page.locator("main")).to_contain_text("1 × Two more cores")
        expect(charlie.page.locator("dd .state")).to_have_text("In sync")
        charlie.look("subscription with an add-on")
        raised = "SELECT count(*) FROM vmm_rolescope WHERE cpu_count = 4"
        assert backstage.number(cloud, raised) == 1

    def test_he_works_in_it(self, charlie: Visitor) -> None:
        TestFromSubscribingToLeaving.page = charlie.path()
        charlie.press("New machine")
        charlie.press("Quick create")
        charlie.choose("template", "Debian 12")
        charlie.send("Create machine", name="easel", password=GUEST_PASSWORD)
        expect(charlie.heading("easel")).to_be_visible()
        is_now(charlie, "Running")
        charlie.open("tenant", self.page + "use/")
        expect(charlie.page.locator("tbody")).to_contain_text("easel")
        charlie.look("use by machine")

    def test_leaving_says_what_is_lost_and_wants_its_name(self, charlie: Visitor) -> None:
        charlie.open("tenant", self.page)
        charlie.press("Leave")
        expect(charlie.page.locator(".losses")).to_contain_text("10 GB")
        charlie.send("Leave and delete all of it", confirm="Studio")
        expect(charlie.error_at("confirm")).to_contain_text("not the subscription's name")
        charlie.look("leave, refused")

    def test_everything_goes_in_vmm_too(self, charlie: Visitor, cloud: Stack) -> None:
        id = self.page.strip("/").rpartition("/")[2]
        assert backstage.number(cloud, ROLE % id) == 1
        charlie.send("Leave and delete all of it", confirm="Atelier")
        expect(charlie.heading("Subscriptions")).to_be_visible()
        expect(charlie.page.locator("main")).not_to_contain_text("Atelier")
        charlie.look("subscriptions, one less")
        assert backstage.number(cloud, ROLE % id) == 0
        assert in_vmm(cloud, "easel", "id") is None
        left = f"SELECT coalesce(sum(amount), 0) FROM plans_entry WHERE subscription_id = '{id}'"
        assert backstage.number(cloud, left) == 0

    def test_no_page_of_his_had_anything_wrong_with_it(self, charlie: Visitor) -> None:
        assert charlie.troubles == []
