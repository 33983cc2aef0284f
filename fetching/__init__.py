"""Floor 1: HTTP to the outside that cannot be talked into reaching inside. Imports and tools go through it."""
