from plans.models.ledger import Entry, EntryKind
from plans.models.plan import Access, Plan, PlanQuerySet, PlanService
from plans.models.subscription import Provisioning, Subscription, SubscriptionState

__all__ = [
    "Access",
    "Entry",
    "EntryKind",
    "Plan",
    "PlanQuerySet",
    "PlanService",
    "Provisioning",
    "Subscription",
    "SubscriptionState",
]
