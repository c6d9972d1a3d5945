"""The sequential reference: what *is* the right result of this block?"""

import importlib.util
import os

# py-evm hashes through eth-hash, whose own first choice (pycryptodome, by ctypes) is ten times
# slower than safe-pysha3, which has wheels for Linux only. A choice that the user made stands.
if importlib.util.find_spec("sha3") is not None:
    os.environ.setdefault("ETH_HASH_BACKEND", "pysha3")
