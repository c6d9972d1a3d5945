"""What does it *mean* for a parallel execution of a block to be right?

Standard library only. Reading order: `spec/README.md`.
"""
