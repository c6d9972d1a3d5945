"""Contended blocks of real, signed transactions, drawn by Hypothesis.

- `blocks`: the strategy; `features`: what a block can have in it, `observed`: what it turns out to
  have had once it ran;
- `draws`: cases addressed by (seed, index), and their shrinking;
- `scene`: one block in the making, `world`: its pre-state, `header`: its environment,
  `transactions`: prices, gas limits, signatures; `operations`: what may happen in a block.
"""
