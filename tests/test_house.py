"""The laws of the house, held against the tree; and for each a bad sample that it must refuse.

The laws themselves are in `tools/house`. A law without its canary could be blind.
"""

from fnmatch import fnmatch
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from house import docstrings, imports, layout, lock, text, tree

ROOT = Path(__file__).resolve().parent.parent
LOCKS = ("*.lock", "requirements*.txt", "constraints*.txt", "package-lock.json")
HASH = f"    --hash=sha256:{'0' * 64}"


def sample(source: str, name: str = "pel_spec.sample", file: str | None = None) -> tree.Module:
    """A module of ours that is not in the tree."""
    return tree.Module(name, file or f"{name.replace('.', '/')}.py", source)


def hold(violations: list[str]) -> None:
    """Fail with every place where a law is broken, one a line."""
    if violations:
        pytest.fail("\n".join(violations), pytrace=False)


@pytest.fixture(scope="module")
def modules() -> list[tree.Module]:
    """The modules of our packages."""
    return tree.modules(ROOT)


@pytest.fixture(scope="module")
def files() -> list[str]:
    """The files that belong to the tree."""
    return tree.house_files(ROOT)


# What the laws are held against.


def test_modules_of_every_package_are_found(modules: list[tree.Module]) -> None:
    assert {module.package for module in modules} == set(imports.MAY_IMPORT)
    assert {"pel_spec", "pel_spec.vocabulary"} <= {module.name for module in modules}


def test_ignored_files_are_left_out(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text("# ours\n.venv/\n*.pyc\n/found/\n")
    kept = ["a.py", "b/found/c.txt"]
    for path in [*kept, ".git/HEAD", ".venv/bin/pel", "b/.venv/x", "b/c.pyc", "found/1.json"]:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text("")
    assert tree.house_files(tmp_path) == [".gitignore", *kept]


# Layers, threads, cycles.


def test_layers_hold(modules: list[tree.Module]) -> None:
    hold([line for module in modules for line in imports.layer_violations(module)])


def test_no_import_cycles(modules: list[tree.Module]) -> None:
    hold(imports.cycle_violations(modules))


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("pel_spec.sample", "import z3"),
        ("pel_spec.sample", "from pel_proof import lift"),
        ("pel_spec.sample", "import threading"),
        ("pel_proof.sample", "from pel_reference.block import Account"),
        ("pel_reference.sample", "import pel_parallel"),
        ("pel_reference.sample", "from pel_fuzz import cli"),
        ("pel_parallel.sample", "from pel_reference import block"),
        ("pel_parallel.sample", "def lazily():\n    from eth.abc import VirtualMachineAPI"),
        ("pel_parallel.sample", "from threading import Lock"),
        ("pel_parallel.sample", "import concurrent.futures"),
        ("pel_parallel.sample", "try:\n    import hypothesis\nexcept ImportError:\n    pass"),
        ("pel_fuzz.sample", "import ethereum.forks.prague.fork"),
        ("pel_fuzz.sample", "from eth_utils import keccak"),
        ("pel_fuzz.sample", "import importlib\nimportlib.import_module('eth.vm')"),
        ("pel_fuzz.sample", "__import__('rlp')"),
        ("pel_fuzz.sample", "import_module(f'ethereum.forks.{fork}')"),
        ("pel_fuzz.sample", "import_module(name)"),
        ("pel_spec.sample", "if TYPE_CHECKING:\n    from pel_parallel import sync"),
        ("pel_spec.sample", "if typing.TYPE_CHECKING:\n    pass\nelse:\n    import z3"),
    ],
)
def test_forbidden_imports_are_refused(name: str, source: str) -> None:
    assert len(imports.layer_violations(sample(source, name))) == 1


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("pel_spec.sample", "import dataclasses, collections.abc\nfrom . import history"),
        ("pel_spec.sample", "from pel_spec.history import History\nfrom .fold import fold"),
        ("pel_proof.sample", "import z3\nfrom pel_spec import history"),
        ("pel_reference.sample", "import_module(f'ethereum.forks.{fork}.fork')\nimport eth.abc"),
        ("pel_parallel.sync", "import threading\nimport greenlet"),
        ("pel_fuzz.sample", "import hypothesis\nimport pel_proof, pel_reference, pel_parallel"),
    ],
)
def test_lawful_imports_pass(name: str, source: str) -> None:
    assert imports.layer_violations(sample(source, name)) == []


def test_cycles_are_refused() -> None:
    package = sample("from .a import A", "pel_spec", "pel_spec/__init__.py")
    a = sample("from pel_spec.b import B", "pel_spec.a")
    b_of = {
        "direct": "import pel_spec.a",
        "relative": "from . import a",
        "hidden in a function": "def f():\n    from pel_spec import a",
        "through the package": "from pel_spec import A",
    }
    for how, source in b_of.items():
        assert imports.cycle_violations([package, a, sample(source, "pel_spec.b")]), how
    typing_only = "if TYPE_CHECKING:\n    from pel_spec.a import A"
    assert imports.cycle_violations([package, a, sample(typing_only, "pel_spec.b")]) == []


