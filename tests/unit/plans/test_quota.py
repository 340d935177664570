"""The ledger equals what is there, whatever happens in whatever order."""

from __future__ import annotations

import contextlib
import threading
import uuid

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from plans import rules
from plans.actions import quota
from plans.errors import QuotaExceeded
from plans.models import Entry, MemberLimit, Plan, Subscription
from tenants.models import Membership

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


class Books:
    """The same in plain numbers: what a machine's growths hold, and what is really there."""

    def __init__(self) -> None:
        self.waiting: dict[str, dict[str, int]] = {"a": {}, "b": {}}
        self.there: dict[str, int] = {"a": 0, "b": 0}
        self.committed: dict[str, tuple[str, int]] = {}
        self.seen: set[str] = set()

    @property
    def total(self) -> int:
        return sum(self.there.values()) + sum(sum(each.values()) for each in self.waiting.values())

    def reserve(self, subject: str, holding: str, amount: int) -> None:
        if holding not in self.seen and self.total + amount <= LIMITS["cores"]:
            self.seen.add(holding)
            self.waiting[subject][holding] = amount

    def commit(self, subject: str, holding: str, _amount: int) -> None:
        if holding in self.waiting[subject]:
            amount = self.waiting[subject].pop(holding)
            self.there[subject] += amount
            self.committed[holding] = (subject, amount)

    def release(self, subject: str, holding: str, _amount: int) -> None:
        self.waiting[subject].pop(holding, None)
        if holding in self.committed:
            _subject, amount = self.committed.pop(holding)
            self.there[subject] -= min(amount, self.there[subject])

    def shrink(self, subject: str, holding: str, amount: int) -> None:
        known = any(name.startswith(subject) for name in self.seen)
        if known and f"shrunk {holding}" not in self.seen:
            self.seen.add(f"shrunk {holding}")
            self.there[subject] -= min(amount, self.there[subject])

    def release_all(self, subject: str, _holding: str, _amount: int) -> None:
        self.waiting[subject].clear()
        self.there[subject] = 0


GROWTHS = st.lists(
    st.tuples(
        st.sampled_from(["reserve", "reserve", "commit", "release", "shrink", "release_all"]),
        st.sampled_from(["a", "b"]),
        st.sampled_from(["1", "2", "3"]),
        st.integers(1, 4),
    ),
    max_size=30,
)


@pytest.mark.django_db
@settings(
    max_examples=120,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(acts=GROWTHS)
def test_growing_shrinking_and_giving_back_are_exact_and_may_come_twice(subscription, acts):
    Entry.objects.all().delete()
    books, ids = Books(), {}

    def known_as(name: str) -> uuid.UUID:
        return ids.setdefault(name, uuid.uuid4())

    for act, subject, number, amount in acts:
        name = subject + number
        for _twice in range(2):
            if act == "reserve":
                with contextlib.suppress(QuotaExceeded):
                    quota.reserve(
                        subscription,
                        holding=known_as(name),
                        subject=known_as(subject),
                        wanted={"cores": amount},
                        limits=LIMITS,
                    )
            elif act == "shrink":
                quota.shrink(
                    subscription,
                    holding=known_as(f"shrunk {name}"),
                    subject=known_as(subject),
                    by_amounts={"cores": amount},
                )
            elif act == "release_all":
                quota.release_all(known_as(subject))
            else:
                getattr(quota, act)(known_as(name))
        getattr(books, act)(subject, name, amount)
        waiting = sum(sum(each.values()) for each in books.waiting.values())
        assert quota.by_kind(subscription)["cores"] == (waiting, sum(books.there.values()))
        assert quota.used(subscription)["cores"] == books.total <= LIMITS["cores"]
    held = quota.used_by_subject(subscription)
    for subject in "ab":
        expected = books.there[subject] + sum(books.waiting[subject].values())
        assert held.get(known_as(subject), {"cores": 0})["cores"] == expected


@pytest.mark.django_db
def test_a_deleted_machine_gives_back_what_it_grew_by(subscription):
    machine, disk = uuid.uuid4(), uuid.uuid4()
    quota.reserve(subscription, holding=machine, wanted=ONE, limits=LIMITS)
    quota.commit(machine)
    quota.reserve(
        subscription, holding=disk, subject=machine, wanted={"storage_gb": 20}, limits=LIMITS
    )
    quota.release_all(machine)
    quota.release(disk)
    quota.release(machine)
    assert set(quota.used(subscription).values()) == {0}


@pytest.mark.django_db
def test_a_members_part_is_held_and_growth_counts_for_whose_machine_it_is(subscription, bob):
    mine = Membership.objects.get(user=bob, tenant=subscription.tenant)
    MemberLimit.objects.create(membership=mine, subscription=subscription, cores=3)
    machine = uuid.uuid4()
    quota.reserve(subscription, holding=machine, member=bob, wanted=ONE, limits=LIMITS)
    with pytest.raises(QuotaExceeded) as refused:
        quota.reserve(subscription, holding=uuid.uuid4(), member=bob, wanted=ONE, limits=LIMITS)
    assert refused.value.message == (
        "Your part of the plan is 3 for cores; 2 in use, 2 more wanted."
    )
    quota.reserve(
        subscription, holding=uuid.uuid4(), subject=machine, wanted={"cores": 1}, limits=LIMITS
    )
    assert quota.used_by_member(subscription, bob)["cores"] == 3
    quota.release_all(machine)
    assert set(quota.used_by_member(subscription, bob).values()) == {0}


@pytest.mark.django_db(transaction=True)
def test_two_that_release_the_same_machine_at_once_give_it_back_once(subscription):
    machine = uuid.uuid4()
    with transaction.atomic():
        quota.reserve(subscription, holding=machine, wanted=ONE, limits=LIMITS)
    quota.commit(machine)

    def release():
        try:
            quota.release_all(machine)
        finally:
            connection.close()

    threads = [threading.Thread(target=release) for _n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(quota.used(subscription).values()) == {0}


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
