"""Random command lines, always the same ones: success, or one clear line."""

import random
from collections.abc import Iterator
from pathlib import Path

import click
import numpy as np
import pytest
from click.testing import CliRunner

from bench.cli import main

SEED = 20_240_613
TEXTS = (
    "",
    " ",
    ",",
    "none",
    "mixup",
    "mixup[alpha=0.4]",
    "mixup[alpha=",
    "ails[",
    "]",
    "[]",
    "none,,none",
    "phantom-binary",
    "phantom-binary,phantom-ordinal",
    "breast",
    "own.npz",
    "broken.npz",
    "no.npz",
    "folder.npz",
    '"own.npz"',
    '"',
    "mine.yaml",
    "binary.yaml",
    "laptop",
    "quick",
    "paper",
    "LAPTOP",
    "0",
    "1",
    "-1",
    "2",
    "3-1",
    "0-3",
    "5,",
    "1e3",
    "1e400",
    "nan",
    "inf",
    "-inf",
    "0x10",
    "010",
    "1:30",
    "99999999999999999999",
    "0-999999999",
    "0.2",
    "0.2,1",
    "1.5",
    "1/2",
    "½",
    "٣",
    "十",
    "true",
    "yes",
    "null",
    "acc",
    "auc",
    "kappa",
    "fdi",
    "test",
    "val",
    "mean",
    "ensemble",
    "cpu",
    "cuda",
    "mps",
    "cpu:7",
    "resnet18",
    "test_byobnet",
    "test_byobnet+test_resnet",
    "+",
    "swin_tiny",
    "vgg",
    "mine.py",
    "mine.py:X",
    "~nobody/x",
    "..",
    "*",
    "--",
    "-",
    "\x1b[31m",
    "a\nb",
    "\u202e",
    "é",
    "数据",
    "x" * 300,
    "[" * 60,
    "{" * 60,
    "lr",
    "lr=",
    "=",
    "lr=1e-3",
    "lr=[1,2]",
    "lr=&a",
    "epochs=2",
    "steps=1",
    "epochs=1e9",
    "batch_size=4",
    "select=val_kappa",
    "select=last",
    "milestones=[1]",
    "nosuch=1",
    "lr=\t1",
    "schedule=steps",
    "pretrained=yes",
    "optimizer=sgd",
    "$HOME",
    "`id`",
    "%s",
    "{0}",
    "\\",
    "'",
    "<b>",
)
COMMANDS = (
    ("run", "--dry-run"),
    ("run",),
    ("plan",),
    ("status",),
    ("table",),
    ("table", "--dry-run"),
    ("compare",),
    ("export",),
    ("show",),
    ("verify",),
    ("audit",),
    ("data", "list"),
    ("data", "verify"),
    ("data", "audit"),
    ("data", "export"),
    ("methods",),
    ("methods", "show"),
    ("methods", "check"),
    ("readings", "--dry-run"),
    ("preview",),
    ("figure", "--dry-run"),
    ("nonsense",),
    ("--help",),
)
FITTING = {
    "datasets": ("phantom-binary", "phantom-binary,phantom-ordinal", "own.npz", '"own.npz",breast'),
    "methods": ("none", "none,mixup", "mixup[alpha=0.4],none", "ails,none,mixup"),
    "backbones": ("test_byobnet", "test_byobnet+test_resnet", "test_byobnet,test_resnet"),
    "ratio": ("0.2", "0.2,1", "1"),
    "seeds": ("1", "0-3", "5,", "2"),
    "settings": (
        "steps=1",
        "epochs=2",
        "lr=1e-3",
        "select=last",
        "batch_size=4",
        "select=val_kappa",
    ),
    "protocol": ("quick", "paper", "mine.yaml"),
    "metric": ("acc", "auc", "kappa"),
    "number": ("1", "2", "3", "4", "5", "6"),
    "name": ("4", "forest", "mixup", "ranks", "confusion"),
    "names": ("phantom-binary", "own.npz"),
    "dataset": ("phantom-binary", "own.npz"),
    "method": ("mixup", "ails", "none"),
    "path": ("out.csv", "out.zip", "out.parquet"),
    "reference": ("none", "mixup"),
}
"""What an option or argument is for, by its parameter."""
ENDLESS = ("watch",)
"""Options of commands that wait until what is missing is done, which here it never is."""
USUAL = {
    "datasets": "phantom-binary",
    "methods": "none,mixup",
    "backbones": "test_byobnet",
    "seeds": "2",
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A working directory with files to stumble over; nothing is trained, timed or fetched.

    Commands that write into the repository, `check --update` and `pack`, are not among them.
    """
    tmp_path = tmp_path / "work"
    tmp_path.mkdir()

    def offline(*_: object, **__: object) -> None:
        raise OSError("no network")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("BENCH_DATA", raising=False)
    monkeypatch.setattr("urllib.request.urlopen", offline)
    monkeypatch.setattr("bench.engines.local.local", lambda *_: None)
    monkeypatch.setattr("bench.training.conformance.problems", lambda *_: [])
    monkeypatch.setattr("bench.training.preview.draw", lambda *_: tmp_path / "preview.png")
    arrays = {
        f"{split}_{kind}": np.zeros(shape, np.uint8)
        for split in ("train", "val", "test")
        for kind, shape in (("images", (8, 28, 28)), ("labels", (8,)))
    }
    for split in ("train", "val", "test"):
        arrays[f"{split}_labels"] = np.arange(8) % 2
    np.savez(tmp_path / "own.npz", **arrays)
    (tmp_path / "broken.npz").write_bytes(b"PK\x03\x04 no")
    (tmp_path / "folder.npz").mkdir()
    (tmp_path / "mine.yaml").write_text("protocol: {steps: 1, lr: 0.1}")
    (tmp_path / "binary.yaml").write_bytes(bytes(range(256)))
    (tmp_path / "mine.py").write_text("1 / 0")
    yield tmp_path


def words(rng: random.Random) -> list[str]:
    """A command with a few of its options and arguments, each with a fitting or any text."""
    made = list(rng.choice(COMMANDS))
    command: click.Command = main
    for name in made:
        if isinstance(command, click.Group) and name in command.commands:
            command = command.commands[name]
    parameters = [p for p in command.params if rng.random() < 4 / (4 + len(command.params))]
    parameters = [p for p in parameters if p.name not in ENDLESS]
    given = {p.name for p in parameters}
    parameters += [p for p in command.params if p.name in USUAL and p.name not in given]
    for parameter in parameters:
        fits = FITTING.get(parameter.name or "", TEXTS)
        usual = USUAL.get(parameter.name or "") if parameter.name not in given else None
        text = usual or rng.choice(fits if rng.random() < 0.6 else TEXTS)
        made += [*parameter.opts[:1]] if isinstance(parameter, click.Option) else []
        if not (isinstance(parameter, click.Option) and parameter.is_flag):
            made.append(text)
    return [*made, *([rng.choice(TEXTS)] if rng.random() < 0.05 else [])]


def check(line: list[str]) -> None:
    done = CliRunner().invoke(main, line)
    ended = done.exception is None or isinstance(done.exception, SystemExit)
    assert ended and done.exit_code in (0, 1, 2), (line, done.exception)
    assert "Traceback" not in done.output, line
    assert not set(done.output) & {"\x1b", "\u202e"}, line
    if done.exit_code == 2:
        error = done.stderr.strip().splitlines()[-1]
        assert error.lower().startswith("error:") and len(error) < 1200, (line, done.stderr)


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    "count", [150, pytest.param(2000, marks=pytest.mark.slow)], ids=["short", "long"]
)
def test_success_or_one_clear_line(count: int) -> None:
    rng = random.Random(SEED)
    for _ in range(count):
        check(words(rng))
