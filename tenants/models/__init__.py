from tenants.models.api_key import ApiKey
from tenants.models.instance import Instance
from tenants.models.invitation import Invitation
from tenants.models.operation import Operation, OperationQuerySet, Phase
from tenants.models.tenant import Membership, Role, Tenant, TenantRole
from tenants.models.user import MAIL_ON, User

__all__ = [
    "MAIL_ON",
    "ApiKey",
    "Instance",
    "Invitation",
    "Membership",
    "Operation",
    "OperationQuerySet",
    "Phase",
    "Role",
    "Tenant",
    "TenantRole",
    "User",
]
