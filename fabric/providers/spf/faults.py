"""What went wrong on the way, told as a fault a person can read.

Sentences name the endpoint by host and port only; a secret given is cut out of foreign words.
"""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Collection, Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus

import httpx

from fabric.odata import errorbody
from fabric.providers.errors import (
    BrokenAnswer,
    CertificateFault,
    Forbidden,
    Missing,
    NoAnswer,
    ProviderFault,
    Rejected,
    Throttled,
    Unauthorized,
    Unreachable,
)

MAX_WORDS = 600
LONGEST_WAIT = 300.0
FAILED_WRITE_RETRY = 2.0

# OpenSSL's verification results, X509_V_ERR_…
_TOO_EARLY, _EXPIRED = 9, 10
_UNKNOWN_AUTHORITY = {2, 18, 19, 20, 21}
_WRONG_NAME = {62, 64}
_NOT_TLS = {
    "WRONG_VERSION_NUMBER",
    "HTTP_REQUEST",
    "UNKNOWN_PROTOCOL",
    "PACKET_LENGTH_TOO_LONG",
    "RECORD_LAYER_FAILURE",
}
_CONTROL = re.compile(r"[\x00-\x1f\x7f]+")


class Conflict(Rejected):
    """It exists already (409)."""


class NotAllowed(Rejected):
    """The verb is not spoken here (405 or 501)."""


class NotSpoken(Rejected):
    """It answers in none of the formats that were asked for (406)."""


class NotUnderstood(Rejected):
    """It does not read the format of what was sent, so nothing was done (415)."""


def no_spf(place: str) -> BrokenAnswer:
    """The fault of an answer that is not OData."""
    return BrokenAnswer(
        f"{place} answers, but it is no Service Provider Foundation.",
        advice="Check the address and the port; SPF usually listens on port 8090.",
    )


def from_exception(
    error: httpx.HTTPError, place: str, timeout: float, *, writing: bool = False
) -> ProviderFault:
    """Return the fault for a call that got no whole answer.

    A write without an answer may just take long; a read without one means that nobody is there.
    """
    causes = list(_causes(error))
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return _untrusted(cause, place)
    for cause in causes:
        if isinstance(cause, ssl.SSLError) and isinstance(error, httpx.ConnectError):
            return _no_tls(cause, place)
    if isinstance(error, httpx.ConnectTimeout | httpx.PoolTimeout):
        return NoAnswer(f"{place} cannot be reached: nothing answers there.")
    if isinstance(error, httpx.TimeoutException):
        kind = Unreachable if writing else NoAnswer
        return kind(f"{place} did not answer within {timeout:g} seconds.")
    if isinstance(error, httpx.ConnectError):
        return NoAnswer(f"{place} cannot be reached: {_why(causes)}.")
    if isinstance(error, httpx.DecodingError):
        return no_spf(place)
    if isinstance(error, httpx.RemoteProtocolError) and not is_cut_off(error):
        return no_spf(place)
    return Unreachable(f"{place} cut the connection off.")


def is_cut_off(error: httpx.HTTPError) -> bool:
    """Tell whether an open connection ended before the answer did."""
    if isinstance(error, httpx.RemoteProtocolError):
        text = str(error).lower()
        return "disconnected" in text or "closed connection" in text
    return isinstance(error, httpx.ReadError | httpx.WriteError | httpx.CloseError)


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: BaseException | None = error
    for _ in range(10):
        if seen is None:
            return
        yield seen
        seen = seen.__cause__ or seen.__context__


def _untrusted(error: ssl.SSLCertVerificationError, place: str) -> CertificateFault:
    code = error.verify_code
    if code in _UNKNOWN_AUTHORITY:
        return CertificateFault(
            f"The certificate of {place} comes from an authority that is not known here.",
            advice="Give the authority's certificate (PEM) with the registration.",
        )
    if code in _WRONG_NAME:
        return CertificateFault(
            f"The certificate of {place} was made for another name.",
            advice="Use the name that stands in the certificate, or renew the certificate.",
        )
    if code == _EXPIRED:
        return CertificateFault(
            f"The certificate of {place} has expired.", advice="Renew it on the SPF server."
        )
    if code == _TOO_EARLY:
        return CertificateFault(
            f"The certificate of {place} is not valid yet.",
            advice="Check the clocks of both machines.",
        )
    return CertificateFault(
        f"The certificate of {place} is not trusted: {error.verify_message}.",
        advice="Renew it on the SPF server.",
    )


def _no_tls(error: ssl.SSLError, place: str) -> ProviderFault:
    if error.reason in _NOT_TLS:
        return BrokenAnswer(
            f"{place} answers, but not over HTTPS.",
            advice="Check the port; SPF usually listens on port 8090.",
        )
    return NoAnswer(f"No secure connection to {place} could be made.")


