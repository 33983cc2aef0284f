"""Floor 1: the write-ahead event log. The only package that talks to Postgres."""
