"""Every address of the admin site, met by everybody: what GET and POST answer to each of five.

A new address fails the test until it stands here. The people, in order: somebody not signed in,
alice (Tenant Admin), bob (on her team), charlie (of another tenant), olga (operator, of no tenant).
The tenant site is walked by test_tenant_roles.py.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from copy import deepcopy

import pytest
from django.db import transaction
from django.test import Client
from django.urls import get_resolver, reverse
from django.utils import timezone

from plans.models import AddOn
from tenants.actions import operations
from tenants.models import Instance
from tests.factories import fabric as rows
from tests.factories.nouns import one_of_each
from tests.factories.vmm import make_fabric
from tests.factories.works import one_of_each_work

# What GET answers, what POST (of an empty form) answers: the addresses that answer so.
Answers = Mapping[tuple[str, str], str]
ADMIN_SITE: Answers = {
    # What the fabric does: olga's alone
    ("302 403 403 403 200", "302 403 403 403 405"): (
        "fabric-machine fabric-job fabric-drift fabric-drift-list fabric-capacity fabric-spf"
        " mfa_index mfa_list_webauthn"
    ),
    # Olga's alone
    ("302 403 403 403 200", "302 403 403 403 200"): (
        "account_change_password account_reauthenticate activity activity-entry cloud overview"
        " add-on add-on-access add-on-edit add-on-new add-ons plan-edit"
        " plan plan-access plan-new plan-quotas plans provider provider-edit provider-register"
        " provider-remove stamp-edit stamp-register"
        " subscription subscription-delete subscription-state subscriptions"
        " user user-new user-subscribe users vmclouds"
    ),
    ("302 403 403 403 405", "302 403 403 403 302"): (
        "provider-refresh subscription-retry subscription-delete-resume"
        " fabric-machine-operate fabric-job-do"
        " fabric-drift-compare fabric-host-do fabric-spf-account-do"
    ),
    ("302 403 403 403 302", "302 403 403 403 302"): (
        "account_confirm_login_code account_set_password provider-check mfa_login_webauthn"
        " mfa_edit_webauthn mfa_remove_webauthn mfa_reauthenticate_webauthn mfa_add_webauthn"
        " mfa_generate_recovery_codes mfa_activate_totp mfa_reauthenticate mfa_authenticate"
    ),
    ("302 403 403 403 200", "302 403 403 403 302"): (
        "account_email usersessions_list machine-protection"
    ),
    # She has no second factor, and no other browser
    ("302 403 403 403 404", "302 403 403 403 404"): (
        "mfa_download_recovery_codes mfa_deactivate_totp session-end"
    ),
    ("302 403 403 403 404", "302 403 403 403 405"): "mfa_view_recovery_codes",
    # For coming in, and going out
    ("200 403 403 403 302", "200 403 403 403 302"): "account_login account_signup",
    ("200 403 403 403 200", "404 403 403 403 404"): "account_confirm_email",
    ("200 403 403 403 200", "200 403 403 403 200"): (
        "account_reset_password account_reset_password_from_key"
    ),
    ("200 403 403 403 200", "405 403 403 403 405"): (
        "account_email_verification_sent account_inactive account_reset_password_done"
        " account_reset_password_from_key_done"
    ),
    ("302 200 200 200 200", "302 302 302 302 302"): "account_logout",
    ("405 405 405 405 405", "302 302 302 302 302"): "theme",
    # Nobody's any more
    ("404 404 404 404 404", "404 404 404 404 404"): "setup",
}
SITES = {"admin": ADMIN_SITE}
# The nouns of the fabric: those with a list of their own, and those on the page of another.
LISTED = (
    "account affinity-set capability-profile classification cloud disk file guest-profile"
    " hardware-profile host host-group library-server load-balancer logical-network mac-pool pool"
    " role server spf-account template vip-template vm-network"
)
WITHIN = "library-share site subnet volume"
# Nothing uses these: olga's empty form removes them at once, unless their name must be typed.
UNSAID = ("server-edit", "spf-account-edit")  # all of it may stay empty
UNUSED = "account affinity-set hardware-profile host mac-pool pool site spf-account template volume"


def expected(site: str) -> dict[str, tuple[str, str]]:
    told = {name: told for told, names in SITES[site].items() for name in names.split()}
    return told | (dict(of_fabric()) if site == "admin" else {})


def of_fabric() -> Iterator[tuple[str, tuple[str, str]]]:
    """Yield the addresses of the fabric: all of them olga's alone."""
    hers, removed = ("302 403 403 403 200",) * 2, ("302 403 403 403 200", "302 403 403 403 302")
    yield "fabric", hers
    for name in ("machine-list", "machine-new", "job-list", "trial-new"):
        yield f"fabric-{name}", hers
    for name in ("machine-act", "drift-act"):  # there is no act called x
        yield f"fabric-{name}", ("302 403 403 403 404",) * 2
    # A password that nobody typed is made, and shown.
    yield "fabric-spf-account-password", hers
    yield "fabric-host-live", ("302 403 403 403 302",) * 2
    for noun in [*LISTED.split(), *WITHIN.split()]:
        for page in ("", "-new", "-edit"):
            yield f"fabric-{noun}{page}", removed if f"{noun}{page}" in UNSAID else hers
        yield f"fabric-{noun}-remove", removed if noun in UNUSED.split() else hers
        if noun in LISTED.split():
            yield f"fabric-{noun}-list", hers


