from tenants.models.instance import Instance
from tenants.models.operation import Operation, Phase
from tenants.models.tenant import Membership, Role, Tenant
from tenants.models.user import User

__all__ = ["Instance", "Membership", "Operation", "Phase", "Role", "Tenant", "User"]
