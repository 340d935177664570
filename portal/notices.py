"""Tell people by mail what they want to hear of: work that ended, machines whose time ends.

A thing is noted once for each person, whoever notes it and however often. What is noted in the same
moments goes into one mail; a mail server that is away is tried again for a day.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage
from django.db.models import Exists, OuterRef, Prefetch, Q, QuerySet
from django.template.loader import render_to_string
from django.utils import timezone, translation
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from fabric.durable.states import JobState
from fabric.models import Job, Machine
from fabric.states import GONE
from portal.middleware import zone_named
from portal.models import Notice
from portal.templatetags.jobs import job_title
from portal.templatetags.operations import act_title
from tenants.models import Instance, Membership, Operation, Phase, Role, User

log = logging.getLogger(__name__)

ENDED_WITHIN = timedelta(hours=1)
GIVEN_UP_AFTER = timedelta(days=1)
LEASE = timedelta(minutes=5)
MOST_AT_ONCE = 500
MOST_IN_A_MAIL = 50
LONGEST_PAUSE = timedelta(hours=1)
TEAM = ("team.join", "team.change", "team.remove", "team.leave")
# What a kind of notice is about, and whose that is.
THINGS: dict[str, tuple[Any, str, str]] = {
    "job": (Job, "pk", "subscription__tenant"),
    "lease": (Machine, "pk", "subscription__tenant"),
    "team": (Operation, "operation_id", "tenant"),
}
WANTED = {JobState.FAILED.value: "failed", JobState.SUCCEEDED.value: "succeeded"}


def collect() -> None:
    """Note what happened since and that somebody wants to hear of."""
    Notice.objects.bulk_create([*_of_jobs(), *_of_leases(), *_of_teams()], ignore_conflicts=True)


def _of_jobs() -> Iterator[Notice]:
    """Yield notices of ended work for who asked for it; what a group began it tells itself."""
    # What failed, was resumed and failed again is told again.
    told = Notice.objects.filter(
        kind="job", object_id=OuterRef("pk"), created_at__gte=OuterRef("ended_at")
    )
    for state, wanted in WANTED.items():
        # Who left, or runs things from elsewhere, hears nothing of a team's work.
        members = _listening(wanted).filter(
            tenant=OuterRef("subscription__tenant"), user__email=OuterRef("actor_email")
        )
        jobs = list(
            Job.objects.filter(state=state, ended_at__gt=timezone.now() - ENDED_WITHIN, parent=None)
            .filter(~Exists(told), Exists(members))
            .select_related("machine", "subscription")
            .order_by("ended_at")[:MOST_AT_ONCE]
        )
        asked = User.objects.filter(email__in={job.actor_email for job in jobs})
        people = {user.email: user for user in asked}
        for job in jobs:
            yield _of_job(job, people[job.actor_email])


def _of_job(job: Job, user: User) -> Notice:
    with _speaking_to(user):
        title = job_title(job)
        failed = job.state == JobState.FAILED
        return Notice(
            kind="job",
            object_id=job.pk,
            about=_minute(job.ended_at),
            user=user,
            text=(_("Failed: %(job)s") if failed else _("Done: %(job)s")) % {"job": title},
            detail=(job.fault or {}).get("message", "") if failed else "",
            path=f"/jobs/{job.pk}/",
            due_at=timezone.now(),
        )


def _of_leases() -> Iterator[Notice]:
    """Yield notices of machines whose end was announced, for who made them and for who leads."""
    warned = Machine.objects.filter(
        end_warned_at__gt=timezone.now() - ENDED_WITHIN, ends_at__isnull=False
    ).exclude(state__in=GONE)
    told = Notice.objects.filter(
        kind="lease", object_id=OuterRef("pk"), created_at__gte=OuterRef("end_warned_at")
    )
    concerned = _listening("lease").filter(
        Q(role=Role.ADMIN) | Q(user=OuterRef("created_by")),
        tenant=OuterRef("subscription__tenant"),
    )
    warned = warned.filter(~Exists(told), Exists(concerned)).order_by("end_warned_at")
    members = Prefetch("subscription__tenant__memberships", _listening("lease"))
    for machine in warned.select_related("subscription").prefetch_related(members)[:MOST_AT_ONCE]:
        for member in machine.subscription.tenant.memberships.all():
            if member.role == Role.ADMIN or member.user_id == machine.created_by_id:
                yield _of_lease(machine, member.user)


def _of_lease(machine: Machine, user: User) -> Notice:
    with _speaking_to(user):
        end = timezone.localtime(machine.ends_at)
        when = f"{date_format(end, 'DATETIME_FORMAT')} {end.tzname()}"
        words = (
            _("%(machine)s will be deleted on %(when)s.")
            if machine.end_action == "delete"
            else _("%(machine)s will be stopped on %(when)s.")
        )
        return Notice(
            kind="lease",
            object_id=machine.pk,
            about=_minute(machine.end_warned_at),
            user=user,
            text=words % {"machine": machine.name, "when": when},
            path=f"/machines/{machine.pk}/",
            due_at=timezone.now(),
        )


def _of_teams() -> Iterator[Notice]:
    """Yield notices of who came, went or got another place, for the Tenant Admins."""
    admins = _listening("team").filter(role=Role.ADMIN)
    acts = Operation.objects.filter(
        # The first condition is the index's.
        action__startswith="team.",
        action__in=TEAM,
        phase=Phase.SUCCEEDED,
        at__gt=timezone.now() - ENDED_WITHIN,
    ).filter(
        ~Exists(Notice.objects.filter(kind="team", object_id=OuterRef("operation_id"))),
        Exists(admins.filter(tenant=OuterRef("tenant"))),
    )
    told = acts.select_related("tenant").prefetch_related(Prefetch("tenant__memberships", admins))
    for act in told[:MOST_AT_ONCE]:
        for member in act.tenant.memberships.all():
            if member.user_id != act.actor_id:
                yield _of_team(act, member.user)


def _of_team(act: Operation, user: User) -> Notice:
    with _speaking_to(user):
        return Notice(
            kind="team",
            object_id=act.operation_id,
            user=user,
            text=f"{act_title(act.action)}: {act.object_name}",
            detail=_("By %(who)s in %(tenant)s.")
            % {"who": act.actor_email, "tenant": act.tenant.name},
            path="/team/",
            due_at=timezone.now(),
        )


def _listening(wanted: str) -> QuerySet[Membership]:
    """Return the places of those who want to hear of this kind of thing."""
    return Membership.objects.filter(
        user__is_active=True, user__mail_on__contains=[wanted]
    ).select_related("user")


def _minute(moment: datetime | None) -> str:
    return "" if moment is None else moment.isoformat(timespec="minutes")


def send() -> int:
    """Send what is due, one mail a person; return how many mails went out."""
    sent = 0
    for user, notices in groupby(_claim(), key=lambda notice: notice.user):
        mine = _renewed(notices)
        if not mine:
            continue
        try:
            _mail(user, mine).send()
        except Exception as error:
            # A mail server speaks in many exceptions, and none of them may stop the other mails.
            log.warning("mail to a person failed, trying again: %s", type(error).__name__)
            _put_off(mine)
        else:
            sent += 1
            Notice.objects.filter(pk__in=[one.pk for one in mine]).update(sent_at=timezone.now())
    return sent


def _claim() -> list[Notice]:
    """Return what is due, a person's together, put off so that nobody else sends it meanwhile."""
    now = timezone.now()
    due = Notice.objects.filter(
        _still_theirs(), sent_at=None, due_at__lte=now, created_at__gt=now - GIVEN_UP_AFTER
    ).order_by("due_at")[:MOST_AT_ONCE]
    claimed = []
    for notice in due.select_related("user"):
        mine = Notice.objects.filter(pk=notice.pk, sent_at=None, due_at=notice.due_at)
        if mine.update(due_at=now + LEASE):
            notice.due_at = now + LEASE
            claimed.append(notice)
    return sorted(claimed, key=lambda notice: (str(notice.user_id), notice.pk))


