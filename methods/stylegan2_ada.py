"""StyleGAN2-ADA: images of a class-conditional GAN, mixed into every batch."""

import errno
import hashlib
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import torch
from pydantic import model_validator
from torch import Tensor

from bench.base.errors import BenchError
from bench.base.split import Split
from bench.base.streams import stream
from bench.base.task import Task
from methods.generative.checkout import generate
from methods.generative.external import External, read
from methods.generative.gan_training import GANParameters, Sampling, Training
from methods.generative.method import GenerativeMethod
from methods.generative.stage import finish
from methods.method import Workspace

SAMPLING_COST = 0.1
"""Of an image, against that of one in training."""


class StyleGAN2ADA(GenerativeMethod):
    """A StyleGAN2 is trained on the run's subset, then sampled for labels of the subset.

    G and D are conditioned on the label; D sees real and generated images through augmentations of
    probability p, which is raised while D is too sure of the real ones (ADA) and lowered else.
    Images of another generator can take their place: `external`, or `checkout` and `network`.
    """

    summary = "synthetic images of a class-conditional StyleGAN2 with adaptive augmentation"
    reference = (
        "Karras et al. 2020, Training Generative Adversarial Networks with Limited Data, NeurIPS; "
        "own code from the publication, as the official code is non-commercial"
    )
    version = 2
    libraries = ("torch", "kornia")
    quick = {"channels": (8, 8), "latent": 8, "style": 8, "batch": 4, "kimg": 0.008}

    class Params(GANParameters, GenerativeMethod.Params):
        """Images of another generator can be used in place of a trained one's."""

        external: Path | None = None
        """A folder, zip or npz of labelled images, used instead of a trained generator."""
        provenance: str | None = None
        """Which training indices the external images or network were made from."""
        resize: bool = False
        """Whether external images of another size are resized; else they are refused."""
        checkout: Path | None = None
        """A folder with the official code, whose generate.py is run for each class."""
        network: Path | None = None
        """The network file for it: a pickle, which runs code. Only one whose maker you trust."""
        python: str = "python"
        """The interpreter for it."""
        accept_noncommercial: bool = False
        """That the licence of the official code, research and evaluation only, is accepted."""

        @model_validator(mode="after")
        def _one_source(self) -> Self:
            if (self.checkout is None) != (self.network is None):
                raise ValueError("checkout and network go together")
            if self.checkout and not self.accept_noncommercial:
                raise ValueError(
                    "the official code is for research and evaluation only; accept its licence by "
                    "accept_noncommercial=true"
                )
            if self.external and (self.checkout or self.images):
                raise ValueError("external images are used as they are: no checkout, no images")
            return self

    params: Params
    external: External

    @classmethod
    def identity(cls, params: Params) -> dict[str, Any]:
        described = super().identity(params)
        for name in ("external", "network"):
            if path := getattr(params, name):
                described[name] = content_sha256(path)
        return described | {"checkout": bool(params.checkout), "python": None}

    def prepare(self, train: Split, workspace: Workspace) -> Split:
        if self.params.checkout and self.setting.task is Task.MULTILABEL:
            raise BenchError("generate.py knows no multi-label conditions; give external images")
        if self.params.external and self.params.share:
            names = class_names(str(workspace.data.get("dataset")))
            self.external = read(self.params.external, self.setting, names, self.params.resize)
        return super().prepare(train, workspace)

    def recipe(self) -> dict[str, Any]:
        params, recipe = self.params, super().recipe()
        if params.external:
            foreign: dict[str, Any] = {"external": self.external.sha256}
        elif params.network:
            foreign = {
                "network": content_sha256(params.network),
                "truncation": params.truncation,
                "images": params.images,
            }
        else:
            return recipe
        foreign["provenance"] = params.provenance
        return {"method": recipe["method"], "version": recipe["version"], "settings": foreign}

    def make(
        self, train: Split, folder: Path, seed: int, report: Callable[[float], None]
    ) -> tuple[Split, dict[str, Any]]:
        params, setting = self.params, self.setting
        if params.external:
            return self.foreign(self.external, {})
        targets = self.requested(train.targets, stream(seed, "labels"))
        if params.checkout:
            return self.from_checkout(targets, folder / "generated", report)
        training = params.steps * params.batch
        share = training / (training + SAMPLING_COST * len(targets))
        trained, training_seconds = finish(
            lambda: Training(train, params, setting),
            folder / "training.pt",
            stream(seed, "training"),
            lambda done: report(share * done),
        )
        sampled, sampling_seconds = finish(
            lambda: Sampling(trained.average, targets, params, setting),
            folder / "sampling.pt",
            stream(seed, "sampling"),
            lambda done: report(share + (1 - share) * done),
        )
        networks = trained.generator, trained.discriminator
        return Split(sampled.pixels.numpy(), targets), {
            "seconds": {"training": training_seconds, "sampling": sampling_seconds},
            "generator_parameters": sum(w.numel() for net in networks for w in net.parameters()),
            "ada": {"kimg": params.ada_speed, "p": trained.controller.p},
        }

    def from_checkout(
        self, targets: Tensor, folder: Path, report: Callable[[float], None]
    ) -> tuple[Split, dict[str, Any]]:
        """Images of the official code, as many of each class as there are targets."""
        params, began = self.params, time.monotonic()
        assert params.checkout and params.network
        counts = torch.bincount(targets, minlength=self.setting.num_classes).tolist()
        source = params.checkout, params.python, params.network
        generate(*source, counts, params.truncation, folder, report)
        made = read(folder, self.setting, resize=params.resize)
        return self.foreign(made, {"sampling": time.monotonic() - began})

    def foreign(self, made: External, seconds: dict[str, float]) -> tuple[Split, dict[str, Any]]:
        """A set that was not trained here, and its facts."""
        return made.split, {
            "origin": "external",
            "provenance": self.params.provenance or "unverified",
            "warnings": list(made.warnings),
            "seconds": seconds,
            "generator_parameters": None,
        }


def class_names(dataset: str) -> tuple[str, ...]:
    """The names of the classes in order, where MedMNIST knows the set."""
    from medmnist.info import INFO

    return tuple(INFO.get(f"{dataset}mnist", {"label": {}})["label"].values())


def content_sha256(path: Path) -> str:
    """Of a file, or of the names and contents of a folder's files. Raises BenchError."""
    try:
        if path.is_file():
            with path.open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest()
        if not path.exists():
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
        files = sorted(inner for inner in path.rglob("*") if inner.is_file())
        listed = [(str(inner.relative_to(path)), content_sha256(inner)) for inner in files]
        return hashlib.sha256(repr(listed).encode()).hexdigest()
    except OSError as error:
        raise BenchError(f"cannot read {path} ({error.strerror}); give the right path") from None
