"""All figures of speed: one JSON and one Markdown table.

    python tests/speed/speed.py [--out FOLDER] [--short]

Half an hour or more on two cores with nothing beside it; `--short` sees in some minutes that all of
it works. Each script can be called alone and says what it measures. Its figures are kept in FOLDER
as soon as it has ended; exits with 1 where one is not as expected.
"""

import json
import subprocess
import sys
from argparse import ArgumentParser
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from figure import HEAD, Figure

from bench.base.version import commit
from bench.training.environment import environment

HERE = Path(__file__).parent
SCRIPTS: dict[str, tuple[list[str], list[str]]] = {
    "step_time": ([], ["--methods", "mixup", "--rounds", "3", "--batch", "16"]),
    "whole": ([], ["--rounds", "1", "--epochs", "1"]),
    "overhead": ([], ["--runs", "3"]),
    "reading": ([], ["--seeds", "3"]),
    "many": (["--seeds", "440"], ["--seeds", "10", "--no-report"]),
    "plan": ([], ["--runs", "2"]),
}
"""The options of each, in full and in short; `many` is `reading` of more records."""


def main() -> None:
    parser = ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("results/speed"))
    parser.add_argument("--short", action="store_true")
    options = parser.parse_args()
    out = options.out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    figures: list[Figure] = []
    for name, both in SCRIPTS.items():
        script, words = HERE / f"{'reading' if name == 'many' else name}.py", both[options.short]
        if script.name == "reading.py":
            words = [*words, "--dir", str(out / f"made-up-{name}")]
        path = out / f"{name}.json"
        path.unlink(missing_ok=True)
        subprocess.run([sys.executable, str(script), *words, "--json", str(path)])
        if not path.exists():
            raise SystemExit(f"{script.name} did not end")
        figures += [Figure(**one) for one in json.loads(path.read_bytes())["figures"]]
    whole = {path.stem: json.loads(path.read_bytes()) for path in out.glob("*.json")}
    whole.pop("speed", None)
    whole |= {"environment": environment(), "commit": commit()}
    (out / "speed.json").write_text(json.dumps(whole, indent=1) + "\n", encoding="utf-8")
    table = "\n".join([HEAD, *(one.row() for one in figures)])
    (out / "speed.md").write_text(table + "\n", encoding="utf-8")
    print(f"\n{table}\n\nwrote {out / 'speed.json'} and speed.md")
    sys.exit(not all(one.good for one in figures))


if __name__ == "__main__":
    main()
