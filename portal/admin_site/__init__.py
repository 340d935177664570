"""The operators' site: pages over actions. Nobody else gets past `access.operator_required`."""
