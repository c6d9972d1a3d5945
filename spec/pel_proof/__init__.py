"""What needs a solver: complete search for unknown version orders, and the scheduler's proofs."""
