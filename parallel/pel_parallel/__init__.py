"""The optimistic executor: Block-STM (arXiv 2203.06871) over one synchronisation seam.

To read: `executor` (the way in, and a worker's loop), `scheduler` and `memory` (the algorithms),
`actions` and `shared` (their steps, and the objects that these touch). Then who runs the steps:
`sync` (threads), or `control` with `greenlets` and `batons`, steered by `choices`.
"""
