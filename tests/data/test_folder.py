"""Import: folders and CSVs as users have them become a dataset, split once."""

import csv
import re
import shlex
import shutil
import warnings
from dataclasses import replace

import numpy as np
import pytest
import yaml
from click.testing import CliRunner
from dicom_files import dicom
from PIL import Image

from bench.base.errors import BenchError, Note
from bench.base.task import Task
from bench.cli import main
from bench.data.cached import imported
from bench.data.dataset import open_dataset
from bench.data.decoding import decoded, fitted
from bench.data.folder import Recipe, import_images
from bench.data.listing import Columns, Listing, listed
from bench.data.window import Window, eight_bits


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "cache"))


def draw(path, seed, mode="L"):
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(256, size=(20, 16), dtype=np.uint8)
    Image.fromarray(pixels).convert(mode).save(path)


@pytest.fixture
def folder(tmp_path):
    """Two classes of ten images."""
    for number in range(20):
        draw(tmp_path / "own" / "ab"[number % 2] / f"image {number}.png", number)
    return tmp_path / "own"


@pytest.fixture
def table(tmp_path):
    """A CSV of 40 images of 20 patients; suffixes left out, in a folder below."""
    rows = ["patient,image_id,finding,view,age"]
    for number in range(40):
        draw(tmp_path / "set" / "images" / f"x{number}.png", number)
        view = "PA" if number < 36 else "AP"
        rows.append(
            f"{number // 2},x{number},{'sick' if number % 4 < 2 else 'well'},{view},{number}"
        )
    (tmp_path / "set" / "list.csv").write_text("\n".join(rows) + "\n")
    return tmp_path / "set" / "list.csv"


def rows_of(path):
    with path.open() as file:
        return list(csv.DictReader(file))


def bench(*words):
    return CliRunner().invoke(main, ["data", "import", *map(str, words)])


def test_a_folder_becomes_a_dataset_that_opens(folder, tmp_path):
    made = import_images(folder, tmp_path / "set", Recipe(sizes=(28, 12)))
    assert made.counts == {"train": (7, 7), "val": (1, 1), "test": (2, 2)}
    info = open_dataset(str(tmp_path / "set.npz"), 28).info
    assert info.labels == ("a", "b") and info.task is Task.BINARY and info.warnings == ()
    small = open_dataset(str(tmp_path / "set_12.npz"), 12)
    for row in rows_of(tmp_path / "set.csv"):
        image = fitted(decoded(folder / row["image"]), 12, "crop")
        assert (small.split(row["split"]).pixels([int(row["index"])])[0] == image).all()
        assert small.split(row["split"]).targets[int(row["index"])] == "ab".index(row["label"])


def test_how_far_the_reading_is_is_told_in_a_terminal_only(folder, tmp_path):
    told = []
    (folder / "a" / "broken.png").write_text("broken")
    import_images(folder, tmp_path / "set", told=lambda read, of: told.append((read, of)))
    assert told == [(n, 21) for n in range(1, 22)]
    done = bench(folder, "--name", tmp_path / "again")
    assert "images read" not in done.output and done.output.startswith("   ")


def test_threads_leave_the_filters_of_warnings_as_they_were(folder, tmp_path):
    before = list(warnings.filters)
    import_images(folder, tmp_path / "set")
    assert warnings.filters == before


def test_splits_are_saved_and_never_drawn_again(folder, tmp_path):
    import_images(folder, tmp_path / "set")
    before = (tmp_path / "set.csv").read_bytes()
    made = import_images(folder, tmp_path / "set", Recipe(sizes=(12,)))
    assert (tmp_path / "set.csv").read_bytes() == before and "set.csv" in made.notes[-1]
    for recipe in (Recipe(seed=1), Recipe(parts=(0.6, 0.2, 0.2))):
        with pytest.raises(BenchError, match="never drawn again"):
            import_images(folder, tmp_path / "set", recipe)
    draw(folder / "a" / "new.png", 99)
    with pytest.raises(BenchError, match="of other images"):
        import_images(folder, tmp_path / "set")
    assert (tmp_path / "set.csv").read_bytes() == before


