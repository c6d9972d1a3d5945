"""Two traces have one fingerprint just if one becomes the other by swapping steps that commute, and
by giving the workers each other's names."""

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import pairwise, permutations, product
from typing import TypeAlias

from hypothesis import given, settings
from hypothesis import strategies as st

from pel_fuzz.coverage.traces import Traces
from pel_fuzz.tiny import TinyBlock
from pel_parallel.choices import Default, RandomWalk
from pel_parallel.conflicts import conflict
from pel_parallel.executor import run_block
from pel_parallel.greenlets import GreenletController
from pel_spec.sync import Step

Letter: TypeAlias = tuple[int, str, str]
"""Worker, action, and the location of the cell that it touches."""
Word: TypeAlias = tuple[Letter, ...]

ACTIONS = ("read_cell", "check_read", "write_cell", "mark_estimate")
BLOCK = TinyBlock(((("get", 0), ("put", 0)), (("get", 0), ("put", 1)), (("get", 1),)))


def steps(word: Sequence[Letter]) -> list[Step]:
    """The trace that a word stands for."""
    own, sequence = Counter[int](), Counter[str]()
    found = []
    for worker, action, where in word:
        name = ("cell", where)
        found.append(Step(worker, own[worker], action, (0,), name, sequence[where], None))
        own[worker] += 1
        sequence[where] += 1
    return found


def fingerprint(word: Sequence[Letter]) -> int:
    return Traces().fingerprint(steps(word))


def neighbours(word: Word) -> Iterator[Word]:
    """The words with two neighbouring steps of different workers swapped, if these commute."""
    for k, (one, other) in enumerate(pairwise(word)):
        forms = [(action, (0,), ("cell", where)) for _, action, where in (one, other)]
        if one[0] != other[0] and not conflict(*forms):
            yield (*word[:k], other, one, *word[k + 2 :])


@cache
def equivalents(word: Word) -> frozenset[Word]:
    """Whatever a word becomes by any number of such swaps."""
    found, left = {word}, [word]
    while left:
        for swapped in neighbours(left.pop()):
            if swapped not in found:
                found.add(swapped)
                left.append(swapped)
    return frozenset(found)


def renamed(word: Word, names: Sequence[int]) -> Word:
    return tuple((names[worker], action, where) for worker, action, where in word)


def canonical(word: Word, workers: int) -> Word:
    """The least word that a word becomes by swaps and new names."""
    return min(min(equivalents(renamed(word, p))) for p in permutations(range(workers)))


def test_of_all_short_words() -> None:
    letters = list(product((0, 1), ("read_cell", "write_cell"), ("x", "y")))
    seen: dict[int, Word] = {}
    classes: set[Word] = set()
    for length in range(5):
        for word in product(letters, repeat=length):
            least = canonical(word, 2)
            assert seen.setdefault(fingerprint(word), least) == least, "two with one fingerprint"
            classes.add(least)
    assert len(seen) == len(classes), "one with two fingerprints"
    assert len(classes) > 1000


WORDS = st.lists(
    st.tuples(st.integers(0, 2), st.sampled_from(ACTIONS), st.sampled_from("xy")), max_size=6
).map(tuple)


@settings(max_examples=200, deadline=None)
@given(WORDS, st.permutations(range(3)), st.randoms(use_true_random=False))
def test_of_longer_words(word: Word, names: list[int], random: object) -> None:
    told = fingerprint(word)
    assert all(fingerprint(each) == told for each in equivalents(word))
    assert fingerprint(renamed(word, names)) == told
    shuffled = list(word)
    random.shuffle(shuffled)
    is_same = canonical(tuple(shuffled), 3) == canonical(word, 3)
    assert (fingerprint(shuffled) == told) == is_same


def test_a_worker_s_own_steps_tell_nothing_of_its_name() -> None:
    def alone(worker: int) -> list[Step]:
        return [Step(worker, 0, "start_worker", (), ("worker", worker), 0, None)]

    assert Traces().fingerprint(alone(0)) == Traces().fingerprint(alone(3))
    assert Traces().fingerprint(alone(0)) != Traces().fingerprint([])


def test_a_fingerprint_is_the_same_everywhere() -> None:
    """Whatever the hash seed: this very number."""
    assert fingerprint(((0, "write_cell", "x"), (1, "read_cell", "x"))) == 2486063654708289362


def runs(seeds: range) -> Traces:
    """Runs of a small block; without a seed, by default."""
    traces = Traces()
    for seed in seeds:
        choices = RandomWalk(seed, 0.4) if seed else Default()
        run = run_block(BLOCK, workers=2, runtime=GreenletController(choices))
        assert run.trace is not None
        traces.add(run.trace)
    return traces


def test_a_strategy_that_never_switches_sees_one_trace() -> None:
    traces = Traces()
    for _ in range(10):
        traces.seen.update(runs(range(1)).seen)
    assert (traces.runs, len(traces.seen), traces.once) == (10, 1, 0)


def test_different_interleavings_are_different_traces() -> None:
    traces = runs(range(1, 101))
    assert traces.runs == 100
    assert 90 < len(traces.seen) <= 100
    assert traces.once == sum(count == 1 for count in traces.seen.values()) > 80
