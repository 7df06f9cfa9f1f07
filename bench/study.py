"""The door: a selection of runs, its protocol and its store. Plan, run, read."""

import shlex
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar, get_args

import numpy as np
from numpy.typing import NDArray

from bench import frames, metrics
from bench.base.errors import BenchError, Note, unknown
from bench.base.files import write_bytes, write_text
from bench.base.validation import validated
from bench.base.words import spreadsheet
from bench.data.dataset import Dataset, open_dataset
from bench.frames import PLACE
from bench.grid import configs, grid, notation
from bench.grid.cell import TUNING_SEEDS, Cell, Run
from bench.grid.configs import Config
from bench.grid.grid import Grid
from bench.grid.selection import Selection
from bench.stats.crossed import METRICS as OVER_IMAGES
from bench.stats.crossed import influence
from bench.store.measured import Measured, Record, load
from bench.store.records import DamagedError, Store

if TYPE_CHECKING:
    import pandas as pd

    from bench.engines.engine import Engine
    from bench.engines.shard import Shard
    from bench.running import How
    from bench.training.estimate import Cost
    from bench.tuning.rounds import Searches
    from bench.tuning.search import Search
    from bench.tuning.tuned import Shelf

Names = str | Path | Sequence[str | Path] | None
Influence = NDArray[np.float64] | None
Arrays = tuple[NDArray[np.float32], NDArray[np.generic]]
Select = Callable[[Selection], Selection]
Made = TypeVar("Made")
NAMED = 5
"""So many damaged records are named, one by one."""
Params = Literal["default", "tuned"]


