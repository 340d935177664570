"""A cloud in memory that obeys the provider contract: for tests and demonstrations."""

from fabric.providers.fake.provider import FakeProvider

__all__ = ["FakeProvider"]
