"""Signals that end a command, wherever it stands."""

import os
import signal
import sys

import pytest
from click.testing import CliRunner

import methods
from bench.base.signals import ending_as_ctrl_c
from bench.cli import main

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_a_command_that_is_asked_to_end_says_so_and_exits_with_130(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = getattr(signal, name)
    before = signal.signal(number, signal.SIG_DFL)
    monkeypatch.setattr(methods, "names", lambda: os.kill(os.getpid(), number))
    try:
        done = CliRunner().invoke(main, ["methods"])
        assert signal.getsignal(number) == signal.SIG_DFL
    finally:
        signal.signal(number, before)
    assert done.exit_code == 130
    assert "stopped; finished runs are kept" in done.output


def test_what_is_ignored_as_under_nohup_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with ending_as_ctrl_c():
            os.kill(os.getpid(), signal.SIGHUP)
            assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)
