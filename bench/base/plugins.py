"""Plug-ins: what a user adds by name from an installed package, or by path from a file.

One loader for methods, backbones and metrics. A plug-in is written as a name, as `path.py`, or as
`path.py:Name` where the file holds several; a path holds no other colon. A file may import modules
of its own folder, at its top, and may hold base classes of its own.
"""

import ast
import functools
import hashlib
import importlib
import importlib.util
import inspect
import os
import pkgutil
import re
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType
from typing import Any, Generic, NoReturn, TypeVar

from pydantic import ValidationError

from bench.base import files
from bench.base.errors import BenchError, unknown
from bench.base.words import short, visible

T = TypeVar("T")
_EXIT = threading.RLock()
"""os._exit is one for all threads: who changes it gives it back before another does."""

FILE = re.compile(r"((?:[A-Za-z]:[\\/])?[^:]+\.py)(?::(\w+))?", re.DOTALL)
PROJECT = {"bench", "methods", "reports"}


@dataclass(frozen=True)
class Plugin(Generic[T]):
    """What was found. `digest` is "" unless it is a file's."""

    name: str
    """As in records: of a file its stem, or `stem.Name` where it had to be named."""
    value: T
    digest: str = ""

    @property
    def version(self) -> str:
        """What decides of a file: its digest, and `.Name` of what had to be named in it."""
        _, dot, inner = self.name.partition(".")
        return f"{self.digest}{dot}{inner}"


@dataclass(frozen=True)
class Plugins(Generic[T]):
    """One kind of plug-in."""

    kind: str
    """Its word in errors: "method"."""
    group: str
    """Its group of entry points: "bench.methods"."""
    wanted: str
    """What a module must hold, in words: "Method subclass"."""
    fits: Callable[[Any], bool]
    """Whether a member of a module is one."""
    own: Mapping[str, Callable[[], T]]
    """Those of the project, each loaded when it is asked for."""

    def names(self) -> list[str]:
        """The project's own and the installed ones, without loading any of them."""
        return sorted({*self.own, *self._installed()})

    def get(self, text: str) -> T:
        """What `find` finds."""
        return self.find(text).value

    def find(self, text: str) -> Plugin[T]:
        """The plug-in of that name, or of that `path.py` or `path.py:Name`.

        Raises BenchError with the nearest name where there is none, and where a file or an entry
        point holds none, or several of which none is named.
        """
        if is_file(text):
            return self._of_file(*split(text))
        if text in self.own:
            return Plugin(text, self.own[text]())
        if entry := self._installed().get(text):
            return Plugin(text, self._of_entry(entry))
        raise unknown(self.kind, text, self.names())

    def only(self, module: ModuleType, where: str) -> T:
        """The one that a module defines and none of its others derives from."""
        found = self._of_module(module)
        names = [
            name
            for name, item in found.items()
            if not any(_derives(other, item) for other in found.values())
        ]
        if len(names) == 1:
            one: T = found[names[0]]
            return one
        listed = f": {', '.join(names)}; name one, {where}:{names[0]}" if names else ""
        raise BenchError(f"{where}: expected exactly one {self.wanted}, found {len(names)}{listed}")

    def _installed(self) -> dict[str, EntryPoint]:
        return {entry.name: entry for entry in entry_points(group=self.group)}

    def _of_entry(self, entry: EntryPoint) -> T:
        place = f"{self.kind} {entry.name}: entry point {entry.value}"
        try:
            loaded = entry.load()
        except (ImportError, AttributeError) as error:
            raise BenchError(f"{place} fails ({error})") from None
        if isinstance(loaded, ModuleType):
            return self.only(loaded, place)
        if not self.fits(loaded):
            raise BenchError(f"{place} is no {self.wanted}")
        found: T = loaded
        return found

    def _of_file(self, path: Path, name: str | None) -> Plugin[T]:
        if not files.is_file(path):
            raise BenchError(f"no {self.kind} file {short(str(path))}; correct the path")
        if path.stem in self.names():
            raise BenchError(f"{path}: a {self.kind} {path.stem} exists already; rename the file")
        module, called = _loaded(path, self.kind), visible(path.stem)
        if name is None:
            return Plugin(called, self.only(module, str(path)), digest(path))
        known = self._of_module(module)
        if name not in known and hasattr(module, name):
            raise BenchError(f"{path}: {name} is no {self.wanted} of this file")
        if name not in known:
            raise unknown(f"{self.wanted} in {path}:", name, known)
        alone = all(
            _derives(known[name], other) for other in known.values() if other != known[name]
        )
        return Plugin(called if alone else f"{called}.{name}", known[name], digest(path))

    def _of_module(self, module: ModuleType) -> dict[str, Any]:
        """What fits, by name, of what the module itself defines."""
        return {
            name: member
            for name, member in vars(module).items()
            if self.fits(member) and _defines(module, member)
        }


