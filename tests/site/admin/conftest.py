"""The admin site over a fake far side: olga is signed in, alice and visitors are not let in."""

from __future__ import annotations

import pytest
from django.test import Client
from django.utils import timezone

from fabric import registry, tasks
from fabric.actions import providers
from fabric.durable import nudge
from fabric.providers.fake import FakeProvider
from tenants.models import Instance
from tests.factories import fabric as rows


@pytest.fixture(autouse=True)
def _admin_site(settings, monkeypatch):
    """Serve the admin site, and lose every message to the workers."""
    settings.SITE = "admin"
    settings.ROOT_URLCONF = "portal.urls.admin"
    settings.STATIC_ROOT = settings.BASE_DIR / "static"  # WhiteNoise warns of a missing folder
    for module in (nudge, tasks, providers):
        monkeypatch.setattr(module, "nudge", lambda *args, **kwargs: None)


@pytest.fixture
def done(db) -> Instance:
    """Return an installation that is set up."""
    return Instance.objects.create(id=1, name="Contoso Cloud", set_up_at=timezone.now())


@pytest.fixture
def fake(vault, db):
    """Return the far side that every endpoint leads to."""
    fake = FakeProvider(instant=True)
    with registry.use(lambda row: fake):
        yield fake


@pytest.fixture
def visitor(done) -> Client:
    return Client()


@pytest.fixture
def site(done, olga, client) -> Client:
    """Return a browser in which olga is signed in."""
    client.force_login(olga)
    return client


@pytest.fixture
def as_alice(done, alice) -> Client:
    """Return a browser with a session of alice's, however she came by it."""
    browser = Client()
    browser.force_login(alice)
    return browser


@pytest.fixture
def cloud(vault, db):
    return rows.make_cloud(rows.make_stamp())


@pytest.fixture
def plan(cloud):
    return rows.make_plan(cloud)


@pytest.fixture
def subscription(alices, plan):
    return rows.make_subscription(alices, plan)
