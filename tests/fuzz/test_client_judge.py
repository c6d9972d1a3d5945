"""Each thing that is compared can differ: a table of faults of a tool, each found and named."""

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

from pel_fuzz.client.asking.answer import Answer, read_answer, read_document
from pel_fuzz.client.checking.blocks import ClientBlock, client_block_at
from pel_fuzz.client.checking.gaps import roots_with_gaps
from pel_fuzz.client.checking.judge import Judgement, judge
from pel_reference.alloc_json import hex_bytes
from pel_reference.eels import run_block_eels
from pel_reference.t8n_result import dump_transition

Said = dict[str, Any]
FORKS = ("Frontier", "Byzantium", "Shanghai", "Prague")


def answer_of(said: Said, transactions: int) -> Answer:
    """A tool's answer, as it comes: through JSON."""
    text = json.dumps(said).encode()
    document = read_document("tool", text)
    return read_answer(document.require("result"), document.get("alloc"), transactions)


def judged(block: ClientBlock, said: Said) -> Judgement:
    """What is said of an answer."""
    answer = answer_of(said, len(block.block.transactions))
    return judge(block.block, block.expected, answer)


def find(fork: str, wanted: Callable[[ClientBlock], bool], least: int = 12) -> ClientBlock:
    """The first block of a fork that has what a test needs."""
    for index in range(200):
        block = client_block_at(11, index, fork, least_transactions=least, least_gas=0)
        if wanted(block):
            return block
    raise AssertionError("no such block")


def logs_in_one(block: ClientBlock) -> int:
    """The place of a receipt with several different logs; -1, if there is none."""
    for place, receipt in enumerate(block.expected.receipts):
        if len(set(receipt.logs)) > 1:
            return place
    return -1


def created(block: ClientBlock) -> bytes | None:
    """The address of a contract that a transaction has left."""
    addresses = (receipt.contract_address for receipt in block.expected.receipts)
    return next((at for at in addresses if at is not None and at in block.expected.alloc), None)


@pytest.fixture(scope="module")
def block() -> ClientBlock:
    """A Prague block with everything that can go wrong."""
    return find(
        "Prague",
        lambda b: bool(
            logs_in_one(b) >= 0
            and b.expected.rejected
            and b.expected.requests
            and b.block.env.withdrawals
            and created(b)
        ),
        least=40,
    )


@pytest.fixture
def said(block: ClientBlock) -> Said:
    """The right answer, to be spoilt."""
    return dump_transition(block.block, block.expected)


@pytest.mark.parametrize("fork", FORKS)
def test_the_right_answer_agrees(fork: str) -> None:
    found = find(fork, lambda b: bool(b.expected.rejected))
    judgement = judged(found, dump_transition(found.block, found.expected))
    assert judgement.difference is None and judgement.unseen == frozenset()
    assert {"alloc", "rejected", "state_root", "receipts.logs"} <= judgement.compared
    has_status = fork != "Frontier"
    assert ("receipts.status" in judgement.compared) == has_status
    assert ("receipts.state_root" in judgement.compared) != has_status


@pytest.mark.parametrize("fork", FORKS)
def test_eels_in_process_agrees(fork: str) -> None:
    found = find(fork, lambda b: bool(b.expected.rejected))
    theirs = dump_transition(found.block, run_block_eels(found.block))
    assert judged(found, theirs).difference is None


# ---- faults ---------------------------------------------------------------------------------


def more(value: str) -> str:
    """A number that is wrong by one."""
    return hex(int(value, 16) + 1)


def other(value: str) -> str:
    """A hash with its last digit changed."""
    return value[:-1] + ("0" if value[-1] != "0" else "1")


def an_account(said: Said, key: str) -> Said:
    """The first account that has this."""
    return next(account for account in said["alloc"].values() if account.get(key))


def loud(said: Said) -> Said:
    """The first receipt with several different logs."""
    return next(
        receipt
        for receipt in said["result"]["receipts"]
        if len({json.dumps(log) for log in receipt["logs"]}) > 1
    )


def receipt_fault(key: str, change: Callable[[Any], Any]) -> Callable[[Said], None]:
    """A fault in the fourth receipt."""

    def spoil(said: Said) -> None:
        receipt = said["result"]["receipts"][3]
        receipt[key] = change(receipt[key])

    return spoil


def result_fault(key: str, change: Callable[[Any], Any]) -> Callable[[Said], None]:
    """A fault in a field of the result."""

    def spoil(said: Said) -> None:
        said["result"][key] = change(said["result"][key])

    return spoil


def spoil_balance(said: Said) -> None:
    account = an_account(said, "balance")
    account["balance"] = more(account["balance"])


def spoil_nonce(said: Said) -> None:
    account = an_account(said, "nonce")
    account["nonce"] = more(account["nonce"])


def spoil_code(said: Said) -> None:
    account = an_account(said, "code")
    account["code"] = other(account["code"])


def spoil_storage(said: Said) -> None:
    storage = an_account(said, "storage")["storage"]
    slot = next(iter(storage))
    storage[slot] = more(storage[slot])


