"""Load curves on their way from the hosts' counters to our rows."""

from __future__ import annotations

import pytest

from fabric.models import Load, Machine
from fabric.providers.base import Curve
from fabric.providers.fake import FakeProvider
from fabric.sync import load
from tests.factories import fabric as rows


@pytest.fixture
def machine(vault, alices) -> Machine:
    cloud = rows.make_cloud(rows.make_stamp())
    return rows.make_machine(rows.make_subscription(alices, rows.make_plan(cloud)))


class Counters(FakeProvider):
    """A far side that has measured nothing at first."""

    def __init__(self) -> None:
        super().__init__(instant=True)
        self.samples: tuple[int, ...] = ()
        self.asked = 0

    def load(self, stamp_id, machine_id, frame):
        self.asked += 1
        return (Curve("cpu", self.samples, self.now[: len(self.samples)]),)

    @property
    def now(self):
        from django.utils import timezone

        return (timezone.now(),)


def test_an_empty_curve_is_asked_for_again_at_once(machine) -> None:
    far_side = Counters()
    load.run(far_side, machine.stamp_id)
    assert Load.objects.get(frame="hour").samples == []
    far_side.samples = (7,)
    load.run(far_side, machine.stamp_id)
    assert Load.objects.get(frame="hour").samples == [7]


def test_a_fresh_curve_is_left_alone(machine) -> None:
    far_side = Counters()
    far_side.samples = (7,)
    load.run(far_side, machine.stamp_id)
    before = far_side.asked
    load.run(far_side, machine.stamp_id)
    assert far_side.asked == before
