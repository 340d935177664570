"""The ledger equals what is there, whatever happens in whatever order."""

from __future__ import annotations

import threading
import uuid

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from plans import rules
from plans.actions import quota
from plans.errors import QuotaExceeded
from plans.models import Entry, Plan, Subscription

LIMITS = {"machines": 5, "cores": 8, "memory_mb": 8192, "storage_gb": None}
ONE = {"machines": 1, "cores": 2, "memory_mb": 2048, "storage_gb": 40}


@pytest.fixture
def subscription(alices) -> Subscription:
    plan = Plan.objects.create(name="Starter")
    return Subscription.objects.create(
        tenant=alices, plan=plan, name="S", owner_email="alice@example.net"
    )


@pytest.mark.django_db
def test_a_reservation_counts_until_it_is_released(subscription):
    holding = uuid.uuid4()
    quota.reserve(subscription, holding=holding, wanted=ONE, limits=LIMITS)
    assert quota.used(subscription) == ONE
    quota.commit(holding)
    assert quota.used(subscription) == ONE
    quota.release(holding)
    assert set(quota.used(subscription).values()) == {0}


@pytest.mark.django_db
def test_writing_an_end_twice_changes_nothing(subscription):
    holding = uuid.uuid4()
    quota.reserve(subscription, holding=holding, wanted=ONE, limits=LIMITS)
    for _time in range(2):
        quota.commit(holding)
        quota.release(holding)
    assert set(quota.used(subscription).values()) == {0}
    assert Entry.objects.count() == 3 * len(ONE)


@pytest.mark.django_db
def test_the_refusal_names_the_limit_what_is_used_and_what_is_wanted(subscription):
    for _time in range(4):
        quota.reserve(subscription, holding=uuid.uuid4(), wanted=ONE, limits=LIMITS)
    with pytest.raises(QuotaExceeded) as refused:
        quota.reserve(subscription, holding=uuid.uuid4(), wanted=ONE, limits=LIMITS)
    assert (refused.value.resource, refused.value.used) == ("cores", 8)
    assert refused.value.message == ("The plan's limit for cores is 8; 8 in use, 2 more wanted.")


@pytest.mark.django_db
def test_one_subscription_does_not_use_up_another(subscription, charlie):
    other = Subscription.objects.create(
        tenant=charlie.tenants.get(), plan=subscription.plan, name="C", owner_email="c@example.net"
    )
    quota.reserve(subscription, holding=uuid.uuid4(), wanted=ONE, limits=LIMITS)
    assert quota.used(other)["machines"] == 0


@pytest.mark.django_db(transaction=True)
def test_parallel_reservations_fill_the_plan_exactly(subscription):
    """Twelve at once where five fit: five are taken, whoever they are."""
    taken, refused = [], []

    def reserve():
        from django.db import transaction

        try:
            with transaction.atomic():
                quota.reserve(
                    subscription,
                    holding=uuid.uuid4(),
                    wanted={"machines": 1},
                    limits={"machines": 5},
                )
            taken.append(1)
        except QuotaExceeded:
            refused.append(1)
        finally:
            connection.close()

    threads = [threading.Thread(target=reserve) for _n in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(taken), len(refused)) == (5, 7)
    assert quota.used(subscription)["machines"] == 5


ACTS = st.lists(
    st.tuples(st.sampled_from(["reserve", "commit", "release"]), st.integers(0, 4)), max_size=25
)


@pytest.mark.django_db
@settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(acts=ACTS)
def test_the_sum_is_what_is_held_and_never_above_the_limit(subscription, acts):
    Entry.objects.all().delete()
    held: dict[int, bool] = {}
    ids = [uuid.uuid4() for _n in range(5)]
    for act, n in acts:
        if act == "reserve" and n not in held:
            try:
                quota.reserve(subscription, holding=ids[n], wanted=ONE, limits=LIMITS)
                held[n] = True
            except QuotaExceeded:
                assert sum(held.values()) * ONE["cores"] + ONE["cores"] > LIMITS["cores"]
        elif act == "commit":
            quota.commit(ids[n])
        elif act == "release":
            quota.release(ids[n])
            if n in held:
                held[n] = False
    count = sum(held.values())
    assert quota.used(subscription) == {name: value * count for name, value in ONE.items()}


@pytest.mark.parametrize(
    ("resource", "value", "words"),
    [
        ("memory_mb", 2048, "2 GB"),
        ("memory_mb", 512, "512 MB"),
        ("cores", 3, "3"),
        ("storage_gb", 1500, "1,500 GB"),
    ],
)
def test_amounts_read_as_people_say_them(resource, value, words):
    assert rules.amount(resource, value) == words
