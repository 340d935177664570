"""The Admin service: stamps, the servers that give them meaning, and tenants."""

from __future__ import annotations

from fabric.spf.edm.build import declare

SETS = (
    declare(
        "Stamps",
        "Stamp",
        namespace="Admin",
        key="ID",
        Guid="ID",
        String="Name",
        navs="Servers>>Servers Tenants>>Tenants",
    ),
    declare(
        "Servers",
        "Server",
        namespace="Admin",
        key="ID",
        Guid="ID",
        String="Name",
        Int32="ServerType",
        navs="Stamps>>Stamps",
    ),
    declare(
        "Tenants",
        "Tenant",
        namespace="Admin",
        key="ID",
        Guid="ID SubscriptionID",
        String="IssuerName Key Name",
        Int32="AccountStatus",
        navs="Stamps>>Stamps",
    ),
)
