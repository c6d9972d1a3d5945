"""The trusted setup of KZG, loaded once a process.

py-evm's point evaluation precompile loads it from its file at every call, which takes more than a
second. The setup is a constant, so remembering it changes nothing else.
"""

from functools import cache
from typing import Any

from eth.precompiles import point_evaluation


def remember_trusted_setup() -> None:
    """Let py-evm load the setup once. Doing it again changes nothing."""
    module: Any = point_evaluation
    if not hasattr(module.load_trusted_setup, "cache_info"):
        module.load_trusted_setup = cache(module.load_trusted_setup)
