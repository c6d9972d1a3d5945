"""A transition tool around the executor of `waves.py`, with the options of geth's `evm t8n`.

It stands for your client: `pel client check` knows nothing about it but these options. It borrows
PEL's EVM to stay small; the parallel part is its own.
"""

import argparse
import json
import sys
from pathlib import Path

from pel_fuzz.formats.history_jsonl import write_history
from pel_reference.settle import settle
from pel_reference.t8n_result import dump_transition
from pel_reference.transitions import compile_block
from pel_reference.triple import read_block_files
from waves import Waves


def options() -> argparse.Namespace:
    """What a transition tool is told, and three options of our own."""
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--input.alloc", dest="alloc", required=True)
    parser.add_argument("--input.env", dest="env", required=True)
    parser.add_argument("--input.txs", dest="txs", required=True)
    parser.add_argument("--state.fork", dest="fork", required=True)
    parser.add_argument("--state.chainid", dest="chain_id", type=int, default=1)
    parser.add_argument("--state.reward", dest="reward", type=int)
    parser.add_argument("--output.basedir", dest="folder", type=Path, default=Path())
    parser.add_argument("--output.result", dest="result", default="result.json")
    parser.add_argument("--output.alloc", dest="post", default="alloc.json")
    parser.add_argument("--output.body", dest="body", help="not written")
    parser.add_argument("--fixed", action="store_true", help="without the bug")
    parser.add_argument("--width", type=int, default=4, help="transitions in a wave")
    parser.add_argument("--history", type=Path, help="log what it did, for pel check")
    return parser.parse_args()


def main() -> None:
    """Execute one block and write what a transition tool writes."""
    given = options()
    files = given.alloc, given.env, given.txs
    block = compile_block(read_block_files(*files, given.fork, given.chain_id, given.reward))
    waves = Waves(block, given.width, given.fixed)
    result, history = waves.run()
    dumped = dump_transition(block.block, settle(block, result))
    given.folder.mkdir(parents=True, exist_ok=True)
    (given.folder / given.result).write_text(json.dumps(dumped["result"]))
    (given.folder / given.post).write_text(json.dumps(dumped["alloc"]))
    if given.history is not None:
        with given.history.open("w") as stream:
            write_history(stream, history)
    print(f"waves of {given.width}: {waves.again} executed again", file=sys.stderr)


if __name__ == "__main__":
    main()