def _still_theirs() -> Q:
    """Return the condition that a person has not left since: no mail follows them."""
    there = Q()
    for kind, (model, key, tenant) in THINGS.items():
        thing = {key: OuterRef("object_id"), f"{tenant}__memberships__user": OuterRef("user")}
        there |= Q(Exists(model.objects.filter(**thing)), kind=kind)
    return there & Q(user__is_active=True)


def _renewed(notices: Iterable[Notice]) -> list[Notice]:
    """Return those nobody else took up while the mails before hung, put off once more."""
    until = timezone.now() + LEASE
    return [
        notice
        for notice in notices
        if Notice.objects.filter(pk=notice.pk, sent_at=None, due_at=notice.due_at).update(
            due_at=until
        )
    ]


def _put_off(notices: Iterable[Notice]) -> None:
    for notice in notices:
        pause = min(timedelta(minutes=2**notice.attempts), LONGEST_PAUSE)
        Notice.objects.filter(pk=notice.pk).update(
            attempts=notice.attempts + 1, due_at=timezone.now() + pause
        )


def _mail(user: User, notices: list[Notice]) -> EmailMessage:
    with _speaking_to(user):
        instance, count = Instance.current().name, len(notices)
        subject = notices[0].text
        if count > 1:
            subject = ngettext("%(n)d thing happened", "%(n)d things happened", count)
            subject %= {"n": count}
        context = {
            "notices": notices[:MOST_IN_A_MAIL],
            "more": len(notices) - MOST_IN_A_MAIL,
            "root": settings.TENANT_SITE_URL.rstrip("/"),
            "instance": instance,
        }
        return EmailMessage(
            " ".join(f"{instance}: {subject}".split())[:200],
            render_to_string("emails/notices.txt", context),
            to=[user.email],
            # The same notices sent twice are one mail to most programs.
            headers={"Message-ID": f"<notice-{notices[0].pk}-{len(notices)}@katal>"},
        )


@contextmanager
def _speaking_to(user: User) -> Iterator[None]:
    """Say it in the person's language, and by their clock."""
    language, zone = user.language or settings.LANGUAGE_CODE, zone_named(user.time_zone)
    with translation.override(language), timezone.override(zone):
        yield


def forget_old() -> None:
    """Drop what was told long ago; nobody notes it again by then."""
    Notice.objects.filter(created_at__lt=timezone.now() - 7 * GIVEN_UP_AFTER).delete()
