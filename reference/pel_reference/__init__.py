"""The sequential reference: what *is* the right result of this block?"""

import os

# py-evm hashes through eth-hash, whose own first choice (pycryptodome, by ctypes) is ten times
# slower than this dependency of ours. A choice that the user made stands.
os.environ.setdefault("ETH_HASH_BACKEND", "pysha3")