def test_files_of_the_same_bytes_stay_in_one_split(folder, tmp_path):
    copied = (folder / "a" / "image 0.png").read_bytes()
    for number in range(5):
        (folder / "a" / f"copy {number}.png").write_bytes(copied)
    import_images(folder, tmp_path / "set")
    rows = rows_of(tmp_path / "set.csv")
    same = [
        row["split"] for row in rows if "copy" in row["image"] or row["image"] == "a/image 0.png"
    ]
    assert len(same) == 6 and len(set(same)) == 1


def test_patients_of_a_csv_stay_in_one_split(table, tmp_path):
    recipe = Recipe(columns=Columns(labels=("finding",), where="view == 'PA' and age < 34"))
    made = import_images(table, tmp_path / "set", recipe)
    assert sum(map(sum, made.counts.values())) == 34
    assert len(made.left_out["not chosen by --where"]) == 6
    places = {}
    for row in rows_of(tmp_path / "set.csv"):
        places.setdefault(row["group"], set()).add(row["split"])
    assert len(places) == 17 and all(len(splits) == 1 for splits in places.values())
    with np.load(tmp_path / "set.npz") as arrays:
        assert set(arrays["train_groups"]).isdisjoint(arrays["test_groups"])


def test_a_blank_after_a_patient_is_not_another_patient(table, tmp_path):
    lines = table.read_text().splitlines()
    lines[1:] = [line.replace(",", " ,", 1) if n % 2 else line for n, line in enumerate(lines[1:])]
    lines[1] = re.sub("^0", "  ", lines[1])
    table.write_text("\n".join(lines))
    columns = Columns(labels=("finding",))
    made = import_images(table, tmp_path / "set", Recipe(columns=columns))
    rows = rows_of(tmp_path / "set.csv")
    assert {row["group"] for row in rows} == {str(n) for n in range(20)}
    assert len({(row["group"], row["split"]) for row in rows}) == 20
    assert made.left_out == {"without patient": ("x0",)}


def test_a_planted_leak_of_patients_is_a_warning(table, tmp_path):
    import_images(table, tmp_path / "set", Recipe(columns=Columns(labels=("finding",))))
    with np.load(tmp_path / "set.npz") as arrays:
        leaky = dict(arrays)
    leaky["test_groups"][:3] = leaky["train_groups"][0]
    np.savez_compressed(tmp_path / "leaky.npz", **leaky)
    (warning,) = open_dataset(str(tmp_path / "leaky.npz"), 28).info.warnings
    assert warning == "3 of 8 test images are of groups that train has too"
    leaky["test_groups"] = leaky["test_groups"][1:]
    np.savez_compressed(tmp_path / "short.npz", **leaky)
    with pytest.raises(BenchError, match="test_groups has"):
        open_dataset(str(tmp_path / "short.npz"), 28)


def test_a_second_where_narrows_the_first(table, tmp_path):
    wheres = ("--where", "view == 'PA' or age > 38", "--where", "age > 3")
    done = bench(table, "--name", tmp_path / "set", "--label-column", "finding", *wheres)
    assert "not chosen by --where: 7 " in done.output
    about = yaml.safe_load((tmp_path / "set.yaml").read_text())["import"]
    assert about["where"] == "(view == 'PA' or age > 38) and (age > 3)"


def test_several_label_columns_are_many_labels(tmp_path):
    lines = ["file,A,B,C"]
    for n in range(40):
        draw(tmp_path / "many" / f"{n}.png", n)
        lines.append(f"{n}.png,{n % 2},{(n // 2) % 2},{int(n % 5 == 0)}")
    (tmp_path / "many" / "t.csv").write_text("\n".join(lines))
    import_images(
        tmp_path / "many" / "t.csv", tmp_path / "m", Recipe(columns=Columns(labels=tuple("ABC")))
    )
    dataset = open_dataset(str(tmp_path / "m.npz"), 28)
    assert dataset.info.task is Task.MULTILABEL and dataset.info.labels == ("A", "B", "C")
    row = next(r for r in rows_of(tmp_path / "m.csv") if r["image"] == "3.png")
    assert dataset.split(row["split"]).targets[int(row["index"])].tolist() == [1, 1, 0]


