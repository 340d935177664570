"""Differences between VMM's books and what the hosts say, in words."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from fabric.vmm.models import Drift, DriftKind, DriftState, Host
from portal.admin_site.fabric import cells
from portal.admin_site.fabric.noun import Column, Facet, Noun

TONES = {DriftState.OPEN: "warn", DriftState.IGNORED: "idle", DriftState.SETTLED: "ok"}
SETTLED_HOW = {
    "adopted": gettext_lazy("adopted"),
    "repaired": gettext_lazy("repaired"),
    "ignored": gettext_lazy("ignored"),
    "gone": gettext_lazy("went away by itself"),
}


def state(drift: Drift, shape: str = "") -> SafeString:
    """Return where a difference stands: dot and word."""
    label = _(drift.get_state_display())
    return cells.state(drift.state, label, shape, TONES[DriftState(drift.state)])


def settled(drift: Drift) -> str:
    """Return how it was settled, and by whom."""
    if not drift.settled_how:
        return ""
    how = str(SETTLED_HOW.get(drift.settled_how, drift.settled_how))
    return (
        _("%(how)s by %(who)s") % {"how": how, "who": drift.settled_by} if drift.settled_by else how
    )


def title(drift: Drift) -> str:
    """Return what the difference is about."""
    return drift.object_name or str(drift.object_id)[:8]


def sides(drift: Drift) -> tuple[str, str]:
    """Return what our books say, and what the host says; its machine and host must be loaded."""
    ours, theirs = drift.ours, drift.theirs
    match DriftKind(drift.kind):
        case DriftKind.UNKNOWN_MACHINE:
            return _("not on our books"), size(theirs, theirs.get("storage_gb"))
        case DriftKind.MISSING_MACHINE:
            return size(ours), _("not on the host")
        case DriftKind.MOVED:
            now = drift.machine.host if drift.machine is not None else None
            return _("on %s") % (now or _("another host")), _("on %s") % drift.host
        case DriftKind.RESIZED:
            return size(ours), size(theirs)
        case DriftKind.RENAMED:
            return f"“{ours.get('name', '')}”", f"“{theirs.get('name', '')}”"
        case DriftKind.ORPHAN_DISK:
            held = {"size": cells.storage(theirs.get("size_gb")), "at": theirs.get("volume") or "–"}
            return _("no machine’s disk"), _("%(size)s on the volume %(at)s") % held
        case _:
            return cells.storage(ours.get("size_gb")), _("not on the host")


def size(told: dict[str, Any], storage_gb: int | None = None) -> str:
    """Return processors, memory and perhaps storage as people read them."""
    words = [
        _("%s processors") % told.get("cores", "–"),
        cells.memory(told.get("memory_mb")),
    ]
    return ", ".join([*words, cells.storage(storage_gb)] if storage_gb else words)


class Drifts(Noun):
    key, path, section, icon = "drift", "drift", "drift", "triangle-alert"
    one, many = gettext_lazy("difference"), gettext_lazy("Drift")
    model = Drift
    own_names = ("fabric-drift-act", "fabric-drift-compare")
    search = ("object_name", "host__name")
    search_title = gettext_lazy("Machine, disk or host")
    default_sort = "-found"
    columns = (
        Column("kind", gettext_lazy("Difference"), title, "kind"),
        Column("host", gettext_lazy("Host"), lambda row: row.host.name, "host__name", "p2"),
        Column("state", gettext_lazy("State"), state, "state", "p2"),
        Column(
            "found", gettext_lazy("Found"), lambda row: cells.when(row.found_at), "found_at", "p3"
        ),
    )
    facets = (
        Facet("state", gettext_lazy("State"), gettext_lazy("Every state"), DriftState.choices),
        Facet("kind", gettext_lazy("Kind"), gettext_lazy("Every kind"), DriftKind.choices),
        Facet("host", gettext_lazy("Host"), gettext_lazy("Every host"), model=Host),
    )

    def prepared(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        return rows.select_related("host__group", "machine__host", "server")
