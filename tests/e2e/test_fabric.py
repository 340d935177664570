"""An operator runs her fabric in a browser: its parts, a machine's whole life, a host drained.

One test is one step, and each goes on where the last ended, as in test_journey.
"""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

import pytest
from playwright.sync_api import Browser, Locator, expect

from fabric.hypervisors.simulated import meddling
from tests.cloudmaker import OPERATOR
from tests.e2e import backstage
from tests.e2e.visitor import PATIENCE, Visitor
from tests.faults.build import OWNER, PASSWORD
from tests.stack import ALL, Stack, stack

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Yield a cloud with ten hosts, a plan and a tenant."""
    with stack(tmp_path_factory.mktemp("fabric"), {"KATAL_SIM_SCALE": "0.2"}) as it:
        it.start(*ALL)
        it.run("-m", "tests.faults.build", it.url("spf"), str(it.authority))
        yield it


@pytest.fixture(scope="module")
def olga(browser: Browser, cloud: Stack) -> Iterator[Visitor]:
    expect.set_options(timeout=PATIENCE)
    visitor = Visitor(browser, cloud, "olga")
    visitor.sign_in("admin", OPERATOR, PASSWORD)
    yield visitor
    visitor.leave()


def work_ends(olga: Visitor) -> None:
    """Wait until a page has come that shows no work: of half a page one could not tell."""
    olga.page.wait_for_function(
        "() => document.readyState === 'complete' && !document.getElementById('work')"
    )


def state(olga: Visitor, words: str) -> None:
    expect(olga.page.locator(".head .state").first).to_have_text(words)


class TestLookingAfterSPF:
    """Another account takes the registration over, without a script and with them."""

    def test_an_account_is_made_and_its_password_shown_once(
        self, browser: Browser, cloud: Stack, olga: Visitor
    ) -> None:
        plain = Visitor(browser, cloud, "olga", javascript=False)
        plain.sign_in("admin", OPERATOR, PASSWORD)
        plain.open("admin", "/fabric/spf/accounts/new/")
        plain.send("Create", username="portal-2")
        TestLookingAfterSPF.secret = plain.page.locator("#id_made").input_value()
        plain.press("I have copied it")
        expect(plain.heading("portal-2")).to_be_visible()
        expect(plain.page.get_by_text("every service answers this account")).to_be_visible()
        plain.leave()
        olga.open("admin", "/fabric/spf/")
        olga.look("SPF, check")

    def test_the_registration_is_changed_once_it_works(self, olga: Visitor) -> None:
        olga.open("admin", "/vm-clouds/")
        olga.press("Built-in SPF")
        olga.press("Change registration")
        olga.send("Test and save", username="portal-2", password="Wrong-Marked-12")
        expect(olga.error_at("password")).to_be_visible()
        assert olga.field("username").input_value() == "portal-2"
        assert "Wrong-Marked-12" not in olga.page.content()
        olga.look("registration, refused")
        olga.send("Test and save", password=self.secret)
        expect(olga.heading("Built-in SPF")).to_be_visible()

    def test_its_account_is_checked_while_she_watches(self, olga: Visitor) -> None:
        olga.press("Check account")
        expect(olga.page.get_by_text("Nothing is missing.")).to_be_visible()
        expect(olga.page.locator("#check[hx-get]")).to_have_count(0)
        olga.look("endpoint, checked")

    def test_the_old_account_is_not_needed_any_more(self, olga: Visitor, cloud: Stack) -> None:
        olga.open("admin", "/fabric/spf/accounts/")
        olga.look("SPF accounts")
        portal = olga.page.locator("main table").get_by_role("link", name="portal", exact=True)
        olga.follow(portal)
        expect(olga.page.get_by_text("no endpoint registered here")).to_be_visible()
        olga.press("Remove")
        expect(olga.page.get_by_role("button", name="Remove")).to_be_visible()
        olga.look("SPF account, removal")
        olga.press("Remove")
        expect(portal).to_have_count(0)
        names = backstage.rows(cloud, "SELECT username FROM spf_account")
        assert names == [("portal-2",)]


class TestRunningAFabric:
    def test_a_cycle_of_host_groups_is_refused_naming_both(self, olga: Visitor) -> None:
        olga.open("admin", "/fabric/host-groups/new/")
        olga.fill(name="Rack A")
        olga.choose("parent", "Frankfurt")
        olga.press("Create")
        expect(olga.heading("Rack A")).to_be_visible()
        olga.look("host group")
        olga.open("admin", "/fabric/host-groups/")
        olga.look("host groups")
        olga.follow(olga.page.locator("main").get_by_role("link", name="Frankfurt").first)
        olga.press("Edit")
        olga.choose("parent", "Rack A")
        olga.press("Save")
        expect(olga.error_at("parent")).to_contain_text("Rack A")
        olga.look("a cycle refused")

    def test_a_name_taken_is_refused_at_its_field(self, olga: Visitor) -> None:
        for _ in range(2):
            olga.open("admin", "/fabric/classifications/new/")
            olga.fill(name="Fast")
            olga.press("Create")
        expect(olga.error_at("name")).to_contain_text("already a storage classification")

    def test_a_machine_is_made_and_watched(self, olga: Visitor) -> None:
        olga.open("admin", "/fabric/machines/new/")
        olga.fill(name="ledger", local_admin_password="Guest-Marked-7")
        for field, words in (("cloud_id", "Gold"), ("template_id", "Debian 12")):
            olga.choose(field, words)
        olga.choose("network", "front")
        olga.press("Create")
        expect(olga.heading("ledger")).to_be_visible()
        olga.look("deploying")
        work_ends(olga)
        state(olga, "Running")
        olga.look("machine")

    def test_it_gets_a_disk(self, olga: Visitor) -> None:
        self.tab(olga, "Disks")
        olga.press("Add a disk")
        olga.fill(size_gb="5")
        olga.look("add a disk")
        self.answer(olga)
        work_ends(olga)
        self.tab(olga, "Disks")
        expect(olga.page.locator("main table")).to_contain_text("5 GB")
        olga.look("disks")

    def test_it_moves_to_the_best_other_host(self, olga: Visitor) -> None:
        before = self.host(olga).inner_text()
        self.tab(olga, "Placement")
        olga.look("placement")
        olga.press("Move to another host")
        self.answer(olga)
        work_ends(olga)
        state(olga, "Running")
        expect(self.host(olga)).not_to_have_text(before)

    def test_a_checkpoint_is_made(self, olga: Visitor) -> None:
        self.tab(olga, "Checkpoints")
        olga.fill(name="before the upgrade")
        olga.press("Create checkpoint")
        work_ends(olga)
        self.tab(olga, "Checkpoints")
        expect(olga.page.locator("main table")).to_contain_text("before the upgrade")
        olga.look("checkpoints")

    def test_what_was_changed_at_the_host_is_found_and_repaired(
        self, olga: Visitor, cloud: Stack
    ) -> None:
        machine, host = UUID(olga.path().split("/")[3]), self.host(olga).inner_text().strip()
        meddling.rename_guest(cloud.folder / "rack.sqlite3", host, machine, "ledger-old")
        olga.open("admin", "/fabric/drift/")
        olga.look("no drift")
        # What a job worked on until a moment ago is left alone.
        olga.page.wait_for_timeout(6_000)
        olga.press("Compare now")
        expect(olga.page.locator("#list")).to_contain_text("“ledger-old”")
        olga.look("drift")
        olga.press("Give it its name back")
        state(olga, "Succeeded")
        olga.open("admin", "/fabric/drift/")
        expect(olga.page.locator("main")).to_contain_text("Nothing differs")

    def test_its_host_is_drained(self, olga: Visitor, cloud: Stack) -> None:
        where = "SELECT host_id FROM vmm_virtualmachine WHERE name = 'ledger'"
        before = backstage.rows(cloud, where)[0][0]
        olga.open("admin", f"/fabric/hosts/{before}/")
        olga.press("Drain")
        expect(olga.page.get_by_text("Drained: the host is empty")).to_be_visible()
        olga.look("drained")
        assert backstage.rows(cloud, where)[0][0] != before

    def test_a_template_is_tried(self, olga: Visitor) -> None:
        olga.open("admin", "/fabric/trials/new/")
        olga.choose("template", "Debian 12")
        olga.choose("cloud", "Gold")
        olga.look("test deployment")
        olga.press("Begin")
        expect(olga.page.get_by_text("The template deploys here")).to_be_visible()
        olga.look("test deployment, report")

    def test_a_tenant_never_sees_it(self, browser: Browser, cloud: Stack, olga: Visitor) -> None:
        alice = Visitor(browser, cloud, "alice")
        alice.sign_in("tenant", OWNER, PASSWORD)
        for path in ("/fabric/", "/fabric/machines/", "/fabric/drift/"):
            assert alice.ask("tenant", "GET", path).status == 404
        alice.leave()

    def test_no_page_had_anything_wrong_with_it(self, olga: Visitor) -> None:
        assert olga.troubles == []

    def tab(self, olga: Visitor, name: str) -> None:
        olga.follow(olga.page.locator(".tabs").get_by_role("link", name=name).first)

    def answer(self, olga: Visitor) -> None:
        """Press the button of what a page asks."""
        olga.follow(olga.page.locator("main form button.primary"))

    def host(self, olga: Visitor) -> Locator:
        """Go to the machine's dashboard; return where it names the host."""
        self.tab(olga, "Dashboard")
        row = olga.page.locator("dt", has_text="Host").first
        return row.locator("xpath=following-sibling::dd[1]")
