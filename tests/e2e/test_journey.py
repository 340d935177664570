"""From an empty installation to a machine made, used and deleted, as four people live it.

One test is one step, and each goes on where the last ended. Where a step fails, the rest is skipped
and the report says what everybody saw.
"""

from __future__ import annotations

import re
import uuid

import pytest
from playwright.sync_api import Locator, expect

from fabric.jobs.deploy import DEPLOY
from tests.e2e import backstage, deployment, strangers
from tests.e2e.journey import Journey
from tests.e2e.machines import command
from tests.e2e.visitor import Visitor

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

PASSPHRASE = "seven grey geese over the harbour"
PASSWORD = "Correct-Horse-7"
GUEST_PASSWORD = "Guest-Marked-7"
OLGA, ALICE, CHARLIE = "olga@example.net", "alice@example.net", "charlie@example.net"
VMM_SERVER = "vmm01.katal.local"


class TestFromNothingToAMachine:
    # The operator

    def test_an_empty_installation_has_a_set_up_page_only(self, journey: Journey) -> None:
        olga = journey.visitor("olga")
        for path in ("/", "/plans/", "/account/login/"):
            olga.open("admin", path)
            assert olga.path() == "/set-up/"
        olga.look("set-up")
        typed = {
            "instance_name": "Contoso Cloud",
            "email": OLGA,
            "password": PASSWORD,
            "password_again": PASSWORD,
            "passphrase": PASSPHRASE,
            "passphrase_again": PASSPHRASE,
        }
        olga.send("Set up and sign in", code="000000-000000-000000-000000", **typed)
        expect(olga.error_at("code")).to_contain_text("not the code")
        olga.look("set-up, wrong code")
        olga.send("Set up and sign in", **typed, code=journey.setup_code)
        expect(olga.heading("Overview")).to_be_visible()
        olga.look("first page")
        assert olga.ask("admin", "GET", "/set-up/").status == 404
        assert olga.ask("admin", "POST", "/set-up/", code=journey.setup_code).status == 404

    def test_no_cloud_yet_and_the_page_says_what_to_do(self, journey: Journey) -> None:
        olga = journey.visitor("olga")
        olga.page.locator("#menu").get_by_role("link", name="VM clouds").click()
        expect(olga.page.locator(".empty")).to_contain_text("register the SPF endpoint first")
        expect(olga.count("VM clouds")).to_have_text("0")
        olga.look("no clouds")
        olga.press("Register SPF")
        expect(olga.heading("Register SPF")).to_be_visible()

    @pytest.mark.parametrize(
        ("wrong", "field", "answer"),
        [
            ({"password": "not-the-password"}, "password", "does not accept the user name or"),
            ({"authority_pem": ""}, "authority_pem", "an authority that is not known here"),
            ({"url": "https://localhost:1"}, "url", "it refuses the connection"),
            ({"url": "something else"}, "url", "it is no Service Provider Foundation"),
        ],
        ids=["wrong password", "unknown certificate", "unreachable", "no SPF"],
    )
    def test_a_wrong_registration_is_explained_at_its_field(
        self, journey: Journey, wrong: dict[str, str], field: str, answer: str
    ) -> None:
        olga = journey.visitor("olga")
        with backstage.something_else(journey.cloud) as elsewhere:
            if wrong.get("url") == "something else":
                wrong = {"url": elsewhere}
            olga.send("Test and register", **(registration(journey) | wrong))
            expect(olga.error_at(field)).to_contain_text(answer)
        olga.look(f"registration refused, {field}, {answer}")
        assert backstage.number(journey.cloud, "SELECT count(*) FROM fabric_provider") == 0

    def test_spf_and_vmm_are_registered_but_the_account_sees_nothing(
        self, journey: Journey
    ) -> None:
        olga = journey.visitor("olga")
        olga.send("Test and register", **registration(journey))
        expect(olga.heading("Register VMM server")).to_be_visible()
        olga.look("register VMM")
        olga.send("Register", name=VMM_SERVER, friendly_name="Frankfurt")
        expect(olga.heading("VM clouds")).to_be_visible()
        expect(olga.page.locator(".stamp")).to_contain_text("Frankfurt")
        expect(olga.page.locator(".stamp-trouble")).to_contain_text("has no rights there")
        expect(olga.count("VM clouds")).to_have_text("0")
        olga.look("no rights in VMM")

    def test_with_rights_the_number_of_clouds_is_vmms(self, journey: Journey) -> None:
        olga = journey.visitor("olga")
        backstage.grant_rights(journey.cloud)
        olga.press("Read now")
        in_vmm = backstage.number(journey.cloud, "SELECT count(*) FROM vmm_cloud")
        expect(olga.heading("Built-in SPF")).to_be_visible()
        expect(olga.page.locator("main").get_by_text("Gold", exact=True)).to_be_visible()
        expect(olga.count("VM clouds")).to_have_text(str(in_vmm))
        olga.look("endpoint with clouds")
        olga.open("admin", "/vm-clouds/")
        olga.look("clouds")
        olga.press("Gold")
        expect(olga.page.locator("main")).to_contain_text("Debian 12")
        olga.look("cloud")

    def test_a_plan_is_made_and_given_quotas(self, journey: Journey) -> None:
        olga = journey.visitor("olga")
        make_plan(olga, "Starter")
        expect(olga.page.locator(".head .state", has_text="Private")).to_be_visible()
        expect(olga.page.locator(".head .state", has_text="Not configured")).to_be_visible()
        olga.look("new plan")
        olga.press("Change access")
        olga.page.get_by_label("Public").check()
        olga.press("Change access")
        expect(olga.page.get_by_role("alert")).to_contain_text("quota")
        olga.look("not public without quotas")
        olga.page.get_by_role("alert").get_by_role("link", name="Set quotas").click()
        olga.choose("cloud", "Bare")
        expect(olga.page.get_by_role("alert")).to_contain_text("The cloud lacks a network")
        olga.look("cloud without a network")
        olga.choose("cloud", "Gold")
        expect(template(olga, "Debian 12")).to_be_checked()
        olga.look("quotas")
        set_quotas(olga)
        expect(olga.page.locator("main")).to_contain_text("Limits of a subscription")
        olga.look("configured plan")
        olga.press("Change access")
        olga.page.get_by_label("Public").check()
        olga.look("access")
        olga.press("Change access")
        expect(olga.page.locator(".head .state", has_text="Public")).to_be_visible()

    # Her tenants

    def test_alice_signs_up_and_subscribes(self, journey: Journey) -> None:
        alice = journey.visitor("alice")
        alice.open("tenant")
        alice.look("sign in")
        alice.press("Create an account")
        expect(alice.heading("Create an account")).to_be_visible()
        alice.look("sign up")
        alice.send("Create account", email=ALICE, password1=PASSWORD, password2=PASSWORD)
        expect(alice.heading("Confirm your address")).to_be_visible()
        alice.look("mail sent")
        alice.page.goto(backstage.link_in_mail(journey.cloud, ALICE))
        alice.look("confirm")
        alice.press("Confirm")
        expect(alice.heading("Overview")).to_be_visible()
        alice.look("first page")
        alice.press("See plans")
        expect(alice.heading("Plans")).to_be_visible()
        alice.look("plans")
        alice.page.locator("main").get_by_role("link", name="Subscribe").click()
        expect(alice.heading("Subscribe to Starter")).to_be_visible()
        alice.look("subscribe")
        alice.press("Subscribe")
        expect(alice.heading("Starter")).to_be_visible()
        alice.look("being provisioned")
        expect(alice.page.locator("dd .state")).to_have_text("In sync")
        alice.look("subscription")
        roles = backstage.rows(journey.cloud, "SELECT name FROM vmm_userrole")
        assert [name for (name,) in roles if name == f"{ALICE}_{identifier(alice)}"]

    def test_olga_gives_charlie_an_account_with_a_private_plan(self, journey: Journey) -> None:
        olga = journey.visitor("olga")
        make_plan(olga, "Reserved")
        olga.press("Set quotas")
        olga.choose("cloud", "Gold")
        expect(template(olga, "Debian 12")).to_be_checked()
        set_quotas(olga)
        olga.open("admin", "/users/new/")
        olga.choose("plan", "Reserved (private)")
        olga.look("new user")
        olga.send("Create the user", email=CHARLIE, name="Charlie GmbH", password=PASSWORD)
        expect(olga.heading(CHARLIE)).to_be_visible()
        olga.look("user")
        charlie = journey.visitor("charlie")
        charlie.sign_in("tenant", CHARLIE, PASSWORD)
        expect(charlie.page.locator(".card", has_text="Reserved").first).to_contain_text("In sync")
        charlie.look("overview with a private plan")

    # A machine

    def test_quick_create_says_at_each_field_what_is_missing(self, journey: Journey) -> None:
        alice = journey.visitor("alice")
        alice.open("tenant", "/machines/")
        alice.look("no machines")
        alice.press("New machine")
        alice.press("Quick create")
        expect(alice.heading("Quick create")).to_be_visible()
        alice.look("quick create")
        alice.press("Create machine")
        for name in ("name", "template", "password"):
            expect(alice.error_at(name)).to_be_visible()
        alice.look("quick create, nothing filled in")
        whole = {"name": "web-1", "password": GUEST_PASSWORD}
        for name in whole:
            alice.fill(**(whole | {name: ""}))
            alice.choose("template", "Debian 12")
            alice.press("Create machine")
            expect(alice.page.locator(".errorlist")).to_have_count(1)
            expect(alice.error_at(name)).to_be_visible()
        assert backstage.number(journey.cloud, "SELECT count(*) FROM fabric_machine") == 0

    def test_a_machine_is_ordered_once_and_watched_until_it_runs(self, journey: Journey) -> None:
        alice = journey.visitor("alice")
        alice.fill(name="web-1", password=GUEST_PASSWORD)
        alice.choose("template", "Debian 12")
        expect(alice.page.locator("#preview")).to_contain_text("+ 10 GB")
        alice.look("quick create, filled in")
        again = deployment.form(alice) | {"password": GUEST_PASSWORD}
        deployment.note_steps(alice)
        alice.page.get_by_role("button", name="Create machine").dblclick()
        expect(alice.heading("web-1")).to_be_visible()
        expect(alice.count("Virtual machines")).to_have_text("1")
        replayed = alice.ask("tenant", "POST", "/machines/new/quick/", **again)
        assert replayed.headers["location"] == alice.path()
        assert backstage.number(journey.cloud, "SELECT count(*) FROM fabric_machine") == 1
        steps = deployment.watch(alice)
        assert len(steps) >= 2, steps
        ours = {step.title for step in DEPLOY.steps}
        assert set(steps) - ours <= backstage.steps_in_vmm(journey.cloud)
        expect(alice.page.locator(".head .state")).to_have_text("Running")
        assert backstage.number(journey.cloud, "SELECT count(*) FROM vmm_virtualmachine") == 1

    def test_the_dashboard_tells_everything(self, journey: Journey) -> None:
        alice = journey.visitor("alice")
        facts = alice.page.locator("section", has=alice.page.get_by_role("heading", name="Quick"))
        expect(facts).to_contain_text("Debian GNU/Linux 12 (64 bit)")
        expect(facts).to_contain_text("1 core")
        expect(facts).to_contain_text(re.compile(r"10\.20\.\d+\.\d+"))
        expect(alice.page.locator(".quota", has_text="Cores")).to_contain_text("1 of 8")
        alice.look("dashboard")
        alice.open("tenant", "/machines/")
        alice.look("list")
        alice.press("web-1")

    def test_connect_says_how_for_a_running_machine(self, journey: Journey) -> None:
        alice = journey.visitor("alice")
        alice.press("Connect")
        dialog = alice.page.get_by_role("dialog")
        expect(dialog.locator("code")).to_have_text(re.compile(r"^ssh root@10\.20\.\d+\.\d+$"))
        alice.look("connect")
        dialog.get_by_role("link", name="Close").click()
        expect(dialog).to_have_count(0)

    # Who may not

    def test_a_stranger_finds_nothing_of_alices(self, journey: Journey) -> None:
        alice, charlie = journey.visitor("alice"), journey.visitor("charlie")
        hers = strangers.objects(journey.cloud, ALICE)
        walked = list(strangers.addresses(hers))
        assert len(walked) >= 60
        for verb in strangers.VERBS:
            for address in walked:
                status = charlie.ask("tenant", verb, address).status
                assert strangers.is_closed(address, status), (verb, address, status)
        assert alice.ask("tenant", "GET", f"/machines/{hers['machine']}/").status == 200
        charlie.open("tenant", "/machines/?q=web-1")
        expect(charlie.page.locator("main")).not_to_contain_text("10.20.")
        charlie.look("nothing of hers in the list")

    def test_each_site_is_for_its_own_people(self, journey: Journey) -> None:
        lost = journey.visitor("alice at the wrong site")
        lost.open("admin", "/account/login/")
        lost.send("Sign in", login=ALICE, password=PASSWORD)
        expect(lost.page.get_by_role("alert")).to_contain_text("your account is a tenant's")
        lost.look("refused")
        assert lost.ask("admin", "GET", "/plans/").status == 302
        olga = journey.visitor("olga")
        olga.sign_in("tenant", OLGA, PASSWORD)
        expect(olga.page.locator("main")).to_contain_text("You belong to no tenant")
        olga.look("tenant site, no tenant")
        olga.open("tenant", "/subscriptions/")
        expect(olga.page.locator("main")).to_contain_text("No subscriptions yet")
        assert olga.ask("tenant", "GET", "/machines/").status == 200

    # Without scripts

    def test_everything_works_without_scripts(self, journey: Journey) -> None:
        plain = journey.visitor("alice", javascript=False)
        plain.sign_in("tenant", ALICE, PASSWORD)
        plain.look("overview")
        plain.open("tenant", "/machines/new/quick/")
        plain.choose("template", "Ubuntu")
        plain.send("Create machine", name="plain-1", password=GUEST_PASSWORD)
        expect(plain.heading("plain-1")).to_be_visible()
        plain.look("deploying")
        deployment.reload_until(plain, "Running")
        plain.look("running")
        command(plain, "Stop")
        deployment.reload_until(plain, "Stopped")
        plain.press("Delete")
        expect(plain.heading("Delete plain-1?")).to_be_visible()
        plain.send("Delete for good", confirm="something else")
        expect(plain.error_at("confirm")).to_contain_text("This is not plain-1.")
        plain.look("delete, wrong name")
        plain.send("Delete for good", confirm="plain-1")
        deployment.reload_until_gone(plain)
        plain.open("tenant", "/machines/")
        expect(plain.page.locator("main")).not_to_contain_text("plain-1")

    # What she does with it

    def test_load_curves_come_by_themselves(self, journey: Journey) -> None:
        alice = journey.visitor("alice")
        expect(alice.page.locator("#load figure svg")).to_have_count(4, timeout=90_000)
        alice.look("dashboard with curves")
        alice.press("Table")
        expect(alice.page.locator("#load tbody th").first).to_be_visible()
        alice.look("curves as a table")
        alice.press("Charts")

    def test_power_goes_down_and_up(self, journey: Journey) -> None:
        alice = journey.visitor("alice")
        for said, state in (
            ("Pause", "Paused"),
            ("Resume", "Running"),
            ("Shut down", "Stopped"),
            ("Start", "Running"),
            ("Stop", "Stopped"),
        ):
            command(alice, said)
            expect(alice.page.locator(".head .state")).to_have_text(state)
            alice.look(f"after {said}")
        connect = alice.page.get_by_role("button", name="Connect")
        expect(connect).to_be_disabled()
        expect(alice.page.locator("#reasons")).to_contain_text("The machine must be running.")
        refused = alice.ask("tenant", "GET", alice.path() + "connect/")
        assert refused.headers["location"] == alice.path()

    # The end

    def test_deleting_gives_the_quota_back(self, journey: Journey) -> None:
        alice = journey.visitor("alice")
        alice.press("Delete")
        expect(alice.page.locator("#delete-dialog")).to_be_visible()
        alice.look("delete")
        alice.send("Delete for good", confirm="web-1")
        expect(alice.heading("Virtual machines")).to_be_visible()
        expect(alice.page.locator(".empty")).to_contain_text("No virtual machines yet")
        alice.open("tenant", "/")
        expect(alice.page.locator(".quota", has_text="Cores")).to_contain_text("0 of 8")
        alice.look("nothing used any more")
        # Its addresses rest before somebody else may have them.
        for left in ("vmm_virtualmachine", "vmm_addresslease WHERE adapter_id IS NOT NULL"):
            assert backstage.number(journey.cloud, f"SELECT count(*) FROM {left}") == 0
        ledger = "SELECT resource, sum(amount) FROM plans_entry GROUP BY 1"
        assert {total for _, total in backstage.rows(journey.cloud, ledger)} == {0}

    def test_the_log_has_each_act_from_start_to_end(self, journey: Journey) -> None:
        alice, olga = journey.visitor("alice"), journey.visitor("olga")
        alice.open("tenant", "/activity/")
        line = alice.page.locator("tr", has_text="Deploy machine web-1")
        expect(line.locator(".state")).to_have_text("Succeeded")
        line.get_by_text("Details").click()
        alice.look("activity")
        operation = line.locator("dt", has_text="Operation")
        shown = str(operation.locator("xpath=following-sibling::dd[1]").inner_text())
        phases = backstage.rows(
            journey.cloud,
            f"SELECT phase FROM tenants_operation WHERE operation_id = '{uuid.UUID(shown)}'",
        )
        assert sorted(phase for (phase,) in phases) == ["started", "succeeded"]
        olga.open("admin", "/activity/")
        olga.look("activity")
        olga.open("admin", f"/activity/{shown}/")
        expect(olga.page.locator("main")).to_contain_text("Debian 12")
        olga.look("one act")
        for path in ("/", "/plans/", "/users/", "/subscriptions/"):
            olga.open("admin", path)
            olga.look(f"at the end {path}")

    def test_no_secret_lies_anywhere(self, journey: Journey) -> None:
        secrets = (GUEST_PASSWORD, journey.spf_password, PASSWORD, PASSPHRASE, journey.setup_code)
        assert len(backstage.hiding_places(journey.cloud, "Contoso Cloud")) >= 2, "it finds things"
        for secret in secrets:
            assert backstage.hiding_places(journey.cloud, secret) == []
            shown = [
                page
                for one in journey.people.values()
                for page, text in one.seen.items()
                if secret in text
            ]
            assert shown == []

    def test_no_page_had_anything_wrong_with_it(self, journey: Journey) -> None:
        troubles = {name: one.troubles for name, one in journey.people.items() if one.troubles}
        assert troubles == {}


