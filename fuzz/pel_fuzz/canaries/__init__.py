"""Seeded bugs: each oracle must be able to fail, and these show that it does.

Nothing that runs in production imports this package; only the test-only switch of `pel fuzz` does.
"""
