"""Block-STM's scheduler and memory as guarded atomic actions; each refines the abstract machine."""
