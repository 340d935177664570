"""Whatever goes wrong below /api/ is a problem document: never a page, never a bug of theirs."""

from __future__ import annotations

import json

import pytest
from django.db import OperationalError
from django.test import Client

from fabric.models import Job, Machine
from plans.models import Plan
from portal.problems import KINDS, MEDIA_TYPE
from tenants.models import Operation
from tests.factories.fabric import make_cloud, make_plan, make_stamp

pytestmark = pytest.mark.django_db
DEEP = "[" * 100_000 + "]" * 100_000


def told(answer, status: int, code: str) -> dict:
    """Return the problem of an answer, which is this one."""
    assert answer.status_code == status, answer.content
    assert answer.headers["Content-Type"] == MEDIA_TYPE
    problem = json.loads(answer.content)
    assert (problem["status"], problem["code"]) == (status, code)
    assert problem["type"].endswith(f"/api/v1/docs/problems/#{code}")
    assert problem["title"]
    assert problem["detail"]
    assert problem["instance"].startswith("/api/")
    return problem


def test_every_kind_has_an_error_status():
    assert all(400 <= kind.status < 600 for kind in KINDS.values())


@pytest.mark.parametrize("path", ["", "nowhere/", "machines/x/", "machines/1/disks/", "../x"])
def test_addresses_that_are_none(as_alice, path):
    told(as_alice.get(f"/api/v1/{path}"), 404, "not_found")


def test_a_missing_slash_is_pointed_out(as_alice):
    problem = told(as_alice.get("/api/v1/machines"), 404, "not_found")
    assert "/api/v1/machines/" in problem["detail"]


def test_other_methods(as_alice, machine):
    for method in ("PUT", "OPTIONS", "TRACE", "BREW"):
        answer = as_alice.ask(method, f"machines/{machine.pk}/")
        told(answer, 405, "method_not_allowed")
        assert "GET" in answer.headers["Allow"]


def test_other_formats(as_alice, machine):
    told(as_alice.get("machines/", Accept="text/html"), 406, "not_acceptable")
    for kind in ("*/*", "application/json", "text/html, application/json;q=0.5", MEDIA_TYPE):
        assert as_alice.get("machines/", Accept=kind).status_code == 200
    sent = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = as_alice.ask("POST", f"machines/{machine.pk}/stop/", "a=b", **sent)
    told(answer, 415, "unsupported_media_type")


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"\xff\xfe",
        b'{"name": NaN}',
        b'{"name": Infinity}',
        b'{"name": "a", "name": "b"}',
        b'{"guest": {"password": "a", "password": "b"}}',
        b'{"name": "\\ud800"}',
        b'{"\\ud800": 1}',
        DEEP.encode(),
        b'{"a":' * 30 + b"1" + b"}" * 30,
        b'{"cores": ' + b"9" * 5000 + b"}",
        b'{"name": "a"} x',
    ],
)
def test_bodies_that_are_no_json(as_alice, body):
    told(as_alice.post("machines/", body), 400, "malformed")


def test_a_name_given_twice_is_named(as_alice):
    problem = told(as_alice.post("machines/", '{"name": 1, "name": 2}'), 400, "malformed")
    assert "“name”" in problem["detail"]


def test_bodies_of_very_many_things_are_judged_at_once(as_alice, world):
    """What fits into a body would take minutes if each thing were looked at with care."""
    names = ",".join(f'"n{number}":1' for number in range(70_000))
    told(as_alice.post("machines/", f'{{{names},"n69999":2}}'), 400, "malformed")
    problem = told(as_alice.post("machines/", f"{{{names}}}"), 422, "invalid")
    assert len(problem["errors"]) < 120
    body = {"name": "web-02", "adapters": [{}] * 200_000}
    problem = told(as_alice.post("machines/", body), 422, "invalid")
    named = [error["pointer"] for error in problem["errors"]]
    assert named.count("#/adapters") == 1
    assert len(named) < 10


