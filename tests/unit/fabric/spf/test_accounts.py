"""Right credentials cost next to nothing, wrong ones much, and too many are not even tried.

How many are too many: test_throttle.py.
"""

from __future__ import annotations

import base64
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.core.management import CommandError, call_command
from django.utils import timezone
from redis.exceptions import ConnectionError as CacheAway

from fabric.spf import accounts, throttle
from fabric.spf.accounts import NotSignedIn, sign_in
from fabric.spf.actions import ALL_GROUPS, change_account, create_account
from fabric.spf.actions.accounts import remove_account
from fabric.spf.models import Account, Group
from fabric.vmm.errors import Conflict, Invalid, NotFound

PASSWORD = "a-long-password"
HERE = "127.0.0.1"


@pytest.fixture(autouse=True)
def _fresh():
    accounts.forget_all()
    cache.clear()


@pytest.fixture
def olga(db) -> Account:
    return create_account("olga", PASSWORD)


@pytest.fixture
def checks(monkeypatch) -> list[str]:
    """Return the passwords whose slow hash was computed, as they come."""
    tried: list[str] = []

    def check(password, stored):
        tried.append(password)
        return password == PASSWORD

    monkeypatch.setattr("fabric.spf.accounts.check_password", check)
    return tried


def header(username: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()


def test_what_was_right_is_not_hashed_again(olga, checks, django_assert_num_queries):
    sign_in(header("olga", PASSWORD), HERE)
    for _ in range(5):
        with django_assert_num_queries(1):
            assert sign_in(header("olga", PASSWORD), HERE) == olga
    assert checks == [PASSWORD]


def test_when_it_was_used_is_written_seldom(olga, django_assert_num_queries):
    for _ in range(3):
        sign_in(header("olga", PASSWORD), HERE)
    first = Account.objects.get().last_seen_at
    assert timezone.now() - first < timedelta(seconds=10)
    with django_assert_num_queries(1):
        sign_in(header("olga", PASSWORD), HERE)
    long_ago = timezone.now() - accounts.SEEN_EVERY
    Account.objects.update(last_seen_at=long_ago)
    sign_in(header("olga", PASSWORD), HERE)
    assert Account.objects.get().last_seen_at > long_ago


def test_whoever_is_refused_was_not_seen(olga):
    with pytest.raises(NotSignedIn):
        sign_in(header("olga", "guess"), HERE)
    assert Account.objects.get().last_seen_at is None


def test_what_was_right_is_forgotten_after_a_while(olga, checks, monkeypatch):
    sign_in(header("olga", PASSWORD), HERE)
    monkeypatch.setattr(
        accounts.time, "monotonic", lambda clock=accounts.time.monotonic: clock() + 301
    )
    sign_in(header("olga", PASSWORD), HERE)
    assert len(checks) == 2


def test_who_calls_all_the_time_is_not_kept_out_by_guesses(olga, checks, monkeypatch):
    clock, later = accounts.time.monotonic, [0]
    monkeypatch.setattr(accounts.time, "monotonic", lambda: clock() + later[0])
    sign_in(header("olga", PASSWORD), HERE)
    for _ in range(throttle.PAIR[0]):
        with pytest.raises(NotSignedIn):
            sign_in(header("olga", "guess"), HERE)
    for later[0] in (200, 400, 600):
        assert sign_in(header("olga", PASSWORD), HERE) == olga


def test_whoever_waits_for_a_slow_hash_holds_no_connection(olga, monkeypatch):
    class Connection:
        in_atomic_block = False
        closed = 0

        def close(self):
            self.closed += 1

    held = Connection()
    monkeypatch.setattr(accounts, "connection", held)
    for name in ("olga", "nobody"):
        with pytest.raises(NotSignedIn):
            sign_in(header(name, "guess"), HERE)
    assert held.closed == 2


def test_a_new_password_ends_the_old_one_at_once(olga):
    sign_in(header("olga", PASSWORD), HERE)
    change_account("olga", password="another-password")
    with pytest.raises(NotSignedIn):
        sign_in(header("olga", PASSWORD), HERE)
    assert sign_in(header("olga", "another-password"), HERE) == olga


def test_too_many_wrong_ones_are_not_tried(olga, checks):
    for _ in range(throttle.PAIR[0]):
        with pytest.raises(NotSignedIn) as refusal:
            sign_in(header("olga", "guess"), HERE)
        assert refusal.value.retry_after is None
    with pytest.raises(NotSignedIn) as refusal:
        sign_in(header("olga", PASSWORD), HERE)
    assert refusal.value.retry_after == 60
    assert len(checks) == throttle.PAIR[0]
    # Neither another address nor another account suffers for it.
    assert sign_in(header("olga", PASSWORD), "10.0.0.9") == olga


def test_a_name_nobody_has_takes_as_long(db, monkeypatch):
    hashed = []
    monkeypatch.setattr("fabric.spf.accounts.make_password", hashed.append)
    with pytest.raises(NotSignedIn):
        sign_in(header("nobody", PASSWORD), HERE)
    assert hashed == [PASSWORD]


def test_without_a_cache_people_still_get_in(olga, monkeypatch):
    def away(*args, **kwargs):
        raise CacheAway

    for name in ("get_many", "add", "incr", "set", "delete"):
        monkeypatch.setattr(f"fabric.spf.throttle.cache.{name}", away)
    with pytest.raises(NotSignedIn):
        sign_in(header("olga", "guess"), HERE)
    assert sign_in(header("olga", PASSWORD), HERE) == olga


def test_what_is_remembered_holds_no_password(olga):
    sign_in(header("olga", PASSWORD), HERE)
    assert len(accounts._remembered) == 1
    assert PASSWORD.encode() not in b"".join(accounts._remembered)
    assert PASSWORD not in olga.password


def test_accounts_are_made_with_care(olga):
    assert Account.objects.get().groups == list(ALL_GROUPS)
    for name, password, groups, field in (
        ("olga", PASSWORD, ALL_GROUPS, "username"),
        ("a:b", PASSWORD, ALL_GROUPS, "username"),
        ("", PASSWORD, ALL_GROUPS, "username"),
        ("bob", "short", ALL_GROUPS, "password"),
        ("bob", "x" * 600, ALL_GROUPS, "password"),
        ("bob", PASSWORD, ["Administrators"], "groups"),
    ):
        with pytest.raises((Invalid, Conflict)) as refusal:
            create_account(name, password, groups)
        assert refusal.value.field == field
    with pytest.raises(NotFound):
        change_account("nobody", is_active=False)
    with pytest.raises(NotFound):
        remove_account("nobody")


CLOSING = [{"is_active": False}, {"is_vmm_administrator": False}, {"groups": [Group.ADMIN]}]


@pytest.mark.parametrize("closing", CLOSING)
def test_the_last_way_into_vmm_stays_open_to_who_uses_it(olga, closing):
    for act in (
        lambda: change_account("olga", used_by=["Contoso SPF"], **closing),
        lambda: remove_account("olga", used_by=["Contoso SPF"]),
    ):
        with pytest.raises(Conflict, match="olga is the only account.*Contoso SPF"):
            act()
    assert sign_in(header("olga", PASSWORD), HERE).is_vmm_administrator
    create_account("reader", PASSWORD, is_vmm_administrator=False)
    with pytest.raises(Conflict):
        remove_account("olga", used_by=["Contoso SPF"])
    create_account("second", PASSWORD)
    change_account("olga", used_by=["Contoso SPF"], **closing)
    remove_account("olga", used_by=["Contoso SPF"])
    remove_account("second")
    assert list(Account.objects.values_list("username", flat=True)) == ["reader"]


def test_the_command_prints_a_password_once(db, capsys):
    call_command("spf_account", "portal", "--group", Group.VMM, "--no-vmm-rights")
    printed = capsys.readouterr().out
    password = printed.strip().rpartition(" ")[2]
    account = sign_in(header("portal", password), HERE)
    assert (account.groups, account.is_vmm_administrator) == ([Group.VMM], False)

    call_command("spf_account", "portal", "--change", "--vmm-administrator")
    assert password not in capsys.readouterr().out
    assert sign_in(header("portal", password), HERE).is_vmm_administrator

    call_command("spf_account", "portal", "--change", "--disable", "--new-password")
    with pytest.raises(NotSignedIn):
        sign_in(header("portal", password), HERE)
    with pytest.raises(CommandError):
        call_command("spf_account", "portal")
