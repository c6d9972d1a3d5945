"""Measurements of the harness itself, behind `pel bench`."""
