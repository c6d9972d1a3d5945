"""Sparse fields are the kernel's, whatever the text does to them."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from pel_fuzz.conformance.sparse import SparseMap, SparseMapOfThree, sparse_state
from pel_spec.kernel import Map, fields
from pel_spec.scheduler.blockstm import BlockStm

LAST = (("x", 1), ("y", 2), ("z", 3))
INDEX, PLACE = st.integers(0, 2), st.sampled_from(LAST)
ALL = slice(None)


def pair(indices: int, initial: int | bool) -> tuple[Map, Map]:
    kind = SparseMap if indices == 2 else SparseMapOfThree
    return Map(LAST, initial), kind(LAST, initial)


@given(st.data(), st.sampled_from((2, 3)), st.sampled_from((False, 0, -2)))
def test_any_assignments_give_the_same_values(
    data: st.DataObject, indices: int, initial: int | bool
) -> None:
    plain, sparse = pair(indices, initial)
    others = pair(indices, data.draw(st.sampled_from((False, initial))))
    first = st.tuples(*[INDEX] * (indices - 1))
    values = st.booleans() if initial is False else st.integers(-2, 2)
    for _ in range(data.draw(st.integers(1, 12))):
        key = data.draw(first)
        for mine, other in zip((plain, sparse), others, strict=True):
            assert all(mine[(*key, x)] == plain[(*key, x)] for x in LAST)
            assert mine[(*key, ALL)](LAST[0]) == plain[(*key, LAST[0])]
            assert other[(*key, LAST[0])] == others[0][(*key, LAST[0])]
        what = data.draw(st.sampled_from(("one", "other", "value", "set", "row", "copy")))
        place, value = data.draw(PLACE), data.draw(values)
        chosen = frozenset(data.draw(st.sets(PLACE | st.just(("w", 0)))))
        source = data.draw(first)
        assign(plain, others[0], what, key, place, value, chosen, source)
        assign(sparse, others[1], what, key, place, value, chosen, source)
        if what == "copy":
            plain, sparse = plain.copy(), sparse.copy()
    assert {k: v for k, v in plain.values.items() if v != initial} == sparse.values


def assign(
    field: Map, other: Map, what: str, key: Any, place: Any, value: Any, chosen: Any, source: Any
) -> None:
    """One of the ways in which the text assigns."""
    if what == "one":
        field[(*key, place)] = value
    elif what == "other":
        other[(*key, place)] = value
    elif what == "value":
        field[(*key, ALL)] = value
    elif what == "set":
        field[(*key, ALL)] = chosen
    elif what == "row":
        field[(*key, ALL)] = other[(*source, ALL)]
    else:
        copied = field.copy()
        copied[(*key, place)] = 2
        copied[(*key, ALL)] = True


def test_a_sparse_state_is_an_initial_state() -> None:
    sparse, plain = sparse_state(2, 3, LAST), BlockStm(2, 3, LAST)
    kinds = set()
    for name, field in fields(BlockStm).items():
        one, two = getattr(sparse, name), getattr(plain, name)
        kinds.add(type(one))
        if isinstance(two, Map):
            assert one.initial == two.initial and set(one.last) == set(two.last)
            assert dict(one.values) == two.values == {}
        else:
            assert one == two == field.initial
    assert {Map, SparseMap, SparseMapOfThree} <= kinds
