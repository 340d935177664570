"""Custom create: page by page to the same machine, by forms alone."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from fabric.models import Job, Machine
from portal.models import Draft
from tests.people import PASSWORD


class Visitor:
    """A browser without scripts, at the pages of one draft."""

    def __init__(self, client: Client, draft: Draft) -> None:
        self.client, self.draft = client, draft

    def url(self, slug: str) -> str:
        return reverse("machine-draft", args=[self.draft.pk, slug])

    def get(self, slug: str, **query: str):
        return self.client.get(self.url(slug), query)

    def send(self, slug: str, do: str = "next", **typed: object):
        """Press a button of a page; `_` in a name stands for the hyphen of a row."""
        return self.client.post(self.url(slug), {"do": do, **typed})

    def typed(self, slug: str) -> dict[str, list[str]]:
        self.draft.refresh_from_db()
        return self.draft.typed[slug]


def errors(page) -> dict[str, list[str]]:
    return dict(page.context["form"].errors)


@pytest.fixture
def begin() -> Callable[[Client], Visitor]:
    def begun(client: Client) -> Visitor:
        client.post(reverse("machine-custom"))
        return Visitor(client, Draft.objects.latest("created_at"))

    return begun


@pytest.fixture
def alices_draft(as_alice, subscription, begin) -> Visitor:
    return begin(as_alice)


@pytest.fixture
def chosen(alices_draft, subscription) -> Visitor:
    """Return alice's draft with its template chosen."""
    template = subscription.plan.offering.templates.get()
    alices_draft.send("template", subscription=subscription.pk, template=template.pk)
    return alices_draft


@pytest.fixture
def ready(chosen) -> Visitor:
    """Return a draft that needs only the last button."""
    chosen.send("identity", name="web-07", count=1, admin_user="root", password=PASSWORD)
    return chosen


def test_the_way_leads_from_the_choice_to_the_machine(as_alice, subscription) -> None:
    offering = subscription.plan.offering
    choice = as_alice.get(reverse("machine-new"))
    assert reverse("machine-quick") in choice.text
    assert reverse("machine-custom") in choice.text
    answer = as_alice.post(reverse("machine-custom"), follow=True)
    visitor = Visitor(as_alice, Draft.objects.get())
    assert answer.request["PATH_INFO"] == visitor.url("template")
    said = {"subscription": subscription.pk, "template": offering.templates.get().pk}
    assert visitor.send("template", **said).url == visitor.url("size")
    size = {"size": offering.hardware_profiles.get().pk}
    assert visitor.send("size", **size).url == visitor.url("disks")
    assert visitor.send("disks", "add").url.startswith(visitor.url("disks"))
    disk = {"rows": 1, "size-0": 20, "name-0": "data"}
    assert visitor.send("disks", **disk).url == visitor.url("networks")
    network = {"rows": 1, "network-0": offering.networks.get().pk, "address-0": "10.20.0.9"}
    assert visitor.send("networks", **network).url == visitor.url("identity")
    identity = {"name": "web-07", "count": 1, "admin_user": "root", "password": PASSWORD}
    assert visitor.send("identity", **identity).url == visitor.url("options")
    assert visitor.send("options", tags="Web, prod", end_action="stop").url == visitor.url("review")
    review = visitor.get("review")
    for told in ("web-07", "10.20.0.9", "20 GB", "prod, web", "Small"):
        assert told in review.text
    answer = visitor.send("review", "create")
    machine = Machine.objects.get(name="web-07")
    assert answer.url == reverse("machine", args=[machine.pk])
    assert (machine.cores, machine.storage_gb, machine.tags) == (2, 30, ["prod", "web"])
    inputs = Job.objects.get(machine=machine).inputs
    assert inputs["adapters"] == [["front", "10.20.0.9"]]
    assert inputs["disks"] == [["data", 20]]
