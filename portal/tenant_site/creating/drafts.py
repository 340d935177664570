"""Drafts of custom create: begun, kept step by step, used once."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.utils import timezone

from fabric.models import Machine
from plans.models import Subscription
from portal.models import Draft
from portal.models.draft import MOST_OF_A_PERSON
from portal.tenant_site.creating.wizard import BY_SLUG, Wizard
from portal.tenant_site.forms.creating.base import StepForm, Typed
from tenants.models import User


def begin(person: User, typed: dict[str, Any] | None = None) -> Draft:
    """Return a new draft; the oldest of a person who has too many give way."""
    draft = Draft.objects.create(user=person, typed=typed or {})
    mine = Draft.objects.visible_to(person).unfinished()
    kept = [one.pk for one in mine[:MOST_OF_A_PERSON]]
    mine.exclude(pk__in=kept).delete()
    return draft


def unfinished_of(person: User) -> Sequence[Draft]:
    """Return what a person may go on with. One query."""
    return list(Draft.objects.visible_to(person).unfinished()[:MOST_OF_A_PERSON])


def locked(pk: uuid.UUID) -> Draft:
    """Return the draft as it is now, held until the transaction ends."""
    return Draft.objects.select_for_update(of=("self",)).select_related("user").get(pk=pk)


@transaction.atomic
def keep(
    draft: Draft, usable: Sequence[Subscription], slug: str, typed: Typed, sent: Typed
) -> tuple[Wizard, StepForm]:
    """Keep what was typed into a step, right or wrong, and seal its secrets as far as they are.

    `sent` is `typed` with the secrets. Another tab's other steps stay. Where the ground changed,
    every step is judged again.
    """
    draft = locked(draft.pk)
    if draft.used_at is not None:
        wizard = Wizard(draft, usable)
        return wizard, wizard.form(slug, sent)
    ground = draft.typed.get("template")
    draft.typed = {**draft.typed, slug: dict(typed)}
    wizard = Wizard(draft, usable)
    form = wizard.form(slug, sent)
    well = form.is_valid()
    draft.keep_secrets(form.secrets())
    draft.wrong = [each for each in draft.wrong if each != slug] + ([] if well else [slug])
    if slug == "template" and ground is not None and ground != draft.typed["template"]:
        wizard = Wizard(draft, usable)
        draft.wrong = [
            each for each in wizard.judge() if wizard.is_visited(each) or each == "template"
        ]
    _save(draft)
    return wizard, form


@transaction.atomic
def keep_password(draft: Draft, password: str) -> None:
    """Seal a password that was made for the person."""
    draft = locked(draft.pk)
    if draft.used_at is None:
        draft.keep_secrets({**draft.secrets, "password": password})
        _save(draft)


@transaction.atomic
def judge(draft: Draft, usable: Sequence[Subscription]) -> Wizard:
    """Judge all steps as they are now, and keep the verdicts where they changed."""
    wizard = Wizard(draft, usable)
    wrong = wizard.judge()
    if wrong != draft.wrong:
        draft.wrong = wrong
        Draft.objects.filter(pk=draft.pk, used_at=None).update(wrong=wrong)
    return wizard


def use(draft: Draft, machines: Sequence[Machine]) -> None:
    """Note what was made of a draft, and erase what was typed: call it in the same transaction."""
    draft.machines = [str(machine.pk) for machine in machines]
    draft.used_at = timezone.now()
    draft.typed, draft.wrong, draft.sealed = {}, [], ""
    _save(draft)


def _save(draft: Draft) -> None:
    draft.changed_at = timezone.now()
    draft.save(update_fields=["typed", "wrong", "sealed", "machines", "used_at", "changed_at"])


def title_of(draft: Draft) -> str:
    """Return the name typed so far, "" while there is none."""
    said = draft.typed.get("identity", {}).get("name") or [""]
    return str(said[-1])


def place_of(draft: Draft) -> str:
    """Return the step to go on with: the first that is not well, else the last page."""
    for slug, step in BY_SLUG.items():
        if slug in draft.wrong or (slug not in draft.typed and step.needs_words):
            return slug
    return next((slug for slug in BY_SLUG if slug not in draft.typed), "review")
