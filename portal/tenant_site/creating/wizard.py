"""Custom create: the steps of a draft, which of them are well, and where to go next.

Every step is judged alone when it is kept, and all of them again where the ground changed: another
subscription, another template, the last page.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from fabric.models import Template
from plans.models import Subscription
from portal.asked import one_of
from portal.models import Draft
from portal.tenant_site.creating.offer import Offer
from portal.tenant_site.forms.creating.base import About, StepForm, Typed
from portal.tenant_site.forms.creating.disks import DisksForm
from portal.tenant_site.forms.creating.identity import IdentityForm
from portal.tenant_site.forms.creating.networks import NetworksForm
from portal.tenant_site.forms.creating.options import OptionsForm
from portal.tenant_site.forms.creating.size import SizeForm
from portal.tenant_site.forms.creating.template import TemplateForm

REVIEW = "review"


@dataclass(frozen=True)
class Step:
    """A page. One that `needs_words` is not well before somebody was at it."""

    slug: str
    title: str | Promise
    form: type[StepForm]
    needs_words: bool = False


STEPS = (
    Step("template", gettext_lazy("Template"), TemplateForm, needs_words=True),
    Step("size", gettext_lazy("Size"), SizeForm),
    Step("disks", gettext_lazy("Disks"), DisksForm),
    Step("networks", gettext_lazy("Networks"), NetworksForm),
    Step("identity", gettext_lazy("Identity"), IdentityForm, needs_words=True),
    Step("options", gettext_lazy("Schedule and tags"), OptionsForm),
)
BY_SLUG = {step.slug: step for step in STEPS}
SLUGS = (*BY_SLUG, REVIEW)
# On which step a refusal of an action is put right, by the field it names.
STEP_OF_FIELD = {
    **dict.fromkeys(("subscription", "template"), "template"),
    **dict.fromkeys(("hardware_profile", "cores", "memory_mb"), "size"),
    **dict.fromkeys(("disks", "disk", "size_gb"), "disks"),
    **dict.fromkeys(("network", "networks", "adapters", "address"), "networks"),
    **dict.fromkeys(("tags", "ends_at", "end_action", "is_protected"), "options"),
    **dict.fromkeys(
        ("count", "name", "description", "pattern", *IdentityForm.base_fields), "identity"
    ),
}


def step_of(field: str | None) -> str:
    """Return the step where a refusal is put right, "" when it names none of the fields.

    One of a row names the rows first, as in adapters.1.address.
    """
    return STEP_OF_FIELD.get((field or "").partition(".")[0], "")


class Wizard:
    """A draft seen as pages. `usable` are the subscriptions the person may choose from."""

    def __init__(self, draft: Draft, usable: Sequence[Subscription]) -> None:
        self.draft = draft
        self.usable = usable
        self.secrets = draft.secrets
        self._filled: dict[str, StepForm] = {}

    @cached_property
    def offer(self) -> Offer:
        """Return the chosen subscription's offer, the first one's while none fits."""
        said = self._said("template", "subscription")
        return Offer(one_of(self.usable, said) or self.usable[0], self.draft.user)

    @cached_property
    def template(self) -> Template | None:
        return self.offer.template(self._said("template", "template"))

    def show(self, subscription: Subscription) -> None:
        """Look at another subscription's templates; the draft says otherwise until it is kept."""
        self.offer = Offer(subscription, self.draft.user)

    def _said(self, slug: str, field: str) -> str:
        values = self.draft.typed.get(slug, {}).get(field) or [""]
        return str(values[-1])

    @cached_property
    def about(self) -> About:
        return About(
            offer=self.offer,
            person=self.draft.user,
            template=self.template,
            fixed=self._fixed(),
            secrets=self.secrets,
        )

    def _fixed(self) -> tuple[str, ...]:
        """Return the addresses that were fixed, as they were typed."""
        typed = self.draft.typed.get("networks", {})
        rows = range(NetworksForm.count_in(typed))
        said = (typed.get(f"address-{n}", [""])[-1].strip() for n in rows)
        return tuple(address for address in said if address)

    def form(self, slug: str, typed: Typed | None = None) -> StepForm:
        """Return a step's form: with what was just sent, else with what was kept of it."""
        if typed is None and self.is_visited(slug):
            typed = self.draft.typed[slug]
        return BY_SLUG[slug].form(typed, about=self.about)

    def filled(self, slug: str) -> StepForm:
        """Return a step's form as it would be sent: what nobody was at has its first values."""
        if slug not in self._filled:
            form = BY_SLUG[slug].form
            typed = self.draft.typed.get(slug)
            typed = form.untouched(self.about) if typed is None else typed
            self._filled[slug] = form(typed, about=self.about, is_shown=False)
        return self._filled[slug]

    @property
    def all_filled(self) -> dict[str, StepForm]:
        return {slug: self.filled(slug) for slug in BY_SLUG}

    def is_visited(self, slug: str) -> bool:
        return slug in self.draft.typed

    def judge(self) -> list[str]:
        """Return the steps that are not well, also of those nobody was at."""
        return [slug for slug, form in self.all_filled.items() if not form.is_valid()]

    def first_wrong(self, before: str = REVIEW) -> str | None:
        """Return the first step before this one that has to be seen first."""
        for slug in SLUGS[: SLUGS.index(before)]:
            missing = BY_SLUG[slug].needs_words and not self.is_visited(slug)
            if missing or slug in self.draft.wrong:
                return slug
        return None

    def states(self, current: str) -> list[dict[str, Any]]:
        """Return the line of steps: where one is, was, and has to look again."""
        reachable = not self.first_wrong()
        told = []
        for number, slug in enumerate(SLUGS, start=1):
            visited = self.is_visited(slug) or (slug == REVIEW and reachable)
            state = "wrong" if slug in self.draft.wrong else "done" if visited else "open"
            told.append(
                {
                    "slug": slug,
                    "number": number,
                    "title": BY_SLUG[slug].title if slug != REVIEW else gettext_lazy("Review"),
                    "state": state,
                    "is_link": visited and slug != current,
                    "is_current": slug == current,
                }
            )
        return told


def after(slug: str) -> str:
    """Return the step behind this one."""
    return SLUGS[SLUGS.index(slug) + 1]


def before(slug: str) -> str | None:
    """Return the step ahead of this one, None at the first."""
    place = SLUGS.index(slug)
    return SLUGS[place - 1] if place else None
