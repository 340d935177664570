"""VMM's jobs: what it does, or did, to whom, where, and for whom."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from fabric.durable.states import JobState
from fabric.vmm.jobs import WORKS
from fabric.vmm.models import Host, Job, UserRole
from portal.admin_site.fabric import cells
from portal.admin_site.fabric.noun import Column, Facet, Noun
from portal.admin_site.fabric.nouns.machines import host
from portal.admin_site.fabric.pages import live
from portal.templatetags.moments import took

# Several recipes do the same for whoever looks on: a kind of job is its title.
KINDS = sorted({work.recipe.title for work in WORKS.values()})


def percent(job: Job) -> str:
    return f"{job.percent} %" if live.is_live(job) else cells.NOTHING


def who(job: Job) -> Any:
    """Return who asked, and for which role."""
    return cells.under(job.owner_name or _("VMM itself"), job.role or "")


def length(job: Job) -> Any:
    """Return how long it took, or has been going on."""
    return took(job.started_at, job.ended_at) or cells.NOTHING


class Jobs(Noun):
    key, path, section, icon = "job", "jobs", "jobs", "list-checks"
    one, many = gettext_lazy("job"), gettext_lazy("Jobs")
    model = Job
    own_names = ("fabric-job-do",)
    search = ("target_name", "owner_name", "title")
    search_title = gettext_lazy("Target, person or title")
    about = gettext_lazy("Everything VMM does that takes longer than a moment is a job.")
    default_sort = "-started"
    list_template = "admin_site/fabric/jobs/list.html"
    columns = (
        Column("title", gettext_lazy("Job"), lambda row: row.title, "title"),
        Column("target", gettext_lazy("Target"), lambda row: row.target_name, "target_name"),
        Column("state", gettext_lazy("State"), live.state, "state"),
        Column("percent", gettext_lazy("Done"), percent, "percent", "number nowrap p3"),
        Column("who", gettext_lazy("Who"), who, "owner_name", "p2 wrap"),
        Column("host", gettext_lazy("Host"), lambda row: host(row.host), "", "p3"),
        Column(
            "started",
            gettext_lazy("Asked for"),
            lambda row: cells.when(row.created_at),
            "created_at",
            "nowrap p2",
        ),
        Column("took", gettext_lazy("Took"), length, "", "number nowrap p3"),
    )
    facets = (
        Facet("state", gettext_lazy("State"), gettext_lazy("Every state"), JobState.choices),
        Facet(
            "title",
            gettext_lazy("Kind"),
            gettext_lazy("Every kind"),
            [(title, title) for title in KINDS],
        ),
        Facet("host", gettext_lazy("Host"), gettext_lazy("Every host"), model=Host),
        Facet("role", gettext_lazy("Role"), gettext_lazy("Every role"), model=UserRole),
    )

    def prepared(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        return rows.select_related("host", "role").defer("inputs", "memo", "sealed")
