"""Faults of the protocol; each knows the HTTP status it is answered with."""

from __future__ import annotations


class ODataError(Exception):
    """A request or a body that cannot be served, with the text its sender may read."""

    default_status = 500

    def __init__(self, message: str = "", *, code: str = "", status: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.status = self.default_status if status is None else status


class BadRequest(ODataError):
    """The URL, the query or the body makes no sense."""

    default_status = 400


class Forbidden(ODataError):
    """The caller is known and may not do this."""

    default_status = 403


class NotFound(ODataError):
    """No such segment or no such entity."""

    default_status = 404


class MethodNotAllowed(ODataError):
    """The resource exists but does not take this verb."""

    default_status = 405


class NotAcceptable(ODataError):
    """None of the formats asked for is spoken here."""

    default_status = 406


class Conflict(ODataError):
    """The entity exists already, or its state forbids the change."""

    default_status = 409


class PayloadTooLarge(ODataError):
    """The body is longer than this service reads."""

    default_status = 413


class UnsupportedMediaType(ODataError):
    """The body is in a format that is not spoken here."""

    default_status = 415