def test_split_folders_are_kept_and_val_is_taken_from_train(tmp_path):
    for n in range(40):
        part = "test" if n % 4 == 3 else "train"
        draw(tmp_path / "own" / part / "ab"[(n // 4) % 2] / f"{n}.png", n)
    made = import_images(tmp_path / "own", tmp_path / "set")
    rows = rows_of(tmp_path / "set.csv")
    assert {r["image"] for r in rows if r["split"] == "test"} == {
        r["image"] for r in rows if r["image"].startswith("test/")
    }
    assert made.counts["test"] == (5, 5) and sum(made.counts["val"]) == 4
    leaked = next((tmp_path / "own" / "train" / "a").iterdir())
    (tmp_path / "own" / "test" / "a" / "again.png").write_bytes(leaked.read_bytes())
    with pytest.raises(BenchError, match="has too"):
        import_images(tmp_path / "own", tmp_path / "other")


def test_a_class_that_a_given_split_lacks_is_told(tmp_path):
    for n in range(36):
        part = ("train", "val", "test")[n % 3]
        draw(tmp_path / "own" / part / "ab"[(n // 3) % 2] / f"{n}.png", n)
    shutil.rmtree(tmp_path / "own" / "test" / "b")
    notes = import_images(tmp_path / "own", tmp_path / "set").notes
    assert "there is no test image of b" in notes
    (tmp_path / "own" / "test" / "a").rename(tmp_path / "own" / "test" / "A")
    with pytest.raises(BenchError, match="no training image of 'A'; choose from a, b"):
        import_images(tmp_path / "own", tmp_path / "other")


def test_files_that_are_there_twice_are_told(table, tmp_path):
    with table.open("a") as file:
        file.write("0,x0,sick,PA,3\n0,x1,well,PA,3\n")
    recipe = Recipe(columns=Columns(labels=("finding",)))
    notes = import_images(table, tmp_path / "set", recipe).notes
    assert "2 of 42 images are the same file as another one, such as x0" in notes
    assert "1 of these has two different labels" in notes


def test_the_source_and_tables_of_others_are_not_overwritten(table, tmp_path):
    before = table.read_bytes()
    words = ("--label-column", "finding", "--name")
    own = bench(table, *words, table.with_suffix(""))
    assert own.exit_code == 2 and "give another --name" in own.output
    (tmp_path / "set.csv").write_text("a,b\n")
    other = bench(table, *words, tmp_path / "set")
    assert other.exit_code == 2 and "set.csv is no table of an import" in other.output
    assert table.read_bytes() == before and (tmp_path / "set.csv").read_text() == "a,b\n"


@pytest.mark.parametrize("name", ["set.npz", "set_12.npz", "set.yaml", "set_12.yaml"])
def test_what_no_import_made_is_not_overwritten(folder, tmp_path, name):
    (tmp_path / name).write_text("mine")
    done = bench(folder, "--name", tmp_path / "set", "--size", "28,12")
    assert done.exit_code == 2 and f"{name} was not made by an import" in done.output
    assert (tmp_path / name).read_text() == "mine" and not (tmp_path / "set.csv").exists()


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace(",", ";"),
        lambda text: "\ufeff" + text.replace("\n", "\r\n"),
        lambda text: re.sub(r",x(\d+),", r",images\\x\1.png,", text),
    ],
)
def test_tables_of_spreadsheets_and_windows_are_read(table, tmp_path, change):
    recipe = Recipe(columns=Columns(image="image_id", labels=("finding",), group="patient"))
    import_images(table, tmp_path / "set", recipe)
    table.write_text(change(table.read_text()))
    import_images(table, tmp_path / "other", recipe)
    assert (tmp_path / "set.npz").read_bytes() == (tmp_path / "other.npz").read_bytes()


def test_label_columns_may_be_named_one_by_one_and_numbers_are_in_order(table, tmp_path):
    rows = rows_of(table)
    lines = ["image_id,A,B,grade,patient"]
    for n, row in enumerate(rows):
        lines.append(f"{row['image_id']},{n % 2},{(n // 2) % 2},{(n // 3) % 12},{n}")
    table.write_text("\n".join([*lines, *(f"x{n},0,1,{n % 12},{n}" for n in range(40))]))
    columns = ("--label-column", "A", "--label-column", "B")
    assert bench(table, "--name", tmp_path / "set", *columns).exit_code == 0
    assert open_dataset(str(tmp_path / "set.npz"), 28).info.labels == ("A", "B")
    graded = listed(table, Columns(labels=("grade",)))
    assert graded.labels == tuple(map(str, range(12)))


def test_deep_images_share_the_window_of_the_training_images(tmp_path):
    rng = np.random.default_rng(0)
    for n in range(20):
        place = tmp_path / "own" / "ab"[n % 2] / f"{n}.png"
        place.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(1000 * (n + 1), size=(16, 16)).astype(np.uint16)).save(place)
    recipe = Recipe(sizes=(16,), window=Window("min", "max"))
    import_images(tmp_path / "own", tmp_path / "set", recipe)
    rows = rows_of(tmp_path / "set.csv")
    stored = {r["image"]: decoded(tmp_path / "own" / r["image"]) for r in rows}
    train = [stored[r["image"]] for r in rows if r["split"] == "train"]
    low, high = min(i.min() for i in train), max(i.max() for i in train)
    with np.load(tmp_path / "set_16.npz") as arrays:
        for r in rows:
            shown = arrays[f"{r['split']}_images"][int(r["index"])]
            assert (shown == eight_bits(stored[r["image"]], low, high)).all()
    about = yaml.safe_load((tmp_path / "set_16.yaml").read_text())["import"]
    assert about["window"] == f"min,max of the training images: {low:g} to {high:g}"


def test_a_window_that_was_asked_for_goes_before_a_dicom_files_own(tmp_path):
    for n in range(12):
        place = tmp_path / "own" / "ab"[n % 2] / f"{n}.dcm"
        place.parent.mkdir(parents=True, exist_ok=True)
        pixels = np.random.default_rng(n).integers(100, 200, size=(16, 16))
        dicom(place, pixels, WindowCenter=2000, WindowWidth=4000)
    each = Recipe(sizes=(16,), window=Window("min", "max"), window_per_image=True)
    recipes = {"own": Recipe(sizes=(16,)), "each": each, "alone": replace(each, window=None)}
    means = {}
    for name, recipe in recipes.items():
        import_images(tmp_path / "own", tmp_path / name, recipe)
        with np.load(tmp_path / f"{name}_16.npz") as arrays:
            means[name] = arrays["train_images"].mean()
    assert means["own"] < 20 < 100 < min(means["each"], means["alone"])


def test_a_window_without_deep_images_is_told_to_change_nothing(folder, tmp_path):
    notes = import_images(folder, tmp_path / "set", Recipe(window=Window("min", "max"))).notes
    assert any("--window changes nothing" in note for note in notes)
    assert not any("--window" in note for note in import_images(folder, tmp_path / "o").notes)


def test_what_is_left_out_is_counted_and_named(table, tmp_path):
    with table.open("a") as file:
        file.write("90,x0,,PA,3\n91,gone,well,PA,3\n,x1,well,PA,3\n")
    (table.parent / "images" / "x5.png").write_text("broken")
    done = bench(table, "--name", tmp_path / "set", "--label-column", "finding", "--exclude", "x7")
    assert done.exit_code == 0, done.output
    for said in (
        "left out, without label: 1 (x0)",
        "left out, no such file: 1 (gone)",
        "left out, without patient: 1 (x1)",
        "left out, excluded: 1 (x7)",
        "left out, unreadable, no image of a known format: 1 (x5)",
        "images of one patient stay in one split",
    ):
        assert said in done.output


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "which column is the label? name it with --label-column"),
        (("--label-column", "fnding"), "did you mean 'finding'"),
        (("--label-column", "finding", "--where", "viw == 1"), "name 'viw' is not defined"),
        (("--label-column", "finding", "--where", "view =="), "invalid syntax"),
        (("--label-column", "finding", "--where", "view == 'LL'"), "no row fits"),
        (("--label-column", "finding", "--split", "0.9,0.2"), "three fractions"),
        (("--label-column", "finding", "--size", "big"), "whole numbers of pixels"),
        (("--label-column", "finding", "--size", ""), "--size is empty"),
        (("--label-column", "finding", "--name", "."), "names no file"),
        (("--label-column", "finding", "--name", "/proc/none/set"), "; give another --name"),
        (("--label-column", "finding", "--window", "wide"), "write p0.5,p99.5"),
        (("--label-column", "image_id"), "too few to be in train, val and test: x0 (1)"),
        (("--label-column", "finding,view"), "several label columns hold 0 and 1"),
    ],
)
def test_a_wrong_wish_is_one_line_that_says_the_mend(table, tmp_path, words, said):
    name = () if "--name" in words else ("--name", tmp_path / "set")
    done = bench(table, *name, *words)
    assert done.exit_code == 2 and said in done.output
    assert done.output.count("\n") == 1 and not (tmp_path / "set.npz").exists()


