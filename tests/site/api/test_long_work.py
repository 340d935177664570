"""Long work: accepted with 202, waited for by few, told step by step."""

from __future__ import annotations

import pytest

from fabric.durable.states import JobState
from fabric.models import Job, Machine, Network
from portal.api.frame import waiting

pytestmark = pytest.mark.django_db


def ends(state: str = JobState.SUCCEEDED):
    """Return a pause in which the work ends."""

    def pause(seconds: float) -> None:
        Job.objects.update(state=state)

    return pause


@pytest.mark.parametrize("how", ["query", "header"])
def test_an_act_can_wait_for_its_end(as_alice, machine, monkeypatch, how):
    monkeypatch.setattr(waiting, "pause", ends())
    path = f"machines/{machine.pk}/stop/"
    if how == "query":
        answer = as_alice.post(path + "?wait=30")
    else:
        answer = as_alice.post(path, Prefer="respond-async, wait=30")
        assert answer.headers["Preference-Applied"] == "wait=30"
    assert (answer.status_code, answer.json()["state"]) == (202, "succeeded")
    assert answer.headers["Location"] == answer.json()["url"]
    assert "Retry-After" not in answer.headers


def test_an_operation_can_be_waited_for(as_alice, machine, monkeypatch):
    url = as_alice.post(f"machines/{machine.pk}/stop/").json()["url"]
    monkeypatch.setattr(waiting, "pause", ends(JobState.FAILED))
    assert as_alice.get(f"{url}?wait=5").json()["state"] == "failed"


def test_waiting_ends_when_the_time_is_over(as_alice, machine, monkeypatch):
    clock = iter(range(1000))
    monkeypatch.setattr(waiting.time, "monotonic", lambda: next(clock))
    monkeypatch.setattr(waiting, "pause", lambda seconds: None)
    answer = as_alice.post(f"machines/{machine.pk}/stop/?wait=3")
    assert (answer.status_code, answer.json()["state"]) == (202, "waiting")
    assert answer.headers["Retry-After"] == "2"


def test_who_finds_no_seat_is_answered_at_once(as_alice, machine, monkeypatch, settings):
    monkeypatch.setattr(waiting, "pause", lambda seconds: pytest.fail("it waited"))
    for _seat in range(settings.API_WAITERS):
        assert waiting._seats.acquire(blocking=False)
    try:
        answer = as_alice.post(f"machines/{machine.pk}/stop/?wait=30")
    finally:
        for _seat in range(settings.API_WAITERS):
            waiting._seats.release()
    assert (answer.status_code, answer.headers["Retry-After"]) == (202, "2")


@pytest.mark.parametrize("wait", ["-1", "61", "x", "1.5", ""])
def test_waits_that_make_no_sense(as_alice, machine, wait):
    answer = as_alice.post(f"machines/{machine.pk}/stop/?wait={wait}")
    assert (answer.status_code, answer.json()["errors"][0]["parameter"]) == (400, "wait")
    assert not Job.objects.exists()


def test_a_repeated_act_can_wait_as_well(as_alice, machine, monkeypatch):
    path = f"machines/{machine.pk}/stop/"
    as_alice.post(path, Idempotency_Key="k1")
    monkeypatch.setattr(waiting, "pause", ends())
    again = as_alice.post(path, Idempotency_Key="k1", Prefer="wait=30")
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.json()["state"] == "succeeded"
    assert Job.objects.count() == 1


def test_waiting_longer_is_no_other_request(as_alice, machine, monkeypatch):
    path = f"machines/{machine.pk}/stop/"
    as_alice.post(path, Idempotency_Key="k1")
    monkeypatch.setattr(waiting, "pause", ends())
    for query in ("?wait=5", "?wait=30", ""):
        again = as_alice.post(path + query, Idempotency_Key="k1")
        assert again.headers["Idempotency-Replayed"] == "true"
    assert Job.objects.count() == 1


def test_an_operation_that_moved_on_is_not_cancelled_unseen(as_alice, machine):
    url = as_alice.post(f"machines/{machine.pk}/stop/").json()["url"]
    read = as_alice.get(url).headers["ETag"]
    Job.objects.update(message="Asking")
    assert as_alice.post(f"{url}cancel/", If_Match=read).status_code == 412
    read = as_alice.get(url).headers["ETag"]
    assert as_alice.post(f"{url}cancel/", If_Match=read).status_code == 200


def test_an_operation_tells_its_place_and_steps(as_alice, machine):
    told = as_alice.post(f"machines/{machine.pk}/stop/").json()
    assert (told["kind"], told["place"], told["machine"]) == (
        "machine.operate",
        1,
        str(machine.pk),
    )
    assert [step["state"] for step in told["steps"]] == ["pending"] * len(told["steps"])


def test_an_operation_tells_the_far_sides_progress(as_alice, machine):
    url = as_alice.post(f"machines/{machine.pk}/stop/").json()["url"]
    steps = [{"title": "Turn it off", "state": "running", "percent": 40}]
    Job.objects.update(state=JobState.RUNNING, remote={"percent": 40, "steps": steps})
    told = as_alice.get(url).json()
    assert (told["percent"], told["steps"][0]["title"]) == (40, "Turn it off")
    assert as_alice.get("operations/?state=running").json()["results"][0]["percent"] == 40


