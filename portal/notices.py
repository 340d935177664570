"""Tell people by mail what they want to hear of: work that ended, machines whose time ends.

A thing is noted once for each person, whoever notes it and however often. What is noted in the same
moments goes into one mail; a mail server that is away is tried again for a day.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from itertools import groupby

from django.conf import settings
from django.core.mail import EmailMessage
from django.db.models import Exists, OuterRef, Q
from django.template.loader import render_to_string
from django.utils import timezone, translation
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from fabric.durable.states import JobState
from fabric.models import Job, Machine
from fabric.states import GONE
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
    # Who left, or runs things from elsewhere, hears nothing of a team's work.
    members = Membership.objects.filter(
        tenant=OuterRef("subscription__tenant"), user__email=OuterRef("actor_email")
    )
    for state, wanted in WANTED.items():
        people = {user.email: user for user in _people(wanted)}
        if not people:
            continue
        jobs = (
            Job.objects.filter(state=state, ended_at__gt=timezone.now() - ENDED_WITHIN, parent=None)
            .filter(~Exists(told), Exists(members), actor_email__in=people)
            .select_related("machine", "subscription")
            .order_by("ended_at")[:MOST_AT_ONCE]
        )
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
    people = {user.pk: user for user in _people("lease")}
    told = Notice.objects.filter(
        kind="lease", object_id=OuterRef("pk"), created_at__gte=OuterRef("end_warned_at")
    )
    wanted = Membership.objects.filter(
        Q(role=Role.ADMIN) | Q(user=OuterRef("created_by")),
        tenant=OuterRef("subscription__tenant"),
        user__in=people,
    )
    warned = warned.filter(~Exists(told), Exists(wanted)).order_by("end_warned_at")
    for machine in warned.select_related("subscription").prefetch_related(
        "subscription__tenant__memberships"
    )[:MOST_AT_ONCE]:
        members = machine.subscription.tenant.memberships.all()
        concerned = {m.user_id for m in members if m.role == Role.ADMIN}
        concerned |= {m.user_id for m in members if m.user_id == machine.created_by_id}
        for user_id in concerned & people.keys():
            yield _of_lease(machine, people[user_id])


def _of_lease(machine: Machine, user: User) -> Notice:
    with _speaking_to(user):
        when = date_format(timezone.localtime(machine.ends_at), "DATETIME_FORMAT")
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
    people = {user.pk: user for user in _people("team")}
    if not people:
        return
    acts = Operation.objects.filter(
        # The first condition is the index's.
        action__startswith="team.",
        action__in=TEAM,
        phase=Phase.SUCCEEDED,
        at__gt=timezone.now() - ENDED_WITHIN,
    ).filter(~Exists(Notice.objects.filter(kind="team", object_id=OuterRef("operation_id"))))
    for act in acts.select_related("tenant").prefetch_related("tenant__memberships")[:MOST_AT_ONCE]:
        members = act.tenant.memberships.all() if act.tenant else ()
        admins = {m.user_id for m in members if m.role == Role.ADMIN} - {act.actor_id}
        for user_id in admins & people.keys():
            yield _of_team(act, people[user_id])


def _of_team(act: Operation, user: User) -> Notice:
    with _speaking_to(user):
        return Notice(
            kind="team",
            object_id=act.operation_id,
            user=user,
            text=f"{act_title(act.action)}: {act.object_name}",
            detail=_("By %(who)s in %(tenant)s.")
            % {"who": act.actor_email, "tenant": act.tenant.name if act.tenant else "–"},
            path="/team/",
            due_at=timezone.now(),
        )


def _people(wanted: str) -> Iterable[User]:
    return User.objects.filter(mail_on__contains=[wanted], is_active=True)


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
        sent_at=None, due_at__lte=now, created_at__gt=now - GIVEN_UP_AFTER
    ).order_by("due_at")[:MOST_AT_ONCE]
    claimed = []
    for notice in due.select_related("user"):
        mine = Notice.objects.filter(pk=notice.pk, sent_at=None, due_at=notice.due_at)
        if mine.update(due_at=now + LEASE):
            notice.due_at = now + LEASE
            claimed.append(notice)
    return sorted(claimed, key=lambda notice: (str(notice.user_id), notice.pk))


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


def _speaking_to(user: User) -> translation.override:
    return translation.override(user.language or settings.LANGUAGE_CODE)


def forget_old() -> None:
    """Drop what was told long ago; nobody notes it again by then."""
    Notice.objects.filter(Q(created_at__lt=timezone.now() - 7 * GIVEN_UP_AFTER)).delete()