def test_masks_beside_images_are_told(folder, tmp_path):
    for path in list(folder.rglob("*.png")):
        draw(path.with_name(f"{path.stem}_mask.png"), 1)
    with pytest.raises(BenchError, match=r"20 names pair up as image and mask .*--exclude"):
        import_images(folder, tmp_path / "set")
    made = import_images(folder, tmp_path / "set", Recipe(exclude=("*_mask*",)))
    assert len(made.left_out["excluded"]) == 20
    made = import_images(folder, tmp_path / "with", Recipe(exclude=("",)))
    assert sum(map(sum, made.counts.values())) == 40
    with pytest.raises(
        BenchError, match=r'--exclude "\*_mask\*".*bench data import ".*own" --name'
    ):
        open_dataset(str(folder), 28)


def test_a_folder_is_a_dataset_by_its_path(folder, tmp_path):
    with pytest.warns(Note, match="is imported into"):
        info = open_dataset(str(folder), 28).info
    import_images(folder, tmp_path / "set")
    assert info.fingerprint == open_dataset(str(tmp_path / "set.npz"), 28).info.fingerprint
    assert info.name == f"own@{info.fingerprint[:8]}"
    first = open_dataset(str(folder), 28).info
    assert first == info
    draw(folder / "a" / "new.png", 77)
    assert open_dataset(str(folder), 28).info.fingerprint != info.fingerprint


