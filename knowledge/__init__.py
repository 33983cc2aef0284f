"""Retrieval and answers from a company's own entries: embed, search, judge, compose."""
