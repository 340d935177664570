"""Who guesses is soon not listened to; who was right here before is not kept out by them."""

from __future__ import annotations

import threading

import pytest
from django.core.cache import cache

from fabric.spf import accounts, throttle
from fabric.spf.accounts import NotSignedIn, sign_in
from fabric.spf.actions import create_account
from tests.unit.fabric.spf.test_accounts import HERE, PASSWORD, header

THERE = "198.51.100.7"


@pytest.fixture(autouse=True)
def _fresh():
    accounts.forget_all()
    cache.clear()


@pytest.fixture
def hashed(monkeypatch) -> list[str]:
    """Return the passwords that were worth a slow hash."""
    tried: list[str] = []
    check = lambda password, stored: tried.append(password) or password == PASSWORD  # noqa: E731
    monkeypatch.setattr("fabric.spf.accounts.check_password", check)
    monkeypatch.setattr("fabric.spf.accounts.make_password", tried.append)
    return tried


def guess(username: str, address: str = HERE) -> int | None:
    """Return the seconds to wait that a wrong password is answered with."""
    with pytest.raises(NotSignedIn) as refusal:
        sign_in(header(username, "guess"), address)
    return refusal.value.retry_after


def test_one_address_cannot_go_through_many_names(db, hashed):
    for number in range(throttle.ADDRESS[0]):
        assert guess(f"name{number}") is None
    assert guess("another") == throttle.ADDRESS[1]
    assert len(hashed) == throttle.ADDRESS[0]
    assert guess("another", THERE) is None


def test_many_addresses_cannot_go_through_one_name(db, hashed):
    create_account("portal", PASSWORD)
    for number in range(throttle.ACCOUNT[0]):
        assert guess("portal", f"203.0.{number}.9") is None
    assert guess("portal", THERE) == throttle.ACCOUNT[1]


def test_who_was_right_from_here_is_not_kept_out_by_strangers(db, hashed):
    create_account("portal", PASSWORD)
    sign_in(header("portal", PASSWORD), HERE)
    accounts.forget_all()  # as after a restart
    for number in range(throttle.ADDRESS[0]):
        guess(f"name{number}")
    for number in range(throttle.ACCOUNT[0]):
        guess("portal", f"203.0.{number}.9")
    with pytest.raises(NotSignedIn):
        sign_in(header("portal", PASSWORD), THERE)
    assert sign_in(header("portal", PASSWORD), HERE).username == "portal"


def test_a_right_password_makes_up_for_slips(db, hashed):
    create_account("portal", PASSWORD)
    for _ in range(3):
        for _ in range(throttle.PAIR[0] - 1):
            guess("portal")
        sign_in(header("portal", PASSWORD), HERE)
        accounts.forget_all()


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:aaaa::1", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:bbbb::9", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
        ("unix:", "unix:"),
    ],
)
def test_a_customer_of_ipv6_counts_as_one(address, counted):
    assert throttle.network(address) == counted


@pytest.mark.slow
def test_guesses_sent_at_once_are_counted_one_by_one(db, monkeypatch):
    create_account("portal", PASSWORD)
    account = accounts.Account.objects.get()
    tried = []
    monkeypatch.setattr(
        "fabric.spf.accounts.check_password", lambda *given: tried.append(given) and False
    )
    monkeypatch.setattr(accounts, "_let_go", lambda: None)
    monkeypatch.setattr(accounts, "_strangers", threading.BoundedSemaphore(40))

    def guessing():
        try:
            accounts._verify(account, "guess", HERE)
        except NotSignedIn:
            pass

    threads = [threading.Thread(target=guessing) for _ in range(40)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(tried) == throttle.PAIR[0]


def test_refusals_are_told_without_who_was_refused(db, hashed):
    create_account("portal", PASSWORD)
    assert throttle.lately("portal") is None
    guess("portal")
    guess("portal", "2001:db8::5")
    told = throttle.lately("portal")
    assert (told.number, told.last_from) == (2, "2001:db8::/64")
    assert throttle.lately("nobody") is None
