"""What stands around every page: the counts are what lists show, for whoever looks."""

from __future__ import annotations

import pytest
from django.test import RequestFactory

from fabric.durable.states import JobState
from fabric.models import Machine, MachineGrant
from fabric.states import MachineState
from plans.models import Plan
from portal.accounts import AuthenticationBackend
from portal.tenant_site.menu import SiteFrame
from tenants import places
from tenants.models import Instance, Membership, User
from tests.factories.fabric import make_machine, make_plan, make_subscription
from tests.site.tenant.conftest import make_job


def frame_for(user: User) -> SiteFrame:
    """Return the frame of a page that this person, let in as usual, asks for."""
    request = RequestFactory().get("/")
    request.user = AuthenticationBackend().get_user(user.pk)
    request.htmx = False
    return SiteFrame(request)


@pytest.fixture
def much(subscription, charlie) -> None:
    """Make machines that are there, gone and a stranger's, and work that goes on and ended."""
    Instance.objects.create(id=1, name="Contoso Cloud")
    first = make_machine(subscription, "web-01")
    make_machine(subscription, "web-02")
    make_machine(subscription, "old-01", state=MachineState.DELETED)
    make_job(first, JobState.RUNNING)
    make_job(make_machine(subscription, "db-01"), JobState.FAILED)
    cloud = subscription.plan.offering.cloud
    theirs = make_subscription(charlie.tenants.get(), make_plan(cloud, "Theirs"))
    make_job(make_machine(theirs, "foreign"), JobState.WAITING)
    Plan.objects.create(name="Not ready", access="public")
    make_plan(cloud, "Secret").services.update(is_configured=False)


def test_counts_are_what_the_person_sees(much, alice) -> None:
    frame = frame_for(alice)
    assert frame.request.user.whole_tenant_ids is not None
    assert (frame.machine_count, frame.running, frame.instance.name) == (3, 1, "Contoso Cloud")
    told = frame._counts
    # Asked of whoever was not told their places it is the same.
    places.forget(frame.request.user)
    del frame.__dict__["_counts"]
    assert frame._counts == told
    assert told["plans"] == Plan.objects.on_offer().count() == 2


def test_who_sees_chosen_machines_counts_only_these(much, bob) -> None:
    Membership.objects.filter(user=bob).update(all_machines=False)
    member = bob.memberships.get()
    MachineGrant.objects.create(membership=member, machine=Machine.objects.get(name="web-02"))
    frame = frame_for(bob)
    assert (frame.machine_count, frame.running) == (1, 0)


def test_a_part_of_a_page_counts_only_what_goes_on(much, alice, django_assert_num_queries) -> None:
    frame = frame_for(alice)
    frame.request.htmx = True
    with django_assert_num_queries(1):
        assert frame.running == 1
