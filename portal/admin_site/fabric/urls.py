"""The addresses of the fabric: the same five for each noun."""

from __future__ import annotations

from collections.abc import Iterator

from django.urls import URLPattern, path

from portal.admin_site.fabric import browser, overview, views
from portal.admin_site.fabric.noun import Noun
from portal.admin_site.fabric.nouns import NOUNS
from portal.admin_site.fabric.pages import urls as pages

# Lists that are more than a list.
INDEXES = {"library-server": browser.show}


def pages_of(noun: Noun) -> Iterator[URLPattern]:
    """Yield the addresses of what can be done with a noun."""
    if not noun.parent:
        yield path(
            f"{noun.path}/", INDEXES.get(noun.key) or views.index_of(noun), name=noun.list_name
        )
    if noun.actions.add is not None:
        yield path(f"{noun.path}/new/", views.new_of(noun), name=noun.new_name)
    if noun.has_page:
        yield path(f"{noun.path}/<uuid:pk>/", views.show_of(noun), name=noun.show_name)
    if noun.actions.change is not None:
        yield path(f"{noun.path}/<uuid:pk>/edit/", views.edit_of(noun), name=noun.edit_name)
    if noun.actions.remove is not None:
        yield path(f"{noun.path}/<uuid:pk>/remove/", views.remove_of(noun), name=noun.remove_name)


urlpatterns = [
    path("", overview.show, name="fabric"),
    *(address for noun in NOUNS if not noun.own_names for address in pages_of(noun)),
    *pages.urlpatterns,
]
