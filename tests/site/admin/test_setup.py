"""The set-up page: there once, for whoever holds the code."""

from __future__ import annotations

import pytest
from django.test import Client

from fabric.actions import setup
from fabric.vault import store
from tenants.models import Instance, User

PASSPHRASE = "seven grey geese over the harbour"
PASSWORD = "Correct-Horse-7"


@pytest.fixture
def code(db, settings, tmp_path, monkeypatch) -> str:
    """Return the code the server printed."""
    settings.VAULT_KEY_FILE = tmp_path / "vault.key"
    monkeypatch.setattr(store, "SCRYPT_COST", 2)
    store.forget()
    yield setup.new_code()
    store.forget()


def typed(code: str, /, **changes: str) -> dict[str, str]:
    return {
        "code": code,
        "instance_name": "Contoso Cloud",
        "email": "olga@example.net",
        "password": PASSWORD,
        "password_again": PASSWORD,
        "passphrase": PASSPHRASE,
        "passphrase_again": PASSPHRASE,
    } | changes


def test_with_the_code_the_first_administrator_is_in(client, code) -> None:
    response = client.post("/set-up/", typed(code), follow=True)
    assert response.redirect_chain == [("/", 302)]
    assert Instance.current().name == "Contoso Cloud"
    assert User.objects.get().is_operator
    assert "Register SPF" in response.content.decode()
    assert store.is_ready()


def test_it_works_once(client, code) -> None:
    client.post("/set-up/", typed(code))
    for browser in (client, Client()):
        assert browser.get("/set-up/").status_code == 404
        assert browser.post("/set-up/", typed(code, email="eve@example.net")).status_code == 404
    assert User.objects.count() == 1


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"code": "guessed"}, "code"),
        ({"code": ""}, "code"),
        ({"instance_name": ""}, "instance_name"),
        ({"email": "nobody"}, "email"),
        ({"password": "short", "password_again": "short"}, "password"),
        ({"password_again": "Correct-Horse-8"}, "password_again"),
        ({"passphrase": "short", "passphrase_again": "short"}, "passphrase"),
        ({"passphrase_again": "six grey geese"}, "passphrase_again"),
    ],
)
def test_what_is_wrong_is_said_at_its_field(client, code, changes, field) -> None:
    response = client.post("/set-up/", typed(code, **changes))
    assert list(response.context["form"].errors) == [field]
    assert not setup.is_done()
    assert not User.objects.exists()


def test_a_refused_form_keeps_what_was_typed_but_no_secret(client, code) -> None:
    page = client.post("/set-up/", typed(code, email="nobody")).content.decode()
    assert "Contoso Cloud" in page
    assert PASSWORD not in page
    assert PASSPHRASE not in page


def test_the_page_says_that_the_passphrase_cannot_be_recovered(client, code) -> None:
    assert "It cannot be recovered." in client.get("/set-up/").content.decode()
