"""A browser without scripts, at the pages of one draft of custom create."""

from __future__ import annotations

from django.test import Client
from django.urls import reverse

from portal.models import Draft
from tests.people import PASSWORD


class Visitor:
    """Presses the buttons of the pages and reads what comes."""

    def __init__(self, client: Client, draft: Draft) -> None:
        self.client, self.draft = client, draft

    def url(self, slug: str) -> str:
        return reverse("machine-draft", args=[self.draft.pk, slug])

    def get(self, slug: str, **query: str):
        return self.client.get(self.url(slug), query)

    def send(self, slug: str, do: str = "next", **typed: object):
        return self.client.post(self.url(slug), {"do": do, **typed})

    def look(self, slug: str, **typed: object):
        """Ask as htmx does while somebody types."""
        said = {"do": "look", **typed}
        return self.client.post(self.url(slug), said, headers={"HX-Request": "true"})

    def choose(self, subscription, template=None):
        """Choose a template, the only one unless said otherwise."""
        template = template or subscription.plan.offering.templates.get()
        said = {"subscription": str(subscription.pk), "template": str(template.pk)}
        return self.send("template", **said)

    def name(self, name: str = "web-07", count: int = 1, **more: object):
        """Say who the machine is; with a password unless that is said otherwise."""
        said = {"name": name, "count": count, "admin_user": "root", "password": PASSWORD}
        return self.send("identity", **(said | more))

    def create(self):
        return self.send("review", "create")

    def fresh(self) -> Draft:
        self.draft.refresh_from_db()
        return self.draft


def begin(client: Client) -> Visitor:
    """Open a draft as the button does."""
    client.post(reverse("machine-custom"))
    return Visitor(client, Draft.objects.latest("created_at"))


def errors(page) -> dict[str, list[str]]:
    return dict(page.context["form"].errors)
