"""The fabric's lines in the menu, and the tabs of each: which pages stand where."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.admin_site.fabric.console import Console
from portal.admin_site.fabric.noun import Noun
from portal.admin_site.fabric.nouns import NOUNS, noun_of
from portal.frame import Item


@dataclass(frozen=True)
class Page:
    """A tab: the address it leads to, and the addresses that belong to it."""

    title: Any
    url_name: str
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Section:
    """A line of the menu; `count` is what the console counts for it, `pages` come before nouns."""

    key: str
    title: Any
    icon: str
    count: str = ""
    pages: tuple[Page, ...] = ()

    def tabs(self) -> list[Page]:
        """Return the section's own pages, then those of its nouns."""
        mine = [noun for noun in NOUNS if noun.section == self.key and is_tab(noun)]
        return [
            *self.pages,
            *(Page(noun.tab_title or noun.many, noun.list_name, names_of(noun)) for noun in mine),
        ]


SECTIONS: Sequence[Section] = (
    Section(
        "overview",
        gettext_lazy("Fabric overview"),
        "gauge",
        pages=(
            Page(gettext_lazy("Overview"), "fabric", ("fabric",)),
            Page(gettext_lazy("Capacity"), "fabric-capacity", ("fabric-capacity",)),
        ),
    ),
    Section("hosts", gettext_lazy("Hosts"), "server", "hosts_now"),
    Section("library", gettext_lazy("Library"), "library", "templates_now"),
    Section("networks", gettext_lazy("Networks"), "network", "networks_now"),
    Section("clouds", gettext_lazy("Clouds"), "boxes", "clouds_now"),
    Section("machines", gettext_lazy("Machines"), "monitor", "machines_now"),
    Section("jobs", gettext_lazy("Jobs"), "list-checks", "jobs_now"),
    Section("drift", gettext_lazy("Drift"), "triangle-alert", "drifts_now"),
    Section(
        "spf",
        gettext_lazy("SPF"),
        "plug",
        pages=(Page(gettext_lazy("Check"), "fabric-spf", ("fabric-spf",)),),
    ),
)


def names_of(noun: Noun) -> tuple[str, ...]:
    """Return the addresses of a noun and of what is shown on its page."""
    own: tuple[str, ...] = (
        noun.list_name,
        noun.show_name,
        noun.new_name,
        noun.edit_name,
        noun.remove_name,
    )
    own += noun.own_names
    below = (other for other in NOUNS if noun.key in (other.home, other.parent_key))
    return own + tuple(name for other in below for name in names_of(other))


def is_tab(noun: Noun) -> bool:
    return not noun.parent and not noun.home


def menu(console: Console) -> list[Item]:
    """Return the lines of the admin site's menu."""
    server = console.server
    items = []
    for section in SECTIONS:
        pages = section.tabs()
        count = getattr(server, section.count) if section.count and server is not None else None
        group = _("Fabric") if section is SECTIONS[0] else ""
        names = tuple(name for page in pages for name in page.names)
        url = console.link(pages[0].url_name)
        items.append(Item(str(section.title), section.icon, url, count, names, group))
    return items


def new(console: Console) -> list[Item]:
    """Return what New offers of the fabric; nothing to readers, or without a server."""
    if console.server is None or not console.may_change:
        return []
    shown = (
        (_("Virtual machine"), "machine"),
        (_("Fabric host"), "host"),
        (_("Fabric cloud"), "cloud"),
        (_("VM template"), "template"),
    )
    offered = {key: noun_of(key) for _title, key in shown}
    return [
        Item(title, offered[key].icon, console.link(offered[key].new_name)) for title, key in shown
    ]


def listed_noun(page: str) -> Noun:
    """Return the noun whose list the search of a page asks: its own, else the machines."""
    mine = (noun for noun in NOUNS if is_tab(noun) and page in names_of(noun))
    found = next(mine, None)
    return found if found is not None and found.search else noun_of("machine")


def tabs(noun: Noun, console: Console) -> list[dict[str, Any]]:
    """Return the tabs of the section in which a noun stands."""
    return section_tabs(noun.section, noun.show_name, console)


def section_tabs(key: str, current: str, console: Console) -> list[dict[str, Any]]:
    """Return a section's tabs; `current` is the address being shown."""
    section = next(each for each in SECTIONS if each.key == key)
    return [
        {
            "title": page.title,
            "url": console.link(page.url_name),
            "current": current in page.names,
        }
        for page in section.tabs()
    ]