def lose_slot(said: Said) -> None:
    storage = an_account(said, "storage")["storage"]
    del storage[next(iter(storage))]


def lose_account(said: Said) -> None:
    address = next(at for at, account in said["alloc"].items() if account.get("code"))
    del said["alloc"][address]


def invent_account(said: Said) -> None:
    said["alloc"]["0x" + "ab" * 20] = {"balance": "0x1"}


def invent_empty_account(said: Said) -> None:
    said["alloc"]["0x" + "ab" * 20] = {"balance": "0x0"}
    said["result"]["stateRoot"] = other(said["result"]["stateRoot"])


def swap_logs(said: Said) -> None:
    receipt = loud(said)
    receipt["logs"] = receipt["logs"][::-1]


def lose_log(said: Said) -> None:
    receipt = loud(said)
    receipt["logs"] = receipt["logs"][1:]


def spoil_log(said: Said) -> None:
    log = loud(said)["logs"][0]
    log["data"] += "00"


def create_by_call(said: Said) -> None:
    receipts = said["result"]["receipts"]
    call = next(receipt for receipt in receipts if "contractAddress" not in receipt)
    call["contractAddress"] = "0x" + "ab" * 20


def swap_receipts(said: Said) -> None:
    receipts = said["result"]["receipts"]
    receipts[4], receipts[5] = receipts[5], receipts[4]


def lose_receipt(said: Said) -> None:
    said["result"]["receipts"].pop()


def repeat_receipt(said: Said) -> None:
    said["result"]["receipts"].append(said["result"]["receipts"][-1])


def reject_more(said: Said) -> None:
    """It rejects the first transaction, and says so."""
    said["result"]["receipts"].pop(0)
    said["result"]["rejected"].insert(0, {"index": 0, "error": "no"})


def reject_less(said: Said) -> None:
    """It includes what is to be rejected, with some receipt."""
    index = said["result"]["rejected"].pop(0)["index"]
    receipts = said["result"]["receipts"]
    receipts.insert(index, {"status": "0x1", "cumulativeGasUsed": "0x5208"})


def refuse(said: Said) -> None:
    said["result"]["blockException"] = "too many transactions"


FAULTS: dict[str, tuple[Callable[[Said], None], str]] = {
    "status": (receipt_fault("status", lambda s: "0x0" if s == "0x1" else "0x1"), "status"),
    "gas": (receipt_fault("gasUsed", more), "gas_used"),
    "cumulative gas": (receipt_fault("cumulativeGasUsed", more), "cumulative_gas_used"),
    "type": (receipt_fault("type", more), "type"),
    "bloom": (receipt_fault("logsBloom", other), "bloom"),
    "hash": (receipt_fault("transactionHash", other), "transaction_hash"),
    "order of logs": (swap_logs, "logs"),
    "lost log": (lose_log, "logs.length"),
    "no list of logs": (lambda said: loud(said).update(logs=None), "logs.length"),
    "created by a call": (create_by_call, "contract_address"),
    "spoilt log": (spoil_log, "logs"),
    "order of receipts": (swap_receipts, "transaction_hash"),
    "extra receipt": (repeat_receipt, "length"),
}
"""Faults in receipts, with the kind of field that is to be named."""
BLOCK_FAULTS: dict[str, tuple[Callable[[Said], None], str]] = {
    "lost receipt": (lose_receipt, "rejected.extra"),
    "rejects one more": (reject_more, "rejected.extra"),
    "rejects one less": (reject_less, "rejected.missing"),
    "gas of the block": (result_fault("gasUsed", more), "gas_used"),
    "blob gas": (result_fault("blobGasUsed", more), "blob_gas_used"),
    "lost request": (result_fault("requests", lambda r: r[1:]), "requests"),
    "requests' hash": (result_fault("requestsHash", other), "requests_hash"),
    "withdrawals' root": (result_fault("withdrawalsRoot", other), "withdrawals_root"),
    "state root": (result_fault("stateRoot", other), "state_root"),
    "receipts' root": (result_fault("receiptsRoot", other), "receipts_root"),
    "transactions' root": (result_fault("txRoot", other), "transactions_root"),
    "bloom of the block": (result_fault("logsBloom", other), "logs_bloom"),
    "hash of the logs": (result_fault("logsHash", other), "logs_hash"),
    "balance": (spoil_balance, "accounts.balance"),
    "nonce": (spoil_nonce, "accounts.nonce"),
    "code": (spoil_code, "accounts.code"),
    "storage": (spoil_storage, "accounts.storage"),
    "lost slot": (lose_slot, "accounts.storage"),
    "lost account": (lose_account, "accounts.missing"),
    "invented account": (invent_account, "accounts.extra"),
    "invented empty account": (invent_empty_account, "accounts.extra"),
    "refused block": (refuse, "validity"),
}
"""Other faults, with the kind that is to be named."""
ALL_FAULTS = BLOCK_FAULTS | {
    name: (spoil, f"receipts.{kind}") for name, (spoil, kind) in FAULTS.items()
}


