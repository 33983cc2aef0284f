"""Floor 0: what every other package may import. Stored messages, ids, API types, errors."""
