"""The operations log: started and ended as one line, with filters; secrets never."""

from __future__ import annotations

from django.urls import reverse

from fabric.models import Machine
from tenants.actions import operations


def log(machine, alice, action, **told):
    return operations.started(
        action,
        by=alice,
        tenant=machine.subscription.tenant,
        object_type="machine",
        object_id=machine.pk,
        object_name=machine.name,
        **told,
    )


def acts(page):
    return [(act.started.action, act.outcome) for act in page.context["listed"].acts]


def test_one_line_tells_beginning_and_end(as_alice, alice, machine) -> None:
    operations.succeeded(log(machine, alice, "machine.start"))
    operations.failed(log(machine, alice, "machine.stop"), "No answer.")
    log(machine, alice, "machine.pause", parameters={"password": "hush", "verb": "pause"})
    page = as_alice.get(reverse("activity"))
    assert acts(page) == [
        ("machine.pause", "running"),
        ("machine.stop", "failed"),
        ("machine.start", "succeeded"),
    ]
    assert "No answer." in page.text
    assert "hush" not in page.text
    assert reverse("machine", args=[machine.pk]) in page.text
    Machine.objects.update(state="deleted")
    gone = as_alice.get(reverse("activity"))
    assert reverse("machine", args=[machine.pk]) not in gone.text


def test_filters_by_outcome_text_and_subscription(as_alice, alice, machine) -> None:
    ended = log(machine, alice, "machine.start")
    operations.succeeded(ended)
    log(machine, alice, "machine.stop")
    url = reverse("activity")
    assert acts(as_alice.get(f"{url}?outcome=running")) == [("machine.stop", "running")]
    assert acts(as_alice.get(f"{url}?outcome=succeeded")) == [("machine.start", "succeeded")]
    assert acts(as_alice.get(f"{url}?q={str(ended)[:8]}")) == [("machine.start", "succeeded")]
    assert len(acts(as_alice.get(f"{url}?subscription={machine.subscription_id}"))) == 2
    assert "No act matches" in as_alice.get(f"{url}?q=zzz").text


def test_it_is_paged_and_costs_the_same(
    as_alice, alice, machine, django_assert_max_num_queries
) -> None:
    for _ in range(60):
        log(machine, alice, "machine.start")
    with django_assert_max_num_queries(12):
        page = as_alice.get(reverse("activity"))
    assert len(acts(page)) == 50
    older = as_alice.get(f"{reverse('activity')}?{page.context['listed'].page.next}")
    assert len(acts(older)) == 10