def test_failed_work_goes_on(as_alice, machine):
    job = as_alice.post(f"machines/{machine.pk}/stop/").json()["id"]
    path = f"operations/{job}/resume/"
    assert as_alice.post(path).json()["code"] == "not_possible"
    Job.objects.update(state=JobState.FAILED)
    Machine.objects.update(state="failed")
    answer = as_alice.post(path)
    assert (answer.status_code, answer.json()["id"]) == (202, job)
    assert answer.json()["state"] == "waiting"


def test_work_in_line_is_cancelled_and_what_has_begun_is_not(as_alice, machine):
    path = f"operations/{as_alice.post(f'machines/{machine.pk}/stop/').json()['id']}/cancel/"
    assert as_alice.post(path).json()["state"] == "cancelled"
    assert Machine.objects.get(pk=machine.pk).state == "running"
    answer = as_alice.post(path)
    assert (answer.status_code, answer.json()["code"]) == (409, "not_possible")


def test_several_machines_are_made_in_order_or_not_at_all(as_alice, world):
    body = {
        "subscription": str(world.subscription.pk),
        "template": str(world.machine.template_id),
        "pattern": "app##",
        "count": 3,
        "first": 9,
        "guest": {"password": "Correct-Horse-7"},
    }
    made = as_alice.post("machines/several/", body).json()["operations"]
    assert [one["title"] for one in made] == ["Deploy app09", "Deploy app10", "Deploy app11"]
    answer = as_alice.post("machines/several/", body | {"pattern": "big##", "count": 20})
    assert answer.json()["code"] == "quota_exceeded"
    assert not Machine.objects.filter(name__startswith="big").exists()


def test_many_are_commanded_each_by_itself(as_alice, world, charlie):
    from tests.factories.fabric import make_machine

    stopped = make_machine(world.subscription, "web-02", state="stopped")
    wanted = [str(world.machine.pk), str(stopped.pk), str(charlie.pk)]
    told = as_alice.post("machines/command/", {"command": "stop", "machines": wanted})
    rows = told.json()["results"]
    assert [row["machine"] for row in rows] == wanted
    assert [bool(row["operation"]) for row in rows] == [True, False, False]
    assert [bool(row["refused"]) for row in rows] == [False, True, True]


def test_preflight_makes_nothing(as_alice, world):
    body = {
        "subscription": str(world.subscription.pk),
        "template": str(world.machine.template_id),
        "name": "web-02",
        "guest": {"password": "Correct-Horse-7"},
    }
    assert as_alice.post("machines/preflight/", body).json()["ok"] is True
    bad = as_alice.post("machines/preflight/", body | {"name": "web-01"}).json()
    assert bad["ok"] is False
    assert "#/name" in [row["pointer"] for row in bad["results"] if row["level"] == "bad"]
    assert Machine.objects.count() == 1


POOL = {
    "first": "10.20.0.50",
    "last": "10.20.0.99",
    "reserved": [["10.20.0.60", "10.20.0.69"]],
    "gateways": [],
    "dns_servers": ["10.20.0.53"],
}


@pytest.mark.parametrize(
    ("pools", "address", "says"),
    [
        (None, "10.20.9.4", "10.20.9.4 is not in the network's subnet 10.20.0.0/24."),
        (
            [POOL],
            "10.20.0.9",
            "10.20.0.9 is outside the network's address pool 10.20.0.50–10.20.0.99.",
        ),
        ([POOL], "10.20.0.60", "10.20.0.60 is reserved in the network's address pool."),
    ],
)
def test_an_address_that_does_not_fit_is_refused_where_it_stands(
    as_alice, world, pools, address, says
):
    Network.objects.update(subnets=["10.20.0.0/24"], pools=pools)
    network = str(world.machine.network_id)
    (told,) = as_alice.get("networks/").json()["results"]
    assert (told["id"], told["subnets"], told["pools"]) == (network, ["10.20.0.0/24"], pools)
    outside = {"network": network, "address": address}
    body = {
        "subscription": str(world.subscription.pk),
        "template": str(world.machine.template_id),
        "guest": {"password": "Correct-Horse-7"},
        "adapters": [{"network": network}, outside],
    }
    one, several = {"name": "web-02"}, {"pattern": "web##", "count": 1}
    at_row, at_body = "#/adapters/1/address", "#/address"
    attach, change = f"machines/{world.machine.pk}/adapters/", f"adapters/{world.adapter.pk}/"
    for answer, pointer in (
        (as_alice.post("machines/", body | one), at_row),
        (as_alice.post("machines/several/", body | several), at_row),
        (as_alice.post(attach, outside), at_body),
        (as_alice.patch(change, {"address": address}), at_body),
    ):
        assert answer.status_code == 422
        assert answer.json()["errors"] == [{"pointer": pointer, "detail": says}]
    found = as_alice.post("machines/preflight/", body | one).json()
    bad = [(row["pointer"], row["text"]) for row in found["results"] if row["level"] == "bad"]
    assert bad == [(at_row, says)]
    free = as_alice.get(f"networks/{network}/address/?address={address}").json()
    assert (free["is_free"], free["text"]) == (False, says)
    assert not Job.objects.exists()
