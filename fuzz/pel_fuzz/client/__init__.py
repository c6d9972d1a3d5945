"""Executors of others, by their own interfaces: whole blocks in, results out, nothing trusted.

`running` is how their processes are bounded and ended, `asking` how they are given a block and what
they answer. On these stand the commands: `checking` (`pel client check`), `fixtures` (`fill` and
`consume`), `bisecting` and `programs`.
"""
