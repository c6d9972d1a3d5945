"""The text, run: on blocks, in random turns, alone, and with late stores."""
