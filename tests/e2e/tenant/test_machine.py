"""One machine's whole life, by its page: size, disks, networks, checkpoints, commands, its end."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, expect

from tests.e2e import backstage
from tests.e2e.machines import (
    answer,
    command,
    in_vmm,
    is_asked,
    is_now,
    job_ends,
    open_machine,
    row,
    tab,
)
from tests.e2e.visitor import Visitor
from tests.stack import Stack

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

GUEST_PASSWORD = "Guest-Marked-8"


def settled(alice: Visitor) -> None:
    """Wait until the page shows no work, as somebody looking at it would."""
    expect(alice.page.locator("#work[hidden]")).to_be_attached()


def things(alice: Visitor) -> Locator:
    """Return the rows of the tab's table."""
    return alice.page.locator("#tab tbody tr")


class TestItsCurves:
    def test_a_sample_is_read_beside_the_pointer(self, alice: Visitor, cloud: Stack) -> None:
        open_machine(alice, "lamp")
        is_now(alice, "Running")
        three_days_of_load(cloud, "lamp")
        alice.open("tenant", alice.path() + "?frame=month")
        box = alice.page.locator("svg[data-said]").first.bounding_box()
        assert box is not None
        for part, said in ((0.1, "1 Mar 13:00 · 10 %"), (0.5, "20 %"), (0.99, "90 %")):
            alice.page.mouse.move(box["x"] + part * box["width"], box["y"] + 20)
            expect(alice.page.locator(".tip")).to_contain_text(said)
        alice.look("a curve, read")
        alice.page.mouse.move(0, 0)
        expect(alice.page.locator(".tip")).to_have_count(0)


def three_days_of_load(cloud: Stack, name: str) -> None:
    """Have the portal know a curve that it need not ask for again today."""
    backstage.rows(
        cloud,
        f"""INSERT INTO fabric_load (machine_id, frame, counter, samples, times, synced_at)
        SELECT id, 'month', 'cpu', '[10, 20, 90]', '["2026-03-01T12:00:00Z",
            "2026-03-02T12:00:00Z", "2026-03-03T12:00:00Z"]', now() + interval '1 day'
        FROM fabric_machine WHERE name = '{name}'
        ON CONFLICT (machine_id, frame, counter) DO UPDATE SET samples = excluded.samples,
            times = excluded.times, synced_at = excluded.synced_at
        RETURNING id""",
    )


class TestItsParts:
    def test_it_is_described_and_shut_down_to_grow(self, alice: Visitor, cloud: Stack) -> None:
        open_machine(alice, "lamp")
        tab(alice, "Configure")
        alice.fill(description="Lights the harbour")
        alice.press("Save")
        expect(alice.page.locator(".help")).to_have_text("Lights the harbour")
        settled(alice)
        expect(alice.page.locator("#size")).to_contain_text("Shut it down first")
        alice.look("configure, running")
        alice.press("Shut it down now")
        is_now(alice, "Stopped")
        expect(alice.page.locator("#no-size")).to_have_count(0)
        alice.fill(cores="2", memory_gb="2")
        alice.press("Change size")
        expect(alice.page.locator("#size")).to_contain_text("2 cores, 2 GB")
        settled(alice)
        assert in_vmm(cloud, "lamp", "cores, memory_mb") == (2, 2048)

    def test_a_disk_comes_grows_and_goes(self, alice: Visitor, cloud: Stack) -> None:
        tab(alice, "Disks")
        alice.press("Add a disk")
        is_asked(alice, "Add disk")
        alice.look("add a disk")
        answer(alice, "Add disk", size_gb="5", name="oil")
        expect(things(alice)).to_have_count(2)
        settled(alice)
        alice.look("disks")
        row(alice, "oil").get_by_role("link", name="Enlarge").click()
        answer(alice, "Enlarge", size_gb="8")
        expect(row(alice, "oil")).to_contain_text("8 GB")
        settled(alice)
        assert in_vmm(cloud, "lamp", "storage_gb") == (18,)
        row(alice, "oil").get_by_role("link", name="Remove").click()
        is_asked(alice, "Remove for good")
        alice.look("remove a disk")
        answer(alice, "Remove for good", confirm="oil")
        expect(things(alice)).to_have_count(1)
        settled(alice)

    def test_an_adapter_comes_and_goes(self, alice: Visitor) -> None:
        tab(alice, "Networks")
        alice.press("Attach to a network")
        alice.choose("network", "front")
        alice.look("attach")
        answer(alice, "Attach", address="10.20.8.8")
        expect(things(alice)).to_have_count(2)
        expect(row(alice, "Adapter 2")).to_contain_text("10.20.8.8")
        settled(alice)
        alice.look("networks")
        row(alice, "Adapter 2").get_by_role("link", name="Detach").click()
        answer(alice, "Detach")
        expect(things(alice)).to_have_count(1)
        settled(alice)