def test_a_stopped_import_of_a_dataset_by_its_path_is_made_again(folder):
    with pytest.warns(Note):
        file = imported(folder, 28)
    file.with_suffix(".csv").unlink()
    with pytest.warns(Note, match="is imported into"):
        assert imported(folder, 28) == file


def test_a_wrong_dataset_says_what_a_path_may_be(tmp_path):
    with pytest.raises(BenchError, match=r"FILE\.npz, a folder of class folders, or a CSV"):
        open_dataset("brest", 28)
    with pytest.raises(BenchError, match="two classes or more"):
        open_dataset(str(tmp_path), 28)
    for gone in ("gone.csv", "gone", "gone.npz"):
        with pytest.raises(BenchError, match=r"^no file .*; correct the path of the dataset$"):
            open_dataset(str(tmp_path / gone), 28)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("own.npz", "needs no import: --datasets"),
        ("gone", "no file or folder"),
        ("notes.txt", "is no folder and no CSV"),
        ("set", "has no two class folders, but list.csv; name that as the source"),
        ("own/a", "found none; left out, in no class folder: 10 (image 0.png"),
    ],
)
def test_a_wrong_source_says_what_to_give(folder, table, tmp_path, source, said):
    for name in ("own.npz", "notes.txt"):
        (tmp_path / name).write_text("")
    done = bench(tmp_path / source, "--name", tmp_path / "made")
    assert done.exit_code == 2 and said in done.output and done.output.count("\n") == 1


