"""What stands around every page: menu with counts, top bar, theme.

Each site has a `Frame` of its own in `portal/<site>_site/menu.py`, a class named `SiteFrame`.
Everything is computed when a template asks for it, so a fragment costs none of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.module_loading import import_string
from django.views.decorators.http import require_POST

from portal.live.pulse import mark_for, token_for
from tenants.models import Instance

THEMES = ("light", "dark")
THEME_COOKIE = "katal_theme"
YEAR = 60 * 60 * 24 * 365


@dataclass(frozen=True)
class Item:
    """A line of a menu. `pages` are the URL names under which it is the current one; `group` is a
    heading shown above it; `current` overrides what the URL says.
    """

    title: str
    icon: str
    url: str
    count: int | None = None
    pages: tuple[str, ...] = ()
    group: str = ""
    current: bool | None = None


class Frame:
    """The parts both sites share; a site overrides what it has."""

    label: str = ""
    running_url: str = ""
    search_url: str = ""
    search_hint: str = ""

    def __init__(self, request: HttpRequest) -> None:
        self.request = request
        self.site = settings.SITE
        self._watched: tuple[UUID, ...] = ()

    def watch(self, *ids: UUID) -> None:
        """Have the page ask whether anything of these changed: tenants, machines, jobs."""
        self._watched = ids

    @cached_property
    def pulse(self) -> dict[str, str]:
        """Return what the page asks with, nothing for one that shows nothing that changes."""
        if not self._watched:
            return {}
        return {
            "of": token_for(self._watched),
            "mark": mark_for(self._watched, self.request.began),
        }

    @cached_property
    def instance(self) -> Instance:
        """Return the installation, or a nameless one while the database cannot be asked."""
        try:
            return Instance.current()
        except DatabaseError:
            return Instance()

    @property
    def theme(self) -> str:
        """Return the theme the person chose, or "" to follow the system."""
        chosen = self.request.COOKIES.get(THEME_COOKIE, "")
        return chosen if chosen in THEMES else ""

    @property
    def page_name(self) -> str:
        """Return the name of the URL being shown."""
        match = self.request.resolver_match
        return (match.url_name if match else "") or ""

    @cached_property
    def menu(self) -> Sequence[Item]:
        return ()

    @cached_property
    def new(self) -> Sequence[Item]:
        """Return what New offers to this person."""
        return ()

    @cached_property
    def person(self) -> Sequence[Item]:
        """Return the links of the person's own menu."""
        return ()

    @cached_property
    def picker(self) -> Sequence[Item]:
        """Return the lines of the subscription picker, the first being all of them."""
        return ()

    @property
    def picked(self) -> Item | None:
        """Return the picker's current line."""
        return next((item for item in self.picker if item.current), None)

    @cached_property
    def running(self) -> int:
        """Return how many long pieces of work go on."""
        return 0


def frame_of(request: HttpRequest) -> Any:
    """Return the request's frame, the same for view and template: what one asked, both know."""
    if not hasattr(request, "_katal_frame"):
        site = settings.SITE if settings.SITE in ("tenant", "admin") else "tenant"
        request._katal_frame = import_string(f"portal.{site}_site.menu.SiteFrame")(request)
    return request._katal_frame


def context(request: HttpRequest) -> dict[str, Any]:
    """Give templates `frame`."""
    return {"frame": frame_of(request)}


@require_POST
def set_theme(request: HttpRequest) -> HttpResponse:
    """Keep the chosen theme in a cookie and go back to where the person was."""
    back = request.POST.get("next", "/")
    if not url_has_allowed_host_and_scheme(back, allowed_hosts={request.get_host()}):
        back = "/"
    response = HttpResponseRedirect(back)
    theme = request.POST.get("theme", "")
    if theme in THEMES:
        response.set_cookie(
            THEME_COOKIE, theme, max_age=YEAR, samesite="Lax", secure=request.is_secure()
        )
    else:
        response.delete_cookie(THEME_COOKIE)
    return response
