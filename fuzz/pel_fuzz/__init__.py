"""The harness: generated blocks and interleavings, and every executor compared."""
