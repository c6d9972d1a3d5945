"""Servers of blocks: by a socket, a port or an address, right, wrong, dying, or hostile."""

import json
import shlex
import socket
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pel_fuzz.client.asking.server import TransitionServer
from pel_fuzz.client.checking.blocks import ClientBlock, client_block_at
from pel_fuzz.client.checking.examining import Examined, examine
from pel_fuzz.client.running.failures import ClientFailure, NoStart, Stopped
from pel_fuzz.client.running.limits import Limits
from pel_reference.t8n_result import dump_transition

Server = Callable[..., TransitionServer]

SERVER = """
import json, os, signal, socket, socketserver, sys, time
from http.server import BaseHTTPRequestHandler
ANSWER = {answer!r}
way, where = sys.argv[1:]
class Handler(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass
    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        print("asked for", asked["state"]["fork"], file=sys.stderr, flush=True)
{body}
    def reply(self, body, status=200):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
if way == "socket":
    class Listener(socketserver.UnixStreamServer):
        def get_request(self):
            return super().get_request()[0], ("local", 0)
else:
    Listener, where = socketserver.TCPServer, ("127.0.0.1", int(where))
with Listener(where, Handler) as server:
    server.serve_forever()
"""
RIGHT = "self.reply(ANSWER)"


@pytest.fixture(scope="module")
def block() -> ClientBlock:
    """A block, always the same."""
    return client_block_at(5, 0, "Shanghai", least_transactions=8, least_gas=0)


@pytest.fixture
def serve(tmp_path: Path, block: ClientBlock) -> Iterator[Server]:
    """Starts servers that do what they are told to, and ends them."""
    made: list[TransitionServer] = []

    def start(body: str, way: str = "socket", **limits: Any) -> TransitionServer:
        path = tmp_path / "server.py"
        answer = json.dumps(dump_transition(block.block, block.expected)).encode()
        inside = textwrap.indent(textwrap.dedent(body), " " * 8)
        path.write_text(SERVER.format(answer=answer, body=inside), encoding="utf-8")
        command = shlex.join([sys.executable, "-I", "-S", str(path), way]) + f" {{{way}}}"
        made.append(TransitionServer(command, Limits(**{"seconds": 30.0, **limits})))
        return made[-1]

    yield start
    for server in made:
        server.close()


def asked(server: TransitionServer, block: ClientBlock) -> Examined:
    """What comes of asking for the block."""
    return examine(server, block.block, block.expected)


@pytest.mark.parametrize("way", ["socket", "port"])
def test_one_process_answers_block_after_block(serve: Server, block: ClientBlock, way: str) -> None:
    with serve(RIGHT, way) as server:
        for _ in range(3):
            examined = asked(server, block)
            assert examined.difference is None and examined.is_compared
            assert server.log.strip() == b"asked for Shanghai"  # of this block alone
        assert server.starts == 1 and server.can_be_heard


def test_a_server_that_runs_already(serve: Server, block: ClientBlock) -> None:
    with serve(RIGHT, "port") as server:
        asked(server, block)
        assert server._url is not None
        with TransitionServer(None, Limits(), url=server._url) as other:
            assert asked(other, block).is_compared
            assert not other.can_be_heard and other.starts == 0


def test_a_wrong_answer_is_a_difference(serve: Server, block: ClientBlock) -> None:
    wrong = "said = json.loads(ANSWER)\nsaid['result']['gasUsed'] = '0x1'\n"
    server = serve(wrong + "self.reply(json.dumps(said).encode())")
    difference = asked(server, block).difference
    assert difference is not None and difference.signature == "answer:gas_used:-"