class TestItsCheckpoints:
    def test_one_is_made_and_restored(self, alice: Visitor) -> None:
        tab(alice, "Checkpoints")
        alice.press("Create checkpoint")
        is_asked(alice, "Create checkpoint")
        alice.look("make a checkpoint")
        answer(alice, "Create checkpoint", name="before the storm")
        expect(row(alice, "before the storm")).to_contain_text("the machine stands here")
        settled(alice)
        alice.look("checkpoints")
        row(alice, "before the storm").get_by_role("link", name="Restore").click()
        is_asked(alice, "Restore")
        alice.look("restore")
        answer(alice, "Restore")
        expect(row(alice, "before the storm")).to_be_visible()
        settled(alice)

    def test_another_machine_is_made_of_it(self, alice: Visitor, cloud: Stack) -> None:
        row(alice, "before the storm").get_by_role("link", name="New machine").click()
        answer(alice, "Create machine", name="lamp-then")
        expect(alice.heading("lamp-then")).to_be_visible()
        is_now(alice, "Stopped")
        assert in_vmm(cloud, "lamp-then", "cores, memory_mb") == (2, 2048)

    def test_it_is_deleted(self, alice: Visitor, cloud: Stack) -> None:
        open_machine(alice, "lamp")
        tab(alice, "Checkpoints")
        row(alice, "before the storm").get_by_role("link", name="Delete").click()
        answer(alice, "Delete checkpoint")
        expect(alice.page.locator("#tab .empty")).to_contain_text("No checkpoints")
        settled(alice)
        assert backstage.number(cloud, "SELECT count(*) FROM vmm_checkpoint") == 0


class TestItsCommands:
    @pytest.mark.parametrize(
        ("said", "becomes"),
        [
            ("Start", "Running"),
            ("Pause", "Paused"),
            ("Resume", "Running"),
            ("Save", "Saved"),
        ],
    )
    def test_power(self, alice: Visitor, said: str, becomes: str) -> None:
        if said == "Start":
            open_machine(alice, "lamp")
        command(alice, said)
        is_now(alice, becomes)
        settled(alice)

    def test_it_is_restarted(self, alice: Visitor) -> None:
        command(alice, "Start")
        is_now(alice, "Running")
        settled(alice)
        command(alice, "Restart")
        job_ends(alice, "Restart lamp")
        is_now(alice, "Running")

    def test_it_is_cloned(self, alice: Visitor, cloud: Stack) -> None:
        command(alice, "Stop")
        is_now(alice, "Stopped")
        command(alice, "Clone")
        answer(alice, "Create clone", name="lamp-twin")
        expect(alice.heading("lamp-twin")).to_be_visible()
        is_now(alice, "Stopped")
        assert in_vmm(cloud, "lamp-twin", "storage_gb") == in_vmm(cloud, "lamp", "storage_gb")

    def test_it_is_rebuilt_at_the_same_address(self, alice: Visitor) -> None:
        open_machine(alice, "lamp")
        tab(alice, "Networks")
        before = things(alice).locator("code").all_inner_texts()
        command(alice, "Rebuild")
        alice.look("rebuild")
        alice.choose("template", "Debian 12")
        answer(alice, "Rebuild", password=GUEST_PASSWORD, confirm="something else")
        expect(alice.error_at("confirm")).to_contain_text("This is not lamp.")
        answer(alice, "Rebuild", password=GUEST_PASSWORD, confirm="lamp")
        expect(alice.heading("lamp")).to_be_visible()
        job_ends(alice, "Rebuild lamp")
        tab(alice, "Networks")
        expect(things(alice).locator("code")).to_have_text(before)

    def test_it_is_deleted_by_its_name(self, alice: Visitor, cloud: Stack) -> None:
        command(alice, "Delete")
        expect(alice.page.locator("#delete-dialog")).to_be_visible()
        answer(alice, "Delete for good", confirm="lamp")
        expect(alice.heading("Virtual machines")).to_be_visible()
        expect(
            alice.page.locator("tbody").get_by_role("link", name="lamp", exact=True)
        ).to_have_count(0)
        assert in_vmm(cloud, "lamp", "id") is None
