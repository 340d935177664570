"""What can be done with people, tenants and the operations log."""
