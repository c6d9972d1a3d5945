"""How a client is asked for a block, by a command or by a server, and what it answers."""