@dataclass(frozen=True)
class Study:
    """Which runs, how they are trained, and where their records are.

    What is None is as the protocol has it. Names are those of the command line: `datasets` of
    MedMNIST (`"breast"`), phantoms, or paths to npz files; `methods` such as `"ails[alpha=0.5]"`
    or a path to a Python file; `backbones` any of timm, `a+b` for a combination. A list may be one
    text with commas. `ratios` are fractions of the training split; `seeds` a count, a list, or a
    text such as `"0-4"`; `looks` numbers of seeds at which results are looked at (`[10, 20, 30]`;
    these are the seeds too). `margin` is the smallest difference that counts, 0.01 where it is not
    given. `size` and `input_size` are pixels. `settings` are protocol keys
    (`{"epochs": 20}`). `params="tuned"` takes what `tune` found for each method, dataset and
    backbone in place of the defaults. Nothing is read, downloaded or trained before it is asked
    for.

        study = Study(datasets=["breast"], methods=["none", "mixup"], seeds=10)
        study.run(workers=2)
        study.records()

    Every method and property raises BenchError for a wrong name or value.
    """

    datasets: Names = None
    methods: Names = None
    backbones: Names = None
    ratios: float | str | Sequence[float] | None = None
    seeds: int | str | Sequence[int] | None = None
    looks: str | Sequence[int] | None = None
    margin: float | None = None
    size: int | None = None
    input_size: int | None = None
    protocol: str | Path = "laptop"
    settings: Mapping[str, Any] = field(default_factory=dict)
    params: Params = "default"
    data_dir: str | Path | None = None
    results: str | Path = "results"
    _about: Selection | None = field(default=None, repr=False)
    _command: str = field(default="run", repr=False)
    _tunes: bool = field(default=False, repr=False)
    _known: dict[str, Record] = field(default_factory=dict, compare=False, repr=False)
    _arrays: dict[str, Arrays] = field(default_factory=dict, compare=False, repr=False)
    _influences: dict[tuple[tuple[str, ...], str], Influence] = field(
        default_factory=dict, compare=False, repr=False
    )
    _damaged: dict[str, DamagedError] = field(default_factory=dict, compare=False, repr=False)

    @cached_property
    def config(self) -> Config:
        if not isinstance(self.settings, Mapping):
            raise BenchError(f'settings {self.settings!r}: write a dict, such as {{"epochs": 20}}')
        if self.params not in get_args(Params):
            raise unknown("params", str(self.params), get_args(Params))
        found = configs.load(str(self.protocol), self.settings)
        return replace(found, name=f"{found.name} tuned") if self.params == "tuned" else found

    @cached_property
    def named(self) -> dict[str, Any]:
        """The parts of the selection that were given."""
        names = {n: getattr(self, n) for n in ("datasets", "methods", "backbones")}
        given = {n: None if v is None else notation.names(v, n) for n, v in names.items()} | {
            "ratios": None if self.ratios is None else notation.numbers(self.ratios, "ratio"),
            "seeds": None if self.seeds is None else notation.seeds(self.seeds),
            "looks": None if self.looks is None else notation.looks(self.looks),
            "margin": self.margin,
            "source_size": self.size,
            "input_size": self.input_size,
        }
        return {name: value for name, value in given.items() if value is not None}

    @cached_property
    def selection(self) -> Selection:
        if self._about:
            return self._about
        usual = self.config.selection.model_dump()
        if "looks" in self.named:
            del usual["seeds"]
        found = validated(Selection, usual | self.named, "option")
        if max(found.seeds) >= TUNING_SEEDS and not self._tunes:
            raise BenchError(
                f"seed {max(found.seeds)} is reserved for tuning, whose runs are not tested; use "
                f"seeds below {TUNING_SEEDS}"
            )
        return found

    @cached_property
    def grid(self) -> Grid:
        """The runs, all names checked; warns of phantoms in place of data, and of methods left out.

        A phantom takes the place of a missing set only where no dataset was named.
        """
        found = grid.expand(
            self.selection,
            self.config.protocol,
            self.data_folder,
            phantoms_allowed="datasets" not in self.named,
            parameters=self.config.parameters,
            known=self.store.datasets,
        )
        for note in found.notes:
            warnings.warn(note, Note, stacklevel=2)
        if self.params == "tuned":
            from bench.tuning.tuned import tuned

            found = tuned(found, self.shelf)
        return found

    @property
    def shelf(self) -> "Shelf":
        """Where the tuned parameters of the protocol are."""
        from bench.tuning.tuned import Shelf

        return Shelf(self.store.root, configs.load(str(self.protocol), self.settings).slug)

    @cached_property
    def backbone_labels(self) -> tuple[str, ...]:
        """The backbones as records name them, combinations such as `a+b` among them."""
        return tuple(map(grid.backbone_label, self.selection.backbones))

    @property
    def data_folder(self) -> Path | None:
        return Path(self.data_dir) if self.data_dir else None

    @property
    def store(self) -> Store:
        root = Path(self.results)
        if root.is_file():
            raise BenchError(f"results {root} is a file; name a folder")
        return Store(root)

    @cached_property
    def measured(self) -> Measured:
        """The finished runs, as they stood when first asked for; `refresh` reads them anew.

        Warns of records that do not hold; they are left out.
        """
        found = load(self.store, self.grid, self._known, self._damaged)
        name_damaged(self.damaged())
        grid.check_backbones(self.grid, self._untried(found))
        return found

    def _untried(self, found: Measured) -> list[Run]:
        """The runs whose backbone might not exist: no run of it on that set is done, and it is not
        the table's own. To know more takes a second, in which timm is imported.
        """
        if self._about and "backbones" not in self.named:
            return []
        tried = {(run.cell.backbone, run.cell.dataset) for run in found.records}
        return [r for r in self.grid.runs if (r.cell.backbone, r.cell.dataset) not in tried]

    def refresh(self) -> None:
        """Forget what was read, so that what others have run since is seen."""
        self.__dict__.pop("measured", None)

    def damaged(self) -> list[DamagedError]:
        """The records of this study that were found not to hold, with path and reason."""
        return [self._damaged[one.key] for one in self.grid.runs if one.key in self._damaged]

    def leave_out(self, damage: DamagedError) -> bool:
        """Take a run, whose predictions do not hold, out of `measured`; whether it was there."""
        there = any(one.key == damage.key for one in self.measured.records)
        self._damaged[damage.key] = damage
        self._known.pop(damage.key, None)
        self.refresh()
        return there

    def about(self, select: Select, command: str, named_last: bool = True) -> "Study":
        """The study of a table or figure: its own cells, shared records.

        `select` turns this selection into that of the table; what was named goes before what the
        table is about, unless `named_last` is false. `command` is what makes it again.
        """
        selection = select(self.selection)
        if named_last:
            selection = selection.model_copy(update=self.named)
        return replace(self, _about=selection, _command=command)

    def only(self, runs: Sequence[Run]) -> "Study":
        """The study of some of its runs."""
        part = replace(self)
        part.__dict__["grid"] = replace(self.grid, runs=tuple(runs), notes=())
        part.__dict__["asked"] = None
        return part

    def shard(self, shard: "Shard") -> "Study":
        """The study of one of so many parts, the same on every machine."""
        return self.only([one for one in self.grid.runs if shard.holds(one)])

    @cached_property
    def asked(self) -> str | None:
        """The options of a command that asks for these runs, after a blank; None without one."""
        chosen = self.selection
        whole = replace(
            self,
            datasets=list(dict.fromkeys(one.cell.source for one in self.grid.runs)),
            methods=chosen.methods,
            backbones=chosen.backbones,
            ratios=chosen.ratios,
            seeds=chosen.seeds,
            looks=None,
            size=chosen.source_size,
            input_size=chosen.input_size,
            _about=None,
        )
        places = {"data-dir": self.data_dir, "results": self.results}
        given = [(name, str(place)) for name, place in places.items() if place]
        return whole.options + "".join(f" --{name} {shlex.quote(place)}" for name, place in given)

    @property
    def command(self) -> str:
        """The command that makes this again, without the folders of data and results."""
        verb, dashes, shown = self._command.partition(" --")
        return f"python -m bench {verb}{self.options}{dashes}{shown}"

    @property
    def options(self) -> str:
        """What was given that decides a result, as options of a command, after a blank."""
        written = {
            "protocol": None if self.protocol == "laptop" else str(self.protocol),
            **{
                name: notation.write_list(self.named.get(name, ()))
                for name in ("datasets", "methods", "backbones")
            },
            "ratio": ",".join(map(notation.write_number, self.named.get("ratios", ()))),
            "seeds": notation.write_seeds(self.named.get("seeds", ())),
            "looks": ",".join(map(str, self.named.get("looks", ()))),
            "margin": self.margin,
            "size": self.size,
            "input-size": self.input_size,
            "params": None if self.params == "default" else self.params,
        }
        given = [(name, str(value)) for name, value in written.items() if value]
        given += [("set", text) for text in notation.write_settings(self.settings)]
        return "".join(f" --{name} {shlex.quote(value)}" for name, value in given)

    def stale(self) -> list[Run]:
        """The finished runs that were made by other code than this, as their records tell."""
        from bench.training.execute import code

        records = self.measured.records.items()
        return [
            one for one, record in records if record.get("code") != code(one.cell.method.method)
        ]

    def redo_stale(self) -> None:
        """Set the records of `stale()` aside, into the folder `stale`: `run` makes them anew."""
        for one in self.stale():
            self.store.set_aside(one.key)
            self._known.pop(one.key, None)
        self.refresh()

    def forget_failures(self) -> None:
        """Let failed runs count as missing again."""
        for one in self.grid.runs:
            self.store.forget_failure(one.key)

    def run(
        self,
        workers: int | None = None,
        device: str | None = None,
        retry_failed: bool = False,
        run_timeout: float | None = None,
        engine: "str | Engine" = "local",
    ) -> None:
        """Do what has no record yet; failed runs stay failed unless `retry_failed`.

        One worker a core, or several on each GPU, unless `workers` says otherwise; `device` is
        `cpu`, `cuda`, `mps`, or several, as in `cuda:0,cuda:1`; a run that takes longer than
        `run_timeout` seconds fails. Progress is shown in a terminal, in a notebook, or as plain
        lines. Running it again resumes what was interrupted, and results are bit-identical.
        `engine` is `"local"`, `"ray"` or `"slurm"`, or one of bench.engines with its options;
        `"slurm"` submits, and does not wait.
        """
        run([self], workers, device, retry_failed, run_timeout, engine)

    def tune(
        self,
        trials: int = 32,
        tune_seeds: int | str | Sequence[int] = 3,
        shared: Sequence[str] = (),
        metric: str | None = None,
        workers: int | None = None,
        device: str | None = None,
    ) -> "pd.DataFrame":
        """Search the parameters of each method, on each dataset and backbone; a row a trial.

        Every method has exactly so many trials, the first its defaults; a trial is worth the mean
        of a validation metric (by default the one that selects epochs) over `tune_seeds`, and the
        test split is not opened. `shared` names training parameters that are tuned for all methods
        alike, `lr` and `weight_decay`. Running it again resumes the search, with the same trials.
        What is found is kept beside the results, and taken by `params="tuned"`.
        """
        from bench.running import How
        from bench.running import do as do_missing
        from bench.tuning.rounds import rounds, trials_frame

        if not (isinstance(trials, int) and trials >= 1):
            raise BenchError(f"trials {trials!r}: write a whole number, 1 or more")
        searches = self.searches(tune_seeds, shared, metric)

        def do(runs: Sequence[Run]) -> None:
            together = Grid(tuple(dict.fromkeys(runs)), self.grid.datasets, ())
            do_missing(together, self.store, self.data_folder, How(workers, device))

        self.store.check_writable()
        rounds(searches, trials, self.store, do)
        for search in searches.values():
            self.shelf.write(search, trials)
        self.__dict__.pop("tuned", None)
        return trials_frame(searches, trials)

    def searches(
        self,
        tune_seeds: int | str | Sequence[int] = 3,
        shared: Sequence[str] = (),
        metric: str | None = None,
    ) -> "Searches":
        """The searches of `tune`, with the trials that they have had; nothing is run."""
        from bench.tuning.rounds import objective, searches

        if self.params != "default":
            raise BenchError("tuning starts from the defaults: leave params out")
        goal = objective(metric, tune_seeds, self.config.protocol)
        return searches(self.grid, goal, shared, self.shelf)

    def searched(self) -> "list[Search]":
        """What `tune` has searched so far, with its trials, whatever it was tuned for."""
        from bench.tuning.rounds import searched

        return searched(replace(self, params="default").grid, self.shelf)

    def export_searches(self, path: str | Path) -> Path:
        """Write the trials of all that was `searched()` as a journal, for optuna-dashboard."""
        from bench.tuning.journal import export

        return export(self.searched(), Path(path))

    @cached_property
    def tuned(self) -> "Study":
        """The same with tuned parameters."""
        return replace(self, params="tuned")

    def plan(self, device: str | None = None) -> "pd.DataFrame":
        """A row a cell: how many of its runs are done, running, failed and missing; of the missing
        ones the `seconds` of one worker, its `memory` and what they take on `disk`, in bytes.
        """
        _ = self.measured  # finds what is damaged
        return frames.planned(self.states(), self.costs(device))

    def costs(self, device: str | None = None) -> "dict[Run, Cost]":
        """What each missing run takes; kinds of run that were never made here are timed first, and
        it is said.
        """
        return costs([self], device)(self.grid.runs)

    def status(self) -> "pd.DataFrame":
        """As `plan`, without the seconds, and with nothing timed."""
        _ = self.measured  # finds what is damaged
        return frames.cells(self.states())

    def states(self) -> dict[Cell, "Counter[str]"]:
        """How many runs of each cell are in each of `STATES`; `damaged` are those found so far."""
        found = self.store.states(one.key for one in self.grid.runs)
        states: dict[Cell, Counter[str]] = {}
        for one in self.grid.runs:
            state = "damaged" if one.key in self._damaged else found[one.key]
            states.setdefault(one.cell, Counter())[state] += 1
        return states

    def running(self) -> "pd.DataFrame":
        """A row a run at hand, on any machine: its cell and seed, `host`, `pid` and `since`, in
        seconds of the clock there.
        """
        import pandas as pd

        held = [(one, self.store.holder(one.key)) for one in self.held()]
        rows = [
            frames.place(one) | {"host": by.host, "pid": by.pid, "since": by.since}
            for one, by in held
            if by
        ]
        return pd.DataFrame(rows, columns=[*PLACE, "host", "pid", "since"])

    def held(self) -> list[Run]:
        """The runs that somebody has at hand."""
        found = self.store.states(one.key for one in self.grid.runs)
        return [one for one in self.grid.runs if found[one.key] == "running"]

    def seconds_left(self) -> tuple[float | None, int]:
        """How long those who are at work now need for what is not done, and how many they are.

        By finished seeds, wherever these were made; a cell without any counts as the mean of the
        others. None before there are some.
        """
        from bench.costs import Costs, finish
        from bench.engines.worker import remaining

        held = self.held()
        ahead = [*held, *(set(remaining(self.store, self.grid.runs)) - set(held))]
        known = [cost.seconds for cost in Costs(self.grid, self.store).of(ahead).values()]
        if not (held and known):
            return None, len(held)
        unknown = [sum(known) / len(known)] * (len(ahead) - len(known))
        return finish(known + unknown, len(held)), len(held)

    def failures(self) -> "pd.DataFrame":
        """A row a failed run: its cell and seed, the `reason` and its `key`."""
        import pandas as pd

        rows = [
            frames.place(one) | {"reason": failure["reason"], "key": one.key}
            for one, failure in failed(self)
        ]
        return pd.DataFrame(rows, columns=[*PLACE, "reason", "key"])

    def records(self) -> "pd.DataFrame":
        """A row a finished run: its cell and seed, every recorded metric of the test split (as a
        fraction; `val_…` of the validation split at the selected epoch), its cost and its key.
        """
        import pandas as pd

        self.refresh()
        rows = [frames.row(one, record) for one, record in self.measured.records.items()]
        return pd.DataFrame(rows, columns=None if rows else [*PLACE, *metrics.RECORDED, "key"])

    def all_records(self) -> "pd.DataFrame":
        """As `records`, of all records of the store, whatever was selected."""
        import pandas as pd

        rows, damaged = [], []
        for key in self.store:
            try:
                rows.append(frames.row_of(self.store.read(key)))
            except DamagedError as damage:
                damaged.append(damage)
        name_damaged(damaged)
        return pd.DataFrame(rows)

    def export(self, path: str | Path, everything: bool = False) -> Path:
        """Write `records()`, sorted, as CSV or, by the suffix, Parquet (needs pyarrow).

        `everything` takes all records of the store, also old ones that fill no cell any more.
        """
        path = Path(path)
        if path.suffix not in (".csv", ".parquet"):
            raise BenchError(f"{path}: name a file that ends in .csv or .parquet")
        frame = self.all_records() if everything else self.records()
        frame = frame.sort_values([*PLACE, "key"], ignore_index=True) if len(frame) else frame
        if path.suffix == ".csv":
            safe = frame.map(lambda cell: spreadsheet(cell) if isinstance(cell, str) else cell)
            return write_text(path, safe.to_csv(index=False, float_format="%.10g"))
        try:
            content = frame.to_parquet(None, index=False)
        except ImportError:
            raise BenchError("Parquet needs pyarrow: pip install pyarrow, or name a .csv") from None
        return write_bytes(path, content)

    def predictions(self, **where: Any) -> "pd.DataFrame":
        """The test predictions of one finished run, a row an image.

        `where` names the run by columns of `records()`, as in `method="mixup", seed=0`, or by its
        `key`; what is the same for all runs need not be named. Columns `score 0`, `score 1`, … are
        probabilities; `target` is the class, or `target 0`, … of 0 and 1 for multi-label sets.
        """
        import pandas as pd

        scores, targets = self.arrays(self._one(where))
        frame = pd.DataFrame(scores, columns=[f"score {k}" for k in range(scores.shape[1])])
        if targets.ndim == 1:
            return frame.assign(target=targets)
        return frame.join(pd.DataFrame(targets).add_prefix("target "))

    def arrays(self, one: Run) -> Arrays:
        """Test probabilities (N, C) and targets of a finished run; read once."""
        if one.key not in self._arrays:
            self._arrays[one.key] = self._read(one.key)
        return self._arrays[one.key]

    def influence(self, members: Sequence[Run], metric: str) -> Influence:
        """What each test image adds to a metric of the mean probabilities of finished runs, one or
        several (`bench.stats.crossed`).

        None where there is no such thing of the metric, or the predictions are not there.
        """
        keys = tuple(one.key for one in members)
        if (keys, metric) not in self._influences:
            known = metric in OVER_IMAGES and all(
                self.store.predictions_path(key).exists() for key in keys
            )
            read = map(self._read, keys)
            self._influences[keys, metric] = (
                influence(metric, *mean_scores(read), members[0].cell.task) if known else None
            )
        return self._influences[keys, metric]

    def _read(self, key: str) -> Arrays:
        return self._arrays.get(key) or self.store.predictions(key, self._known.get(key))

    def open(self, one: Run) -> Dataset:
        """The dataset of a run."""
        return open_dataset(one.cell.source, one.cell.source_size, self.data_folder)

    def preview(self) -> Path:
        """Draw what the first method makes of training images; returns the path of the PNG.

        A method with a loss of its own is trained first.
        """
        from bench.training.preview import draw

        if not self.grid.runs:
            raise BenchError("; ".join(self.grid.notes))
        return draw(self.grid.runs[0], self.store.root, self.data_folder)

    def extract(self, split: str, device: str | None = None) -> None:
        """Keep the penultimate features of a split for each finished run, in the store.

        Records hold no weights: a run whose features are missing is trained again, to the same
        bits on the same machine.
        """
        from bench.engines.progress import console
        from bench.training import environment
        from bench.training.features import features

        device = (device or environment.default_device()).split(",")[0]
        for one in self.grid.runs:
            if self.store.done(one.key):
                if not self.store.features_path(one.key, split).exists():
                    console().print(f"features of {one}: trained again to the same bits")
                features(one, split, self.store, self.data_folder, device)

    def _one(self, where: Mapping[str, Any]) -> Run:
        for name in where.keys() - {*PLACE, "key"}:
            raise unknown("column of a run", name, (*PLACE, "key"))
        self.refresh()
        if not self.measured.records:
            raise BenchError("no run of this study is done: study.run() does what is missing")
        places = {one: frames.place(one) | {"key": one.key} for one in self.measured.records}
        for name, value in where.items():
            known = [place[name] for place in places.values()]
            if not any(_same(one, value) for one in known):
                raise unknown(f"finished run with {name}", str(value), set(map(str, known)))
        found = [
            one
            for one, place in places.items()
            if all(_same(place[name], value) for name, value in where.items())
        ]
        if len(found) != 1:
            said = " with " * bool(where) + ", ".join(f"{n}={v!r}" for n, v in where.items())
            raise BenchError(
                f"{len(found)} finished runs{said}; name one by {', '.join(PLACE)} or key"
            )
        return found[0]