def test_a_table_far_from_its_images_says_that_files_are_missing(table, tmp_path):
    moved = table.rename(tmp_path / "list.csv")
    (tmp_path / "set").rename(tmp_path.parent / f"{tmp_path.name} elsewhere")
    with pytest.raises(BenchError, match=r"left out, no such file: 40 \(x0, x1, x2 and 37 more"):
        listed(moved, Columns(labels=("finding",)))


def test_small_classes_are_left_out_by_the_option_that_the_error_names(table, tmp_path):
    with table.open("a") as file:
        file.write("90,x0,odd one,PA,3\n91,x1,other,PA,3\n")
    words = [table, "--name", tmp_path / "set", "--label-column", "finding"]
    for where in ([], ["--where", "age < 39"]):
        refused = bench(*words, *where)
        assert refused.exit_code == 2 and "too few" in refused.output
        option = shlex.split(refused.output[refused.output.index("--where") :])[1].rstrip(",")
        assert bench(*words[:2], tmp_path / f"set{len(where)}", *words[3:], "--where", option)
        names = open_dataset(str(tmp_path / f"set{len(where)}.npz"), 28).info.labels
        assert names == ("sick", "well")


@pytest.mark.parametrize(
    ("found", "option"),
    [
        (Columns(), '--exclude "c"'),
        (Columns(labels=("view",)), "--where \"view not in ['c']\""),
        (Columns(labels=("a b",)), "--where \"\\`a b\\` not in ['c']\""),
    ],
)
def test_what_leaves_classes_out_fits_the_source(found, option):
    assert Listing((), ("a", "c"), False, (), (), found).without(["c"]) == option


def test_classes_that_are_numbers_are_left_out_as_numbers():
    found = Listing((), ("1", "2"), False, (), (), Columns(labels=("grade",)))
    assert found.without(["2"]) == '--where "grade not in [2]"'
    found = replace(found, columns=Columns(labels=("grade",), where='view == "PA"'))
    assert shlex.split(found.without(["2"]))[1] == '(view == "PA") and grade not in [2]'
    found = Listing((), ("a", "b"), True, (), (), Columns(labels=("a", "b")))
    assert found.without(["b"]) == "--label-column a"


def test_exclude_takes_folders_and_never_fits_nothing(folder, tmp_path):
    draw(folder / "odd" / "x.png", 1)
    made = import_images(folder, tmp_path / "set", Recipe(exclude=("odd",)))
    assert made.labels == ("a", "b") and made.left_out["excluded"] == ("odd/x.png",)
    with pytest.raises(BenchError, match="--exclude 'ood' fits none of the files, such as a/image"):
        import_images(folder, tmp_path / "other", Recipe(exclude=("ood",)))


def test_enlarged_and_deep_images_are_told(folder, tmp_path):
    for path in list((folder / "a").iterdir())[:4]:
        Image.fromarray(np.asarray(Image.open(path)).astype(np.uint16) * 200).save(path)
    said = " ".join(import_images(folder, tmp_path / "set").notes)
    assert "20 of 20 images are smaller than 28 px, and enlarged" in said
    assert "4 of 20 images are of more than 8 bits: p0.5 of the training images is black" in said
    said = " ".join(import_images(folder, tmp_path / "small", Recipe(sizes=(16,))).notes)
    assert "enlarged" not in said


def test_a_csv_as_a_dataset_says_where_columns_are_chosen(table):
    with pytest.raises(
        BenchError, match=r"--label-column.*bench data import \".*list.csv\" --name"
    ):
        open_dataset(str(table), 28)


def test_a_name_in_two_folders_is_asked_about(table):
    draw(table.parent / "more" / "x3.png", 3)
    with pytest.raises(BenchError, match="write its path in the CSV"):
        listed(table, Columns(labels=("finding",)))
