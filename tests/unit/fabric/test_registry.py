"""One client per endpoint and process, made anew when the endpoint's row changes."""

from __future__ import annotations

import gc
import os
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.utils import timezone

from fabric import registry
from fabric.models import Provider
from fabric.providers.abilities import LOAD, Description
from fabric.providers.fake import FakeProvider


@pytest.fixture(autouse=True)
def _nothing_kept():
    registry.forget_all()
    yield
    registry.forget_all()


@pytest.fixture
def row(db, vault) -> Provider:
    row = Provider(name="Contoso", url="https://spf.example.net:8090", username="portal")
    row.seal_password("Wap-secret-1")
    return row


def test_the_client_and_its_connections_are_kept(row):
    assert registry.provider_for(row) is registry.provider_for(row)


def test_threads_share_one_client(row):
    row.open_password = lambda: "Wap-secret-1"
    with ThreadPoolExecutor(8) as pool:
        clients = set(pool.map(lambda _: id(registry.provider_for(row)), range(40)))
    assert len(clients) == 1


@pytest.mark.parametrize("field", ["url", "username", "password", "abilities"])
def test_a_changed_row_gets_a_new_client(row, field):
    before = registry.provider_for(row)
    if field == "password":
        row.seal_password("another")
    elif field == "abilities":
        row.capabilities = {"abilities": ["job_steps"], "stamps": []}
    else:
        setattr(row, field, {"url": "https://spf2.example.net:8090"}.get(field, "another"))
    assert registry.provider_for(row) is not before


def test_abilities_come_from_the_row(row):
    row.capabilities = {"abilities": ["job_steps"]}
    assert registry.provider_for(row).capabilities == {"job_steps"}


def test_a_forked_child_starts_with_no_connections_of_its_parent(row):
    registry.provider_for(row)
    child = os.fork()
    if child == 0:
        os._exit(0 if not registry._kept.clients else 1)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0


def test_old_clients_do_not_pile_up(row, monkeypatch):
    monkeypatch.setattr(registry, "MAX_KEPT", 3)
    for number in range(5):
        row.pk = uuid.uuid4()
        row.seal_password(f"secret {number}")
        registry.provider_for(row)
    assert len(registry._kept.clients) == 3


def test_the_client_of_a_former_registration_closes_when_nobody_uses_it(row):
    before = registry.provider_for(row)
    connections = before._session._client
    row.username = "another"
    registry.provider_for(row)
    assert len(registry._kept.clients) == 1
    assert not connections.is_closed, "somebody may be in the middle of a call"
    del before
    gc.collect()
    assert connections.is_closed


def test_what_an_endpoint_said_of_itself_is_used(row):
    row.capabilities = Description(frozenset({LOAD}), version="SC2012").as_json()
    assert registry.provider_for(row).described is None
    row.abilities_read_at = timezone.now()
    client = registry.provider_for(row)
    assert client.capabilities == {LOAD}
    assert "/SC2012/" in client._session.vmm("Clouds")


def test_another_cloud_can_be_put_in_place(row):
    fake = FakeProvider()
    with registry.use(lambda _: fake):
        assert registry.provider_for(row) is fake
    assert registry.provider_for(row) is not fake
