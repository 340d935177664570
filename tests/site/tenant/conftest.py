"""Alice's plan, subscription and machine, and a browser for each person."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from fabric.durable.states import JobState
from fabric.models import Job, Machine
from plans.models import Plan, Subscription
from tenants.models import User
from tests.factories.fabric import (
    make_cloud,
    make_machine,
    make_plan,
    make_stamp,
    make_subscription,
)


@pytest.fixture
def plan(vault) -> Plan:
    return make_plan(make_cloud(make_stamp()))


@pytest.fixture
def subscription(alices, plan) -> Subscription:
    return make_subscription(alices, plan)


@pytest.fixture
def machine(subscription) -> Machine:
    return make_machine(subscription, "web-01")


@pytest.fixture
def sign_in() -> Callable[[User], Client]:
    """Return a browser that is signed in as a person."""

    def signed_in(user: User) -> Client:
        client = Client()
        client.force_login(user)
        return client

    return signed_in


@pytest.fixture
def as_alice(alice, sign_in) -> Client:
    return sign_in(alice)


def make_job(machine: Machine, state: str = JobState.RUNNING, **fields) -> Job:
    """Return a job on a machine, a deployment unless said otherwise."""
    values = {
        "recipe": "machine.deploy",
        "title": f"Deploy {machine.name}",
        "subject": machine.pk,
        "step": "ensure_ordered",
        "machine": machine,
        "subscription": machine.subscription,
        "stamp": machine.stamp,
    }
    return Job.objects.create(state=state, **values | fields)
