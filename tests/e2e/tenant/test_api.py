"""A key is made in the browser; a program makes a machine with it, asks twice, and waits."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from playwright.sync_api import expect

from tests.e2e import backstage
from tests.e2e.machines import in_vmm
from tests.e2e.visitor import Visitor
from tests.stack import Stack

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

RIGHTS = ("Create", "Stop", "Remove")
IDEMPOTENCY = {"Idempotency-Key": "the-press-of-the-printer-7"}


@pytest.fixture(scope="module")
def key(alice: Visitor) -> str:
    """Return a key that alice made, with the rights to make, stop and delete machines."""
    alice.open("tenant", "/account/keys/")
    alice.look("no keys")
    alice.press("New API key")
    alice.fill(name="The printer")
    alice.page.get_by_role("radio", name="also what is ticked here").check()
    for right in RIGHTS:
        alice.page.locator(f"[name=rights][value={right}]").check()
    alice.look("new key")
    alice.press("Create key")
    made = alice.page.get_by_label("The printer").input_value()
    alice.look("key, shown once")
    alice.press("I have copied it")
    expect(alice.page.locator("tbody")).to_contain_text("Works")
    assert made not in alice.page.content()
    return made


@pytest.fixture(scope="module")
def program(cloud: Stack, key: str):
    """Yield a client of the interface that signs in with the key."""
    headers = {"Authorization": f"Bearer {key}"}
    url = f"{cloud.url('tenant')}/api/v1/"
    with httpx.Client(base_url=url, headers=headers, timeout=90) as client:
        yield client


def order(program: httpx.Client) -> dict[str, Any]:
    """Return the order of a machine."""
    [subscription] = program.get("subscriptions/").json()["results"]
    templates = program.get("templates/", params={"subscription": subscription["id"]})
    debian = next(one for one in templates.json()["results"] if one["name"] == "Debian 12")
    return {
        "subscription": subscription["id"],
        "template": debian["id"],
        "name": "press",
        "guest": {"password": "Guest-Marked-5"},
    }


def make(program: httpx.Client, **changes: str) -> httpx.Response:
    """Order the machine, always with the same key, and wait for it."""
    wanted = order(program) | changes
    return program.post("machines/", params={"wait": 60}, json=wanted, headers=IDEMPOTENCY)


class TestAProgram:
    def test_it_makes_a_machine_and_waits(self, program: httpx.Client) -> None:
        made = make(program)
        assert made.status_code == 202, made.text
        assert made.json()["state"] == "succeeded"
        operation = program.get(made.url.join(made.headers["Location"]))
        assert operation.json()["percent"] == 100

    def test_the_same_request_makes_no_second_one(
        self, program: httpx.Client, cloud: Stack
    ) -> None:
        again = make(program)
        assert again.status_code == 202
        assert again.headers["Idempotency-Replayed"] == "true"
        other = make(program, name="press-2")
        assert (other.status_code, other.json()["code"]) == (422, "key_reused")
        made = "SELECT count(*) FROM vmm_virtualmachine WHERE name LIKE 'press%'"
        assert backstage.number(cloud, made) == 1

    def test_what_the_key_lacks_is_refused(self, program: httpx.Client) -> None:
        refused = program.post(f"machines/{self.press(program)}/pause/")
        assert refused.status_code == 403
        assert refused.json()["code"] == "missing_scope"

    def test_it_stops_and_deletes_it(self, program: httpx.Client, cloud: Stack) -> None:
        id = self.press(program)
        stopped = program.post(f"machines/{id}/stop/", headers={"Prefer": "wait=60"})
        assert stopped.json()["state"] == "succeeded"
        assert in_vmm(cloud, "press", "status") == ("PowerOff",)
        gone = program.delete(f"machines/{id}/", params={"wait": 60})
        assert (gone.status_code, gone.json()["state"]) == (202, "succeeded"), gone.text
        assert in_vmm(cloud, "press", "id") is None

    def test_a_revoked_key_opens_nothing(self, program: httpx.Client, alice: Visitor) -> None:
        alice.press("Revoke The printer")
        expect(alice.page.locator("tbody")).to_contain_text("Revoked")
        alice.look("keys, revoked")
        assert program.get("me/").status_code == 401

    def press(self, program: httpx.Client) -> str:
        [found] = program.get("machines/", params={"q": "press"}).json()["results"]
        return str(found["id"])
