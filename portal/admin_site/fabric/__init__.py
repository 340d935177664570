"""VMM's own console: the one place of the portal that calls the fabric's actions directly."""
