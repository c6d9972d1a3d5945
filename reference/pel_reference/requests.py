"""Requests to the consensus layer that a block's execution makes. Source: EIP-7685."""

from collections.abc import Iterable, Sequence
from hashlib import sha256

from pel_reference.block import Log
from pel_reference.errors import InvalidBlock

DEPOSIT_CONTRACT = bytes.fromhex("00000000219ab540356cbb839cbe05303d7705fa")
DEPOSIT_TOPIC = bytes.fromhex("649bbc62d0e31342afea4e5cd82d4049e7e1ee912fc0889aa790803be39038c5")
DEPOSIT_TYPE = 0
WITHDRAWAL_TYPE = 1
CONSOLIDATION_TYPE = 2

_DEPOSIT_LOG_BYTES = 576
# Where the log's ABI encoding keeps each field's length word, and how many bytes follow it: public
# key, withdrawal credentials, amount, signature, index.
_DEPOSIT_FIELDS = ((160, 48), (256, 32), (320, 8), (384, 96), (512, 8))


def _deposit_data(data: bytes) -> bytes:
    """One deposit as the consensus layer wants it, from the data of its log.

    Raises: `InvalidBlock` where the data is not laid out as the deposit contract does it.
    Source: EIP-6110.
    """
    if len(data) != _DEPOSIT_LOG_BYTES:
        raise InvalidBlock("deposit log of a wrong length")
    fields = []
    for position, (offset, size) in enumerate(_DEPOSIT_FIELDS):
        head = int.from_bytes(data[32 * position : 32 * position + 32], "big")
        if head != offset or int.from_bytes(data[offset : offset + 32], "big") != size:
            raise InvalidBlock("deposit log of a wrong layout")
        fields.append(data[offset + 32 : offset + 32 + size])
    return b"".join(fields)


def deposit_data(logs: Iterable[Log]) -> bytes:
    """All deposits among these logs, in their order, one after the other; empty without any.

    Raises: `InvalidBlock` for a malformed deposit log.
    Source: EIP-6110.
    """
    return b"".join(
        _deposit_data(log.data)
        for log in logs
        if log.address == DEPOSIT_CONTRACT and log.topics[:1] == (DEPOSIT_TOPIC,)
    )


def collect_requests(typed: Iterable[tuple[int, bytes]]) -> tuple[bytes, ...]:
    """The requests that are not empty, each its type byte and data, from pairs in order of type."""
    return tuple(bytes([kind]) + data for kind, data in typed if data)


def requests_hash(requests: Sequence[bytes]) -> bytes:
    """The header's commitment to these (non-empty) requests. Source: EIP-7685."""
    return sha256(b"".join(sha256(request).digest() for request in requests)).digest()