@pytest.mark.parametrize("name", ALL_FAULTS)
def test_every_fault_is_found_and_named(block: ClientBlock, said: Said, name: str) -> None:
    spoil, kind = ALL_FAULTS[name]
    right = copy.deepcopy(said)
    spoil(said)
    assert said != right
    difference = judged(block, said).difference
    assert difference is not None, "the comparison cannot fail"
    assert difference.signature == f"answer:{kind}:-"


def test_the_first_transaction_is_named(block: ClientBlock, said: Said) -> None:
    place = logs_in_one(block)
    swap_logs(said)
    spoil_balance(said)
    difference = judged(block, said).difference
    assert difference is not None
    assert difference.tx_index == block.expected.receipts[place].tx_index
    assert difference.got.startswith("a log of 0x")


def test_an_earlier_cause_comes_before_a_receipt_in_the_wrong_place(
    block: ClientBlock, said: Said
) -> None:
    swap_receipts(said)
    receipt_fault("gasUsed", more)(said)
    difference = judged(block, said).difference
    assert difference is not None and difference.kind == "receipts.gas_used"


# ---- what tools do otherwise, and is right ------------------------------------------------


def test_what_a_tool_does_not_give_is_not_compared(block: ClientBlock, said: Said) -> None:
    for receipt in said["result"]["receipts"]:
        del receipt["gasUsed"], receipt["type"]
        receipt["succeeded"] = bool(int(receipt.pop("status"), 16))
        receipt["bloom"] = receipt.pop("logsBloom")
        receipt["contractAddress"] = "0x" + "00" * 20
    del said["result"]["blobGasUsed"], said["alloc"]
    judgement = judged(block, said)
    assert judgement.difference is None
    unseen = {"receipts.gas_used", "receipts.type", "receipts.contract_address"}
    assert judgement.unseen == unseen | {"blob_gas_used", "alloc"}


def test_numbers_can_be_numbers(block: ClientBlock, said: Said) -> None:
    said["result"]["gasUsed"] = int(said["result"]["gasUsed"], 16)
    for receipt in said["result"]["receipts"]:
        receipt["status"] = int(receipt["status"], 16)
        receipt["cumulativeGasUsed"] = str(int(receipt["cumulativeGasUsed"], 16))
    assert judged(block, said).difference is None


def test_words_of_rejections_do_not_count(block: ClientBlock, said: Said) -> None:
    for rejected in said["result"]["rejected"]:
        rejected["error"] = "no, thanks"
    said["result"]["rejected"].reverse()
    assert judged(block, said).difference is None


def test_no_list_of_rejected_is_an_empty_one() -> None:
    block = find("Shanghai", lambda b: not b.expected.rejected)
    said = dump_transition(block.block, block.expected)
    del said["result"]["rejected"]
    judgement = judged(block, said)
    assert judgement.difference is None and "rejected" in judgement.compared


def test_requests_without_data_can_be_listed(block: ClientBlock, said: Said) -> None:
    said["result"]["requests"].append("0x07")
    assert judged(block, said).difference is None


def test_a_status_before_byzantium_is_none_of_the_protocol() -> None:
    block = find("Frontier", lambda _: True)
    said = dump_transition(block.block, block.expected)
    for receipt in said["result"]["receipts"]:
        receipt["status"] = "0x0"
    assert judged(block, said).difference is None
    said["result"]["receipts"][2]["root"] = "0x" + "ab" * 32
    difference = judged(block, said).difference
    assert difference is not None and difference.kind == "receipts.state_root"


def test_accounts_that_are_there_though_empty_may_be_left_out() -> None:
    def has_empty(block: ClientBlock) -> bool:
        return any(a.is_empty and not a.storage for a in block.expected.alloc.values())

    block = find("Frontier", has_empty)
    said = dump_transition(block.block, block.expected)
    left = {
        at: account
        for at, account in said["alloc"].items()
        if account.keys() - {"balance"} or int(account["balance"], 16)
    }
    assert len(left) < len(said["alloc"])
    said["alloc"] = left
    assert judged(block, said).difference is None
    root = said["result"].pop("stateRoot")
    assert judged(block, said).difference is None
    said["result"]["stateRoot"] = other(root)
    difference = judged(block, said).difference
    assert difference is not None and difference.kind == "accounts.missing"


def test_roots_may_count_rejected_transactions(block: ClientBlock, said: Said) -> None:
    gaps = next(iter(roots_with_gaps(block.block, block.expected)))
    assert gaps["receipts_root"] != block.expected.receipts_root
    said["result"]["receiptsRoot"] = hex_bytes(gaps["receipts_root"])
    said["result"]["txRoot"] = hex_bytes(gaps["transactions_root"])
    judgement = judged(block, said)
    assert judgement.difference is None and judgement.gaps
    said["result"]["txRoot"] = other(said["result"]["txRoot"])
    difference = judged(block, said).difference
    assert difference is not None and difference.kind == "transactions_root"
