"""Finite scopes: states that are shown, not only proved of; what breaks, and what can happen."""
