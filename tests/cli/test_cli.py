"""The command line as a user meets it: the face, the mistakes, the phantoms."""

import json
import re
import zipfile
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image

import methods
from bench.cli import main
from bench.store.records import Store

TINY = ["--backbones", "test_byobnet", "--set", "steps=2", "--workers", "1"]


def bench(*words: str) -> Result:
    return CliRunner().invoke(main, list(words))


@pytest.fixture
def nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A machine without MedMNIST and without a network."""
    monkeypatch.delenv("BENCH_DATA", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))

    def offline(*_: object, **__: object) -> None:
        raise OSError("no network")

    monkeypatch.setattr("urllib.request.urlopen", offline)


def test_run_then_table_then_show(tmp_path: Path) -> None:
    where = ["--results", str(tmp_path)]
    what = ["--datasets", "phantom-binary", "--methods", "none,ails", "--seeds", "2", *TINY]
    first = bench("run", *what, "--ratio", "0.2", *where)
    assert first.exit_code == 0, first.output
    assert "4 runs to do" in first.output and "AUC" in first.output
    records = {key: (tmp_path / "runs" / key[:2] / f"{key}.json").stat() for key in Store(tmp_path)}
    assert len(records) == 4

    again = bench("table", "1", *what, "--ratio", "0.2", *where)
    assert again.exit_code == 0, again.output
    assert "runs to do" not in again.output
    folder = tmp_path / "tables" / "laptop-steps-2"
    suffixes = (".csv", "-tidy.csv", "-tests.csv", ".tex", ".md")
    assert sorted(p.name for p in folder.iterdir()) == sorted(f"table1-acc{s}" for s in suffixes)

    key = next(iter(records))
    assert key in bench("verify", key[:6], *where).output
    assert "python -m bench run" in bench("show", key[:6], *where).output
    shown = bench("show", key[:6], "--json", *where)
    assert json.loads(shown.output)["key"] == key


def test_a_failed_run_is_told_a_dash_and_exit_code_1(tmp_path: Path) -> None:
    words = ["run", "--datasets", "phantom-binary", "--methods", "none", "--seeds", "1", *TINY]
    words += ["--set", "lr=1e30", "--set", "optimizer=sgd", "--results", str(tmp_path)]
    done = bench(*words)
    assert done.exit_code == 1
    assert "failed: phantom-binary test_byobnet none seed 0: diverged at step 1" in done.output
    assert "–" in done.output


def test_status_and_plan_count(tmp_path: Path) -> None:
    where = ["--results", str(tmp_path)]
    what = ["--datasets", "phantom-binary", "--methods", "none", *TINY[:-2]]
    bench("run", *what, "--seeds", "2", "--workers", "1", *where)
    status = bench("status", *what, "--seeds", "3", *where)
    assert "3 runs: 2 done, 1 missing" in status.output
    plan = bench("plan", *what, "--seeds", "3", "--workers", "1", *where)
    assert re.search(r"about \d+ s with --workers 1", plan.output)


def test_dry_run_runs_nothing(tmp_path: Path) -> None:
    done = bench(
        "table", "1", "--datasets", "phantom-binary", *TINY, "--dry-run", "--results", str(tmp_path)
    )
    assert done.exit_code == 0 and "60 missing" in done.output
    assert [path.name for path in tmp_path.iterdir()] == ["rates"], "what was timed is kept"


@pytest.mark.usefixtures("nowhere")
def test_without_data_the_phantom_is_used_and_said_everywhere(tmp_path: Path) -> None:
    where = tmp_path / "results"
    done = bench("table", "1", "--methods", "none", "--seeds", "1", *TINY, "--results", str(where))
    assert done.exit_code == 0, done.output
    assert "phantom data, not MedMNIST" in done.output
    for path in (where / "tables" / "laptop-steps-2").iterdir():
        if path.stat().st_size:
            assert "phantom data, not MedMNIST" in path.read_text(), path.name


@pytest.mark.usefixtures("nowhere")
def test_a_set_that_was_asked_for_and_is_not_here_is_an_error(tmp_path: Path) -> None:
    done = bench("run", "--datasets", "breast", *TINY, "--results", str(tmp_path))
    assert done.exit_code == 2
    assert "phantom-binary" in done.stderr and "--data-dir" in done.stderr


MISTAKES = [
    (["rum"], "run"),
    (["run", "--method", "none"], "--methods"),
    (["run", "--methods", "alis"], "did you mean 'ails'"),
    (["run", "--methods", "ails[aplha=1]"], "did you mean 'alpha'"),
    (["run", "--methods", "ails[alpha=much]"], "ails parameter alpha"),
    (["run", "--methods", ""], "--methods is empty"),
    (["run", "--datasets", "braest"], "did you mean 'breast'"),
    (["run", "--datasets", "no/such.npz"], "such.npz"),
    (["run", "--backbones", "resnet81"], "did you mean 'resnet18'"),
    (["run", "--protocol", "labtop"], "did you mean 'laptop'"),
    (["run", "--set", "epoch=1"], "did you mean 'epochs'"),
    (["run", "--ratio", "2"], "ratio 2"),
    (["run", "--ratio", "half"], "ratio 'half'"),
    (["run", "--seeds", "x"], "seeds 'x'"),
    (["run", "--datasets", "breast", "--size", "29"], "MedMNIST has 28, 64"),
    (["run", "--workers", "0"], "--workers"),
    (["run", "--datasets", "phantom-binary", "--device", "gpu"], "device 'gpu'"),
    (["table", "9"], "choose from 1, 2"),
    (["table", "2", "--methods", "none,mixup,ails", "--dry-run"], "compares two methods"),
    (["figure", "6"], "choose from 4, 5"),
    (["figure", "ranks", *TINY, "--seeds", "1", "--methods", "none"], "at least 3 methods"),
    (["audit", "no.csv"], "no.csv"),
    (["report", "--backbones", "resnet81"], "did you mean 'resnet18'"),
    (["readings", "--method", "mixup"], "ails"),
    (["readings", "--methods", "ails"], "--method"),
    (["show", "zz"], "no run 'zz'"),
    (["data", "verify", "--datasets", "braest"], "did you mean 'breast'"),
]


@pytest.mark.parametrize(("words", "answer"), MISTAKES, ids=lambda value: str(value)[:40])
def test_a_mistake_is_answered_in_one_line(
    words: list[str], answer: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    needing = ("run", "table", "figure", "report", "readings")
    if words[0] in needing and "--datasets" not in words:
        words = [*words, "--datasets", "phantom-binary"]
    done = bench(*words)
    assert done.exit_code == 2
    error = done.stderr.strip().splitlines()[-1]
    assert error.lower().startswith("error:") and answer in error
    assert "Traceback" not in done.output


def test_a_truncated_file_is_named_with_the_mend(tmp_path: Path, real_data: Path) -> None:
    whole = (real_data / "breastmnist.npz").read_bytes()
    (tmp_path / "breastmnist.npz").write_bytes(whole[: len(whole) // 2])
    done = bench("run", "--datasets", "breast", *TINY, "--data-dir", str(tmp_path))
    assert done.exit_code == 2
    assert "breastmnist.npz" in done.stderr and len(done.stderr.strip().splitlines()) == 1


def test_methods_are_listed_a_line_each_and_one_is_explained() -> None:
    listed = bench("methods").output.splitlines()
    assert [line.split()[0] for line in listed] == methods.names()
    explained = bench("methods", "mixup").output
    assert "alpha      0.2" in explained and "Zhang et al. 2018" in explained


def test_the_export_is_the_training_subset_of_a_run(tmp_path: Path) -> None:
    words = ["data", "export", "--dataset", "phantom-binary", "--ratio", "0.2", "--seed", "3"]
    done = bench(*words, str(tmp_path / "train.zip"))
    assert done.exit_code == 0, done.output
    assert done.output.startswith("wrote 80 images")
    with zipfile.ZipFile(tmp_path / "train.zip") as archive:
        labels = json.loads(archive.read("dataset.json"))["labels"]
    assert len(labels) == 80 and {label for _, label in labels} == {0, 1}


def test_a_preview_is_written(tmp_path: Path) -> None:
    words = ["preview", "--method", "cutmix", "--dataset", "phantom-ordinal"]
    done = bench(*words, "--results", str(tmp_path))
    assert done.exit_code == 0, done.output
    with Image.open(tmp_path / "previews" / "cutmix-phantom-ordinal-28.png") as picture:
        assert picture.width > 400 and len(picture.convert("RGB").getcolors(10**6) or []) > 100


def test_the_audit_finds_the_known_duplicates(real_data: Path) -> None:
    found = bench("data", "audit", "--data-dir", str(real_data)).output
    assert "train[115]" in found and "test[76]" in found
    assert "8" in next(line for line in found.splitlines() if "train and val" in line)


PHANTOMS = ["--datasets", "phantom-binary", "--seeds", "2"]


def test_the_report_runs_nothing_and_says_phantom(tmp_path: Path) -> None:
    where = ["--results", str(tmp_path)]
    bench("run", *PHANTOMS, "--methods", "none,ails", *TINY, *where)
    keys = list(Store(tmp_path))
    done = bench("report", *PHANTOMS, "--methods", "none,ails", *TINY[:-2], *where)
    assert done.exit_code == 0, done.output
    assert list(Store(tmp_path)) == keys
    page = (tmp_path / "report-laptop-steps-2.html").read_text(encoding="utf-8")
    shown = re.sub(r"<[^>]+>", "", page)
    assert "phantom data, not MedMNIST" in page
    for command in ("table 2", "table 5", "figure 4"):
        assert f"python -m bench {command} --datasets phantom-binary" in shown


def test_a_figure_uses_the_runs_of_its_tables(tmp_path: Path) -> None:
    where = ["--results", str(tmp_path)]
    for number in ("5", "6"):
        assert bench("table", number, *PHANTOMS, *TINY, *where).exit_code == 0
    drawn = bench("figure", "4", *PHANTOMS, *TINY, *where)
    assert drawn.exit_code == 0, drawn.output
    assert "runs to do" not in drawn.output
    names = {path.name for path in (tmp_path / "figures" / "laptop-steps-2").iterdir()}
    assert names == {"figure4.svg", "figure4.pdf", "figure4.csv"}


def test_features_are_those_of_the_run_and_kept(tmp_path: Path) -> None:
    where = ["--results", str(tmp_path)]
    what = ["--datasets", "phantom-ordinal", "--methods", "none,mixup", *TINY]
    drawn = bench("figure", "5", *what, *where)
    assert drawn.exit_code == 0, drawn.output
    assert drawn.output.count("trained again to the same bits") == 2
    store = Store(tmp_path)
    (none,) = [key for key in store if store.read(key)["cell"]["method"] == "none"]
    with np.load(store.features_path(none, "test")) as arrays:
        assert arrays["features"].shape[0] == len(store.predictions(none)[1])
        assert (arrays["targets"] == store.predictions(none)[1]).all()
    again = bench("figure", "5", *what, *where)
    assert "trained again" not in again.output


def test_the_audit_of_a_users_table_finds_what_is_planted(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    means = rng.uniform(60, 90, 9).round(1)
    table = tmp_path / "mine.csv"
    lines = ["method," + ",".join("abcdefghi")]
    for step, name in enumerate(("one", "two", "three", "four")):
        lines.append(name + "," + ",".join(f"{mean + 0.7 * step:.1f}±0.9" for mean in means))
    table.write_text("\n".join(lines), encoding="utf-8")
    assert "implausible" in bench("audit", str(table)).output
    table.write_text("\n".join(lines)[:-9] + "x", encoding="utf-8")
    broken = bench("audit", str(table))
    assert broken.exit_code == 2 and "mine.csv" in broken.stderr


def test_readings_of_a_phantom(tmp_path: Path) -> None:
    words = ["readings", "--method", "feature_noise", "--sample", "1", *PHANTOMS, *TINY]
    done = bench(*words, "--results", str(tmp_path))
    assert done.exit_code == 0, done.output
    names = {path.name for path in (tmp_path / "figures" / "laptop-steps-2").iterdir()}
    assert "readings-feature_noise-acc.svg" in names
