"""From a registered endpoint's row to the client that talks to it.

Clients are kept per process so that connections are reused, and made anew when the row's address,
account, authority or description changed: the next call of whoever reads the row is made with it.
The old one is let go of, and closes once nobody uses it. A forked child starts with none: two
processes must not share a TLS connection.
"""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from django.conf import settings

from fabric.models import Provider as Row
from fabric.providers.abilities import Description
from fabric.providers.base import Provider
from fabric.providers.spf import SPFProvider

MAX_KEPT: Final = 64

Factory = Callable[[Row], Provider]


class _Kept:
    """The clients of this process, the least recently used first."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.clients: OrderedDict[tuple[Hashable, ...], Provider] = OrderedDict()


_kept = _Kept()
_replacement: Factory | None = None


def provider_for(row: Row) -> Provider:
    """Return the client of an endpoint; raises a provider fault for an address or an authority
    that no client can be made with."""
    if _replacement is not None:
        return _replacement(row)
    key = (
        row.pk,
        row.url,
        row.username,
        row.password_sealed,
        row.authority_pem,
        _abilities(row.capabilities),
        described(row),
    )
    kept = _kept
    with kept.lock:
        client = kept.clients.get(key)
        if client is None:
            client = _make(row)
            for old in [each for each in kept.clients if each[0] == row.pk]:
                del kept.clients[old]
            kept.clients[key] = client
        kept.clients.move_to_end(key)
        while len(kept.clients) > MAX_KEPT:
            kept.clients.popitem(last=False)
    return client


def _make(row: Row) -> Provider:
    return SPFProvider(
        row.url,
        row.username,
        row.open_password(),
        authority_pem=row.authority_pem,
        timeout=settings.SPF_TIMEOUT_SECONDS,
        capabilities=_abilities(row.capabilities),
        described=described(row),
    )


def described(row: Row) -> Description | None:
    """Return what the endpoint said of itself, None while it was not asked."""
    if row.abilities_read_at is None or not isinstance(row.capabilities, dict):
        return None
    return Description.from_json(row.capabilities)


def _abilities(capabilities: Any) -> frozenset[str]:
    """The optional abilities noted when the endpoint was registered."""
    noted = capabilities.get("abilities", ()) if isinstance(capabilities, dict) else capabilities
    return frozenset(noted or ())


@contextmanager
def use(factory: Factory) -> Iterator[None]:
    """Have all threads get their clients from `factory`; for tests and demonstrations."""
    global _replacement
    before, _replacement = _replacement, factory
    try:
        yield
    finally:
        _replacement = before


def forget_all() -> None:
    """Drop every kept client."""
    global _kept
    _kept = _Kept()


os.register_at_fork(after_in_child=forget_all)