def _same(known: Any, asked: Any) -> bool:
    """A number may be asked for as text, as in the arguments of a study."""
    return bool(known == asked) or str(known) == asked


def run(
    studies: Sequence[Study],
    workers: int | None = None,
    device: str | None = None,
    retry_failed: bool = False,
    run_timeout: float | None = None,
    engine: "str | Engine" = "local",
) -> None:
    """As `Study.run`, for several studies that share a store: their runs together, each once."""
    from bench.running import How, do

    store, together = studies[0].store, grid.merge(study.grid for study in studies)
    if retry_failed:
        store.check_writable()
        for one in together.runs:
            store.forget_failure(one.key)
    how = How(workers, device, run_timeout, engine, _asked(studies))
    if do(together, store, studies[0].data_folder, how):
        for study in studies:
            study.refresh()


def costs(
    studies: Sequence[Study], device: str | None = None
) -> "Callable[[Iterable[Run]], dict[Run, Cost]]":
    """As `Study.costs`, for studies that share a store: what tells those of any of their runs."""
    from bench.running import foreseen

    return foreseen(grid.merge(study.grid for study in studies), studies[0].store, device)


def submitted(studies: Sequence[Study], how: "How") -> list[str]:
    """The scripts that the engine slurm would submit for what is missing of the studies."""
    from bench.running import scripts

    together = grid.merge(study.grid for study in studies)
    how = replace(how, asked=_asked(studies))
    return scripts(together, studies[0].store, studies[0].data_folder, how)


