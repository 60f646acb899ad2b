"""The structure of the code, held by reading it: who imports whom, who may touch which package, what no file may do.

Every rule is a function from modules to a list of complaints. Each is run twice: over the package, where it must find
nothing, and over a tiny module made to break it, where it must find exactly that.
"""

import ast
import re
import tomllib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import cached_property
from pathlib import Path

import pytest

MAX_LINES = 400
FORBIDDEN_NAMES = {"utils", "util", "common", "helpers", "helper", "core", "misc"}

OWNERS: dict[str, tuple[str, ...]] = {
    "pyspiel": ("games/open_spiel.py", "agents/built_in.py", "agents/open_spiel_bot.py", "agents/open_spiel_bots.py"),
    "open_spiel": ("games/open_spiel.py", "agents/built_in.py"),
    "pettingzoo": ("games/pettingzoo_known.py", "games/overcooked_env.py", "games/tree_env.py"),
    "gymnasium": ("games/pettingzoo_spaces.py", "games/overcooked_env.py", "games/tree_env.py"),
    "lmdb": ("dataset/*.py",),
    "mlflow": ("tracking/mlflow_tracker.py",),
    "tyro": ("cli/*.py",),
    "pydantic": ("config.py",),
    "safetensors": ("checkpoints/*.py",),
    "zstandard": ("records/*.py", "dataset/*.py"),
    "urllib": ("download/*.py",),
    "http": ("download/*.py",),
    "socket": (),
    "ssl": (),
    "nicegui": ("serving/*_page.py", "serving/app.py", "serving/theme.py", "serving/boards/*.py"),
    "fastapi": ("serving/app.py",),
    "uvicorn": ("serving/app.py",),
    "ray": ("rollout/ray_workers.py",),
    "rich": ("tracking/progress.py",),
    "rust_pgn_reader_python_binding": ("records/pgn_rust.py",),
    "openvino": ("models/backends/openvino_backend.py",),
    "onnx": ("models/onnx_export.py", "models/onnx_int8.py"),
    "onnxruntime": ("models/backends/onnx_runtime.py", "models/onnx_int8.py"),
    "torch": ("losses/*.py", "models/*.py", "checkpoints/*.py", "learners/*.py", "stages/*.py", "cli/doctor.py"),
}
"""Package -> the only files that may import it, lazily or not (patterns under ``gameil/``): third-party ones, and
what reaches a network. Rules, records, data, search, matches and bookkeeping work without torch; ``gameil doctor``
says which of its devices there are."""

UNSAFE_MODULES = {"pickle", "marshal", "shelve", "dill", "cloudpickle", "joblib"}
PROVES_PICKLING = "games/conformance.py"
"""Pickles a game and reads its own bytes back, because games must be able to cross to worker processes."""
UNSAFE_CALLS = {"eval", "exec", "compile", "os.system", "os.popen", "torch.load", "torch.save"}
PRIVATE_RANDOM = {"Generator", "PCG64", "SeedSequence", "Philox", "BitGenerator"}
"""Names of ``np.random`` that carry a state of their own; all others draw from a global one or from the clock."""


