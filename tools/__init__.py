"""Floor 2: tools. Declared with JSON Schema, served over HTTP or by a Python function, called at most once each."""
