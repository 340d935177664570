from plans.models.ledger import Entry, EntryKind
from plans.models.plan import Access, Plan, PlanService
from plans.models.subscription import Provisioning, Subscription, SubscriptionState

__all__ = [
    "Access",
    "Entry",
    "EntryKind",
    "Plan",
    "PlanService",
    "Provisioning",
    "Subscription",
    "SubscriptionState",
]
