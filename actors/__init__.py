"""Floor 2: session actors. `session.py` is pure; `sessions.py` runs them; `host.py` puts them into Ray."""
