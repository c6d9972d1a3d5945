"""The harness: generated blocks and interleavings, every executor compared, differences explained."""
