"""For tests of an executor in Python: what it has to be, one call that checks it, ready-made tests.

```python
from pel_fuzz.testing import tests_of

class MyExecutor:
    def execute(self, block):
        ...

TestMyExecutor = tests_of(MyExecutor)
```

The page for users is docs/pytest.md. `pytest --pel-executor module:factory` runs the same tests.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from traceback import format_exception
from typing import Any, Final, Protocol, TypeAlias

import hypothesis
from hypothesis import HealthCheck, given, settings

from pel_fuzz.cases import Case
from pel_fuzz.examine import history_difference
from pel_fuzz.explain import explain
from pel_fuzz.formats.case_json import read_case, write_case
from pel_fuzz.strategies import blocks, tiny_blocks
from pel_fuzz.tiny import TinyBlock
from pel_fuzz.tiny import to_json as tiny_to_json
from pel_fuzz.verdict import Difference, Oracle, shorten
from pel_reference.block import Block
from pel_reference.errors import InputError
from pel_reference.transitions import compile_block
from pel_spec.fold import Result, agree, fold
from pel_spec.history import History
from pel_spec.transition import TransitionBlock
