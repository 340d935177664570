"""The same request twice is done once: Idempotency-Key, kept for 24 hours.

The act and its answer are kept in one transaction, under a lock by the key: whoever dies in between
has done nothing. Refusals are not kept: they changed nothing, and may be tried again.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.db import connection, transaction
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _

from portal.api.frame.answer import Answer
from portal.api.frame.caller import Caller
from portal.api.frame.formats import dumps
from portal.api.models import KeptAnswer
from portal.problems import Problem

HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"
KEPT_FOR = timedelta(hours=24)
SWEPT_AT_ONCE = 20
_KEY = re.compile(r"[\x21-\x7e]{1,255}\Z")


def key_of(header: str | None) -> str:
    """Return the key, "" when none is given, or raise the problem of one that is none."""
    if header is None:
        return ""
    # A structured string (RFC 9651) names the same key with and without its quotes.
    key = header[1:-1] if len(header) > 2 and header[0] == header[-1] == '"' else header
    if not _KEY.match(key):
        detail = _("1 to 255 printable ASCII characters without blanks.")
        raise Problem("bad_parameter", errors=[{"header": HEADER, "detail": detail}])
    return key


def once(caller: Caller, key: str, asked: Any, act: Callable[[], Answer]) -> Answer:
    """Return the answer of an act, done now or when the same was asked first under this key."""
    digest = _digest(asked)
    with transaction.atomic():
        if not _lock(f"{caller.name}:{key}"):
            raise Problem("in_flight", headers={"Retry-After": "1"})
        kept = _kept(caller, key)
        if kept is not None:
            return _replayed(kept, digest)
        answer = act()
        _keep(caller, key, digest, answer)
    _sweep()
    return answer


def _digest(asked: Any) -> str:
    told = json.dumps(asked, sort_keys=True, default=str)
    return salted_hmac("api.idempotency", told, algorithm="sha256").hexdigest()


def _lock(name: str) -> bool:
    """Take the lock that ends with the transaction; False when somebody else has it."""
    number = int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), signed=True)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [number])
        return bool(cursor.fetchone()[0])


def _kept(caller: Caller, key: str) -> KeptAnswer | None:
    """Return the answer kept under a key; one that is too old is forgotten."""
    mine = KeptAnswer.objects.filter(user=caller.user, api_key=caller.key, key=key)
    found = mine.first()
    if found is not None and found.created_at < timezone.now() - KEPT_FOR:
        found.delete()
        return None
    return found


def _replayed(kept: KeptAnswer, digest: str) -> Answer:
    if kept.digest != digest:
        raise Problem("key_reused")
    headers = {**kept.headers, REPLAYED: "true"}
    data = json.loads(kept.body) if kept.body else None
    job = headers.pop("job", None)
    return Answer(data, kept.status, headers, job=job)


def _keep(caller: Caller, key: str, digest: str, answer: Answer) -> None:
    data = answer.made()
    if answer.secrets:
        data = {name: None if name in answer.secrets else value for name, value in data.items()}
    KeptAnswer.objects.create(
        user=caller.user,
        api_key=caller.key,
        key=key,
        digest=digest,
        status=answer.status,
        headers={**answer.headers, **({"job": str(answer.job)} if answer.job else {})},
        body="" if data is None else dumps(data),
    )


def _sweep() -> None:
    """Forget some answers that are too old; every new one pays for a few."""
    old = KeptAnswer.objects.filter(created_at__lt=timezone.now() - KEPT_FOR)
    ids = list(old.order_by("created_at").values_list("pk", flat=True)[:SWEPT_AT_ONCE])
    if ids:
        KeptAnswer.objects.filter(pk__in=ids).delete()
