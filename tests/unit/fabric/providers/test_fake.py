"""The fake's own levers; what it shares with real endpoints is held by the contract tests."""

from __future__ import annotations

from uuid import uuid4

import pytest

from fabric.providers.base import MachineOrder, TenantOrder
from fabric.providers.errors import Throttled, Unreachable
from fabric.providers.fake import FakeProvider


@pytest.fixture
def fake() -> FakeProvider:
    return FakeProvider(instant=True)


def order_machine(fake: FakeProvider, tenant, *, first_try: bool = True):
    order = MachineOrder(
        tag="tag-1",
        name="web-01",
        description="",
        stamp_id=fake.stamp.id,
        cloud_id=fake.clouds[0].id,
        template_id=fake.templates[0].id,
        cores=None,
        memory_mb=None,
        admin_user="root",
        password="secret",
    )
    return fake.ensure_machine(order, tenant=tenant, person="", first_try=first_try)


def open_tenant(fake: FakeProvider):
    order = TenantOrder(
        id=uuid4(),
        name="alice",
        people=(),
        stamp_id=fake.stamp.id,
        cloud_id=fake.clouds[0].id,
        limits={},
        permissions=("Create", "Start", "Stop"),
        resources=(("VMTemplate", fake.templates[0].id),),
    )
    fake.ensure_tenant(order)
    return order.id


def test_instant_work_is_done_when_the_call_returns(fake):
    made = order_machine(fake, open_tenant(fake))
    assert fake.jobs(fake.stamp.id, [made.job_id])[0].succeeded
    assert fake.machines(fake.stamp.id)[0].status == "Running"


def test_other_work_goes_on_tick_by_tick(fake):
    fake.instant = False
    made = order_machine(fake, open_tenant(fake))
    percents = []
    for _ in range(4):
        percents.append(fake.jobs(fake.stamp.id, [made.job_id])[0].percent)
        fake.tick()
    assert percents == [0, 33, 66, 100]


def test_a_lost_reply_leaves_the_work_done(fake):
    tenant = open_tenant(fake)
    fake.plan("ensure_machine", "lose_reply")
    with pytest.raises(Unreachable):
        order_machine(fake, tenant)
    assert len(fake.machines(fake.stamp.id)) == 1


def test_an_unreachable_cloud_has_done_nothing(fake):
    tenant = open_tenant(fake)
    fake.plan("ensure_machine", "unreachable", times=2)
    for _ in range(2):
        with pytest.raises(Unreachable):
            order_machine(fake, tenant)
    assert order_machine(fake, tenant).object_id
    assert len(fake.machines(fake.stamp.id)) == 1


def test_a_doubled_first_try_makes_two(fake):
    tenant = open_tenant(fake)
    assert order_machine(fake, tenant).object_id != order_machine(fake, tenant).object_id


def test_a_failed_creation_stays_and_is_repaired(fake):
    tenant = open_tenant(fake)
    fake.plan("ensure_machine", "fail")
    failed = order_machine(fake, tenant)
    job = fake.jobs(fake.stamp.id, [failed.job_id])[0]
    assert (job.succeeded, job.problem) == (False, "The host failed.")
    assert fake.machines(fake.stamp.id)[0].status == "CreationFailed"
    again = order_machine(fake, tenant, first_try=False)
    assert again.object_id == failed.object_id
    assert fake.machines(fake.stamp.id)[0].status == "Running"


def test_any_fault_can_be_planned_and_a_cloud_can_be_down(fake):
    fake.plan("stamps", Throttled("Wait."))
    with pytest.raises(Throttled):
        fake.stamps()
    fake.is_down = True
    with pytest.raises(Unreachable):
        fake.stamps()
    fake.is_down = False
    assert fake.stamps() == (fake.stamp,)
    assert fake.calls == ["stamps"] * 3
