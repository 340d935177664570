"""Who is calling: Basic credentials checked against the accounts of this SPF.

A password hash is slow on purpose. A pair that was right is remembered for a few minutes, under a
keyed hash that holds no password and dies with the stored hash, so normal traffic costs
microseconds. Wrong passwords stay slow, one at a time, and are refused unread when there are too
many (throttle.py), or when too many wait. The address is the connection's: what a header says of
it, anybody can write.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Final

from django.contrib.auth.hashers import check_password, make_password
from django.db import DatabaseError, connection
from django.db.models import Q
from django.utils import timezone
from django.utils.crypto import get_random_string

from fabric.odata.errors import ODataError
from fabric.spf import throttle
from fabric.spf.models import Account

log = logging.getLogger(__name__)

REMEMBERED_SECONDS: Final = 300.0
REMEMBERED_PAIRS: Final = 1_000
SEEN_EVERY: Final = timedelta(minutes=5)
# So many threads may wait for the hashes of strangers; the others are for who was right before.
MOST_WAITING: Final = 8

_key = get_random_string(64).encode()
_remembered: OrderedDict[bytes, float] = OrderedDict()
_guard = threading.Lock()
_slow = threading.Lock()
_strangers = threading.BoundedSemaphore(MOST_WAITING)


class NotSignedIn(Exception):
    """No or wrong credentials; `retry_after` seconds when there were too many wrong ones."""

    def __init__(self, retry_after: int | None = None) -> None:
        super().__init__("not signed in")
        self.retry_after = retry_after


def sign_in(authorization: str | None, address: str) -> Account:
    """The active account an `Authorization` header names; raises NotSignedIn.

    One query, and every few minutes a second, which notes that the account is in use.
    """
    username, password = _credentials(authorization)
    account = Account.objects.filter(username=username, is_active=True).first()
    if account is None or not _is_remembered(_digest(account, password)):
        _listen(username, address)
        if account is None or not _verify(account, password, address):
            if account is None:
                _spend_as_much_time(username, password, address)
            log.warning("refused credentials from %s", address)
            raise NotSignedIn
        throttle.accepted(username, address)
    _note_use(account)
    return account


def forget_all() -> None:
    """Forget every pair that was right before."""
    with _guard:
        _remembered.clear()


def _credentials(authorization: str | None) -> tuple[str, str]:
    scheme, _, encoded = (authorization or "").partition(" ")
    if scheme.lower() != "basic":
        raise NotSignedIn
    try:
        text = base64.b64decode(encoded.strip(), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise NotSignedIn from None
    username, colon, password = text.partition(":")
    # PostgreSQL takes no NUL; no account has one.
    if not colon or not username or "\0" in text:
        raise NotSignedIn
    # A local account may be named with its machine before it.
    return username.rpartition("\\")[2], password


def _listen(username: str, address: str) -> None:
    """Raise NotSignedIn when there were too many wrong tries."""
    if seconds := throttle.wait(username, address):
        raise NotSignedIn(retry_after=seconds)


def _verify(account: Account, password: str, address: str) -> bool:
    digest = _digest(account, password)
    _let_go()
    with _turn(account.username, address):
        # Another thread may have found out while this one was waiting.
        if _is_remembered(digest):
            return True
        # Many guesses sent at once wait here, and are counted one by one.
        _listen(account.username, address)
        if not check_password(password, account.password):
            throttle.refused(account.username, address)
            return False
    with _guard:
        _remembered[digest] = time.monotonic() + REMEMBERED_SECONDS
        while len(_remembered) > REMEMBERED_PAIRS:
            _remembered.popitem(last=False)
    return True


def _spend_as_much_time(username: str, password: str, address: str) -> None:
    _let_go()
    with _turn(username, address):
        _listen(username, address)
        make_password(password)
        throttle.refused(username, address)


@contextmanager
def _turn(username: str, address: str) -> Iterator[None]:
    """Hash one at a time; raises 503 when too many strangers wait for it already."""
    is_known = throttle.is_known(username, address)
    if not is_known and not _strangers.acquire(blocking=False):
        raise ODataError("Too many are waiting to be signed in; try again.", status=503)
    try:
        with _slow:
            yield
    finally:
        if not is_known:
            _strangers.release()


def _note_use(account: Account) -> None:
    """Write when the account was used, seldom; nobody is kept out when that cannot be written."""
    now = timezone.now()
    before = now - SEEN_EVERY
    if account.last_seen_at is not None and account.last_seen_at > before:
        return
    due = Q(last_seen_at=None) | Q(last_seen_at__lte=before)
    try:
        Account.objects.filter(due, pk=account.pk).update(last_seen_at=now)
    except DatabaseError as error:
        log.warning("the use of an account is not noted: %s", type(error).__name__)
        return
    account.last_seen_at = now


def _let_go() -> None:
    """Give the connection back: many strangers waiting for a slow hash must not use up the pool."""
    if not connection.in_atomic_block:
        connection.close()


def _digest(account: Account, password: str) -> bytes:
    text = f"{account.username}\0{account.password}\0{password}"
    return hmac.digest(_key, text.encode(), "sha256")


def _is_remembered(digest: bytes) -> bool:
    now = time.monotonic()
    with _guard:
        until = _remembered.get(digest)
        if until is None:
            return False
        if until < now:
            del _remembered[digest]
            return False
        # Who calls all the time is never asked again, so strangers' guesses cannot keep them out.
        _remembered[digest] = now + REMEMBERED_SECONDS
        _remembered.move_to_end(digest)
        return True
