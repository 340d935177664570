"""Whether SPF can work with its database: told at its start, and to whoever looks after it.

Which database account the process uses it notes in the cache, so that another process can ask
about that account's rights.
"""

from __future__ import annotations

import logging
import pkgutil
from collections.abc import Iterator
from importlib import import_module
from typing import Final

from django.apps import apps
from django.core.cache import cache
from django.db import DatabaseError, connection
from django.db.migrations.recorder import MigrationRecorder
from redis.exceptions import RedisError

log = logging.getLogger(__name__)

# What SPF does to the tables of each of its applications.
RIGHTS: Final = {
    "spf": ("SELECT", "INSERT", "UPDATE", "DELETE"),
    "vmm": ("SELECT", "INSERT", "UPDATE", "DELETE"),
    "vault": ("SELECT",),
}
UNUSABLE: Final = (
    "This SPF cannot use its database: its database account lacks rights, or its tables are older "
    "than the program. The log of SPF and its check page in the portal name what is missing"
)
# insufficient_privilege, undefined_table, undefined_column
_UNUSABLE_STATES: Final = {"42501", "42P01", "42703"}
_NOTED: Final = "spf-database-account"
_MISSING = """
SELECT wanted.relation, wanted.privilege
FROM unnest(%(tables)s::text[], %(privileges)s::text[]) AS wanted(relation, privilege)
JOIN pg_class c ON c.oid = to_regclass(quote_ident(wanted.relation))
WHERE NOT has_table_privilege(%(account)s::name, c.oid, wanted.privilege)
ORDER BY 1, 2
"""


def announce() -> None:
    """Say at the start what is missing, in the log; the process goes on, since it may come yet."""
    try:
        account = _current()
        _note(account)
        found = problems(account)
    except DatabaseError as error:
        found = [_refused(error)]
    for problem in found:
        log.error("SPF cannot work: %s", problem)
    connection.close()


def cause(error: Exception) -> str:
    """Return what a caller may know of a call that broke at the database; "" when it is not for
    want of rights or tables."""
    state = getattr(error.__cause__, "sqlstate", "") if isinstance(error, DatabaseError) else ""
    return UNUSABLE if state in _UNUSABLE_STATES else ""


def problems(account: str = "") -> list[str]:
    """Return what keeps SPF from working, in sentences; `account` is the one it signs in to the
    database with, otherwise it is this process's own."""
    try:
        return [*_not_migrated(), *_lacking(account or noted_account() or _current())]
    except DatabaseError as error:
        return [_refused(error)]


def noted_account() -> str:
    """Return the database account that SPF said it uses; "" when it said nothing."""
    try:
        return str(cache.get(_NOTED) or "")
    except (RedisError, OSError):
        return ""


def _not_migrated() -> Iterator[str]:
    """Yield a sentence for the tables that are older than the code."""
    done = set(MigrationRecorder(connection).applied_migrations())
    missing = [(label, name) for label in RIGHTS for name in _on_disk(label)]
    missing = [each for each in missing if each not in done]
    if missing:
        names = ", ".join(f"{label}.{name}" for label, name in missing[:3])
        more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
        yield (
            f"The tables of its database are older than the program: {names}{more} not applied. "
            "Run manage.py migrate with an account that owns the tables."
        )


def _on_disk(label: str) -> list[str]:
    found = import_module(f"{apps.get_app_config(label).name}.migrations")
    names = (each.name for each in pkgutil.iter_modules(found.__path__))
    return sorted(name for name in names if name[0].isdigit())


def _lacking(account: str) -> Iterator[str]:
    """Yield a sentence for the rights that the account lacks."""
    pairs = [
        (model._meta.db_table, right)
        for label, rights in RIGHTS.items()
        for model in apps.get_app_config(label).get_models(include_auto_created=True)
        for right in rights
    ]
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regrole(quote_ident(%s)) IS NOT NULL", [account])
        if not cursor.fetchone()[0]:
            yield f"The database has no account named {account}, with which SPF signs in to it."
            return
        tables, privileges = (list(column) for column in zip(*pairs, strict=True))
        wanted = {"account": account, "tables": tables, "privileges": privileges}
        cursor.execute(_MISSING, wanted)
        rows = cursor.fetchall()
    if rows:
        table, right = rows[0]
        others = f" and {len(rows) - 1} more rights" if len(rows) > 1 else ""
        yield (
            f"Its database account {account} lacks {right} on the table {table}{others}. "
            "Grant them, or have the tables owned by that account."
        )


def _current() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        return str(cursor.fetchone()[0])


def _note(account: str) -> None:
    try:
        cache.set(_NOTED, account, timeout=None)
    except (RedisError, OSError):
        log.warning("the database account is not noted: the cache is away")


def _refused(error: DatabaseError) -> str:
    """Return why the database did not let SPF in: its first line holds no password."""
    said = str(error).strip().partition("\n")[0]
    return f"The database of SPF cannot be used: {said}"
