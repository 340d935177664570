"""Faults of a provider. Raised only by providers, caught only by jobs, sync and registration.

ProviderFault
├── Unreachable      no connection, time-out, cut off: the far side may have done it   (try again)
│   └── NoAnswer     nobody is there: no connection, or a question without any answer  (try again)
├── Throttled        asked to slow down, or 503                                        (try again)
├── BrokenAnswer     it answered something that is no SPF                              (no)
├── CertificateFault its certificate is not trusted, or not for this name              (no)
├── Unauthorized     user name or password wrong (401)                                 (no)
├── Forbidden        signed in, but a group or a right is missing (403)                (no)
├── Missing          no such object (404)                                              (no)
│   └── UnknownSet   a whole set is not there: not what the endpoint said of itself     (no)
└── Rejected         it understood and refuses: its own words are in `message`         (no)
"""

from __future__ import annotations


class ProviderFault(Exception):
    """`retry_after` in seconds, None when the same call would fail again."""

    code = "provider_fault"
    default_retry: float | None = None

    def __init__(self, message: str, *, advice: str = "", retry_after: float | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.advice = advice
        self.retry_after = self.default_retry if retry_after is None else retry_after


class Unreachable(ProviderFault):
    code = "unreachable"
    default_retry = 2.0


class NoAnswer(Unreachable):
    pass


class Throttled(ProviderFault):
    code = "throttled"
    default_retry = 5.0


class BrokenAnswer(ProviderFault):
    code = "not_spf"


class CertificateFault(ProviderFault):
    code = "certificate"


class Unauthorized(ProviderFault):
    code = "credentials"


class Forbidden(ProviderFault):
    code = "rights"


class Missing(ProviderFault):
    code = "missing"


class UnknownSet(Missing):
    pass


class Rejected(ProviderFault):
    code = "rejected"
