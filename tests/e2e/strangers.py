"""The addresses of the tenant site that are about somebody's own, from the URLconf itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from django.urls import get_resolver

from tests.e2e import backstage
from tests.stack import Stack

# Reading, and every way of changing; what an interface does not know is 405 to everybody.
VERBS = ("GET", "POST", "DELETE")
INTERFACE = "/api/v1/"
# What an address is about, by the folder it lies in; the first that fits.
OWNED = {
    "machines/adapters/": "adapter",
    "machines/disks/": "disk",
    "machines/%": "machine",
    "subscriptions/": "subscription",
    "jobs/": "job",
    "api/v1/adapters/": "adapter",
    "api/v1/disks/": "disk",
    "api/v1/machines/": "machine",
    "api/v1/operations/": "job",
    "api/v1/subscriptions/": "subscription",
    "api/v1/tenants/": "tenant",
}
# Plans and what is written about the interface are everybody's. Of the rest there is nothing yet
# where somebody has made one machine: tests/site/test_matrix.py walks that.
LEFT_OUT = (
    *("plans/", "api/v1/plans/", "api/v1/docs/"),
    *("machines/checkpoints/", "machines/new/", "machines/selected/", "groups/", "schedules/"),
    *("team/", "invitations/", "account/"),
    *(
        f"api/v1/{noun}/"
        for noun in (
            *("api-keys", "checkpoints", "groups", "invitations", "members", "networks"),
            *("roles", "schedules"),
        )
    ),
)


def objects(stack: Stack, owner: str) -> dict[str, str]:
    """Return the ids of a person's objects, by kind."""
    found = backstage.rows(
        stack,
        "SELECT m.id, s.id, s.tenant_id, j.id, d.id, a.id FROM fabric_machine m"
        " JOIN plans_subscription s ON s.id = m.subscription_id"
        " JOIN fabric_job j ON j.machine_id = m.id"
        " JOIN fabric_disk d ON d.machine_id = m.id JOIN fabric_adapter a ON a.machine_id = m.id"
        f" WHERE s.owner_email = '{owner}' LIMIT 1",
    )[0]
    kinds = ("machine", "subscription", "tenant", "job", "disk", "adapter")
    return dict(zip(kinds, map(str, found), strict=True))


def addresses(owned: Mapping[str, str]) -> Iterator[str]:
    """Yield the address of every page about one object, with the owner's ids in it.

    Fails on an address of a kind not known here: say what it is about, or that it is left out.
    """
    for route, keys in sorted(routes()):
        if not keys or route.startswith(LEFT_OUT):
            continue
        kind = next((OWNED[folder] for folder in OWNED if route.startswith(folder)), None)
        assert kind is not None, f"whose is {route}?"
        yield "/" + route % dict.fromkeys(keys, owned[kind])


def is_closed(address: str, status: int) -> bool:
    """Tell whether an answer gives nothing away."""
    return status == 404 or (address.startswith(INTERFACE) and status == 405)


def routes() -> set[tuple[str, tuple[str, ...]]]:
    """Return the site's addresses, %(key)s in place of each key, and the keys."""
    known = get_resolver("portal.urls.tenant").reverse_dict
    return {
        (route, tuple(keys))
        for name in known
        for forms, *_ in known.getlist(name)
        for route, keys in forms
    }
