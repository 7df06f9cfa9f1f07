"""What nobody means, and somebody types: success, or one clear line."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner, Result

from bench.base.words import spreadsheet, visible
from bench.cli import main
from bench.store.records import Store

TINY = ["--backbones", "test_byobnet", "--set", "steps=2", "--workers", "1"]
PHANTOM = ["--datasets", "phantom-binary", "--methods", "none", "--seeds", "1"]
LONG = "x" * 5000


def bench(*words: str) -> Result:
    return CliRunner().invoke(main, list(words))


def own(path: Path, classes: int = 2, counts: Sequence[int] = (24, 12, 12)) -> Path:
    """A sound set of one's own."""
    rng = np.random.default_rng(0)
    path.parent.mkdir(parents=True, exist_ok=True)
    arrays = {}
    for split, count in zip(("train", "val", "test"), counts, strict=True):
        arrays[f"{split}_images"] = rng.integers(0, 256, (count, 28, 28), dtype=np.uint8)
        arrays[f"{split}_labels"] = (np.arange(count) % classes)[:, None]
    np.savez(path, **arrays)
    return path


def refused(done: Result, *words: str) -> None:
    """Exit code 2 and one line with these words."""
    assert done.exit_code == 2, done.output
    error = done.stderr.strip().splitlines()[-1]
    assert error.lower().startswith("error:") and len(error) < 1200
    assert isinstance(done.exception, SystemExit), done.exception
    for word in words:
        assert word in error


WRONG = {
    "a long method": (["--methods", LONG], "no method"),
    "a long file of a method": (["--methods", f"{LONG}.py"], "no method file"),
    "a long set": (["--datasets", LONG], "no dataset"),
    "a long npz": (["--datasets", f"{LONG}.npz"], "no file"),
    "a long protocol": (["--protocol", LONG], "no protocol"),
    "a long protocol file": (["--protocol", f"{LONG}.yaml"], "no protocol"),
    "a long study": (["--study", LONG], "no study"),
    "a long backbone": (["--backbones", LONG], "the nearest of"),
    "no such home": (["--datasets", "~nobody-here/a.npz"], "no file"),
    "devices": (["--device", "cpu,cuda", "--dry-run"], "device 'cpu,cuda'"),
    "a protocol of a GPU": (["--protocol", "gpu", "--device", "cpu"], "--done to see what is done"),
    "a device of no run": (["--device", "meta"], "cpu, cuda, mps"),
    "a device that is not there": (["--device", "cuda:99", "--dry-run"], "--device cpu"),
    "a huge size": (["--size", "100000"], "source_size"),
    "a huge phantom": (["--size", "1024"], "phantoms are drawn at"),
    "a huge input": (["--input-size", "999999999"], "input_size"),
    "a huge count of seeds": (["--seeds", "99999999999"], "at most 10,000"),
    "a huge range of seeds": (["--seeds", "0-99999999"], "at most 10,000"),
    "a huge seed": (["--seeds", "99999999999,"], "none above"),
    "a huge batch": (["--set", "batch_size=100000"], "batch_size"),
    "huge epochs": (["--set", "epochs=999999999999"], "epochs"),
    "workers": (["--workers", "100000"], "--workers"),
    "1:30": (["--set", "epochs=1:30"], "epochs"),
    "hexadecimal": (["--set", "lr=0x10"], "lr"),
    "brackets": (["--set", f"lr={'[' * 140}{']' * 140}"], "too many brackets"),
    "an alias": (["--set", "lr=[&a [x, x], *a]"], "an alias"),
    "a list of rates": (["--set", "lr=1e-3,3e-3"], "one value"),
    "a long value": (["--set", f"lr={LONG}"], "lr"),
    "a warm-up without end": (["--set", "epochs=10", "--set", "warmup_epochs=1000"], "warmup"),
    "a late milestone": (
        ["--set", "epochs=10", "--set", "schedule=steps", "--set", "milestones=[500]"],
        "milestones",
    ),
    "no ratio": (["--ratio", ""], "--ratio is empty"),
    "no study": (["--study", ""], "--study is empty"),
    "no weights": (["--weights", ""], "--weights is empty"),
    "no looks": (["--looks", ""], "--looks is empty"),
    "no folder of data": (["--data-dir", ""], "--data-dir is empty"),
    "no device": (["--device", " "], "--device is empty"),
    "no setting": (["--set", ""], "--set is empty"),
    "an option twice": (["--seeds", "3"], "--seeds is given twice"),
    "a setting twice": (["--set", "lr=1", "--set", "lr=2"], "given twice"),
    "a parameter twice": (["--methods", "mixup[alpha=1,alpha=2]"], "given twice"),
    "an open quote": (["--datasets", '"a,b'], "a quote is not closed"),
    "an open bracket": (["--methods", "mixup[alpha=1"], "bracket is not closed"),
}


