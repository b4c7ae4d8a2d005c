"""What a result depends on in the code: the modules that are imported, and a fingerprint of them.

A comment or a docstring changes no fingerprint.
"""

import ast
import hashlib
from modulefinder import ModuleFinder
from pathlib import Path

ROOT = Path(__file__).parents[2]
# Modules that change no result of the stages that import them, each with the reason. What they import is not followed.
WITHOUT_EFFECT = {
    "replicate": "says how threads wait",
    "replicate.base.checked": "checks what a person writes, whose values are params of every stage that reads them",
    "replicate.base.files": "reads and writes files",
    "replicate.base.source": "tells what is current",
    "replicate.base.stage": "ends a stage on bad input, and shows its progress",
    "replicate.parameters": "as replicate.base.checked",
}


def modules(name: str, root: Path = ROOT) -> dict[str, Path]:
    """The modules whose code the result of a module of `root` depends on, by name: itself, and those there that it
    imports, directly or not. Raises ImportError when there is no such module."""
    # Without its __init__ nothing of a package is found.
    finder = ModuleFinder(path=[str(root)], excludes=WITHOUT_EFFECT.keys() - {"replicate"})
    finder.import_hook(name)
    found = {name: module.__file__ for name, module in finder.modules.items() if name not in WITHOUT_EFFECT}
    return {name: Path(file) for name, file in found.items() if file}  # Python's built-in modules have none


def syntax(path: Path) -> str:
    """The syntax tree of a file as text, without docstrings; the same whichever version of Python parses it."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        documented = isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        if documented and ast.get_docstring(node, clean=False) is not None:
            del node.body[0]
        for field, value in list(ast.iter_fields(node)):
            if value == []:
                delattr(node, field)  # the versions differ in which fields there are, and in which empty ones they show
    return ast.dump(tree)


def fingerprint(name: str, root: Path = ROOT) -> str:
    """A hash of the syntax trees of `modules` and of the version of PyTorch in requirements.txt.

    Raises ImportError when there is no such module.
    """
    hashes = sorted(hashlib.sha256(syntax(path).encode()).hexdigest() for path in modules(name, root).values())
    pinned = (root / "requirements.txt").read_text(encoding="utf-8").splitlines()
    hashes += [line.split()[0] for line in pinned if line.startswith("torch==")]
    return hashlib.sha256("".join(hashes).encode()).hexdigest()[:16]
