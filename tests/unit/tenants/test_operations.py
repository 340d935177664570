"""The operations log tells every act once as Started and once as its end, and no secret."""

from __future__ import annotations

import pytest

from tenants.actions import operations
from tenants.models import Operation, Phase

pytestmark = pytest.mark.django_db


def phases(operation_id) -> list[str]:
    return list(
        Operation.objects.filter(operation_id=operation_id)
        .order_by("id")
        .values_list("phase", flat=True)
    )


def test_an_act_is_started_and_ended_under_one_id(alice, alices):
    operation_id = operations.started(
        "machine.deploy", by=alice, tenant=alices, object_name="web-01", parameters={"cores": 2}
    )
    operations.succeeded(operation_id)
    assert phases(operation_id) == [Phase.STARTED, Phase.SUCCEEDED]
    end = Operation.objects.get(operation_id=operation_id, phase=Phase.SUCCEEDED)
    assert (end.actor_email, end.object_name, end.parameters) == (
        "alice@example.net",
        "web-01",
        {"cores": 2},
    )


def test_only_the_first_end_counts(alice):
    operation_id = operations.started("machine.deploy", by=alice)
    operations.failed(operation_id, "No host fits.")
    operations.succeeded(operation_id)
    operations.failed(operation_id, "Again.")
    assert phases(operation_id) == [Phase.STARTED, Phase.FAILED]


def test_secrets_are_hidden_at_any_depth(alice):
    operation_id = operations.started(
        "machine.deploy",
        by=alice,
        parameters={
            "Password": "Canary-1",
            "join": {"domain": "corp", "join_password": "Canary-2"},
            "setup_code": "Canary-3",
        },
    )
    assert "Canary" not in str(Operation.objects.filter(operation_id=operation_id).values().get())


def test_a_stranger_sees_none_of_it(alice, alices, bob, charlie):
    operations.started("machine.deploy", by=alice, tenant=alices)
    assert Operation.objects.visible_to(bob).count() == 1
    assert Operation.objects.visible_to(charlie).count() == 0
