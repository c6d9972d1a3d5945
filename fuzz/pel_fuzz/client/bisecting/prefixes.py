"""Prefixes of a block as tests that a client can be given, and what decides whether its answers
mean anything."""

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pel_fuzz.client.fixtures.fixture_run import FixtureClient, Told
from pel_fuzz.client.fixtures.fixtures import BLOCKCHAIN_TEST, Fixture, dump_test
from pel_fuzz.client.fixtures.forging import STATE, NotForgeable, forge
from pel_fuzz.client.fixtures.plain_block import plain_block
from pel_reference.sealing import SealedBlock, Unsealable, seal


@dataclass(frozen=True, slots=True)
class Prefixes:
    """A sealed block whose prefixes go to a client, as files in a folder."""

    whole: SealedBlock
    client: FixtureClient
    folder: Path
    format: str = BLOCKCHAIN_TEST

    @property
    def size(self) -> int:
        """How many transactions the block has."""
        return len(self.whole.block.transactions)

    def ask(self, k: int) -> Told:
        """Give the client the block of the first `k` transactions.

        Raises: `NoStart`; `Unsealable`, where that block is not valid.
        """
        block = self.whole.block
        sealed = seal(replace(block, transactions=block.transactions[:k]))
        return self._run(f"prefix_{k}_of_{self.size}", dump_test(sealed, self.format))

    def ask_canary(self) -> Told | None:
        """Give the client the whole block with a wrong state, which it has to refuse.

        Result: `None`, where no such block can be made.
        """
        fixture = Fixture(
            Path("whole"), self.format, {"canary": dump_test(self.whole, self.format)}
        )
        try:
            return self._run("canary", forge(fixture, "canary", STATE).test)
        except NotForgeable:
            return None

    def ask_control(self) -> Told | None:
        """Give the client the plainest block of the fork, which it has to pass.

        Result: `None`, where no such block can be made.
        """
        try:
            sealed = seal(plain_block(self.whole.block.fork))
        except Unsealable:
            return None
        return self._run("control", dump_test(sealed, self.format))

    def _run(self, name: str, test: dict[str, Any]) -> Told:
        path = self.folder / f"{name}.json"
        path.write_text(json.dumps({name: test}), encoding="utf-8")
        return self.client.run(path, [name])[0]
