"""The services a plan can hold. Each registers itself when its application is ready."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Service:
    """A kind of thing sold: `key` is stored with plans, `quota_url` names its admin quota page."""

    key: str
    title: str
    description: str
    quota_url: str


_services: dict[str, Service] = {}


def register(service: Service) -> None:
    """Offer a service to plans. Registering the same key again replaces it."""
    _services[service.key] = service


def registered() -> tuple[Service, ...]:
    """Return every service, by title."""
    return tuple(sorted(_services.values(), key=lambda service: service.title))


def get(key: str) -> Service | None:
    """Return a service, or None when its application is not installed any more."""
    return _services.get(key)
