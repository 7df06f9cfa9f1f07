"""`python -m bench` and the command `bench`."""

import sys

from bench.base import shadow
from bench.base.errors import BenchError


def main() -> None:
    """Start the command line, unless a folder of the user's hides a part of the project."""
    from bench.cli import streams

    streams.prepare()
    try:
        shadow.check()
    except BenchError as error:
        sys.stderr.write(f"error: {error}\n")
        sys.exit(2)
    from bench.cli import main as command_line

    command_line()


if __name__ == "__main__":
    main()