# Sizes.


def test_sizes_hold(modules: list[tree.Module], files: list[str]) -> None:
    python = [path for path in files if path.endswith(".py")]
    assert "tools/house/text.py" in python
    found = [
        line
        for path in python
        for line in text.size_violations(path, (ROOT / path).read_text(encoding="utf-8"))
    ]
    hold(found + text.package_size_violations(modules))


def test_large_things_are_refused() -> None:
    most = "def f():\n" + "    pass\n" * (text.FUNCTION_LINES - 1)
    assert text.size_violations("x.py", most) == []
    assert len(text.size_violations("x.py", most + "    pass\n")) == 1
    assert (
        len(
            text.size_violations(
                "x.py", "class C:\n    async " + most.replace("\n", "\n    ") + "    pass\n"
            )
        )
        == 1
    )
    assert text.size_violations("x.py", "x = 1\n" * text.FILE_LINES) == []
    assert len(text.size_violations("x.py", "x = 1\n" * (text.FILE_LINES + 1))) == 1
    assert text.package_size_violations([sample("x = 1\n" * 2600)]) == []
    assert len(text.package_size_violations([sample("x = 1\n" * 2600), sample("y = 1\n")])) == 1


# Docstrings and their sources.


def test_public_things_are_documented(modules: list[tree.Module]) -> None:
    hold(docstrings.docstring_violations(modules))


@pytest.mark.parametrize(
    ("source", "undocumented"),
    [
        ("x = 1", "pel_spec.sample"),
        ('"""M."""\ndef f(): ...', "pel_spec.sample.f"),
        ('"""M."""\nasync def f(): ...', "pel_spec.sample.f"),
        ('"""M."""\nclass C: ...', "pel_spec.sample.C"),
        ('"""M."""\nclass C:\n "C."\n def f(self): ...', "pel_spec.sample.C.f"),
        ('"""M."""\nclass C(Protocol[T]):\n "C."\n def f(self): ...', "pel_spec.sample.C.f"),
        ('"""M."""\nclass C:\n "C."\n class D: ...', "pel_spec.sample.C.D"),
        (
            '"""M."""\nclass P(Protocol):\n "P."\n x: int\n def f(self):\n  "F."\n'
            'class C:\n "C."\n def f(self): ...',
            "pel_spec.sample.C.f",
        ),
        (
            '"""M."""\nclass C:\n "C."\nclass D(C):\n "D."\n def f(self): ...',
            "pel_spec.sample.D.f",
        ),
    ],
)
def test_missing_docstrings_are_refused(source: str, undocumented: str) -> None:
    (found,) = docstrings.docstring_violations([sample(source)])
    assert f": {undocumented} has no docstring" in found


@pytest.mark.parametrize(
    "source",
    [
        "def _f(): ...\nclass _C:\n def f(self): ...",
        'class C:\n "C."\n x: int\n def __init__(self): ...',
        'class C:\n "C."\n def f(self):\n  "F."\n  def g(): ...\n  return g',
        'class C:\n "C."\n def f(self):\n  "F."\nclass D(C):\n "D."\n def f(self): ...',
        'class P(Protocol):\n "P."\n def f(self):\n  "F."\nclass C:\n "C."\n def f(self): ...',
        'class P(Protocol):\n "P."\n @property\n def x(self): ...',
        'class C(eth.abc.API):\n "C."\n def f(self): ...',
        'class C:\n "C."\n @property\n def x(self):\n  "X."\n @x.setter\n def x(self, v): ...',
    ],
)
def test_what_needs_no_docstring_passes(source: str) -> None:
    assert docstrings.docstring_violations([sample(f'"""M."""\n{source}')]) == []


def test_sources_resolve(modules: list[tree.Module]) -> None:
    keys = text.bibliography((ROOT / "spec" / "README.md").read_text(encoding="utf-8"))
    assert keys
    hold([line for module in modules for line in text.source_violations(module, keys)])


@pytest.mark.parametrize(
    ("docstring", "problems"),
    [
        ("Source: [BSTM] Algorithm 4", 0),
        ("Meaning. Source: EIP-7702.", 0),
        ("Source: [BSTM] Algorithm 4; EIP-150,\n[Adya] section 3.\n\nAnd [Other] is prose.", 0),
        ("Source: [EIP-150](https://eips.ethereum.org/EIPS/eip-150)", 0),
        ("Source: [Nowhere] section 1", 1),
        ("Source: [BSTM] and,\non the next line, [Nowhere]", 1),
        ("Source: the paper", 1),
    ],
)
def test_sources_that_lead_nowhere_are_refused(docstring: str, problems: int) -> None:
    keys = text.bibliography("# Bibliography\n\n- **[BSTM]** A paper.\n- **[Adya]** A thesis.\n")
    assert keys == {"BSTM", "Adya"}
    module = sample(f'x = 1\n"""{docstring}"""\n')
    assert len(text.source_violations(module, keys)) == problems


