"""Benchmarks: each prints a table and the machine it ran on."""
