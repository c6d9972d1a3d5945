"""Executors of others, by their own interfaces: whole blocks in, results out, nothing trusted."""
