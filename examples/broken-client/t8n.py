"""A transition tool around the executor of `waves.py`: it stands for your client.

`pel client check` knows nothing about it but two interfaces, and either is enough: the options of
geth's `evm t8n`, and with `--socket PATH` the server of EELS's daemon, which is faster because it
is started only once. It borrows PEL's EVM to stay small; the parallel part is its own.
"""

import argparse
import json
import socketserver
import sys
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

from pel_fuzz.formats.history_jsonl import write_history
from pel_reference.block import Block
from pel_reference.json_input import Field
from pel_reference.settle import settle
from pel_reference.t8n_result import dump_transition
from pel_reference.transitions import compile_block
from pel_reference.triple import parse_block, read_block_files
from waves import Waves


def options() -> argparse.Namespace:
    """What a transition tool is told, and a few options of our own."""
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--input.alloc", dest="alloc")
    parser.add_argument("--input.env", dest="env")
    parser.add_argument("--input.txs", dest="txs")
    parser.add_argument("--state.fork", dest="fork")
    parser.add_argument("--state.chainid", dest="chain_id", type=int, default=1)
    parser.add_argument("--state.reward", dest="reward", type=int)
    parser.add_argument("--output.basedir", dest="folder", type=Path, default=Path())
    parser.add_argument("--output.result", dest="result", default="result.json")
    parser.add_argument("--output.alloc", dest="post", default="alloc.json")
    parser.add_argument("--output.body", dest="body", help="not written")
    parser.add_argument("--socket", help="serve at this Unix socket instead")
    parser.add_argument("--fixed", action="store_true", help="without the bug")
    parser.add_argument("--width", type=int, default=4, help="transitions in a wave")
    parser.add_argument("--history", type=Path, help="log what it did, for pel check")
    return parser.parse_args()


def execute(block: Block, given: argparse.Namespace) -> dict[str, Any]:
    """What a block comes to, as transition tools print it."""
    compiled = compile_block(block)
    waves = Waves(compiled, given.width, given.fixed)
    result, history = waves.run()
    if given.history is not None:
        with given.history.open("w") as stream:
            write_history(stream, history)
    print(f"waves of {given.width}: {waves.again} executed again", file=sys.stderr, flush=True)
    return dump_transition(block, settle(compiled, result))


def serve(given: argparse.Namespace) -> None:
    """Answer blocks that are posted to the socket, one after the other, until the end."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            block = parse_block(Field("request", "", json.loads(self.rfile.read(length))))
            answer = json.dumps(execute(block, given)).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def address_string(self) -> str:
            return "socket"  # it has no address

        def log_request(self, *_: object) -> None:
            """Say nothing of each."""

    with socketserver.UnixStreamServer(given.socket, Handler) as server:
        server.serve_forever()


def main() -> None:
    """Execute one block and write what a transition tool writes; or serve."""
    given = options()
    if given.socket is not None:
        serve(given)
    files = given.alloc, given.env, given.txs
    told = execute(read_block_files(*files, given.fork, given.chain_id, given.reward), given)
    given.folder.mkdir(parents=True, exist_ok=True)
    (given.folder / given.result).write_text(json.dumps(told["result"]))
    (given.folder / given.post).write_text(json.dumps(told["alloc"]))


if __name__ == "__main__":
    main()
