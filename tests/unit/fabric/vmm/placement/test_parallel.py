"""Many at once, on real connections: whatever the order, nothing is overfilled and sums agree."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from fabric.vmm import actions, placement
from fabric.vmm.errors import VMMError
from fabric.vmm.models import VirtualMachine
from tests.factories.placement import affinity_set, assert_sums_agree, unplaced
from tests.factories.vmm import ADMINISTRATOR, make_fabric

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]
THREADS = 4


def at_once(*works: Callable[[], None]) -> None:
    """Run each in a thread and transaction of its own, all begun together."""
    start, broken = threading.Barrier(len(works)), []

    def run(work: Callable[[], None]) -> None:
        start.wait(60)
        try:
            work()
        except BaseException as error:
            broken.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[work]) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert not broken, broken


def attempt(work: Callable[[], object]) -> bool:
    """Tell whether it was done, rather than refused."""
    try:
        with transaction.atomic():
            work()
    except VMMError:
        return False
    return True


def test_the_last_room_is_given_once(vault):
    fabric = make_fabric(hosts=2, memory_mb=4096)
    machines = [unplaced(fabric, memory_mb=3072) for _ in range(THREADS)]
    done: list[bool] = []
    at_once(*(lambda m=m: done.append(attempt(lambda: placement.place(m))) for m in machines))
    assert Counter(done) == {True: 2, False: THREADS - 2}
    assert VirtualMachine.objects.exclude(host=None).values("host").distinct().count() == 2
    assert_sums_agree()


def test_a_strict_set_is_never_broken_by_machines_placed_at_once(vault):
    fabric = make_fabric(hosts=3)
    apart = affinity_set(fabric)
    machines = [unplaced(fabric, affinity=apart) for _ in range(THREADS)]
    done: list[bool] = []
    at_once(*(lambda m=m: done.append(attempt(lambda: placement.place(m))) for m in machines))
    hosts = list(VirtualMachine.objects.exclude(host=None).values_list("host", flat=True))
    assert len(hosts) == len(set(hosts)) == 3 == done.count(True)


def test_a_machine_put_into_a_strict_set_while_it_is_placed_does_not_break_it(vault):
    fabric = make_fabric(hosts=1)
    apart = affinity_set(fabric)
    placed, late = unplaced(fabric, affinity=apart), unplaced(fabric)
    assert attempt(lambda: placement.place(placed))
    at_once(
        lambda: attempt(lambda: placement.place(late)),
        lambda: attempt(lambda: actions.affinity.put_in(ADMINISTRATOR, apart, machines=[late])),
    )
    late.refresh_from_db()
    assert late.host is None or late.affinity is None


def test_hosts_that_swap_machines_do_not_wait_for_each_other_for_ever(vault):
    fabric = make_fabric(hosts=2)
    machines = [unplaced(fabric) for _ in range(THREADS)]
    for n, machine in enumerate(machines):
        assert attempt(lambda m=machine, n=n: placement.place(m, among=[fabric.hosts[n % 2]]))

    def swap(machine: VirtualMachine) -> None:
        for _ in range(3):
            attempt(lambda: placement.reserve_best(machine))
            attempt(lambda: placement.settle_move(machine))

    at_once(*(lambda m=m: swap(m) for m in machines))
    assert not VirtualMachine.objects.exclude(moving_to=None).exists()
    assert_sums_agree()


VERBS = ["place", "place", "resize", "release", "move", "settle", "give_back", "grow"]
orders = st.lists(
    st.tuples(
        st.sampled_from(VERBS),
        st.integers(0, 3),
        st.integers(1, 4),
    ),
    min_size=1,
    max_size=8,
)


@settings(
    max_examples=20,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    scripts=st.lists(orders, min_size=2, max_size=3),
    strategy=st.sampled_from(["packed", "most_free"]),
)
def test_whatever_is_done_at_once_nothing_is_overfilled(vault, scripts, strategy):
    """Each thread has machines of its own; hosts, volumes and a strict set are what they share."""
    fabric = make_fabric(hosts=3, cores=1, memory_mb=6 * 1024, storage_gb=60)
    fabric.cloud.strategy = strategy
    fabric.cloud.save()
    apart = affinity_set(fabric)

    def play(script: list[tuple[str, int, int]]) -> None:
        mine = [
            unplaced(fabric, disks=(5, 10), affinity=apart if n == 0 else None) for n in range(4)
        ]
        for verb, which, size in script:
            attempt(lambda verb=verb, m=mine[which].pk, size=size: do(verb, m, size))

    at_once(*(lambda s=script: play(s) for script in scripts))
    assert_sums_agree()
    members = VirtualMachine.objects.filter(affinity=apart).values_list("host", "moving_to")
    held = [host for pair in members for host in {*pair} - {None}]
    assert len(held) == len(set(held)), "two of a strict set on one host"


def do(verb: str, pk: object, size: int) -> None:
    """Do one thing to a machine, as its jobs and actions would: the row of the machine first."""
    machine = VirtualMachine.objects.select_for_update(no_key=True).get(pk=pk)
    if verb == "place":
        placement.place(machine)
    elif verb == "resize":
        placement.resize(machine, size, size * 1024)
        VirtualMachine.objects.filter(pk=pk).update(cores=size, memory_mb=size * 1024)
    elif verb == "release":
        placement.release(machine)
    elif verb == "move":
        placement.reserve_best(machine)
    elif verb == "settle":
        placement.settle_move(machine)
    elif verb == "give_back":
        placement.give_back(machine)
    else:
        placement.grow_disk(machine.disks.first(), size * 10)
