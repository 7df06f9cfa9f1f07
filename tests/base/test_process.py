"""Which process is which, and that nothing is needed that only Linux has."""

import subprocess
import sys
import time

import psutil
import pytest

from bench.base import process


def test_a_process_is_alive_until_it_is_not() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    began = process.began(child.pid)
    assert process.state(child.pid, began) == "alive"
    assert process.state(child.pid, began - 10) == "dead", "its number was another's"
    child.kill()
    while psutil.Process(child.pid).status() != psutil.STATUS_ZOMBIE:
        time.sleep(0.01)
    assert process.state(child.pid, began) == "dead"
    child.wait()
    assert process.state(child.pid, began) == "dead" and process.gone(child.pid)


WITHOUT = """
import sys, os
import psutil, torch
for name in ("fcntl", "resource"):
    sys.modules[name] = None
for name in ("sched_getaffinity", "O_DIRECTORY"):
    if hasattr(os, name):
        delattr(os, name)
del psutil.Process.cpu_affinity
import bench.cli.runs, bench.study, bench.data.npz, methods.generative.cache
from bench.training import environment
from bench.base import process
assert environment.default_workers("cpu", 28) >= 1
"""


@pytest.mark.slow
def test_what_only_linux_has_is_not_needed() -> None:
    subprocess.run([sys.executable, "-c", WITHOUT], check=True)
