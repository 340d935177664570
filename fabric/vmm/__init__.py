"""Our own VMM: host groups, hosts, library, networks, clouds, user roles, machines, jobs.

SPF calls its actions in process; it drives hosts through fabric.hypervisors. It knows user roles
with quota and permitted actions, and nothing of plans, people or money.
"""
