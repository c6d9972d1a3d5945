"""Coverage: how much of the space of interleavings a campaign has seen, and what it has not."""