def addresses(site: str) -> dict[str, list[str]]:
    """Return the keys in each address, by its name."""
    known = get_resolver(f"portal.urls.{site}").reverse_dict
    return {name: known.getlist(name)[0][0][0][1] for name in list(known) if isinstance(name, str)}


@pytest.fixture
def people(alice, bob, charlie, olga) -> list[Client]:
    """Return the browsers of the five."""
    browsers = [Client() for _person in range(5)]
    for browser, person in zip(browsers[1:], (alice, bob, charlie, olga), strict=True):
        browser.force_login(person)
    return browsers


@pytest.fixture
def objects(vault, alice, alices, olga, tmp_path, settings) -> dict[str, uuid.UUID]:
    """Return alice's objects and olga's, by the first words of the addresses about them."""
    settings.SIMULATED_RACK = tmp_path / "rack.sqlite3"
    Instance.objects.create(id=1, name="Contoso Cloud", set_up_at=timezone.now())
    cloud = rows.make_cloud(rows.make_stamp())
    plan = rows.make_plan(cloud)
    subscription = rows.make_subscription(alices, plan)
    machine = rows.make_machine(subscription, is_protected=True)
    return {
        "subscription": subscription.pk,
        "machine": machine.pk,
        "plan": plan.pk,
        "add-on": AddOn.objects.create(name="Two more", machines=2).pk,
        "provider": cloud.stamp.provider_id,
        "stamp": cloud.stamp.provider_id,
        "stamp-edit": cloud.stamp.pk,
        "cloud": cloud.pk,
        "user": alice.pk,
        "mfa": 1,
        "session": 1,
        "activity": operations.started("machine.deploy", by=olga),
        **{f"fabric-{noun}": row.pk for noun, row in one_of_each(make_fabric()).items()},
        **{f"fabric-{noun}": row.pk for noun, row in one_of_each_work().items()},
    }


@pytest.fixture
def site(request, settings) -> str:
    settings.SITE = request.param
    settings.ROOT_URLCONF = f"portal.urls.{request.param}"
    settings.STATIC_ROOT = settings.BASE_DIR / "static"  # WhiteNoise warns of a missing folder
    return request.param


@pytest.mark.parametrize("site", SITES, indirect=True)
def test_every_address_stands_here(site) -> None:
    assert set(addresses(site)) == set(expected(site))


@pytest.mark.slow
@pytest.mark.parametrize("site", SITES, indirect=True)
def test_everybody_gets_what_is_theirs(site, people, objects) -> None:
    told = {}
    for name, keys in addresses(site).items():
        url = reverse(
            name,
            kwargs={key: about(name, objects) if key == "pk" else "x" for key in keys},
        )
        told[name] = (ask(people, "get", url), ask(people, "post", url))
    assert told == expected(site)


def about(name: str, objects: Mapping[str, uuid.UUID]) -> uuid.UUID:
    """Return the object of an address: the name begins with what is called so."""
    words = name.replace("_", "-").split("-")
    found = ("-".join(words[:length]) for length in range(len(words), 0, -1))
    return objects[next(each for each in found if each in objects)]


def ask(people: list[Client], method: str, url: str) -> str:
    """Return what the five are answered, each in the same world."""
    return " ".join(str(undone(browser, method, url)) for browser in people)


def undone(browser: Client, method: str, url: str) -> int:
    """Return the status of an answer, and undo what the request did."""
    cookies = deepcopy(browser.cookies)
    with transaction.atomic():
        status = getattr(browser, method)(url).status_code
        transaction.set_rollback(True)
    browser.cookies = cookies
    return status
