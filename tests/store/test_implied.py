"""Shortened predictions are whole again bit for bit, and smaller where they are a softmax."""

import io

import numpy as np
import pytest
import torch

from bench.store import implied
from bench.store.implied import shortened, whole


def softmax(classes: int, spread: float) -> np.ndarray:
    generator = torch.Generator().manual_seed(classes)
    logits = spread * torch.randn(500, classes, generator=generator)
    return logits.softmax(1).numpy()


@pytest.mark.parametrize("spread", [0.0, 1.0, 30.0, 300.0])
@pytest.mark.parametrize("classes", [2, 3, 8, 11, 300])
def test_a_softmax_comes_back(classes: int, spread: float) -> None:
    scores = softmax(classes, spread)
    arrays = shortened(scores)
    assert arrays["logs"].shape == (500, classes - 1)
    assert whole(arrays).tobytes() == scores.tobytes()
    assert whole(arrays).dtype == scores.dtype


@pytest.mark.parametrize(
    "scores",
    [
        torch.rand(50, 14, generator=torch.Generator().manual_seed(0)).numpy(),
        softmax(7, 1.0).astype(np.float64),
        softmax(7, 1.0).astype(np.float16),
        -softmax(2, 1.0),
        np.array([[0.75, 0.75, 0.75, 0.25]], np.float32),
    ],
    ids=["labels of several", "double", "half", "negative", "as far apart as can be"],
)
def test_what_is_no_softmax_stays_as_it_is(scores: np.ndarray) -> None:
    assert list(shortened(scores)) == ["scores"]
    assert whole(shortened(scores)).tobytes() == scores.tobytes()


@pytest.mark.parametrize("exp_by", [1 - 2**-51, 1 + 2**-51])
def test_another_machine_makes_the_same_of_it(exp_by: float) -> None:
    scores = softmax(8, 3.0)
    assert whole(shortened(scores), exp_by).tobytes() == scores.tobytes()


def test_what_another_machine_would_make_another_of_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(implied, "EXP_BY", (1.0, 1 + 2**-20))
    assert list(shortened(softmax(8, 3.0))) == ["scores"]


@pytest.mark.parametrize("rows", [0, 1])
def test_few_rows(rows: int) -> None:
    scores = softmax(4, 1.0)[:rows]
    assert whole(shortened(scores)).tobytes() == scores.tobytes()
    assert whole(shortened(scores)).shape == scores.shape


def test_it_survives_a_file() -> None:
    scores, file = softmax(8, 3.0), io.BytesIO()
    np.savez(file, **shortened(scores))
    file.seek(0)
    assert whole(np.load(file)).tobytes() == scores.tobytes()
