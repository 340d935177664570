"""What can go wrong with the configuration store, in words for its operator."""


class VaultError(Exception):
    """Root of the vault's errors."""


class VaultLocked(VaultError):
    """The passphrase was not given to this process and no key file is there."""


class WrongPassphrase(VaultError):
    """The passphrase does not unwrap the stored key."""


class BrokenSeal(VaultError):
    """A sealed value does not open: wrong key, wrong place, or altered."""
