"""Requests that a client sends again because it got no answer: they begin one job, and make one
thing.

What was asked is part of the key: some clients give one id to several requests.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from fabric.spf.schema import Row, Written
from fabric.spf.scope import Scope
from fabric.vmm import errors as vmm
from fabric.vmm.models import Job
from fabric.vmm.roles import Caller

# An object and the job that makes it; a job's object, if it is still there.
Made = tuple[Any, Job]


def once(
    scope: Scope,
    what: str,
    body: Row,
    act: Callable[[Caller], Made],
    of_job: Callable[[Job], Any],
) -> Written:
    """Do it, unless the same request has done it before: then tell what came of that.

    Raises Conflict when what came of it is gone.
    """
    assert scope.caller is not None
    key = _key(scope, what, body)
    if not key:
        found, job = act(scope.caller)
        return Written(found, job.pk)
    known = _again(key, of_job)
    if known is not None:
        return known
    try:
        with transaction.atomic():
            found, job = act(replace(scope.caller, request_key=key))
    except (IntegrityError, vmm.VMMError):
        # The first one may have ended meanwhile, or still be under way.
        known = _again(key, of_job)
        if known is None:
            raise
        return known
    return Written(found, job.pk)


def at_once(
    scope: Scope, what: str, body: Row, act: Callable[[Caller], Made], rows: QuerySet[Any]
) -> Written:
    """Make a row that no job is needed for; all of it, or nothing."""
    with transaction.atomic():
        return once(scope, what, body, act, lambda job: rows.filter(pk=job.subject).first())


def _key(scope: Scope, what: str, body: Row) -> str:
    if not scope.request_key:
        return ""
    said = json.dumps([what, body], sort_keys=True, default=str)
    return f"{scope.request_key}:{sha256(said.encode()).hexdigest()[:32]}"


def _again(key: str, of_job: Callable[[Job], Any]) -> Written | None:
    job = Job.objects.filter(request_key=key).first()
    if job is None:
        return None
    found = of_job(job)
    if found is None:
        raise vmm.Conflict("What this request made is not there any more.")
    return Written(found, job.pk)
