"""The tenants' REST interface, one file a noun. What it does, the pages do by the same actions."""
