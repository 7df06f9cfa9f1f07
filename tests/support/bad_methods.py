"""First attempts at a method, each with one fault, and what is said where its run fails."""

from pathlib import Path

HEAD = """
import os, random, signal, sys, time
import numpy as np
import torch
from methods.method import Method

class Bad(Method):
    summary = "a first attempt"
    reference = "a test"
"""

ENDING = {
    "raises": (
        "def augment(self, images, targets): return images / None",
        r"TypeError: .*\(raises\.py, line 11, in augment\)",
    ),
    "prepare_none": ("def prepare(self, train, workspace): pass", r"prepare\(\) must .* None"),
    "adapt_none": ("def adapt(self, model): model.train()", r"adapt\(\) must .* None"),
    "augment_none": ("def augment(self, images, targets): images * 2", r"augment\(\) must .* None"),
    "images_only": (
        "def augment(self, images, targets): return images",
        r"augment\(\) must .* two",
    ),
    "other_dtype": (
        "def augment(self, images, targets): return images.double(), targets",
        r"augment\(\) must return images of a float32 .* float64",
    ),
    "fewer_targets": (
        "def augment(self, images, targets): return images, targets[1:]",
        r"augment\(\) must return a target for each",
    ),
    "loss_none": ("def loss(self, *_): pass", r"loss\(\) must .* None"),
    "loss_rows": (
        "def loss(self, model, images, targets, progress):\n"
        "        return self.task_loss(model(images), targets, 'none'), {}",
        r"loss\(\) must return a loss that is one number",
    ),
    "loss_nan": (
        "def loss(self, model, images, targets, progress):\n"
        "        return self.task_loss(model(images), targets) * float('nan'), {}",
        r"diverged at step 0",
    ),
    "logs_nan": (
        "def loss(self, *a): return super().loss(*a)[0], {'mine': float('nan')}",
        r"logs 'mine', which is nan",
    ),
    "logs_text": (
        "def loss(self, *a): return super().loss(*a)[0], {'mine': 'x'}",
        r"logs 'mine', which is not one number",
    ),
    "facts_object": (
        "def adapt(self, model):\n        self.facts['x'] = object()\n        return model",
        r"facts cannot be stored as JSON",
    ),
    "facts_nan": (
        "def adapt(self, model):\n        self.facts['x'] = float('nan')\n        return model",
        r"facts cannot be stored as JSON",
    ),
    "sys_exit": ("def augment(self, images, targets): sys.exit(0)", r"sys\.exit\(0\) is called"),
    "os_exit": ("def augment(self, images, targets): os._exit(0)", r"exit code 0"),
    "kills": (
        "def augment(self, images, targets): os.kill(os.getpid(), signal.SIGKILL)",
        r"died 2 times, last by SIGKILL",
    ),
    "no_grad": (
        "def adapt(self, model):\n        torch.set_grad_enabled(False)\n        return model",
        r"with a gradient",
    ),
    "hangs": ("def augment(self, images, targets): time.sleep(1000)", r"--run-timeout"),
}
"""Their own run fails."""

ENDURING = {
    "keeps_model": "def adapt(self, model):\n        self.model = model\n        return model",
    "float64": "def prepare(self, t, w):\n        torch.set_default_dtype(torch.float64)\n"
    "        return t",
    "threads": "def prepare(self, t, w):\n        torch.set_num_threads(2)\n        return t",
    "seeds": "def augment(self, images, targets):\n        torch.manual_seed(1)\n"
    "        np.random.seed(1)\n        return images, targets",
    "patches": "def prepare(self, t, w):\n        f = torch.nn.functional\n"
    "        before = f.cross_entropy\n"
    "        f.cross_entropy = lambda *a, **k: 2 * before(*a, **k)\n        return t",
    "writes_images": "def prepare(self, t, w):\n        t.pixels(np.arange(len(t)))[:] = 0\n"
    "        t.targets[:] = 0\n        return t",
    "changes_batch": "def augment(self, images, targets): return images.mul_(0.5), targets",
    "prints": "def augment(self, images, targets):\n        print('x' * 100_000)\n"
    "        return images, targets",
}
"""Their own run may end; that of another must not know of it."""


def write(folder: Path, name: str) -> Path:
    """The file of one of them."""
    body = ENDURING[name] if name in ENDURING else ENDING[name][0]
    folder.mkdir(exist_ok=True)
    path = folder / f"{name}.py"
    path.write_text(f"{HEAD}\n    {body}\n", encoding="utf-8")
    return path