def registration(journey: Journey) -> dict[str, str]:
    """Return the registration of our own SPF, filled in as it should be."""
    return {
        "name": "Built-in SPF",
        "url": journey.cloud.url("spf"),
        "username": "portal",
        "password": journey.spf_password,
        "authority_pem": journey.cloud.authority.read_text(),
    }


def make_plan(olga: Visitor, name: str) -> None:
    """Make a plan, as it is made: private, without quotas."""
    olga.open("admin", "/plans/new/")
    olga.send("Create plan", name=name, description="Machines in Frankfurt.")
    expect(olga.heading(name)).to_be_visible()


def template(olga: Visitor, name: str) -> Locator:
    """Return the box of a template among those a plan may hold."""
    return olga.page.get_by_role("group", name="VM templates").get_by_label(name)


def set_quotas(olga: Visitor) -> None:
    """Give the plan everything of the cloud that is chosen, and limits."""
    for limit, value in {"machines": 5, "cores": 8, "memory_mb": 16, "storage_gb": 200}.items():
        olga.field(limit).fill(str(value))
    olga.press("Save quotas")


def identifier(visitor: Visitor) -> str:
    """Return the id in the page's address."""
    found = re.search(r"[0-9a-f]{8}-[0-9a-f-]{27}", visitor.path())
    assert found
    return found.group()
