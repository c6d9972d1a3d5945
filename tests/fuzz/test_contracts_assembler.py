"""The assembler, and the encoding of call data."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pel_fuzz.contracts import CONTRACTS, Contract, Function, call_data, words
from pel_fuzz.contracts.abi import encode
from pel_fuzz.contracts.assembler import AssemblyError, assemble, push
from pel_fuzz.contracts.contract import functions_by_name
from pel_fuzz.contracts.opcodes import OPCODES, newest_fork
from pel_reference.forks import RULES

WORDS = st.integers(0, 2**256 - 1)
ADDRESS = bytes(range(20))


def test_program_is_assembled() -> None:
    program = assemble(
        """
        0 CALLDATALOAD @done JUMPI   ; a comment: @nothing
        here: 0x0001 300 0 @here @end
        done: STOP
        """
    )
    assert program.code.hex() == "600035610016575b61000161012c60006100076100185b00"
    assert program.first_fork == "Frontier"


@given(WORDS)
def test_number_is_pushed_in_as_few_bytes_as_it_takes(value: int) -> None:
    code = assemble(str(value)).code
    assert code == push(code[1:])
    assert int.from_bytes(code[1:], "big") == value
    assert len(code) == 2 or code[1] != 0


@given(st.binary(min_size=1, max_size=32))
def test_bytes_are_pushed_as_written(value: bytes) -> None:
    assert assemble(f"0x{value.hex()}").code == bytes([0x5F + len(value)]) + value


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("NOTHING", "NOTHING: not a mnemonic"),
        ("add", "add: not a mnemonic"),
        ("PUSH1 1", "PUSH1: not a mnemonic that can be written"),
        ("0xz", "0xz: not a number"),
        ("0x123", "0x123: not a number"),
        ("0x", "cannot push 0 bytes"),
        ("12a", "12a: not a number"),
        (str(2**256), "cannot push 33 bytes"),
        ("a: a:", "a: defined twice"),
        ("end:", "end: defined twice"),
        ("@a", "a: not defined"),
        ("STOP " * 65536, "65536 bytes long"),
    ],
)
def test_text_that_is_no_program_is_refused(source: str, problem: str) -> None:
    with pytest.raises(AssemblyError, match=problem):
        assemble(source)


def test_first_fork_is_that_of_the_newest_instruction() -> None:
    assert assemble("0 0 REVERT").first_fork == "Byzantium"
    assert assemble("0 TLOAD 0 0 REVERT").first_fork == "Cancun"
    assert newest_fork([]) == "Frontier"
    with pytest.raises(ValueError, match="not in tuple"):
        newest_fork(["Atlantis"])


@pytest.mark.parametrize("fork", RULES)
def test_table_of_instructions_is_that_of_the_evm(fork: str) -> None:
    """py-evm's own table of the fork has the same instructions, under the same bytes."""
    known = set(RULES[fork].vm.get_state_class().computation_class.opcodes)
    forks = list(RULES)
    ours = {
        opcode.byte
        for opcode in OPCODES.values()
        if forks.index(opcode.first_fork) <= forks.index(fork)
    }
    assert ours - {OPCODES["INVALID"].byte} == known - {OPCODES["INVALID"].byte}


@pytest.mark.parametrize("mnemonic", OPCODES)
def test_mnemonics_are_those_of_the_evm(mnemonic: str) -> None:
    opcodes = RULES["Prague"].vm.get_state_class().computation_class.opcodes
    instruction = opcodes.get(OPCODES[mnemonic].byte)
    unnamed = {"DIFFICULTY": "PREVRANDAO", "INVALID": None, "SELFDESTRUCT": None}
    assert getattr(instruction, "mnemonic", None) == unnamed.get(mnemonic, mnemonic)


@given(st.lists(WORDS))
def test_words_are_told_apart(values: list[int]) -> None:
    data = words(*values)
    assert [int.from_bytes(data[at : at + 32], "big") for at in range(0, len(data), 32)] == values


@given(st.lists(WORDS, max_size=4), st.binary(max_size=80))
def test_raw_bytes_follow_the_words(values: list[int], tail: bytes) -> None:
    types = ["uint256"] * len(values) + ["raw"]
    assert encode(types, [*values, tail]) == words(*values) + tail


def test_encoding_is_that_of_the_abi_specification() -> None:
    """Two examples of the specification: static values, and dynamic ones mixed with static."""
    assert encode(("uint32", "bool"), (69, True)) == words(69, 1)
    mixed = encode(("bytes", "bool", "bytes"), (b"dave", True, b"\x01" * 33))
    assert mixed == words(0x60, 1, 0xA0, 4) + b"dave" + bytes(28) + words(
        33
    ) + b"\x01" * 33 + bytes(31)
    assert encode(("string",), ("é",)) == words(32, 2) + "é".encode() + bytes(30)
    assert encode(("int8", "bytes3", "address"), (-1, b"abc", ADDRESS)) == (
        b"\xff" * 32 + b"abc" + bytes(29) + bytes(12) + ADDRESS
    )


@pytest.mark.parametrize(
    ("kind", "value", "problem"),
    [
        ("uint8", 256, "256 is not a uint8"),
        ("uint256", -1, "-1 is not a uint256"),
        ("uint256", 2**256, "is not a uint256"),
        ("uint256", "7", "'7' is not a number"),
        ("int8", 128, "128 is not an int8"),
        ("int8", -129, "-129 is not an int8"),
        ("address", 2**160, "is not an address"),
        ("bool", 2, "2 is not a bool"),
        ("bytes4", b"abc", "4 bytes expected, 3 given"),
        ("bytes4", 7, "7 is not bytes"),
        ("bytes", 7, "7 is not bytes"),
        ("uint256[2]", 7, "not a type that can be encoded"),
    ],
)
def test_argument_that_does_not_fit_its_type_is_refused(
    kind: str, value: int | bytes | str, problem: str
) -> None:
    with pytest.raises(ValueError, match=problem):
        encode((kind,), (value,))


def test_raw_bytes_come_last() -> None:
    with pytest.raises(ValueError, match="last"):
        encode(("raw", "uint256"), (b"", 1))


def test_call_data_begins_with_the_selector() -> None:
    token = CONTRACTS["token"]
    selectors = {
        "transfer": "a9059cbb",
        "transferFrom": "23b872dd",
        "approve": "095ea7b3",
        "balanceOf": "70a08231",
    }
    assert {name: token.functions[name].selector.hex() for name in selectors} == selectors
    assert call_data(token, "transfer", ADDRESS, 5).hex() == "a9059cbb" + words(ADDRESS, 5).hex()
    with pytest.raises(KeyError):
        call_data(token, "steal")
    with pytest.raises(ValueError, match="2 arguments expected, 1 given"):
        call_data(token, "transfer", ADDRESS)


def test_functions_say_whether_they_take_value_or_only_look() -> None:
    nft, token = CONTRACTS["nft"], CONTRACTS["token"]
    assert nft.functions["mint"] == Function("mint", bytes.fromhex("1249c58b"), (), True, False)
    assert not token.functions["transfer"].payable
    assert token.functions["balanceOf"].view
    assert not token.functions["transfer"].view


def test_functions_keep_their_order() -> None:
    functions = functions_by_name(Function("b", b""), Function("a", b""))
    contract = Contract("c", "C.", b"", b"", "Frontier", functions)
    assert list(contract.functions) == ["b", "a"]
