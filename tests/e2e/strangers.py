"""The addresses of the tenant site that are about somebody's own, from the URLconf itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from django.urls import get_resolver

from tests.e2e import backstage
from tests.stack import Stack

VERBS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
# What an address is about, by the folder it lies in. Plans are everybody's.
OWNED = {"machines/": "machine", "subscriptions/": "subscription", "api/v1/machines/": "machine"}
EVERYBODYS = ("plans/",)
OTHER_KEYS = {"key", "uidb36"}  # of a mail, not of an object


def objects(stack: Stack, owner: str) -> dict[str, str]:
    """Return the ids of a person's objects, by kind."""
    machine, subscription = backstage.rows(
        stack,
        "SELECT m.id, s.id FROM fabric_machine m JOIN plans_subscription s"
        f" ON s.id = m.subscription_id WHERE s.owner_email = '{owner}' LIMIT 1",
    )[0]
    return {"machine": str(machine), "subscription": str(subscription)}


def addresses(owned: Mapping[str, str]) -> Iterator[str]:
    """Yield the address of every page about one object, with the owner's ids in it.

    Fails on an address of a kind not known here: say what it is about, or that it is everybody's.
    """
    for route, keys in sorted(routes()):
        if not keys or set(keys) <= OTHER_KEYS or route.startswith(EVERYBODYS):
            continue
        kind = next((OWNED[folder] for folder in OWNED if route.startswith(folder)), None)
        assert kind is not None, f"whose is {route}?"
        yield "/" + route % dict.fromkeys(keys, owned[kind])


def routes() -> set[tuple[str, tuple[str, ...]]]:
    """Return the site's addresses, %(key)s in place of each key, and the keys."""
    known = get_resolver("portal.urls.tenant").reverse_dict
    return {
        (route, tuple(keys))
        for name in known
        for forms, *_ in known.getlist(name)
        for route, keys in forms
    }