# Machines, places, packaging.


def test_no_machine_paths(files: list[str]) -> None:
    found = []
    for path in files:
        try:
            content = (ROOT / path).read_bytes().decode()
        except UnicodeDecodeError:
            continue
        found += text.machine_path_violations(path, content)
    hold(found)


def test_machine_paths_are_refused() -> None:
    slash = "/"
    for place in ("root/x", "home/ann/x", "work/main", "work", "Users/ann"):
        line = f"see file://{slash}{place}, it is there"
        assert len(text.machine_path_violations("x.md", line)) == 1, place
    relative = f"..{slash}work{slash}x, a root/branch"
    fine = f"{relative}, https://example.com{slash}work{slash}x, {slash}homework"
    assert text.machine_path_violations("x.md", fine) == []


def test_tests_mirror_the_tree(files: list[str]) -> None:
    hold(layout.test_place_violations(files))


@pytest.mark.parametrize(
    "path",
    ["tests/test_x.py", "tests/spec/helpers.py", "tests/__init__.py", "tests/spec/a/test_x.py"],
)
def test_misplaced_tests_are_refused(path: str) -> None:
    assert len(layout.test_place_violations([path])) == 1


def test_tests_of_one_name_are_refused() -> None:
    good = ["tests/conftest.py", "tests/spec/conftest.py", "tests/spec/test_x.py"]
    assert layout.test_place_violations(good) == []
    assert len(layout.test_place_violations([*good, "tests/fuzz/test_x.py"])) == 1


def test_packages_are_listed_and_typed(files: list[str]) -> None:
    hold(layout.package_violations(tree.package_folders(ROOT), files))


def test_unlisted_and_untyped_packages_are_refused() -> None:
    good = ["spec/pel_a/__init__.py", "spec/pel_a/py.typed", "spec/pel_a/b/__init__.py"]
    assert layout.package_violations(["spec/pel_a"], good) == []
    assert len(layout.package_violations(["spec/pel_a"], good[:1])) == 1
    assert len(layout.package_violations([], good)) == 1


# The lock.


def test_lock_is_exact_and_true_to_pyproject() -> None:
    content = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    locked = lock.pins(content)
    hold(lock.lock_text_violations("requirements.lock", content))
    required = lock.direct_requirements(tree.pyproject(ROOT))
    assert {"hatchling", "py-evm"} <= {requirement.name for requirement in required}
    hold(lock.range_violations(locked, required))


def test_locks_name_no_address(files: list[str]) -> None:
    locks = [path for path in files if any(fnmatch(Path(path).name, name) for name in LOCKS)]
    assert "requirements.lock" in locks
    for path in locks:
        hold(lock.address_violations(path, (ROOT / path).read_text(encoding="utf-8")))


@pytest.mark.parametrize(
    "lines",
    [
        ["a==1.0 \\"],
        ["a==1.0"],
        ["a>=1.0 \\", HASH],
        ["a==1.0 \\", "    --hash=md5:00"],
        ["a @ file:a.whl"],
        ["--find-links wheels"],
        ["# made with --index-url"],
        ["# from https:" + "//example/simple"],
        ["# from packages.example." + "org"],
    ],
)
def test_loose_locks_are_refused(lines: list[str]) -> None:
    good = ["# made by hand", "b==1.0 ; sys_platform == 'linux' \\", HASH + " \\", HASH]
    assert lock.lock_text_violations("x.lock", "\n".join(good)) == []
    assert lock.lock_text_violations("x.lock", "\n".join([*good, *lines])) != []


@pytest.mark.parametrize(
    ("required", "fits"),
    [
        ("Py_Evm==0.12.1b1", True),
        ("py-evm>=0.13", False),
        ("z3-solver", False),
        ("z3-solver; sys_platform == 'win32'", True),
        ("coincurve>=20,<22", True),
        ("coincurve>=21", False),
        ("greenlet; sys_platform == 'linux'", True),
        ("greenlet", False),
        ("twice", False),
    ],
)
def test_lock_out_of_range_is_refused(required: str, fits: bool) -> None:
    locked = [
        lock.Pin("py-evm", "0.12.1b1", ""),
        lock.Pin("coincurve", "20.0.0", "python_full_version < '3.13'"),
        lock.Pin("coincurve", "21.0.0", "python_full_version >= '3.13'"),
        lock.Pin("greenlet", "3.5.6", "sys_platform == 'linux'"),
        lock.Pin("twice", "1.0", ""),
        lock.Pin("twice", "2.0", ""),
    ]
    assert (lock.range_violations(locked, [Requirement(required)]) == []) is fits
