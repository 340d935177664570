"""The SPF client: an OData 3 client of Microsoft's Service Provider Foundation, and of ours."""

from fabric.providers.spf.client import SPFProvider

__all__ = ["SPFProvider"]
