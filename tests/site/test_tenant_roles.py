"""Every address of the tenant site, met by every role: who may look, and who may act.

A new address fails the test until it stands in `tests/site/tenant_routes.py`. Those of the REST
interface are walked by `tests/site/api/test_every_operation.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from tenants.models import Instance
from tests.site import tenant_world
from tests.site.tenant_routes import NOT_ALICES, ROUTES
from tests.site.test_matrix import addresses as all_addresses

REFUSED = (401, 403, 404, 405)
# Signing in and out writes these whoever asks.
OF_THE_SIGN_IN = ("django_session", "account_emailconfirmation", '"tenants_user" SET "last_login"')


def addresses() -> dict[str, list[str]]:
    """Return the keys in each address of a page, by its name."""
    found = all_addresses("tenant").items()
    return {name: keys for name, keys in found if not name.startswith("api-")}


@pytest.fixture
def world(vault, alice, bob, dora, charlie, olga, alices) -> dict[str, Any]:
    Instance.objects.create(id=1, name="Contoso Cloud", set_up_at=timezone.now())
    browsers = tenant_world.people(alices, alice, bob, dora, charlie, olga)
    found = tenant_world.furnish(alice, bob, alices)
    return {"browsers": browsers, "found": found, "bodies": tenant_world.bodies(found)}


def test_every_address_stands_there() -> None:
    assert set(addresses()) == set(ROUTES)


@pytest.mark.slow
def test_every_role_gets_what_is_its_own(world) -> None:
    told = {name: outcome(name, keys, world) for name, keys in addresses().items()}
    assert told == ROUTES


@pytest.mark.slow
def test_what_is_alices_does_not_exist_for_strangers(world) -> None:
    seen = {}
    for name, keys in addresses().items():
        if "pk" not in keys or name in NOT_ALICES:
            continue
        url = url_of(name, keys, world["found"])
        for stranger in "co":
            for method in ("get", "post"):
                body = world["bodies"].get(name, {})
                status, wrote = ask(world["browsers"][stranger], method, url, body)
                seen[f"{name} {method} by {stranger}"] = (status, wrote)
    # 405 is what everybody is told of a method that there never is.
    answers = {where: told for where, told in seen.items() if told != (405, False)}
    assert {where: told for where, told in answers.items() if told != (404, False)} == {}


def outcome(name: str, keys: list[str], world: Mapping[str, Any]) -> str:
    """Return who may look and who may act, as the table writes it."""
    url = url_of(name, keys, world["found"])
    looks, acts = "", ""
    for initial, browser in world["browsers"].items():
        status, wrote = ask(browser, "get", url, {})
        assert status < 500, f"{name}: GET by {initial} is {status}"
        looks += initial if is_let(status, True) else ""
        status, wrote = ask(browser, "post", url, world["bodies"].get(name, {}))
        assert status < 500, f"{name}: POST by {initial} is {status}"
        acts += initial if is_let(status, wrote) else ""
    return f"{looks or '-'} {acts or '-'}"


def is_let(status: int, wrote: bool) -> bool:
    """Tell whether somebody got through: a redirection after which nothing is changed is none."""
    return status not in REFUSED and (status not in (301, 302) or wrote)


def url_of(name: str, keys: list[str], found: Mapping[str, Any]) -> str:
    words = {"step": "template", "token": found["token"]}
    values = {key: words.get(key, "x") for key in keys if key != "pk"}
    if "pk" in keys:
        values["pk"] = about(name, found)
    return reverse(name, kwargs=values)


def about(name: str, found: Mapping[str, Any]) -> Any:
    """Return the object of an address: the name begins with what is called so."""
    words = name.replace("_", "-").split("-")
    beginnings = ("-".join(words[:length]) for length in range(len(words), 0, -1))
    return found[next(each for each in beginnings if each in found)]


def ask(browser: Client, method: str, url: str, body: dict[str, Any]) -> tuple[int, bool]:
    """Return the status of an answer, and whether it wrote anything; undo what it did."""
    cookies = deepcopy(browser.cookies)
    connection.queries_log.clear()
    with transaction.atomic(), CaptureQueriesContext(connection) as asked:
        answer = getattr(browser, method)(url, body)
        transaction.set_rollback(True)
    browser.cookies = cookies
    status = answer.status_code
    if status in (301, 302) and "/account/login/" in answer["Location"]:
        status = 401
    return status, any(is_writing(query["sql"]) for query in asked)


def is_writing(sql: str) -> bool:
    changes = sql.startswith(("INSERT", "UPDATE", "DELETE"))
    return changes and not any(table in sql for table in OF_THE_SIGN_IN)
