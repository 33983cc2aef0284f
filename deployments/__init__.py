"""Floor 3: thin Serve deployments, and what they need to reach session hosts."""
