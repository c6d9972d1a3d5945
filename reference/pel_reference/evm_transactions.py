"""Our transactions as py-evm's, for the fork at hand."""

from typing import Any

from eth.abc import SignedTransactionAPI
from eth.vm.forks.prague.transactions import Authorization as EvmAuthorization

from pel_reference.block import Transaction
from pel_reference.forks import Rules


def _authorizations(transaction: Transaction) -> list[EvmAuthorization]:
    return [
        EvmAuthorization(a.chain_id, a.address, a.nonce, a.y_parity, a.r, a.s)
        for a in transaction.authorizations
    ]


def _typed(builder: Any, transaction: Transaction) -> SignedTransactionAPI:
    """A transaction of type 1 to 4, by py-evm's builder of a fork that has the type."""
    kind = transaction.type
    fields: dict[str, Any] = {
        "chain_id": transaction.chain_id,
        "nonce": transaction.nonce,
        "gas": transaction.gas_limit,
        "to": transaction.to or b"",
        "value": transaction.value,
        "data": transaction.data,
        "access_list": transaction.access_list,
        "y_parity": transaction.v,
        "r": transaction.r,
        "s": transaction.s,
    }
    if kind == 1:
        return builder.new_access_list_transaction(gas_price=transaction.gas_price, **fields)
    fields["max_fee_per_gas"] = transaction.max_fee_per_gas
    fields["max_priority_fee_per_gas"] = transaction.max_priority_fee_per_gas
    if kind == 2:
        return builder.new_dynamic_fee_transaction(**fields)
    if kind == 3:
        return builder.new_blob_transaction(
            max_fee_per_blob_gas=transaction.max_fee_per_blob_gas,
            blob_versioned_hashes=transaction.blob_versioned_hashes,
            **fields,
        )
    authorizations = _authorizations(transaction)
    return builder.new_set_code_transaction(authorization_list=authorizations, **fields)


def to_evm_transaction(rules: Rules, transaction: Transaction) -> SignedTransactionAPI:
    """The transaction for py-evm, its sender already known to it.

    `transaction` has passed `validity.check_static`; py-evm recovers and checks nothing again.
    """
    builder: Any = rules.vm.get_transaction_builder()
    if transaction.type == 0:
        converted = builder.new_transaction(
            nonce=transaction.nonce,
            gas_price=transaction.gas_price,
            gas=transaction.gas_limit,
            to=transaction.to or b"",
            value=transaction.value,
            data=transaction.data,
            v=transaction.v,
            r=transaction.r,
            s=transaction.s,
        )
    else:
        converted = _typed(builder, transaction)
    # `sender` is a lazily computed attribute there; filling it in skips the second recovery.
    converted.__dict__["sender"] = transaction.sender
    return converted
