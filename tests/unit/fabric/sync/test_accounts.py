"""What the account may do is kept on the endpoint's row, as plain JSON."""

from __future__ import annotations

import pytest

from fabric import registry, tasks
from fabric.models import Provider
from fabric.providers.fake import FakeProvider
from fabric.sync import accounts


@pytest.fixture
def row(db, vault) -> Provider:
    row = Provider(name="Contoso", url="https://spf.example.net:8090", username="portal")
    row.seal_password("Wap-secret-1")
    row.save()
    return row


def test_what_every_service_said_is_kept(row):
    fake = FakeProvider()
    fake.shut_groups = {"SPF_Usage"}
    with registry.use(lambda _: fake):
        tasks.check_account(str(row.pk))
    row.refresh_from_db()
    assert row.checked_at is not None
    kept = {each["service"]: each for each in row.account_check}
    assert kept["Admin"]["ok"]
    assert not kept["Usage"]["ok"]
    assert kept["Usage"]["group"] == "SPF_Usage"
    assert "SPF_Usage" in kept["Usage"]["problem"]


def test_an_account_exchanged_meanwhile_is_not_judged_by_its_predecessor(row):
    class Slow(FakeProvider):
        def check_account(self):
            Provider.objects.filter(pk=row.pk).update(username="another")
            return super().check_account()

    with registry.use(lambda _: Slow()):
        assert accounts.check(row.pk)
    row.refresh_from_db()
    assert row.account_check == []


def test_an_endpoint_that_is_gone_is_no_error(db):
    assert not accounts.check("5a1c3f0e-2b7d-4c66-9d0e-8f31b0a4c201")


def test_an_address_that_is_none_is_told(row):
    Provider.objects.filter(pk=row.pk).update(url="http://spf.example.net")
    assert not accounts.check(row.pk)
    row.refresh_from_db()
    assert "https" in row.account_check[0]["problem"]
