"""The people of every test: alice is Tenant Admin; bob (Application Administrator), dora (Reader)
are on her team; charlie is a stranger; olga operates.
"""

from __future__ import annotations

import pytest

from fabric.vault import store
from tenants.actions.users import open_tenant
from tenants.models import Membership, Role, Tenant, User

PASSWORD = "Correct-Horse-7"


def make_user(email: str, *, is_operator: bool = False) -> User:
    """Return a person whose mail address is verified."""
    from allauth.account.models import EmailAddress

    user = User.objects.create_user(email, PASSWORD, is_operator=is_operator)
    EmailAddress.objects.create(user=user, email=email, verified=True, primary=True)
    return user


def join(tenant: Tenant, user: User, role: str, **fields) -> User:
    """Return the person, now a member of the tenant."""
    Membership.objects.create(tenant=tenant, user=user, role=role, **fields)
    return user


@pytest.fixture
def vault(db, tmp_path, settings):
    """Return an open configuration store of the test's own."""
    settings.VAULT_KEY_FILE = tmp_path / "vault.key"
    store.forget()
    store.create("a passphrase for tests", cost=2)
    yield store
    store.forget()


@pytest.fixture
def alice(db) -> User:
    user = make_user("alice@example.net")
    open_tenant(owner=user, name="Alice Ltd")
    return user


@pytest.fixture
def alices(alice) -> Tenant:
    """Return alice's tenant."""
    return alice.tenants.get()


@pytest.fixture
def bob(alices) -> User:
    return join(alices, make_user("bob@example.net"), Role.APPLICATION)


@pytest.fixture
def dora(alices) -> User:
    return join(alices, make_user("dora@example.net"), Role.READER)


@pytest.fixture
def charlie(db) -> User:
    user = make_user("charlie@example.net")
    open_tenant(owner=user, name="Charlie GmbH")
    return user


@pytest.fixture
def olga(db) -> User:
    return make_user("olga@example.net", is_operator=True)
