"""How the portal reaches machines: the contract, the SPF client, and a verified fake."""
