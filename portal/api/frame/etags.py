"""ETags from the columns an answer is made of, before it is made; If-None-Match and If-Match."""

from __future__ import annotations

import hashlib
from typing import Any

from django.utils.http import parse_etags
from django.utils.translation import get_language

from portal.problems import Problem


def etag_of(columns: Any) -> str:
    """Return the ETag of plain values; weak, since times of the last look are left out of it."""
    told = f"{get_language()}{columns!r}".encode("utf-8", "surrogatepass")
    return f'W/"{hashlib.blake2b(told, digest_size=12).hexdigest()}"'


def is_known(header: str, etag: str) -> bool:
    """Tell whether If-None-Match holds the ETag (RFC 9110: compared weakly)."""
    return bool(header) and _matches(header, etag)


def require_match(header: str, etag: str) -> None:
    """Raise the problem of an If-Match that does not hold the ETag.

    Compared weakly as well: what it leaves out is nothing that a change could overwrite.
    """
    if header and not _matches(header, etag):
        raise Problem("precondition_failed", headers={"ETag": etag})


def _matches(header: str, etag: str) -> bool:
    named = parse_etags(header)
    return "*" in named or etag.removeprefix("W/") in {one.removeprefix("W/") for one in named}
