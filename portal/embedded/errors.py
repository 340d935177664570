"""What can go wrong while bringing the cloud up, said so that a person can act."""


class EmbeddedError(Exception):
    """Something this machine will not let us do; the message is the whole story."""


class AlreadyRunning(EmbeddedError):
    """Another launcher holds this state folder."""
