"""Conformance: what an executor did, step by step, held against the text of the specification."""
