"""The configuration store's lock: secrets at rest, for both planes."""
