"""Forms that make something act once, however often the same one is sent."""

from __future__ import annotations

import uuid
from collections.abc import Callable

from django.db import transaction
from django.http import HttpRequest

from portal.models import SentForm


@transaction.atomic
def done(request: HttpRequest, key: uuid.UUID, act: Callable[[], str]) -> str:
    """Act and return the address it leads to; sent again, that address.

    Act and note are one transaction: who sends it twice at the same time waits for the first, and
    an act that is refused may be asked for again.
    """
    form, is_first = SentForm.objects.get_or_create(user=request.user, key=key)
    if is_first:
        form.result = act()
        form.save(update_fields=["result"])
    return str(form.result)
