"""Stars, and why: each strategy likes another host, wishes cost, and what is full gets none."""

from __future__ import annotations

import dataclasses
from uuid import uuid4

from hypothesis import given
from hypothesis import strategies as st

from fabric.vmm.placement.limits import Need, Offer, Rule, obstacles
from fabric.vmm.placement.rating import points, rating

NEED = Need(cores=2, memory_mb=4_000)


def host(name: str, *, memory: int = 0, cores: int = 0, storage: int = 0, **values) -> Offer:
    """Return a host by what is in use, in percent."""
    return Offer(
        id=uuid4(),
        name=name,
        group=uuid4(),
        cores=100,
        free_cores=100 - cores,
        memory_mb=100_000,
        free_memory_mb=1_000 * (100 - memory),
        storage_gb=1_000,
        free_storage_gb=10 * (100 - storage),
        **values,
    )


EMPTY = host("empty")
HALF = host("half", memory=50, cores=50, storage=50)
LOPSIDED = host("lopsided", memory=10, cores=90)


def best(strategy: str, *offers: Offer) -> str:
    return max(offers, key=lambda offer: points(NEED, offer, strategy)).name


def test_each_strategy_likes_another_host():
    assert best("most_free", EMPTY, HALF) == "empty"
    assert best("packed", EMPTY, HALF) == "half"
    assert best("most_free", LOPSIDED, HALF) == "lopsided"
    assert best("balanced", LOPSIDED, HALF) == "half"


def test_the_stars_come_with_their_reason():
    rated = rating(NEED, HALF, "most_free")
    assert (rated.host, rated.stars, rated.excluded) == ("half", 2.3, "")
    assert rated.reasons == ("46% of memory free afterwards",)
    assert rating(NEED, HALF, "packed").stars == 2.7
    assert rating(NEED, HALF, "balanced").reasons == (
        "46% of memory, 48% of processors and 50% of storage free afterwards: the scarcest counts",
    )


def test_wishes_that_are_not_met_cost_stars_and_say_so():
    rule = Rule("db", "should_not", "hdd")
    picky = dataclasses.replace(NEED, affinity="web", apart=frozenset({EMPTY.id}))
    ailing = dataclasses.replace(EMPTY, rules=(rule,), tags=frozenset({"hdd"}), health="warning")
    rated = rating(picky, ailing, "most_free")
    assert rated.stars == 1.3
    assert rated.reasons[1:] == (
        "machines tagged db should not be on hosts tagged hdd (−1)",
        "another machine of the affinity set web is there (−1.5)",
        "the host needs attention (−1)",
    )


def test_a_host_out_of_the_question_has_every_reason_and_no_star():
    full = dataclasses.replace(EMPTY, is_in_maintenance=True, free_cores=1)
    rated = rating(NEED, full, "most_free")
    assert (rated.stars, rated.reasons) == (0.0, ())
    assert rated.excluded == "in maintenance; processors: 1 free, 2 wanted"


percents = st.integers(0, 100)
offers = st.builds(
    host,
    st.just("host"),
    memory=percents,
    cores=percents,
    storage=percents,
    health=st.sampled_from(["ok", "warning"]),
    is_in_maintenance=st.booleans(),
    rules=st.sampled_from([(), (Rule("a", "should", "b"),), (Rule("a", "must", "b"),)]),
)
needs = st.builds(Need, cores=st.integers(1, 120), memory_mb=st.integers(32, 120_000))
strategies = st.sampled_from(["most_free", "balanced", "packed"])


@given(needs, offers, strategies)
def test_stars_are_between_none_and_five_and_only_for_hosts_that_fit(need, offer, strategy):
    rated = rating(need, offer, strategy)
    assert 0 <= rated.stars <= 5
    assert round(rated.stars, 1) == rated.stars
    assert bool(rated.excluded) == bool(obstacles(need, offer))
    assert bool(rated.reasons) != bool(rated.excluded)


@given(needs, offers, st.integers(0, 50_000))
def test_more_free_memory_never_makes_a_host_worse_or_better_when_packing(need, offer, more):
    roomier = dataclasses.replace(
        offer, free_memory_mb=min(offer.memory_mb, offer.free_memory_mb + more)
    )
    if obstacles(need, offer):
        return
    assert not obstacles(need, roomier)
    for strategy in ("most_free", "balanced"):
        assert points(need, roomier, strategy) >= points(need, offer, strategy)
    assert points(need, roomier, "packed") <= points(need, offer, "packed")


@given(needs, offers, strategies)
def test_a_host_that_meets_a_wish_is_worth_more_than_one_that_does_not(need, offer, strategy):
    wish = (Rule("a", "should", "b"),)
    without = dataclasses.replace(offer, rules=wish)
    having = dataclasses.replace(without, tags=frozenset({"b"}))
    assert points(need, having, strategy) > points(need, without, strategy)
