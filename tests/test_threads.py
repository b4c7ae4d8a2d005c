import os
import subprocess
import sys

import pytest
from conftest import ROOT


@pytest.mark.parametrize(
    ("package", "given", "expected"),
    [("replicate", {}, "3000"), ("benchmarks", {}, "3000"), ("replicate", {"OMP_WAIT_POLICY": "PASSIVE"}, "None")],
)
def test_how_threads_wait_is_said_before_pytorch_is_loaded_unless_the_user_says_it(package, given, expected):
    program = f"import os, sys, {package}; print(os.environ.get('GOMP_SPINCOUNT'), 'torch' in sys.modules)"
    kept = {name: value for name, value in os.environ.items() if name not in ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY")}
    said = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=kept | given, capture_output=True, text=True, check=True
    )
    assert said.stdout.split() == [expected, "False"]
