"""Register SPF and VMM, and see what is there: refusals at the fields, nothing stored by them."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from fabric.actions import providers
from fabric.models import Cloud, Provider, Stamp
from fabric.providers import errors
from fabric.sync import stamps
from tests.factories import fabric as rows

PASSWORD = "Canary-spf-1"
TYPED = {
    "name": "Contoso SPF",
    "url": "https://spf.example.net:8090",
    "username": "portal",
    "password": PASSWORD,
}


@pytest.fixture
def provider(fake, olga) -> Provider:
    return providers.register(by=olga, **TYPED)


def test_without_an_endpoint_the_page_explains_itself(site) -> None:
    page = site.get("/vm-clouds/").content.decode()
    assert "No cloud yet" in page
    assert 'href="/vm-clouds/register/"' in page


def test_an_endpoint_that_answers_is_registered_and_leads_to_its_server(site, fake) -> None:
    response = site.post("/vm-clouds/register/", TYPED)
    provider = Provider.objects.get()
    assert response.url == f"/vm-clouds/endpoints/{provider.pk}/register/"
    assert provider.open_password() == PASSWORD


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
def test_why_it_was_not_registered_is_said_at_the_field(site, fake, fault, field) -> None:
    fake.plan("check", fault)
    response = site.post("/vm-clouds/register/", TYPED)
    assert list(response.context["form"].errors) == [field]
    page = response.content.decode()
    assert fault.message in page
    assert TYPED["url"] in page
    assert PASSWORD not in page
    assert not Provider.objects.exists()


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"url": "spf.example.net"}, "url"),
        ({"url": "http://spf.example.net"}, "url"),
        ({"url": "https://portal:secret@spf.example.net"}, "url"),
        ({"url": "https://spf.example.net:port"}, "url"),
        ({"username": r"SPF01\portal"}, "username"),
        ({"authority_pem": "no certificate"}, "authority_pem"),
        ({"authority_file": SimpleUploadedFile("ca.pem", b"\xff\xfe")}, "authority_file"),
    ],
)
def test_what_cannot_be_right_is_not_tried(site, fake, typed, field) -> None:
    response = site.post("/vm-clouds/register/", TYPED | typed)
    assert list(response.context["form"].errors) == [field]
    assert fake.calls == []


def test_a_server_is_registered_under_its_friendly_name(site, fake, provider) -> None:
    there = f"/vm-clouds/endpoints/{provider.pk}/register/"
    response = site.post(there, {"name": fake.stamp.name, "friendly_name": "Frankfurt"})
    assert response.url == "/vm-clouds/"
    assert str(Stamp.objects.get()) == "Frankfurt"


def test_a_friendly_name_taken_is_refused_at_its_field(site, fake, provider) -> None:
    there = f"/vm-clouds/endpoints/{provider.pk}/register/"
    typed = {"name": fake.stamp.name, "friendly_name": "Frankfurt"}
    site.post(there, typed)
    response = site.post(there, typed | {"name": "vmm02.example.net"})
    assert list(response.context["form"].errors) == ["friendly_name"]


def test_the_page_looks_again_until_the_server_is_read(site, fake, provider, olga) -> None:
    stamp = providers.register_stamp(
        by=olga, provider=provider, name=fake.stamp.name, friendly_name="Frankfurt"
    )
    assert 'hx-trigger="every 2s"' in site.get("/vm-clouds/").content.decode()
    fragment = site.get("/vm-clouds/", headers={"HX-Request": "true"}).content.decode()
    assert "every 2s" in fragment
    assert "<html" not in fragment
    stamps.run(str(stamp.pk))
    # The number of clouds in the menu lies outside the fragment.
    done = site.get("/vm-clouds/", headers={"HX-Request": "true"})
    assert done.headers["HX-Refresh"] == "true"
    page = site.get("/vm-clouds/").content.decode()
    assert "Gold" in page
    assert "every 2s" not in page


def test_reading_again_is_watched_too(site, fake, provider, olga) -> None:
    stamp = providers.register_stamp(
        by=olga, provider=provider, name=fake.stamp.name, friendly_name="Frankfurt"
    )
    stamps.run(str(stamp.pk))
    site.post(f"/vm-clouds/endpoints/{provider.pk}/refresh/")
    page = f"/vm-clouds/endpoints/{provider.pk}/"
    assert "every 2s" in site.get(page).content.decode()
    stamps.run(str(stamp.pk))
    assert "every 2s" not in site.get(page).content.decode()


def test_the_menu_counts_the_clouds_in_vmm(site, fake, provider, olga) -> None:
    stamp = providers.register_stamp(
        by=olga, provider=provider, name=fake.stamp.name, friendly_name="Frankfurt"
    )
    stamps.run(str(stamp.pk))
    frame = site.get("/vm-clouds/").context["frame"]
    counts = {item.title: item.count for item in frame.menu}
    assert counts["VM clouds"] == Cloud.objects.present().count() == 1


def test_an_account_without_rights_shows_no_cloud_and_why(site, fake, provider, olga) -> None:
    fake.lacks_rights = True
    stamp = providers.register_stamp(
        by=olga, provider=provider, name=fake.stamp.name, friendly_name="Frankfurt"
    )
    stamps.run(str(stamp.pk))
    page = site.get("/vm-clouds/").content.decode()
    assert Stamp.objects.get().problem in page.replace("&#x27;", "'")
    assert "it has no rights there" in page
    assert not Cloud.objects.present().exists()


def test_an_endpoint_is_read_again_on_demand(site, cloud) -> None:
    later = timezone.now() + timezone.timedelta(hours=1)
    Stamp.objects.update(next_sync_at=later)
    response = site.post(f"/vm-clouds/endpoints/{cloud.stamp.provider_id}/refresh/")
    assert response.url == f"/vm-clouds/endpoints/{cloud.stamp.provider_id}/"
    assert Stamp.objects.get().next_sync_at < later


def test_a_cloud_shows_what_it_offers_and_which_plans_use_it(site, subscription, cloud) -> None:
    rows.make_machine(subscription)
    page = site.get(f"/vm-clouds/clouds/{cloud.pk}/").content.decode()
    for word in ("Ubuntu 24.04", "Small", "front", "Starter", "Frankfurt"):
        assert word in page


def test_a_cloud_that_lacks_something_says_what(site, cloud) -> None:
    cloud.stamp.networks.update(missing_at=timezone.now())
    page = site.get(f"/vm-clouds/clouds/{cloud.pk}/").content.decode()
    assert "because it lacks a network" in page


def test_the_tree_costs_the_same_for_many_clouds(site, cloud) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            site.get("/vm-clouds/")
        return len(captured)

    few = queries()
    for number in range(5):
        rows.make_cloud(rows.make_stamp(friendly_name=f"Site {number}"))
    assert queries() == few
