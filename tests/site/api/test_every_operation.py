"""Every operation of the description, asked by everybody: alice succeeds, as it is described."""

from __future__ import annotations

import pytest
from django.db import transaction
from django.test import Client

from portal.api.frame.openapi import document
from tests.site.api.conftest import Program, check
from tests.site.api.samples import Samples

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
METHODS = ("get", "post", "put", "patch", "delete")
UNSAFE = ("POST", "PUT", "PATCH", "DELETE")
OPERATIONS = [
    (method.upper(), path)
    for path, methods in document()["paths"].items()
    for method in METHODS
    if method in methods
]
CHANGES = [one for one in OPERATIONS if one[0] in UNSAFE]
CONDITIONAL = [
    (method, path)
    for method, path in CHANGES
    if "If-Match" in str(document()["paths"][path][method.lower()]["parameters"])
]
# Answered for each machine by itself, and by what is found.
HARMLESS = ("POST /api/v1/machines/preflight/", "POST /api/v1/machines/command/")
# Keys cannot make keys; what going on or not going on needs, the work itself says.
WITHOUT_SCOPE = (
    "POST /api/v1/api-keys/",
    "POST /api/v1/operations/{id}/cancel/",
    "POST /api/v1/operations/{id}/resume/",
)
NONSENSE = (
    [],
    '"x"',
    7,
    {"no such field": 1},
    {"name": "\0", "command": 5, "days": 10**40, "machine": [[]], "size_gb": 1e308, "up": "yes"},
)


@pytest.fixture
def samples(world, alice, bob) -> Samples:
    return Samples(world, alice, bob)


@pytest.fixture
def signed_in(alice, world) -> Program:
    """Return alice at a browser: keys are made there only."""
    at_browser = Program("")
    at_browser.browser.force_login(alice)
    return at_browser


def test_the_walk_knows_them_all():
    assert len(OPERATIONS) > 90


@pytest.mark.parametrize(("method", "template"), OPERATIONS)
def test_alice_succeeds_as_described(samples, signed_in, method, template):
    path = samples.path(template)
    body = samples.body(method, template)
    samples.prepare(method, template)
    answer = signed_in.ask(method, path, body)
    assert answer.status_code < 300, answer.content
    check(method, template, answer)
    assert answer.headers["RateLimit"].startswith('"changes"' if method in UNSAFE else '"reads"')
    if answer.status_code == 201:
        assert signed_in.get(answer.headers["Location"]).status_code == 200


@pytest.mark.parametrize(("method", "template"), CONDITIONAL)
def test_only_what_was_read_is_changed(samples, signed_in, method, template):
    path = samples.path(template)
    body = samples.body(method, template)
    samples.prepare(method, template)
    late = signed_in.ask(method, path, body, If_Match='W/"of-yesterday"')
    assert (late.status_code, late.json()["code"]) == (412, "precondition_failed")
    read = signed_in.get(path)
    etag = read.headers["ETag"] if read.status_code == 200 else "*"
    assert signed_in.ask(method, path, body, If_Match=etag).status_code < 300


def test_nobody_is_asked_to_sign_in(samples):
    for method, template in OPERATIONS:
        answer = Program("").ask(method, samples.path(template), samples.body(method, template))
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
        check(method, template, answer)


def test_a_stranger_finds_nothing(samples, charlie, program):
    """Of an address that names something; of a list nothing of alice's is in it."""
    stranger = program(charlie)
    for method, template in OPERATIONS:
        path = samples.path(template)
        answer = stranger.ask(method, path, samples.body(method, template))
        if "{" in template and "/plans/" not in template:
            assert answer.status_code == 404, f"{method} {template}"
            check(method, template, answer)
            continue
        assert answer.status_code in (200, 202, 403, 422), answer.content
        told = answer.json()
        if "command" in path:
            assert [row["operation"] for row in told["results"]] == [None]
        else:
            assert str(samples.world.machine.pk) not in answer.content.decode()
        assert "Alice Ltd" not in answer.content.decode()


def test_a_reader_changes_nothing(samples, dora):
    at_browser = Program("")
    at_browser.browser.force_login(dora)
    for method, template in CHANGES:
        named = f"{method} {template}"
        path, body = samples.path(template), samples.body(method, template)
        with transaction.atomic():
            samples.prepare(method, template)
            answer = at_browser.ask(method, path, body)
            transaction.set_rollback(True)
        if named == "DELETE /api/v1/api-keys/{id}/":
            assert answer.status_code == 404  # alice's key; dora has her own
        elif named in HARMLESS:
            told = answer.json()["results"]
            assert any(row.get("refused") or row.get("level") == "bad" for row in told)
        elif named != "POST /api/v1/api-keys/":
            assert answer.status_code == 403, f"{named}: {answer.content}"
            check(method, template, answer)


def test_a_reading_key_is_told_which_scope_it_lacks(samples, alice, program):
    reading = program(alice, "read")
    for method, template in CHANGES:
        answer = reading.ask(method, samples.path(template), samples.body(method, template))
        assert answer.status_code == 403, f"{method} {template}"
        check(method, template, answer)
        told = answer.json()
        if f"{method} {template}" in WITHOUT_SCOPE:
            assert told["code"] == "not_permitted"
        else:
            assert told["code"] == "missing_scope"
            assert told["missing_scope"] in told["detail"]


def test_nonsense_is_told_where_it_stands(samples, signed_in):
    for method, template in CHANGES:
        for body in NONSENSE if method != "DELETE" else ():
            answer = signed_in.ask(method, samples.path(template), body)
            assert answer.status_code == 422, f"{method} {template}: {answer.content}"
            check(method, template, answer)
            assert all(error["pointer"].startswith("#") for error in answer.json()["errors"])


def test_unknown_parameters_are_refused(samples, signed_in):
    for method, template in OPERATIONS:
        path, body = samples.path(template), samples.body(method, template)
        more = "&" if "?" in path else "?"
        answer = signed_in.ask(method, f"{path}{more}nonsense=1", body)
        assert answer.status_code == 400
        check(method, template, answer)
        assert answer.json()["errors"][0]["parameter"] == "nonsense"


def test_a_change_at_a_browser_needs_its_token(world, alice):
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(alice)
    answer = browser.post(
        f"/api/v1/machines/{world.machine.pk}/stop/", "{}", content_type="application/json"
    )
    assert (answer.status_code, answer.headers["Content-Type"]) == (403, "application/problem+json")
