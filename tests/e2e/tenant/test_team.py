"""Bob joins by mail, reads, then works with one machine, and signs in with both factors."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from playwright.sync_api import Browser, expect

from tests.e2e import backstage
from tests.e2e.machines import command, is_now, open_machine
from tests.e2e.tenant import spf
from tests.e2e.visitor import Visitor
from tests.stack import Stack

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

BOB = "bob@example.net"
PASSWORD = "Joined-Marked-7"
PERIOD = 30


@pytest.fixture(scope="module")
def bob(browser: Browser, cloud: Stack) -> Iterator[Visitor]:
    visitor = Visitor(browser, cloud, "bob")
    yield visitor
    visitor.leave()


def code(secret: str, ahead: int = 0) -> str:
    """Return what bob's telephone shows; a code opens once, so he may take the next one."""
    return format_hotp_value(hotp_value(secret, int(time.time()) // PERIOD + ahead))


def machine_id(cloud: Stack, name: str) -> str:
    return str(backstage.rows(cloud, f"SELECT id FROM fabric_machine WHERE name = '{name}'")[0][0])


def sign_out(visitor: Visitor) -> None:
    visitor.open("tenant", "/account/logout/")
    visitor.press("Sign out")


def confirm(visitor: Visitor) -> None:
    """Say the password once more, as every sign-in asks before its factors are changed."""
    expect(visitor.heading("Confirm it is you")).to_be_visible()
    visitor.send("Confirm", password=PASSWORD)


def give(alice: Visitor, role: str, *machines: str) -> None:
    """Have alice give bob another place on her team."""
    alice.open("tenant", "/team/")
    alice.page.locator("tr", has_text=BOB).get_by_role("link", name="Change").click()
    alice.page.get_by_role("radio", name=role).check()
    if machines:
        alice.page.get_by_role("radio", name="Chosen machines only").check()
    for name in machines:
        alice.page.get_by_role("checkbox", name=name).check()
    alice.look("member")
    alice.press("Save")
    expect(alice.heading("Team")).to_be_visible()


class TestBobJoins:
    def test_he_is_invited_by_mail(self, alice: Visitor) -> None:
        alice.open("tenant", "/team/")
        alice.press("Invite somebody")
        expect(alice.heading("Invite somebody")).to_be_visible()
        alice.look("invite")
        alice.press("Send the invitation")
        expect(alice.error_at("email")).to_be_visible()
        alice.send("Send the invitation", email=BOB)
        expect(alice.page.locator("section", has_text="Invited")).to_contain_text(BOB)
        alice.look("team, invited")

    def test_he_opens_the_link_and_an_account(self, alice: Visitor, bob: Visitor) -> None:
        bob.page.goto(backstage.link_in_mail(bob.stack, BOB))
        expect(bob.page.locator("main")).to_contain_text("Reader")
        bob.look("invitation")
        bob.send("Create the account and join", name="Bob", password=PASSWORD)
        expect(bob.heading("Overview")).to_be_visible()
        bob.look("overview of a reader")

    def test_as_a_reader_he_sees_and_cannot_act(self, bob: Visitor, cloud: Stack) -> None:
        bob.open("tenant", "/machines/")
        expect(bob.page.locator("tbody")).to_contain_text("kiosk")
        main = bob.page.locator("main")
        expect(main.get_by_role("link", name="New machine")).to_have_count(0)
        expect(main.get_by_role("checkbox")).to_have_count(0)
        bob.look("machines of a reader")
        open_machine(bob, "kiosk")
        expect(bob.page.locator("#machine-commands")).to_be_empty()
        bob.look("machine of a reader")
        kiosk = f"/machines/{machine_id(cloud, 'kiosk')}/"
        for path, form in (("operate/", {"verb": "stop"}), ("delete/", {"confirm": "kiosk"})):
            assert bob.ask("tenant", "POST", kiosk + path, **form).status == 403
        assert bob.ask("tenant", "POST", f"/api/v1{kiosk}stop/").status == 403
        bob.page.reload()
        is_now(bob, "Running")


class TestBobWorks:
    def test_with_one_machine_he_sees_no_other(
        self, alice: Visitor, bob: Visitor, cloud: Stack
    ) -> None:
        give(alice, "Application Administrator", "kiosk")
        bob.open("tenant", "/machines/")
        expect(bob.page.locator("tbody a.name")).to_have_text(["kiosk"])
        bob.look("machines of who has one")
        others = machine_id(cloud, "shop-db")
        for path in (f"/machines/{others}/", f"/api/v1/machines/{others}/"):
            assert bob.ask("tenant", "GET", path).status == 404
        page, interface = f"/machines/{others}/operate/", f"/api/v1/machines/{others}/stop/"
        assert bob.ask("tenant", "POST", page, verb="stop").status == 404
        assert bob.ask("tenant", "POST", interface).status == 404

    def test_he_acts_on_it(self, bob: Visitor) -> None:
        open_machine(bob, "kiosk")
        command(bob, "Shut down")
        is_now(bob, "Stopped")
        command(bob, "Start")
        is_now(bob, "Running")
        bob.look("machine of who has one")

    def test_vmm_holds_the_same(self, cloud: Stack) -> None:
        his = spf.role_of(cloud, BOB)
        assert spf.stop(cloud, his, BOB, "shop-db") == 404
        assert spf.stop(cloud, his, BOB, "kiosk") == 204


class TestBobIsSure:
    def test_he_sets_up_an_app(self, bob: Visitor) -> None:
        bob.open("tenant", "/account/security/")
        bob.look("second factor")
        bob.page.get_by_role("link", name="Set up the authenticator app").click()
        confirm(bob)
        TestBobIsSure.secret = bob.page.locator("code.secret").inner_text()
        bob.send("Turn on", code="000000")
        expect(bob.error_at("code")).to_be_visible()
        bob.send("Turn on", code=code(self.secret))
        expect(bob.page.locator(".codes li")).to_have_count(10)
        bob.look("recovery codes")
        bob.press("I have kept them")

    def test_he_signs_in_with_both(self, bob: Visitor) -> None:
        sign_out(bob)
        bob.open("tenant", "/account/login/")
        bob.send("Sign in", login=BOB, password=PASSWORD)
        expect(bob.heading("Second factor")).to_be_visible()
        bob.look("second factor, asked")
        bob.send("Sign in", code="000000")
        expect(bob.error_at("code")).to_be_visible()
        bob.send("Sign in", code=code(self.secret, ahead=1))
        expect(bob.heading("Overview")).to_be_visible()

    def test_he_adds_a_passkey(self, bob: Visitor) -> None:
        devices = bob.context.new_cdp_session(bob.page)
        devices.send("WebAuthn.enable")
        kind = {
            "protocol": "ctap2",
            "transport": "internal",
            "hasResidentKey": True,
            "hasUserVerification": True,
            "isUserVerified": True,
        }
        devices.send("WebAuthn.addVirtualAuthenticator", {"options": kind})
        bob.open("tenant", "/account/security/")
        bob.press("Add a passkey")
        confirm(bob)
        bob.look("add a passkey")
        bob.page.locator("main").get_by_role("checkbox").check()
        bob.press("Add a passkey")
        expect(bob.page.locator("main")).to_contain_text("The passkey is added.")
        bob.press("Manage passkeys")
        expect(bob.heading("Passkeys")).to_be_visible()
        bob.look("passkeys")

    def test_he_signs_in_with_it_alone(self, bob: Visitor) -> None:
        sign_out(bob)
        bob.open("tenant", "/account/login/")
        bob.press("Sign in with a passkey")
        expect(bob.heading("Overview")).to_be_visible()
        bob.open("tenant", "/account/sign-ins/")
        bob.look("sign-ins")

    def test_no_page_of_his_had_anything_wrong_with_it(self, bob: Visitor) -> None:
        assert bob.troubles == []