def _asked(studies: Sequence[Study]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(study.asked for study in studies if study.asked))


def name_damaged(found: Sequence[DamagedError]) -> None:
    """Warn of records that are left out, the first few by name."""
    for damage in found[:NAMED]:
        warnings.warn(f"left out: {damage}", Note, stacklevel=3)
    if len(found) > NAMED:
        more = f"{len(found) - NAMED} more records are left out; `bench doctor` lists them"
        warnings.warn(more, Note, stacklevel=3)


def whole(studies: Sequence[Study], make: Callable[[], Made]) -> Made:
    """What `make` makes of the studies; runs whose predictions do not hold are left out of it."""
    while True:
        try:
            return make()
        except DamagedError as damage:
            left_out = [study.leave_out(damage) for study in studies]
            if not any(left_out):
                raise


def failed(study: Study) -> list[tuple[Run, dict[str, Any]]]:
    """The runs that failed, with what they left."""
    store, found = study.store, study.store.failed()
    return [
        (one, failure)
        for one in study.grid.runs
        if one.key in found and not store.done(one.key) and (failure := store.read_failure(one.key))
    ]


def mean_scores(members: Iterable[Arrays]) -> Arrays:
    """The mean test probabilities of runs on the same images, and their targets."""
    found = list(members)
    return np.mean([scores for scores, _ in found], axis=0), found[0][1]