def with_usual(words: Sequence[str]) -> list[str]:
    usual = {"--datasets": "phantom-binary", "--methods": "none", "--seeds": "1"}
    usual["--backbones"] = "test_byobnet"
    given = [word for name, value in usual.items() if name not in words for word in (name, value)]
    return [*given, *(["--seeds", "1"] if words == ["--seeds", "3"] else []), *words]


@pytest.mark.parametrize(("words", "answer"), WRONG.values(), ids=WRONG)
def test_what_cannot_be_meant_is_known_before_any_run(
    words: list[str], answer: str, tmp_path: Path
) -> None:
    refused(bench("run", *with_usual(words), "--results", str(tmp_path / "r")), answer)
    assert not list(Store(tmp_path / "r"))


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        (["preview", "--method", "mixup,cutmix", "--dataset", "phantom-binary"], "--method"),
        (["preview", "--method", "mixup", "--dataset", "phantom-binary,phantom-ordinal"], "--data"),
        (["data", "export", "--dataset", "phantom-binary,breast", "x.zip"], "expected one name"),
        (["data", "verify", "phantom-binary", "--size", "-1"], "phantoms are drawn"),
        (["readings", *PHANTOM[:2], "--sample", "999999999"], "--sample"),
        (["audit", "--runs", "1000000000000"], "--runs"),
        (["audit", "--protocol", "no"], "no protocol"),
        (["audit", "--paper", "nosuch"], "no paper 'nosuch'"),
        (["audit", "--runs", "10"], "--runs is of printed tables"),
        (["audit", "--mean-column", "acc"], "--mean-column is of printed tables"),
        (["audit", __file__, "--paper", "bsda"], "--paper is of a paper's claims"),
        (["audit", __file__, "--datasets", "breast"], "--datasets is of a paper's claims"),
        (["plan", *PHANTOM, "--metric", "f1"], "--detect POINTS"),
        (["plan", *PHANTOM, "--reference", "none"], "--detect POINTS"),
        (["plan", *PHANTOM, "--detect", "0.1", "--metric", "kapa"], "did you mean 'kappa'"),
        (["status", "--results", ""], "--results is empty"),
        (["work", *PHANTOM, "--shard", ""], "--shard is empty"),
        (["table", "1", "--seeds", "1", "--seeds", "2"], "--seeds is given twice"),
        (["data", "import", "scans", "--name", ""], "--name is empty"),
        (
            ["data", "import", "scans", "--name", "a", "--group-column", ""],
            "no file or folder scans",
        ),
        (["data", "import", "scans", "--name", "a", "--exclude", ""], "no file or folder scans"),
        (["data", "export", "--dataset", "phantom-binary", "."], ". is a folder; name a file"),
        (["verify", "3fa9", "--device", "gpu"], "device 'gpu' cannot be used"),
        (["doctor", "--results", "nofolder"], "nofolder is no results folder"),
        (["clean", "--results", "nofolder"], "nofolder is no results folder"),
    ],
    ids=lambda value: " ".join(value)[:40] if isinstance(value, list) else value,
)
def test_other_commands_answer_so_too(
    words: list[str], answer: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = bench(*words)
    refused(done, answer)
    assert done.stdout == "", "nothing is printed before the refusal"
    assert not list(tmp_path.iterdir())


PROTOCOL = "protocol: {steps: 2, lr: 0.001}\n"
FILES = {
    "not UTF-8": (b"\xff\xfe\x00", "not a text in UTF-8"),
    "a key twice": (b"protocol:\n  steps: 2\n  lr: 1\n  lr: 2\n", "'lr' is given twice"),
    "a block twice": (PROTOCOL.encode() * 2, "'protocol' is given twice"),
    "tabs": (b"protocol:\n\tsteps: 2\n", "not valid YAML"),
    "aliases": (b"a: &a [x, x]\nprotocol: {lr: [*a, *a]}\n", "an alias"),
    "no seeds": (f"{PROTOCOL}selection: {{seeds: []}}\n".encode(), "seeds"),
    "a list": (b"- a\n", "mapping"),
    "nothing": (b"", "mapping"),
    "brackets": (b"protocol: " + b"[" * 500, "too many brackets"),
}


@pytest.mark.parametrize(("content", "answer"), FILES.values(), ids=FILES)
def test_a_protocol_that_says_two_things_or_none(
    content: bytes, answer: str, tmp_path: Path
) -> None:
    file = tmp_path / "mine.yaml"
    file.write_bytes(content)
    refused(bench("status", *PHANTOM[:4], "--protocol", str(file)), answer, "mine.yaml" * 0)


def test_a_protocol_with_a_byte_order_mark_and_a_method_that_is_not(tmp_path: Path) -> None:
    file = tmp_path / "mine.yml"
    file.write_text(f"\ufeff{PROTOCOL}parameters: {{mixupp: {{alpha: 1}}}}\n", encoding="utf-8")
    done = bench("status", *PHANTOM, *TINY[:2], "--protocol", str(file))
    assert done.exit_code == 0, done.output
    assert "did you mean 'mixup'" in done.stderr


@pytest.mark.parametrize(
    ("changes", "words", "answer"),
    [
        ({"counts": (3, 3, 3), "classes": 3}, [], "3 training images: expected at least 4"),
        ({"counts": (48, 12, 12)}, ["--ratio", "0.05"], "2 training images: expected at least 4"),
        ({"counts": (24, 1, 12)}, [], "cannot select by val_auc"),
    ],
    ids=["three images", "a small ratio", "one class to select by"],
)
def test_images_that_no_run_can_use_are_known_before(
    changes: dict[str, object], words: list[str], answer: str, tmp_path: Path
) -> None:
    file = own(tmp_path / "own.npz", **changes)  # type: ignore[arg-type]
    what = ["run", "--datasets", str(file), *TINY, "--seeds", "1", *words]
    refused(bench(*what, "--results", str(tmp_path / "r")), answer)
    assert not (tmp_path / "r").exists()


def test_a_test_split_of_one_class_says_why_auc_is_a_dash(tmp_path: Path) -> None:
    file = own(tmp_path / "own.npz", counts=(24, 12, 1))
    words = ["--datasets", str(file), *PHANTOM[2:], *TINY, "--results", str(tmp_path / "r")]
    done = bench("run", *words)
    assert done.exit_code == 0, done.output
    assert "no test image is labelled 1" in done.stderr
    assert "AUC is undefined where a class has no or only positives" in done.stdout


@pytest.mark.parametrize("folder", ["a, b", "c[1]", "d (2)", "данные 数据", "e)f"])
def test_a_path_in_quotes_is_taken_as_it_is(folder: str, tmp_path: Path) -> None:
    file = own(tmp_path / folder / "own, too.npz")
    method = tmp_path / folder / "mine.py"
    method.write_text(
        '"""Nothing."""\nfrom methods.method import Method\n\n\nclass Mine(Method):\n'
        '    """Nothing."""\n\n    summary = "nothing"\n',
        encoding="utf-8",
    )
    what = ["--datasets", f'"{file}",phantom-binary', "--methods", f'none,"{method}"']
    done = bench("status", *what, "--seeds", "1", *TINY[:2])
    assert done.exit_code == 0, done.output
    assert "own, too@" in done.stdout and "mine" in done.stdout and "4 runs" in done.stdout


def test_a_quoted_list_is_written_back() -> None:
    from bench.grid.notation import read_choice, split_list, write_list

    for names in (["a, b.npz", "breast"], ["c[1", "d"], [" e "], ["ails[alpha=0.5,tau=2]", "f"]):
        assert split_list(write_list(names)) == names
    assert write_list(["breast", "ails[alpha=0.5]"]) == "breast,ails[alpha=0.5]"
    assert read_choice("c[1]/m.py:Two[alpha=2]") == ("c[1]/m.py:Two", {"alpha": 2})


def test_yaml_is_what_it_looks_like() -> None:
    from bench.grid.notation import settings

    assert settings(["a=010", "b=yes", "c=true", "d=2020-01-01", "e=1e-3", "f=[1, 0.5]"]) == {
        "a": "010", "b": "yes", "c": True, "d": "2020-01-01", "e": "1e-3", "f": [1, 0.5],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\x1b[31mb", "a\\x1b[31mb"),
        ("a\nb\t", "a\\nb\\t"),
        ("\u202eabc", "\\u202eabc"),
        ("\udcff", "\\udcff"),
        ("数据 é ab", "数据 é ab"),
        ("می‌خواهم", "می‌خواهم"),
    ],
)
def test_a_name_is_shown_as_text(text: str, shown: str) -> None:
    assert visible(text) == shown


@pytest.mark.parametrize("name", ["a\x1b[31m", "b\n\u202e"])
def test_controls_in_a_name_reach_no_terminal(name: str, tmp_path: Path) -> None:
    file = own(tmp_path / f"{name}.npz")
    for words in (["data", "verify", str(file)], ["status", "--datasets", str(file)]):
        done = bench(*words)
        assert done.exit_code == 0, done.output
        assert visible(name) in done.stdout
        assert not set(done.output) & {"\x1b", "\u202e"}
    refused(bench("data", "verify", str(tmp_path / f"no{name}.npz")), visible(name))


@pytest.mark.parametrize(
    ("cell", "written"),
    [
        ("=1+1", "'=1+1"),
        ("@x", "'@x"),
        ("-x", "'-x"),
        ("+cmd|' /C calc'!A0", "'+cmd|' /C calc'!A0"),
        ("\tx", "'\tx"),
        ("-1.5", "-1.5"),
        ("-1.5 ± 0.2", "-1.5 ± 0.2"),
        ("+3e-05", "+3e-05"),
        ("-0.065 0.0225 -1e-3", "-0.065 0.0225 -1e-3"),
        ("-0.010 ± 0.020 (20)", "-0.010 ± 0.020 (20)"),
        ("-1 x", "'-1 x"),
        ("–", "–"),
        ("mixup", "mixup"),
    ],
)
def test_no_cell_is_a_formula(cell: str, written: str) -> None:
    assert spreadsheet(cell) == written


def test_weights_that_cannot_be_had_are_known_before_the_first_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def offline(request: object, **_: object) -> None:
        asked.append(request)
        raise OSError("no network")

    monkeypatch.setattr("urllib.request.urlopen", offline)
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    words = [*PHANTOM, "--backbones", "resnet34", "--input-size", "64", "--set", "pretrained=true"]
    for command in ("run", "plan"):
        done = bench(command, *words, "--set", "rgb=true", "--results", str(tmp_path / "r"))
        refused(done, "pretrained weights of resnet34", "timm.create_model", "pretrained=false")
    assert len(asked) == 2 and not (tmp_path / "r/failed").exists()


def test_a_registered_network_without_a_configuration_of_timms(monkeypatch: object) -> None:
    from timm.models import register_model, resnet18  # type: ignore[attr-defined]

    from bench import backbone

    def unconfigured_net(**options: object) -> object:
        return resnet18(**{k: v for k, v in options.items() if k != "pretrained"})

    unconfigured_net.__module__ = __name__
    register_model(unconfigured_net)
    assert backbone.build("unconfigured_net", 2, 1, 32, seed=0).feature_dim == 512


def test_an_unknown_backbone_is_answered_with_the_nearest_three() -> None:
    done = bench("run", *PHANTOM, "--backbones", "resnest11")
    refused(done, "no backbone 'resnest11'; did you mean ")
    assert done.stderr.count("' or '") == 2


def test_nothing_to_do_needs_no_writing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    where = ["--results", str(tmp_path / "r")]
    assert bench("run", *PHANTOM, *TINY, *where).exit_code == 0

    def refuse(*_: object) -> None:
        raise AssertionError("nothing is to be written")

    monkeypatch.setattr("bench.store.records.Store.check_writable", refuse)
    monkeypatch.setattr("bench.cli.writing.read_only", lambda folder: True)
    assert bench("run", *PHANTOM, *TINY, *where).exit_code == 0
    done = bench("table", "1", *PHANTOM, *TINY, *where)
    assert done.exit_code == 0 and "ACC" in done.stdout
    assert "cannot be written" in done.stderr and not (tmp_path / "r/tables").exists()


def test_what_cannot_be_read_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "folder.csv").mkdir()
    binary = tmp_path / "binary.csv"
    binary.write_bytes(bytes(range(256)))
    for words in (["audit", str(binary)], ["run", "--methods", str(tmp_path / "folder.py")]):
        refused(bench(*words, "--results", str(tmp_path)))


def shell(command: str, folder: Path, **environment: str) -> "subprocess.CompletedProcess[bytes]":
    """A command line in a shell, with `$BENCH` for ours."""
    root = str(Path(__file__).parents[2])
    usual = {"PYTHONPATH": root, "BENCH": f"{sys.executable} -m bench", "PATH": os.environ["PATH"]}
    usual |= {"BENCH_CACHE": str(folder / "cache"), "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        ["bash", "-c", f"set -o pipefail; {command}"],
        cwd=folder,
        env=usual | environment,
        capture_output=True,
        check=False,
    )


RUN = f"$BENCH table 1 {' '.join([*PHANTOM, *TINY])}"
SURROUNDINGS = {
    "latin-1": (RUN, {"PYTHONIOENCODING": "latin-1"}),
    "ascii": (RUN, {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}),
    "no home": (RUN, {"BENCH_CACHE": ""}),
    "a closed pipe": (f"({RUN}; echo $? > code) | true; exit $(cat code)", {}),
    "no stdout": (f"{RUN} >&-", {}),
    "no stdin, stdout nor stderr": (f"{RUN} <&- >&- 2>&-", {}),
    "a dumb terminal": (RUN, {"TERM": "dumb", "COLUMNS": "1"}),
}


@pytest.mark.slow
@pytest.mark.parametrize(("command", "environment"), SURROUNDINGS.values(), ids=SURROUNDINGS)
def test_surroundings_cost_no_table(
    command: str, environment: dict[str, str], tmp_path: Path
) -> None:
    done = shell(command, tmp_path, **environment)
    assert done.returncode == 0, done.stderr.decode(errors="replace")
    assert b"Traceback" not in done.stderr
    assert len(list((tmp_path / "results/tables/laptop-steps-2").iterdir())) == 4


@pytest.mark.slow
@pytest.mark.parametrize("package", ["methods", "reports"])
def test_a_folder_of_the_users_hides_nothing(package: str, tmp_path: Path) -> None:
    (tmp_path / package).mkdir()
    (tmp_path / package / "__init__.py").write_text("")
    done = shell("$BENCH status", tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith(b"error: ") and len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("optimizer", ["adamw", "sgd"])
def test_numbers_without_end_are_a_divergence(optimizer: str, tmp_path: Path) -> None:
    words = [*PHANTOM, *TINY, "--set", "lr=1e30", "--set", f"optimizer={optimizer}"]
    done = bench("run", *words, "--results", str(tmp_path))
    assert done.exit_code == 1 and "seed 0: diverged at step 1" in done.stdout


def test_a_mac_s_device_is_offered() -> None:
    from bench.base.errors import BenchError
    from bench.training.environment import check_device

    assert "mps" in bench("run", "--help").stdout
    if not torch.backends.mps.is_available():
        with pytest.raises(BenchError, match=r"'mps' cannot be used \((?!one of)"):
            check_device("mps")


def test_the_exit_codes_are_told() -> None:
    shown = bench("--help").stdout
    assert all(f"\n    {code} " in shown for code in (0, 1, 2, 130))