def test_bodies_that_are_too_large_or_of_no_length(as_alice, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    told(as_alice.post("machines/", json.dumps({"name": "x" * 2000})), 413, "too_large")
    answer = as_alice.browser.generic(
        "POST",
        "/api/v1/machines/",
        headers={"Authorization": f"Bearer {as_alice.key}", "Transfer-Encoding": "chunked"},
    )
    told(answer, 411, "length_required")


def test_fields_are_named_by_json_pointers(as_alice, world):
    body = {
        "subscription": str(world.subscription.pk),
        "template": str(world.machine.template_id),
        "name": 5,
        "cores": "2",
        "is_protected": 1,
        "description": "a\0b",
        "tags": "shop",
        "adapters": [{"network": str(world.machine.network_id)}, {"network": "x", "ip": ""}],
        "guest": {"password": None, "a/b~c": 1},
        "ends_at": "99999-01-01T00:00:00Z",
    }
    problem = told(as_alice.post("machines/", body), 422, "invalid")
    assert {error["pointer"] for error in problem["errors"]} == {
        "#/name",
        "#/cores",
        "#/is_protected",
        "#/description",
        "#/tags",
        "#/adapters/1/network",
        "#/adapters/1/ip",
        "#/guest/password",
        "#/guest/a~1b~0c",
        "#/ends_at",
    }
    assert not Machine.objects.exclude(pk=world.machine.pk).exists()


def test_things_of_other_plans_are_named(as_alice, world):
    body = {
        "subscription": str(world.subscription.pk),
        "template": str(world.plan.pk),
        "name": "web-02",
        "adapters": [{"network": str(world.plan.pk)}],
    }
    problem = told(as_alice.post("machines/", body), 422, "invalid")
    named = [error["pointer"] for error in problem["errors"]]
    assert named == ["#/template", "#/adapters/0/network"]


def test_what_an_action_refuses_is_pointed_to(as_alice, world):
    body = {
        "subscription": str(world.subscription.pk),
        "template": str(world.machine.template_id),
        "name": "web-02",
        "guest": {"password": "short"},
    }
    problem = told(as_alice.post("machines/", body), 422, "refused")
    assert problem["errors"][0]["pointer"] == "#/guest/password"
    taken = told(
        as_alice.post(
            "machines/", body | {"name": "WEB-01", "guest": {"password": "Long-enough-1"}}
        ),
        409,
        "conflict",
    )
    assert taken["errors"][0]["pointer"] == "#/name"


def test_a_quota_that_does_not_suffice_is_told_in_numbers(as_alice, world):
    body = {
        "subscription": str(world.subscription.pk),
        "template": str(world.machine.template_id),
        "name": "web-02",
        "cores": 40,
        "guest": {"password": "Long-enough-1"},
    }
    problem = told(as_alice.post("machines/", body), 422, "quota_exceeded")
    amounts = {name: problem[name] for name in ("resource", "limit", "used", "wanted")}
    assert amounts == {"resource": "cores", "limit": 20, "used": 1, "wanted": 40}


def test_wrong_invitation_codes_stay_in_the_log(as_alice, world):
    """What is refused leaves nothing else behind."""
    plan = make_plan(make_cloud(make_stamp()), "By invitation")
    Plan.objects.filter(pk=plan.pk).update(invitation_code="early-birds")
    body = {"tenant": str(world.tenant.pk), "plan": str(plan.pk)}
    answer = as_alice.post("subscriptions/", body | {"invitation_code": "x"}, Idempotency_Key="k1")
    problem = told(answer, 403, "not_permitted")
    assert problem["errors"][0]["pointer"] == "#/invitation_code"
    assert Operation.objects.filter(action="plan.invitation").count() == 2
    right = as_alice.post("subscriptions/", body | {"invitation_code": "early-birds"})
    assert right.status_code == 202


def test_what_is_not_possible_now(as_alice, machine):
    told(as_alice.post(f"machines/{machine.pk}/start/"), 409, "not_possible")
    assert not Job.objects.exists()


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=201", "limit=x", "cursor=x", "sort=x", "q=%00"]
)
def test_parameters_that_make_no_sense(as_alice, query):
    problem = told(as_alice.get(f"machines/?{query}"), 400, "bad_parameter")
    assert problem["errors"][0]["parameter"] == query.partition("=")[0]


def test_a_parameter_given_twice(as_alice):
    told(as_alice.get("machines/?state=running&state=stopped"), 400, "bad_parameter")


def test_a_fault_of_ours_has_a_number_that_is_in_the_log(as_alice, monkeypatch, caplog):
    def broken(*args, **kwargs):
        raise RuntimeError("password=Tr0ub4dor")

    monkeypatch.setattr("portal.api.machines.machine", broken)
    as_alice.post("machines/", {})
    monkeypatch.setattr("portal.api.machines.matching", broken)
    problem = told(as_alice.get("machines/"), 500, "our_fault")
    assert problem["reference"] in caplog.text
    assert "Tr0ub4dor" not in json.dumps(problem)


def test_a_database_that_is_away(as_alice, monkeypatch):
    def away(*args, **kwargs):
        raise OperationalError("gone")

    monkeypatch.setattr("portal.api.machines.matching", away)
    answer = as_alice.get("machines/")
    told(answer, 503, "unavailable")
    assert answer.headers["Retry-After"] == "10"


def test_hosts_that_are_not_ours(settings):
    settings.ALLOWED_HOSTS = ["portal.example.net"]
    answer = Client(raise_request_exception=False).get("/api/v1/machines/")
    told(answer, 400, "malformed")


def test_huge_ids_name_nothing(as_alice):
    told(as_alice.get("members/99999999999999999999999999/"), 404, "not_found")
