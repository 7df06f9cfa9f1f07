"""Thumbnails: which images, of which class, as a network is given them."""

from pathlib import Path

import pytest
import torch
from click.testing import CliRunner
from PIL import Image

from bench.cli import main
from bench.data.dataset import open_dataset
from bench.data.show import BORDER, SHOWN, cut, of_class, show, strip


@pytest.mark.parametrize("name", ["phantom-binary", "phantom-multilabel"])
def test_a_png_is_written(name: str, tmp_path: Path) -> None:
    path = show(open_dataset(name, 28), tmp_path / "thumbnails")
    assert path.name == f"{name}-28.png" and Image.open(path).width > 1000


def test_the_images_of_a_class_are_those_that_have_it() -> None:
    split = open_dataset("phantom-multilabel", 28).split("val")
    assert (split.targets[of_class(split, 3)][:, 3] == 1).all()
    assert len(of_class(split, 3)) == split.targets[:, 3].sum()


def test_images_stand_side_by_side_as_the_network_sees_them() -> None:
    images = torch.rand(3, 1, 8, 8)
    found = strip(images, 8)
    assert found.shape == (8 + 2 * BORDER, SHOWN * (8 + 2 * BORDER), 3)
    second = found[BORDER:-BORDER, 8 + 3 * BORDER : 16 + 3 * BORDER, 0]
    assert torch.equal(torch.from_numpy(second), images[1, 0])
    assert (found[:, 3 * (8 + 2 * BORDER) :] == 1).all()
    assert strip(images, 16).shape[0] == 16 + 2 * BORDER


def test_long_names_are_cut() -> None:
    assert cut("x" * 18) == "x" * 18 and cut("x" * 30) == "x" * 17 + "…"


def test_the_command_prints_the_path(tmp_path: Path) -> None:
    asked = ["data", "show", "phantom-ordinal", "--input-size", "32", "--results", str(tmp_path)]
    done = CliRunner().invoke(main, asked)
    assert "phantom-ordinal-32.png" in done.output and done.exit_code == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["show", "--input-size", "2000000"], "8<=x<=2048"),
        (["show", "--input-size", "0"], "8<=x<=2048"),
        (["show", "--seed", "-1"], "x>=0"),
        (["audit", "--group-column", "lesion"], "--group-column is of the table"),
        (["audit", "--json", "."], "'.' is a directory"),
    ],
)
def test_a_wrong_option_is_refused(words: list[str], said: str) -> None:
    done = CliRunner().invoke(main, ["data", *words, "phantom-binary"])
    assert done.exit_code == 2 and said in done.output