FAILURES = {
    "exit.9": "os._exit(9)",
    "exit.0": "os._exit(0)",
    "signal.SIGSEGV": "os.kill(os.getpid(), signal.SIGSEGV)",
    "refused": "self.reply(b'no such fork', 500)",
    "refused: nothing": "self.reply(b'')",
    "refused: breaks off": "self.connection.shutdown(socket.SHUT_RDWR)",
    "refused: says so": 'self.reply(b\'{"error": "out of order"}\')',
    "garbage": "self.reply(b'<html>')",
    "garbage: no result": "self.reply(b'{}')",
    "garbage: a list": "self.reply(b'{\"result\": []}')",
    "garbage: deep": "self.reply(b'[' * 100000)",
    "garbage: not HTTP": "self.wfile.write(b'hello hello hello\\r\\n\\r\\n')",
    "garbage: cut off": "self.send_response(200)\nself.send_header('Content-Length', '999')\n"
    "self.end_headers()\nself.wfile.write(b'{')",
    "garbage: encoded": "self.send_response(200)\nself.send_header('Content-Encoding', 'gzip')\n"
    "self.end_headers()\nself.wfile.write(ANSWER)",
    "twice": "self.reply(ANSWER + ANSWER)",
    "timeout": "time.sleep(60)",
    "timeout: drop by drop": "self.send_response(200)\nself.end_headers()\n"
    "while True:\n    self.wfile.write(b'{')\n    time.sleep(0.05)",
    "output": "self.send_response(200)\nself.end_headers()\n"
    "while True:\n    self.wfile.write(b'{' * 65536)",
    "output: on its error stream": "while True:\n    sys.stderr.write('x' * 65536)",
    "memory": "kept = bytearray(1 << 29)\ntime.sleep(60)",
}


@pytest.mark.parametrize("name", FAILURES)
def test_a_failure_is_named_and_the_next_block_is_asked_for(
    serve: Server, block: ClientBlock, name: str
) -> None:
    """A plain block is answered, so it is no matter of the fork."""
    kind = name.partition(":")[0]
    spoilt = textwrap.indent(FAILURES[name], "    ")
    server = serve(
        f"if asked['input']['txs']:\n{spoilt}\nelse:\n    {RIGHT}",
        seconds=1.0 if kind == "timeout" else 30.0,
        memory_bytes=300 << 20,
        output_bytes=1 << 20,
    )
    examined = asked(server, block)
    assert examined.failure == kind and examined.unfit is None
    difference = examined.difference
    assert difference is not None
    is_verdict = kind.startswith(("exit", "signal", "refused"))
    assert difference.oracle == ("fault" if is_verdict else "client")
    assert "asked for Shanghai" in examined.errors
    again = asked(server, block)
    assert again.failure == kind and server.starts >= 2


def test_a_server_that_cannot_start(tmp_path: Path, block: ClientBlock) -> None:
    bad = shlex.join([sys.executable, "-I", "-S", "-c", "import sys; sys.exit('no licence')"])
    server = TransitionServer(f"{bad} {{port}}", Limits())
    with server, pytest.raises(NoStart, match="no licence"):
        server.execute(block.block)
    for command, url in (("tool", None), (None, "ftp://x/"), (None, "http://"), (None, "")):
        with pytest.raises(NoStart):
            TransitionServer(command, Limits(), url=url)


def test_nobody_at_the_address(block: ClientBlock) -> None:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/"
        server = TransitionServer(None, Limits(), url=url)
        with server, pytest.raises(ClientFailure) as raised:
            server.execute(block.block)
        assert raised.value.kind == "unreachable" and not raised.value.is_verdict


def test_an_address_that_never_answers(block: ClientBlock) -> None:
    """It takes the connection, and nothing else."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/"
        start = time.monotonic()
        server = TransitionServer(None, Limits(seconds=0.5), url=url)
        with server, pytest.raises(ClientFailure) as raised:
            server.execute(block.block)
        assert raised.value.kind == "timeout" and time.monotonic() - start < 10


def test_giving_up_a_server(serve: Server, block: ClientBlock) -> None:
    given_up = threading.Event()
    threading.Timer(0.5, given_up.set).start()
    with pytest.raises(Stopped):
        serve("time.sleep(60)").execute(block.block, given_up.is_set)
