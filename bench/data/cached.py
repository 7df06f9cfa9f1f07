"""A folder or a CSV that is named as a dataset: imported once, into the cache.

Only where nothing has to be chosen; else `bench data import` is what to use. Another content is
another import, with splits of its own.
"""

import hashlib
import json
import warnings
from pathlib import Path

from bench.base.errors import BenchError, Note
from bench.base.files import is_file, locked
from bench.base.words import short
from bench.data.folder import Recipe, import_images, npz_of
from bench.data.listing import left_out_lines
from bench.data.verify import cache_folder


def imported(path: Path, size: int) -> Path:
    """The npz made of this folder or CSV, at `size` pixels. Raises BenchError."""
    path = path.resolve()
    if not (path.is_dir() or is_file(path)):
        raise BenchError(f"no file {short(str(path))}; correct the path of the dataset")
    question = json.dumps([str(path), _content(path), size])
    folder = cache_folder() / "imported" / hashlib.sha256(question.encode()).hexdigest()[:16]
    target = folder / path.stem
    file = npz_of(target, size)
    with locked(folder / "lock"):
        if not target.with_name(f"{target.name}.csv").is_file():
            for left in (file, file.with_suffix(".yaml")):  # by an import that was stopped
                left.unlink(missing_ok=True)
            _import(path, target, size)
    return file


def _import(path: Path, target: Path, size: int) -> None:
    try:
        made = import_images(path, target, Recipe(sizes=(size,)))
    except BenchError as error:
        command = f'bench data import "{path}" --name {path.stem}'
        raise BenchError(f"{error}; options are those of: {command}") from None
    for note in (*made.notes, *left_out_lines(made.left_out)):
        warnings.warn(f"{path.name}: {note}", Note, stacklevel=2)
    warnings.warn(f"{path.name} is imported into {target.parent}", Note, stacklevel=2)


def _content(path: Path) -> list[tuple[str, int, int]]:
    """What tells a source from itself after a change: names, sizes and times of its files."""
    root = path if path.is_dir() else path.parent
    files = sorted(file for file in root.rglob("*") if file.is_file())
    facts = [(file, file.stat()) for file in files]
    return [(str(file.relative_to(root)), fact.st_size, fact.st_mtime_ns) for file, fact in facts]
