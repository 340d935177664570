from plans.models.add_on import AddOn, SubscriptionAddOn
from plans.models.ledger import Entry, EntryKind
from plans.models.member_limit import MemberLimit
from plans.models.plan import Access, Plan, PlanQuerySet, PlanService
from plans.models.subscription import Provisioning, Subscription, SubscriptionState

__all__ = [
    "Access",
    "AddOn",
    "Entry",
    "EntryKind",
    "MemberLimit",
    "Plan",
    "PlanQuerySet",
    "PlanService",
    "Provisioning",
    "Subscription",
    "SubscriptionAddOn",
    "SubscriptionState",
]
