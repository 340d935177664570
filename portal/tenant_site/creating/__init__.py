"""Creating machines: what is on offer, drafts of custom create, and the order made of one."""