def is_file(text: str) -> bool:
    """Whether a plug-in is written as a path, `path.py` or `path.py:Name`."""
    return text.endswith(".py") or ".py:" in text


def split(text: str) -> tuple[Path, str | None]:
    """`path.py:Name` as its path and the name, None where there is none."""
    match = FILE.fullmatch(text)
    if match is None:
        raise BenchError(f"{short(text)!r}: write path.py or path.py:Name, with no other colon")
    return files.expanded(match[1]), match[2]


def digest(path: Path) -> str:
    """8 hexadecimal digits of the content of a file and of what it imports from its own folder,
    which decides what runs with it give.
    """
    content = path.read_bytes()
    for sibling in siblings(path)[1:]:
        name = sibling.relative_to(path.parent).as_posix()
        content += f"\0{name}\0".encode() + sibling.read_bytes()
    return hashlib.sha256(content).hexdigest()[:8]


def siblings(path: Path) -> list[Path]:
    """The file, and the files of its folder that it imports, directly or through another."""
    found: list[Path] = []
    waiting = [path]
    while waiting:
        file = waiting.pop()
        if file in found:
            continue
        found.append(file)
        for name in sorted(_imported(file.read_bytes())):
            module = path.parent.joinpath(*name.split("."))
            candidates = (module.with_suffix(".py"), module / "__init__.py")
            waiting += [candidate for candidate in candidates if candidate.is_file()]
    return [path, *sorted(found[1:])]


@functools.cache
def _imported(content: bytes) -> set[str]:
    """The dotted names that a file of this content imports, each with all that lead to it."""
    try:
        tree = ast.parse(content)
    except (SyntaxError, ValueError):
        return set()
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return {
        ".".join(name.split(".")[: k + 1]) for name in names for k in range(name.count(".") + 1)
    }


def _defines(module: ModuleType, member: Any) -> bool:
    """Classes and functions know where they come from; any other object counts where it stands."""
    knows = inspect.isclass(member) or inspect.isroutine(member)
    return not knows or member.__module__ == module.__name__


def _derives(one: Any, other: Any) -> bool:
    return inspect.isclass(one) and one is not other and issubclass(one, other)


def _loaded(path: Path, kind: str) -> ModuleType:
    """The file as a module, executed once for each content."""
    name = f"bench_{kind}_{path.stem}_{digest(path)}"
    if name in sys.modules and _lies_in(path.parent, name):
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path.resolve())
    assert spec is not None and spec.loader is not None
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    try:
        with _siblings(path.parent.resolve()), no_exit():
            spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        raise BenchError(f"{path} cannot be read: {type(error).__name__}: {said(error)}") from None
    return module


@contextmanager
def calling(source: str, hook: str) -> Iterator[None]:
    """Whatever a plug-in raises meanwhile is a BenchError, which names its `source` and `hook`."""
    try:
        with no_exit():
            yield
    except BenchError:
        raise
    except (Exception, SystemExit) as error:
        reason = f"{type(error).__name__}: {said(error).rstrip('.')}"
        raise BenchError(f"{source}: {hook} fails: {reason}; mend the file") from None


def said(error: BaseException) -> str:
    """The message of what a plug-in raised, in one line."""
    if isinstance(error, SystemExit):
        return "it calls sys.exit or os._exit"
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        return ": ".join([*map(str, first["loc"]), first["msg"].removeprefix("Value error, ")])
    return " ".join(str(error).split()) or "no reason given"


@contextmanager
def no_exit() -> Iterator[None]:
    """Meanwhile os._exit of this thread ends the process no more than sys.exit: it is caught."""
    ours = threading.get_ident()
    with _EXIT:
        before = os._exit

        def leave(status: int) -> NoReturn:
            if threading.get_ident() == ours:
                sys.exit(status)
            before(status)

        os._exit = leave
        try:
            yield
        finally:
            os._exit = before


@contextmanager
def _siblings(folder: Path) -> Iterator[None]:
    """The folder's modules can be imported; afterwards another folder's may have their names."""
    found = {module.name for module in pkgutil.iter_modules([str(folder)])}
    ours = {
        name for name in found - PROJECT - sys.stdlib_module_names if not _lies_in(folder, name)
    }
    before = _forget(ours)
    sys.path.insert(0, str(folder))
    importlib.invalidate_caches()
    try:
        yield
    finally:
        sys.path.remove(str(folder))
        _forget(ours)
        sys.modules.update(before)


def _lies_in(folder: Path, name: str) -> bool:
    """Whether a module of that name is loaded, from this folder."""
    file = getattr(sys.modules.get(name), "__file__", None)
    return file is not None and folder.resolve() in Path(file).resolve().parents


def _forget(names: set[str]) -> dict[str, ModuleType]:
    """Take modules, and what lies below them, out of those that are loaded."""
    chosen = [name for name in sys.modules if name.partition(".")[0] in names]
    return {name: sys.modules.pop(name) for name in chosen}
