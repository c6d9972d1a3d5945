"""The optimistic executor: Block-STM (arXiv 2203.06871) over one synchronisation seam."""
