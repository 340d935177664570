"""A registered endpoint: changed, its account checked, renamed and removed from its pages."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from fabric.actions import providers
from fabric.models import Provider, Stamp
from fabric.providers import errors
from fabric.providers.base import RemoteStamp
from fabric.sync import accounts
from tenants.models import Operation
from tests.factories import fabric as rows

PASSWORD = "Canary-spf-1"
HTMX = {"HX-Request": "true"}


@pytest.fixture
def provider(fake, olga) -> Provider:
    return providers.register(
        by=olga,
        name="Contoso SPF",
        url="https://spf.example.net:8090",
        username="portal",
        password=PASSWORD,
    )


@pytest.fixture
def stamp(provider, fake, olga) -> Stamp:
    return providers.register_stamp(
        by=olga, provider=provider, name=fake.stamp.name, friendly_name="Frankfurt"
    )


@pytest.fixture
def here(provider) -> str:
    return f"/vm-clouds/endpoints/{provider.pk}/"


def opened(site, here) -> dict[str, str]:
    """Return what stands in the form, as a browser would send it."""
    form = site.get(f"{here}edit/").context["form"]
    return {field.name: field.value() or "" for field in form}


# Change


def test_the_form_opens_with_what_is_registered_but_the_password(site, here) -> None:
    page = site.get(f"{here}edit/").content.decode()
    assert PASSWORD not in page
    fields = opened(site, here)
    assert (fields["url"], fields["username"]) == ("https://spf.example.net:8090", "portal")
    assert not fields.get("password")


def test_another_account_is_tested_and_stored(site, here, stamp, fake) -> None:
    response = site.post(f"{here}edit/", opened(site, here) | {"username": "second"})
    assert response.url == here
    assert "is changed" in site.get(here).content.decode()
    row = Provider.objects.get()
    assert (row.username, row.open_password()) == ("second", PASSWORD)
    assert fake.calls.count("check") == 2


@pytest.mark.parametrize(
    ("fault", "field"),
    [
        (errors.Unreachable("spf.example.net cannot be reached."), "url"),
        (errors.BrokenAnswer("This is no SPF."), "url"),
        (errors.CertificateFault("The certificate is not trusted."), "authority_pem"),
        (errors.Unauthorized("User name or password is wrong."), "password"),
        (errors.Forbidden("The account lacks the group SPF_Admin."), "username"),
    ],
)
def test_why_it_was_not_changed_is_said_at_the_field(site, here, fake, fault, field) -> None:
    before = Provider.objects.values().get()
    fake.plan("check", fault)
    words = {"username": "second", "password": "Canary-spf-2"}
    response = site.post(f"{here}edit/", opened(site, here) | words)
    assert list(response.context["form"].errors) == [field]
    page = response.content.decode()
    assert fault.message in page
    assert 'value="second"' in page
    assert "Canary" not in page
    assert Provider.objects.values().get() == before


def test_which_vmm_servers_would_be_lost_is_said(site, here, stamp, fake) -> None:
    fake.known_stamps = [RemoteStamp(stamp.provider_id, "vmm09.example.net")]
    words = {"url": "https://spf9.example.net:8090", "password": PASSWORD}
    response = site.post(f"{here}edit/", opened(site, here) | words)
    assert "Frankfurt (vmm01.example.net)" in response.context["form"].errors["url"][0]


def test_two_olgas_do_not_overwrite_each_other(site, here) -> None:
    first, second = opened(site, here), opened(site, here)
    site.post(f"{here}edit/", first | {"name": "First"})
    response = site.post(f"{here}edit/", second | {"name": "Second"})
    assert "Somebody changed this endpoint meanwhile" in response.content.decode()
    assert Provider.objects.get().name == "First"


def test_nothing_changed_is_said_and_nothing_asked(site, here, fake) -> None:
    fake.calls.clear()
    site.post(f"{here}edit/", opened(site, here))
    assert fake.calls == []
    assert "Nothing was changed" in site.get(here).content.decode()


def test_a_file_takes_the_place_of_the_authority_s_text(site, here, monkeypatch) -> None:
    monkeypatch.setattr("fabric.actions.endpoints.clean_authority", lambda pem: pem)
    pem = "-----BEGIN CERTIFICATE-----x"
    file = SimpleUploadedFile("ca.pem", pem.encode())
    site.post(f"{here}edit/", opened(site, here) | {"authority_pem": "old", "authority_file": file})
    assert Provider.objects.get().authority_pem == pem


# Check


def test_an_account_is_checked_by_a_worker_and_the_page_waits(site, here, provider, fake) -> None:
    assert "Not checked yet" in site.get(here).content.decode()
    fake.shut_groups = {"SPF_Usage"}
    asked = site.post(f"{here}check/").url.partition("#")[0]
    waiting = site.get(asked).content.decode()
    assert "Asking the services" in waiting
    assert f'hx-get="{here}check/?' in waiting
    assert "check_account" not in fake.calls
    accounts.check(provider.pk)
    said = site.get(f"{here}check/?{asked.partition('?')[2]}", headers=HTMX).content.decode()
    assert "1 of 5 is closed to it" in said
    assert "The account is not in SPF_Usage" in said
    assert "every 1s" not in said
    assert "<html" not in said
    assert "every 1s" not in site.get(asked).content.decode()


def test_a_worker_that_never_comes_is_said(site, here) -> None:
    long_ago = int((timezone.now() - timedelta(minutes=5)).timestamp())
    page = site.get(f"{here}?asked={long_ago}").content.decode()
    assert "No worker has done the check yet" in page
    assert "every 1s" not in page


@pytest.mark.parametrize("asked", ["", "x", "9" * 40, "99999999999", "-1", "1e9"])
def test_nonsense_in_the_address_counts_for_nothing(site, here, asked) -> None:
    page = site.get(f"{here}?asked={asked}")
    assert page.status_code == 200
    assert "every 1s" not in page.content.decode()


def test_all_is_well(site, here, provider, fake) -> None:
    accounts.check(provider.pk)
    page = site.get(here).content.decode()
    assert "Nothing is missing" in page
    assert "Billing reads usage records there." in page


# The state of what is far away


def test_the_loss_of_one_endpoint_is_seen_and_leaves_the_others(site, stamp) -> None:
    now = timezone.now()
    Stamp.objects.update(synced_at=now)
    since = now - timedelta(minutes=7)
    lost = rows.make_stamp(
        friendly_name="Paris", away_since=since, synced_at=since, problem="Nobody answers."
    )
    Provider.objects.filter(pk=lost.provider_id).update(
        name="Second site", away_since=since, seen_at=since, problem="Nobody answers."
    )
    page = site.get("/vm-clouds/").content.decode()
    for endpoint in page.split('<section class="endpoint">')[1:]:
        away = "Second site" in endpoint
        assert ("Nobody answers." in endpoint) == away
        assert ("7 minutes" in endpoint) == away
        assert ("Answers" in endpoint) == (not away)


# Rename and remove


def test_a_vmm_server_is_renamed(site, here, stamp) -> None:
    there = f"/vm-clouds/stamps/{stamp.pk}/edit/"
    assert f'href="{there}"' in site.get(here).content.decode()
    assert "Frankfurt" in site.get(there).content.decode()
    assert site.post(there, {"friendly_name": "Berlin"}).url == here
    assert "Berlin" in site.get(here).content.decode()
    assert list(site.post(there, {"friendly_name": " "}).context["form"].errors) == [
        "friendly_name"
    ]


def test_what_holds_a_registration_is_named_before_and_after(site, alices, cloud) -> None:
    rows.make_machine(rows.make_subscription(alices, rows.make_plan(cloud)))
    there = f"/vm-clouds/endpoints/{cloud.stamp.provider_id}/remove/"
    for page in (site.get(there), site.post(there)):
        words = page.content.decode()
        assert "Starter" in words
        assert "web-01" in words
        assert "danger" not in words.partition("<main")[2]
    assert Provider.objects.exists()


def test_an_unused_registration_is_removed(site, here, stamp) -> None:
    assert (
        "Frankfurt (vmm01.example.net) goes with it" in site.get(f"{here}remove/").content.decode()
    )
    assert site.post(f"{here}remove/").url == "/vm-clouds/"
    assert not Provider.objects.exists()
    assert Operation.objects.filter(action="provider.remove", phase="succeeded").exists()
    assert site.get(f"{here}edit/").status_code == 404


def test_pages_cost_the_same_for_many_vmm_servers(site, here, provider) -> None:
    def queries(page: str) -> int:
        with CaptureQueriesContext(connection) as captured:
            assert site.get(f"{here}{page}").status_code == 200
        return len(captured)

    rows_of = ("", "edit/", "remove/")
    Stamp.objects.create(id=provider.pk, provider=provider, name="a", friendly_name="a")
    few = [queries(page) for page in rows_of]
    for number in range(4):
        rows.make_cloud(rows.make_stamp(friendly_name=f"Site {number}", provider=provider))
    assert [queries(page) for page in rows_of] == few
