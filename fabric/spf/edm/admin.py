"""The Admin service: stamps, the servers that give them meaning, and tenants.

Names, types and navigations are those of the cmdlets; offers are announced and always empty.
"""

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
        navs="DataCenter>DataCenters Offers>>Offers Servers>>Servers Tenants>>Tenants",
    ),
    declare(
        "Servers",
        "Server",
        namespace="Admin",
        key="ID",
        Guid="ID",
        String="Name",
        Int32="ServerType",
        navs="SpfSettings>>SpfSettings Stamps>>Stamps",
    ),
    declare(
        "Tenants",
        "Tenant",
        namespace="Admin",
        key="ID",
        Guid="ID SubscriptionID",
        String="IssuerName Key Name",
        Int32="AccountStatus",
        navs="Offer>Offers Stamps>>Stamps TenantUserRoles>>TenantUserRoles",
    ),
    declare(
        "TenantUserRoles",
        "TenantUserRole",
        namespace="Admin",
        key="ID",
        Guid="ID",
        String="Name",
        navs="Tenant>Tenants",
    ),
    declare(
        "TrustedIssuers",
        "TrustedIssuer",
        namespace="Admin",
        key="ID",
        Guid="ID",
        String="Key Name",
    ),
    declare(
        "DataCenters",
        "DataCenter",
        namespace="Admin",
        key="ID",
        Guid="ID",
        String="Name",
        navs="Stamps>>Stamps",
    ),
    declare("Offers", "Offer", namespace="Admin", key="ID", Guid="ID", String="Name"),
    declare(
        "SpfSettings",
        "SpfSetting",
        namespace="Admin",
        key="ID",
        Guid="ID",
        String="Name SettingType Value",
        navs="Server>Servers",
    ),
)
