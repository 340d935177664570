"""Ordered groups from a file, and a schedule that the clock runs."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import FilePayload, Locator, expect

from tests.e2e import backstage
from tests.e2e.machines import in_vmm
from tests.e2e.visitor import TIME_ZONE, Visitor
from tests.stack import Stack

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

ORDER = ("shop-db", "shop-app", "shop-web")
STATE = "status"


def lines(*machines: str) -> FilePayload:
    """Return the file of a group with these machines."""
    text = "".join(f"Shop;{name}\r\n" for name in machines)
    return {"name": "groups.csv", "mimeType": "text/csv", "buffer": text.encode("utf-8-sig")}


def report(alice: Visitor) -> Locator:
    """Return what the page tells of each machine of the run."""
    return alice.page.locator("#run .steps li > span:not(.took)")


def far_from_now() -> str:
    """Return a time of day that does not come, where alice's browser is, while this runs."""
    return "22:30" if 4 <= datetime.now(ZoneInfo(TIME_ZONE)).hour < 16 else "10:30"


class TestInOrder:
    def test_a_schedule_tells_when_it_will_be_due(self, alice: Visitor, cloud: Stack) -> None:
        alice.open("tenant", "/schedules/")
        alice.look("no schedules")
        alice.press("New schedule")
        alice.fill(name="Till off at night")
        alice.choose("action", "Shut down")
        alice.choose("target", "till")
        at = far_from_now()
        alice.fill(at=at)
        alice.field("at").press("Tab")
        expect(alice.page.locator("#preview li")).to_have_count(5)
        expect(alice.page.locator("#preview li").first).to_contain_text(at)
        alice.look("new schedule")
        alice.press("Create schedule")
        expect(alice.page.locator(".next-runs li")).not_to_have_count(0)
        alice.look("schedule")
        # It comes at once; the clock of the installation looks every twenty seconds.
        backstage.rows(cloud, "UPDATE fabric_schedule SET next_at = now() RETURNING id")

    def test_a_file_with_a_wrong_line_makes_nothing(self, alice: Visitor, cloud: Stack) -> None:
        alice.open("tenant", "/groups/")
        alice.look("no groups")
        alice.press("Import")
        alice.field("file").set_input_files(lines("shop-db", "shop-ap"))
        alice.press("Import")
        expect(alice.page.get_by_role("alert")).to_contain_text("Line 2")
        alice.look("import, refused")
        assert backstage.number(cloud, "SELECT count(*) FROM fabric_group") == 0

    def test_the_file_put_right_makes_the_group(self, alice: Visitor) -> None:
        alice.field("file").set_input_files(lines(*ORDER))
        alice.press("Import")
        alice.follow(alice.page.locator("tbody").get_by_role("link", name="Shop"))
        expect(alice.page.locator(".order tbody th")).to_have_text(ORDER)
        alice.look("group")

    def test_it_is_stopped_in_reverse(self, alice: Visitor) -> None:
        alice.press("Stop in reverse")
        done = [f"{name} · done" for name in reversed(ORDER)]
        expect(report(alice)).to_have_text(done)

    def test_and_started_in_order(self, alice: Visitor, cloud: Stack) -> None:
        expect(alice.page.locator("#run .state").first).to_have_text("Succeeded")
        alice.press("Start in order")
        expect(report(alice)).to_have_text([f"{name} · done" for name in ORDER])
        expect(alice.page.locator("#run .state").first).to_have_text("Succeeded")
        alice.look("group, started")
        started = backstage.rows(
            cloud,
            "SELECT target_name FROM vmm_job WHERE recipe = 'start' AND target_name LIKE 'shop-%'"
            " ORDER BY started_at",
        )
        assert started == [(name,) for name in ORDER]
        expect(alice.page.locator("#run[data-live]")).to_have_count(0)

    def test_the_schedule_has_run_by_itself(self, alice: Visitor, cloud: Stack) -> None:
        alice.open("tenant", "/machines/?q=till")
        expect(alice.page.locator("tbody .state")).to_have_text("Stopped")
        alice.open("tenant", "/schedules/")
        alice.press("Till off at night")
        runs = alice.page.locator("section", has=alice.page.get_by_role("heading", name="Runs"))
        expect(runs.locator("tbody tr")).to_have_count(1)
        expect(runs.locator("tbody")).to_contain_text("till")
        alice.look("schedule, run")
        assert in_vmm(cloud, "till", STATE) == ("PowerOff",)
