"""What can be done with plans, subscriptions and quota."""
