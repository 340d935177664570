"""Start or stop machines of a file in order, as Control-AzureVMs did (features D038–D046).

The file has a line a machine, `<group>;<machine>`, in the order of starting; stopping turns it
round. The command waits, and says what became of each.
"""

from __future__ import annotations

import time
import uuid
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from fabric import group_file
from fabric.actions import groups
from fabric.durable.states import JobState
from fabric.jobs.group import results_of
from fabric.models import Job, OnFailure
from fabric.states import Verb
from plans.models import Subscription
from tenants.errors import Refused
from tenants.models import User

DEFAULT_FILE = "Control-AzureVMs.txt"
VERBS = {"start": Verb.START, "stop": Verb.STOP}
LOOK_SECONDS = 1.0
WORDS = {
    "done": "done",
    "already": "was so already",
    "failed": "failed",
    "timed_out": "took too long",
    "not_tried": "not tried",
}


class Command(BaseCommand):
    help = "Start or stop the machines of a file, one after the other."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("act", choices=sorted(VERBS), type=str.lower)
        parser.add_argument("file", nargs="?", default=DEFAULT_FILE)
        parser.add_argument("--subscription", default="", help="its name or id")
        parser.add_argument("--user", default="", help="who asks: a mail address, else the owner")
        parser.add_argument("--skip", action="store_true", help="go on when a machine fails")

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        parser: CommandParser = super().create_parser(prog_name, subcommand, **kwargs)
        _print_usage_on_error(parser)
        return parser

    def handle(self, *args: Any, **options: Any) -> None:
        subscription = _subscription(options["subscription"])
        person = _person(options["user"] or subscription.owner_email)
        text = _text(Path(options["file"]))
        try:
            lines = groups.read(text)
            known = groups.machines_of(person, subscription, lines)
            job = groups.run_list(
                by=person,
                subscription=subscription,
                machines=list(
                    {
                        line.machine.casefold(): known[line.machine.casefold()] for line in lines
                    }.values()
                ),
                verb=VERBS[options["act"]],
                name=Path(options["file"]).name,
                on_failure=OnFailure.SKIP if options["skip"] else OnFailure.STOP,
            )
        except groups.FileRefused as refused:
            raise CommandError("\n".join(refused.problems)) from refused
        except Refused as refused:
            raise CommandError(refused.message) from refused
        self._watch(job)

    def _watch(self, job: Job) -> None:
        """Tell of each machine once it is there, and of the whole at the end."""
        told: set[str] = set()
        while True:
            job.refresh_from_db()
            for result in results_of(job):
                if result["outcome"] and result["id"] not in told:
                    told.add(result["id"])
                    self.stdout.write(
                        f"{result['name']}: {WORDS[result['outcome']]} {result['text']}".strip()
                    )
            if job.is_final:
                break
            time.sleep(LOOK_SECONDS)
        if job.state != JobState.SUCCEEDED:
            raise CommandError(job.message)
        self.stdout.write(job.message)


def _print_usage_on_error(parser: ArgumentParser) -> None:
    """Show how it is called, whoever called it wrongly."""
    told = parser.error

    def error(message: str) -> Any:
        told(f"{message}\n{parser.format_usage()}")

    parser.error = error  # type: ignore[method-assign]


def _subscription(wanted: str) -> Subscription:
    if not wanted:
        raise CommandError("Name a subscription first: --subscription NAME.")
    rows = Subscription.objects.present().select_related("tenant")
    try:
        found = list(rows.filter(pk=uuid.UUID(wanted)))
    except ValueError:
        found = list(rows.filter(name=wanted)[:2])
    if len(found) > 1:
        raise CommandError(f"Several subscriptions are named “{wanted}”: give the id.")
    if not found:
        raise CommandError(f"There is no subscription “{wanted}”.")
    return found[0]


def _person(email: str) -> User:
    person = User.objects.filter(email=email.lower(), is_active=True).first()
    if person is None:
        raise CommandError(f"{email} has no account: name somebody with --user.")
    return person


def _text(path: Path) -> str:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror or 'cannot be read'}.") from error
    text = group_file.text_of(data)
    if text is None:
        raise CommandError(f"{path}: this is no text in UTF-8 or UTF-16.")
    return text
