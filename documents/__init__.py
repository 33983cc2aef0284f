"""YAML as nodes that know their place, for what operators write: every mistake is told with its line and column."""
