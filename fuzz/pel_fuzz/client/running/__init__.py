"""How a client's processes are run: bounded, watched, and ended with all that they have started."""
