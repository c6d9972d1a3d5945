"""Blocks of key-value programs are shrunk to what an executor needs to go wrong, even if it goes
wrong now and then only."""

import pytest

from pel_fuzz.client.programs.program_shrinking import shrink_programs
from pel_fuzz.client.programs.programs import Examined, ProgramExecutor, examine, program_block_at
from pel_fuzz.client.running.process import Stop, never
from pel_fuzz.drive.messages import Answer, result_of
from pel_fuzz.formats.programs_json import expected_json
from pel_fuzz.tiny import TinyBlock
from pel_fuzz.verdict import Difference, Oracle


class InProcess(ProgramExecutor):
    """An executor that needs no process: wrong about each program that deletes a cell and reads it
    afterwards, at every so many runs."""

    every = 1
    runs = 0

    def execute(self, block: TinyBlock, stop: Stop = never) -> tuple[Answer, str]:
        type(self).runs += 1
        answer = result_of(expected_json(block), block, "")
        outcomes = list(answer.outcomes)
        for position, program in enumerate(block.programs):
            deleted = {i[1] for i in program if i[0] == "delete"}
            if self.runs % self.every == 0 and any(
                i[0] == "get" and i[1] in deleted for i in program
            ):
                outcomes[position] = ("ended", 1)
        return answer._replace(outcomes=tuple(outcomes)), ""


class NowAndThen(InProcess):
    """Wrong at every third run."""

    every = 3


@pytest.mark.parametrize("kind", [InProcess, NowAndThen])
def test_a_block_is_shrunk_to_what_the_executor_needs(kind: type[InProcess]) -> None:
    executor = kind("in process")
    for index in range(100):
        block = program_block_at(4, index).value
        found = examine(executor, block, runs=3)
        if found.difference is not None:
            break
    small, shown = shrink_programs(executor, block, found, seconds=120)
    assert shown.difference is not None
    assert shown.difference.signature == found.difference.signature  # type: ignore[union-attr]
    (program,) = small.programs
    assert sorted(name for name, *_ in program) == ["delete", "get"]
    assert not any(small.initial_values)


def test_shrinking_ends_with_its_time() -> None:
    executor = InProcess("in process")
    block = program_block_at(4, 0).value
    found = Examined(Difference(Oracle.ANSWER, "outcome", "outcome", "", ""))
    assert shrink_programs(executor, block, found, seconds=0) == (block, found)
