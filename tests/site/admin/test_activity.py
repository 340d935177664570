"""The operations log: one line an act, both its entries on its page, found by many roads."""

from __future__ import annotations

import uuid

import pytest

from tenants.actions import operations


@pytest.fixture
def log(olga, alice, alices) -> dict[str, uuid.UUID]:
    """Return three acts: one done, one failed, one under way."""
    done = operations.started("plan.created", by=olga, object_type="plan", object_name="Silver")
    operations.succeeded(done)
    failed = operations.started(
        "machine.deploy",
        by=alice,
        tenant=alices,
        object_type="machine",
        object_id="42",
        object_name="web-01",
        parameters={"name": "web-01", "password": "Canary-guest-1"},
    )
    operations.failed(failed, "No host has room.")
    going = operations.started("machine.start", by=alice, tenant=alices, object_name="web-02")
    return {"done": done, "failed": failed, "going": going}


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("", ["web-02", "web-01", "Silver"]),
        ("sort=when", ["Silver", "web-01", "web-02"]),
        ("sort=object", ["Silver", "web-01", "web-02"]),
        ("action=plan.created", ["Silver"]),
        ("person=ALICE", ["web-02", "web-01"]),
        ("tenant=alice", ["web-02", "web-01"]),
        ("phase=started", ["web-02"]),
        ("phase=succeeded", ["Silver"]),
        ("phase=failed", ["web-01"]),
        ("q=web-0", ["web-02", "web-01"]),
        ("q=room", ["web-01"]),
        ("q=42", ["web-01"]),
        ("q=nothing", []),
        ("phase=nonsense&sort=nonsense&after=nonsense", ["web-02", "web-01", "Silver"]),
    ],
)
def test_an_act_is_found(site, log, query, names) -> None:
    page = site.get(f"/activity/?{query}").context["page"]
    assert [row.object_name for row in page.rows] == names


def test_an_act_is_found_by_its_id(site, log) -> None:
    page = site.get(f"/activity/?q={log['done']}").context["page"]
    assert [row.object_name for row in page.rows] == ["Silver"]


def test_an_acts_page_shows_both_entries_and_its_parameters(site, log) -> None:
    page = site.get(f"/activity/{log['failed']}/").content.decode()
    for word in ("Started", "Failed", "No host has room.", "web-01", str(log["failed"])):
        assert word in page
    assert "Canary-guest-1" not in page


def test_an_unknown_act_is_not_found(site) -> None:
    assert site.get(f"/activity/{uuid.uuid4()}/").status_code == 404
