"""The laws of this house, as functions from source text to the places that break them.

`tests/test_house.py` holds the tree against each, and shows each a bad sample that it must refuse.
"""