@dataclass(frozen=True)
class Module:
    """One source file."""

    path: str
    """Under ``gameil/``, with forward slashes."""
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text)

    @property
    def name(self) -> str:
        """Dotted name, such as ``gameil.games.game``; a package's is that of its directory."""
        parts = ["gameil", *self.path.removesuffix(".py").split("/")]
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    def imports(self) -> Iterator[tuple[int, str]]:
        """Line and dotted name of everything imported, inside functions and ``TYPE_CHECKING`` too."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from ((node.lineno, alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{self.path}:{node.lineno}: relative import"
                yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


Rule = Callable[[Sequence[Module]], list[str]]


def read_package(directory: Path) -> list[Module]:
    files = sorted(directory.rglob("*.py"))
    return [Module(file.relative_to(directory).as_posix(), file.read_text(encoding="utf-8")) for file in files]


def layer_table(repository: Path) -> list[list[str]]:
    """Layers of ``pyproject.toml`` from the top down, each a list of siblings."""
    tables = tomllib.loads((repository / "pyproject.toml").read_text(encoding="utf-8"))
    (contract,) = tables["tool"]["importlinter"]["contracts"]
    return [[name.strip() for name in layer.split("|")] for layer in contract["layers"]]


def layers_hold(modules: Sequence[Module], layers: list[list[str]]) -> list[str]:
    """Imports go down the layers only, and every part of the package is in one."""
    height = {name: -number for number, names in enumerate(layers) for name in names}
    complaints = []
    for module in modules:
        own = _layer(module.name, height)
        if own is None and module.name != "gameil":
            complaints.append(f"{module.path}: is in no layer")
        for line, target in module.imports():
            layer = _layer(target, height)
            if own is None or layer is None or layer == own:
                continue
            if height[layer] >= height[own]:
                complaints.append(f"{module.path}:{line}: {own} imports {layer}, which is not below it")
    return complaints


def _layer(name: str, height: dict[str, int]) -> str | None:
    return next((layer for layer in height if name == layer or name.startswith(layer + ".")), None)


def owners_only(modules: Sequence[Module]) -> list[str]:
    """A third-party package is imported by the files that wrap it and by no others."""
    return [
        f"{module.path}:{line}: imports {target}"
        for module in modules
        for line, target in module.imports()
        if (package := target.split(".")[0]) in OWNERS
        and not any(fnmatch(module.path, pattern) for pattern in OWNERS[package])
    ]


def short_files(modules: Sequence[Module]) -> list[str]:
    lengths = {module.path: len(module.text.splitlines()) for module in modules}
    return [f"{path}: {length} lines" for path, length in lengths.items() if length > MAX_LINES]


def speaking_names(modules: Sequence[Module]) -> list[str]:
    return [
        module.path for module in modules if FORBIDDEN_NAMES & set(module.path.removesuffix(".py").lower().split("/"))
    ]


def nothing_unsafe(modules: Sequence[Module]) -> list[str]:
    """No pickles, no evaluated text, no shell."""
    complaints = []
    for module in modules:
        for line, target in module.imports():
            if target.split(".")[0] in UNSAFE_MODULES and (target, module.path) != ("pickle", PROVES_PICKLING):
                complaints.append(f"{module.path}:{line}: imports {target}")
        for call in _calls(module):
            name = ast.unparse(call.func)
            if name in UNSAFE_CALLS:
                complaints.append(f"{module.path}:{call.lineno}: calls {name}")
            for keyword in call.keywords:
                off = isinstance(keyword.value, ast.Constant) and keyword.value.value is False
                if keyword.arg in ("shell", "allow_pickle") and not off:
                    complaints.append(f"{module.path}:{call.lineno}: {keyword.arg}={ast.unparse(keyword.value)}")
    return complaints


def no_global_random(modules: Sequence[Module]) -> list[str]:
    """Randomness is an argument: no hidden stream, no seed from the clock."""
    complaints = []
    for module in modules:
        complaints += [
            f"{module.path}:{line}: imports {target}"
            for line, target in module.imports()
            if target.split(".")[0] == "random" or target == "secrets"
        ]
        for call in _calls(module):
            name = ast.unparse(call.func)
            drawn = re.fullmatch(r"(np|numpy)\.random\.(\w+)", name)
            if drawn and drawn[2] not in PRIVATE_RANDOM:
                complaints.append(f"{module.path}:{call.lineno}: calls {name}")
        for block in ast.walk(module.tree):
            # A seed for torch's global stream is allowed where the stream is put back afterwards.
            if isinstance(block, ast.With) and any("fork_rng" in ast.unparse(item) for item in block.items):
                for call in ast.walk(block):
                    call.forked = True  # type: ignore[attr-defined]
            elif isinstance(block, ast.Call) and ast.unparse(block.func).endswith("manual_seed"):
                own = ast.unparse(block.func) not in ("torch.manual_seed", "torch.cuda.manual_seed")
                if not own and not hasattr(block, "forked"):
                    complaints.append(f"{module.path}:{block.lineno}: seeds torch's global stream outside fork_rng")
    return complaints


def everything_documented(modules: Sequence[Module]) -> list[str]:
    """Modules with any code in them, public functions and public classes say what they are for."""
    complaints = []
    for module in modules:
        tree = module.tree
        if tree.body and not ast.get_docstring(tree):
            complaints.append(f"{module.path}: module without a docstring")
        for node in tree.body:
            public = isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_")
            if public and not ast.get_docstring(node):
                complaints.append(f"{module.path}:{node.lineno}: {node.name} has no docstring")
    return complaints


def _calls(module: Module) -> Iterator[ast.Call]:
    return (node for node in ast.walk(module.tree) if isinstance(node, ast.Call))


RULES: tuple[Rule, ...] = (
    owners_only,
    short_files,
    speaking_names,
    nothing_unsafe,
    no_global_random,
    everything_documented,
)


@pytest.fixture(scope="module")
def package(repository: Path) -> list[Module]:
    modules = read_package(repository / "gameil")
    assert len(modules) > 50
    return modules


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_package_keeps(rule: Rule, package: list[Module]) -> None:
    assert rule(package) == []


def test_package_keeps_its_layers(package: list[Module], repository: Path) -> None:
    assert layers_hold(package, layer_table(repository)) == []


def test_no_long_or_vague_file_outside_the_package(repository: Path) -> None:
    modules = [module for place in ("tests", "benchmarks") for module in read_package(repository / place)]
    assert short_files(modules) + speaking_names(modules) == []


BAD: list[tuple[Rule, str, str, str]] = [
    (owners_only, "agents/network.py", "def f():\n    import pyspiel", "imports pyspiel"),
    (owners_only, "dataset/dataset.py", "from mlflow.entities import Metric", "imports mlflow.entities.Metric"),
    (owners_only, "stages/ingest.py", "import lmdb as store", "imports lmdb"),
    (owners_only, "records/pgn.py", "def f():\n    from torch import nn", "imports torch.nn"),
    (owners_only, "rollout/matches.py", "import torch.nn.functional", "imports torch.nn.functional"),
    (short_files, "games/long.py", "x = 1\n" * (MAX_LINES + 1), f"{MAX_LINES + 1} lines"),
    (speaking_names, "games/utils.py", "", "games/utils.py"),
    (speaking_names, "common/masking.py", "", "common/masking.py"),
    (nothing_unsafe, "games/bad.py", "import pickle", "imports pickle"),
    (nothing_unsafe, "games/bad.py", "from marshal import loads", "imports marshal.loads"),
    (nothing_unsafe, "games/bad.py", "eval('1')", "calls eval"),
    (nothing_unsafe, "games/bad.py", "import torch\ntorch.load('x')", "calls torch.load"),
    (nothing_unsafe, "games/bad.py", "subprocess.run('ls', shell=True)", "shell=True"),
    (nothing_unsafe, "games/bad.py", "np.load('x', allow_pickle=flag)", "allow_pickle=flag"),
    (no_global_random, "games/bad.py", "import random", "imports random"),
    (no_global_random, "games/bad.py", "np.random.shuffle(x)", "calls np.random.shuffle"),
    (no_global_random, "games/bad.py", "rng = np.random.default_rng()", "calls np.random.default_rng"),
    (no_global_random, "games/bad.py", "torch.manual_seed(0)", "outside fork_rng"),
    (everything_documented, "games/bad.py", "x = 1", "module without a docstring"),
    (everything_documented, "games/bad.py", '"""Doc."""\ndef f(): ...', "f has no docstring"),
    (everything_documented, "games/bad.py", '"""Doc."""\nclass C:\n    x = 1', "C has no docstring"),
]


@pytest.mark.parametrize(("rule", "path", "text", "complaint"), BAD)
def test_rule_finds_what_breaks_it(rule: Rule, path: str, text: str, complaint: str) -> None:
    (found,) = rule([Module(path, text)])
    assert path in found
    assert complaint in found


GOOD: list[tuple[Rule, str, str]] = [
    (owners_only, "games/open_spiel.py", "import pyspiel"),
    (nothing_unsafe, PROVES_PICKLING, "import pickle"),
    (nothing_unsafe, "models/size.py", "model.eval()\nre.compile('x')\nsubprocess.run(['ls'], shell=False)"),
    (no_global_random, "models/made.py", "with torch.random.fork_rng():\n    torch.manual_seed(0)"),
    (no_global_random, "seeding.py", "np.random.Generator(np.random.PCG64(1)).shuffle(x)"),
    (everything_documented, "games/__init__.py", ""),
    (everything_documented, "games/good.py", '"""Doc."""\ndef _private(): ...'),
]


@pytest.mark.parametrize(("rule", "path", "text"), GOOD)
def test_rule_allows(rule: Rule, path: str, text: str) -> None:
    assert rule([Module(path, text)]) == []


@pytest.mark.parametrize(
    ("path", "text", "complaint"),
    [
        ("games/a.py", "def f():\n    from gameil.positions.replay import replay", "which is not below it"),
        ("games/a.py", "import gameil.records.record", "which is not below it"),
        ("models/a.py", "from gameil.agents import agent", "which is not below it"),
        ("tools/a.py", "", "is in no layer"),
    ],
)
def test_layers_find_what_breaks_them(path: str, text: str, complaint: str, repository: Path) -> None:
    (found,) = layers_hold([Module(path, text)], layer_table(repository))
    assert complaint in found


def test_layers_allow_downward_imports(repository: Path) -> None:
    module = Module("stages/a.py", "from gameil.games.game import Game\nfrom gameil.stages.b import c")
    assert layers_hold([module], layer_table(repository)) == []