def _why(causes: list[BaseException]) -> str:
    for cause in causes:
        if isinstance(cause, socket.gaierror):
            return "its name is not known"
        if isinstance(cause, ConnectionRefusedError):
            return "it refuses the connection"
        if isinstance(cause, ConnectionResetError | ssl.SSLEOFError):
            return "it cut the connection off"
    return "there is no way to it"


def from_status(
    status: int,
    headers: httpx.Headers,
    body: bytes,
    *,
    place: str,
    writing: bool,
    secrets: Collection[str] = (),
) -> ProviderFault:
    """Return the fault for an answer that is no success."""
    if 300 <= status < 400:
        return BrokenAnswer(
            f"{place} answers with a redirect, which is never followed.",
            advice="Register the address it really lives at.",
        )
    words = own_words(body, secrets)
    if status == HTTPStatus.UNAUTHORIZED and "retry-after" in headers:
        # Too many wrong passwords were tried: ours was not even looked at.
        return Throttled(f"{place} asks to wait.", retry_after=_retry_after(headers))
    if status == HTTPStatus.UNAUTHORIZED:
        return _unauthorized(headers, place)
    if status == HTTPStatus.FORBIDDEN:
        return Forbidden(words) if words else _forbidden(place)
    if status in (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE):
        return Throttled(f"{place} asks to wait.", retry_after=_retry_after(headers))
    if status == HTTPStatus.NOT_FOUND:
        # A page instead of an error body comes from a web server that has no such service.
        return no_spf(place) if is_page(headers) else Missing(words or "There is no such object.")
    if status == HTTPStatus.REQUEST_TIMEOUT:
        return Unreachable(f"{place} ran out of time.")
    if status in (HTTPStatus.METHOD_NOT_ALLOWED, HTTPStatus.NOT_IMPLEMENTED):
        return NotAllowed(words or f"{place} does not do this (HTTP {_named(status)}).")
    if status == HTTPStatus.NOT_ACCEPTABLE:
        return NotSpoken(words or f"{place} does not speak the format asked for.")
    if status == HTTPStatus.UNSUPPORTED_MEDIA_TYPE:
        return NotUnderstood(words or f"{place} does not understand the format sent.")
    if status == HTTPStatus.CONFLICT:
        return Conflict(words or "It exists already.")
    if 400 <= status < 500:
        return Rejected(words or f"{place} refuses the request (HTTP {_named(status)}).")
    if status >= 500:
        return _failed(status, words, place, writing)
    return no_spf(place)


def _forbidden(place: str) -> Forbidden:
    return Forbidden(
        f"{place} refuses this to the account.",
        advice="Check the groups of the account (SPF_Admin, SPF_VMM) and its rights in VMM.",
    )


def _unauthorized(headers: httpx.Headers, place: str) -> Unauthorized:
    offered = headers.get("www-authenticate", "").lower()
    if offered and "basic" not in offered:
        return Unauthorized(
            f"{place} does not offer Basic authentication.",
            advice="Switch Basic authentication on for the SPF web site.",
        )
    return Unauthorized(
        f"{place} does not accept the user name or the password.",
        advice="Check the account; it must be a local user of the SPF server.",
    )


def _failed(status: int, words: str, place: str, writing: bool) -> ProviderFault:
    """A 5xx. A write may have been done before it failed, so it is worth looking again."""
    if writing and words and status == HTTPStatus.INTERNAL_SERVER_ERROR:
        return Rejected(words, retry_after=FAILED_WRITE_RETRY)
    told = f": {words}" if words else "."
    return Unreachable(f"{place} failed to answer (HTTP {_named(status)}){told}")


def _named(status: int) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


def is_page(headers: httpx.Headers) -> bool:
    """Tell whether an answer is made for a browser, so not by an SPF."""
    kind: str = headers.get("content-type", "")
    return kind.lower().startswith("text/html")


def own_words(body: bytes, secrets: Collection[str] = ()) -> str:
    """Return the far side's message on one line, without anything secret it may repeat."""
    text = " ".join(_CONTROL.sub(" ", errorbody.read_message(body)).split())
    for secret in secrets:
        for form in (secret, " ".join(_CONTROL.sub(" ", secret).split())):
            if form:
                text = text.replace(form, "…")
    return text if len(text) <= MAX_WORDS else f"{text[:MAX_WORDS]}…"


def _retry_after(headers: httpx.Headers) -> float | None:
    """Seconds from Retry-After in either form; None (the fault's default) when it tells none."""
    text = headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return min(float(text), LONGEST_WAIT)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return min(max((moment - datetime.now(UTC)).total_seconds(), 0.0), LONGEST_WAIT)
