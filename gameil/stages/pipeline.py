"""A pipeline: stages in order from one TOML file, each in its own directory, resumable at any point.

    title = "Chess from master games"        # printed first
    game = "chess"                           # with ``agent``: the last line says how to play it
    agent = "snapshot:{run}/imitate/snapshots/best"

    [[stage]]
    kind = "pretrain"                        # one of STAGES
    name = "imitate"                         # its directory inside the pipeline's run directory
    note = "A few thousand games are enough here."        # printed before the stage
    config = "{here}/../pretrain/chess.toml" # optional: a stage's own file, whose values come before those below
    dataset = "{run}/chess.lmdb"             # every other key is a field of the stage's configuration

In every text ``{run}`` stands for the pipeline's run directory and ``{here}`` for the directory of the pipeline file;
other relative paths start at the working directory, as on the command line. A pipeline may ask for more: with

    [arguments]
    records = "files of chess games"         # name = what it is

``{records}`` stands for what the command line says with ``--set records=PATH``. Given several times, each value becomes
an element of the list that ``"{records}"`` stands in.

A pipeline may be a stranger's. It names no programs (``--engines`` is for single commands; the user's own table is
always known), and what its stages write lies inside ``{run}``, or where a ``--set`` value says so and no file is yet.
"""

import dataclasses
import importlib
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gameil.config import parse_config, read_toml, refuse_command_line_only
from gameil.errors import ConfigError, GameilError
from gameil.reports.imitation_table import imitation_table
from gameil.reports.ladder_table import LadderRow, ladder_rows, ladder_text, measured_after
from gameil.tracking.progress import format_seconds
from gameil.tracking.run import CONFIG_FILE, Run

STAGES: dict[str, tuple[str, str, str]] = {
    "ingest": ("gameil.stages.ingest", "IngestConfig", "ingest"),
    "statistics": ("gameil.stages.statistics", "StatisticsConfig", "statistics"),
    "record": ("gameil.stages.record", "RecordConfig", "record"),
    "pretrain": ("gameil.stages.pretrain", "PretrainConfig", "pretrain"),
    "finetune": ("gameil.stages.finetune", "FinetuneConfig", "finetune"),
    "imitate": ("gameil.stages.imitate", "ImitateConfig", "imitate"),
    "dagger": ("gameil.stages.dagger", "DaggerConfig", "dagger"),
    "improve": ("gameil.stages.improve", "ImproveConfig", "improve"),
    "evaluate": ("gameil.stages.evaluate", "EvaluateConfig", "evaluate"),
    "tournament": ("gameil.stages.tournament", "TournamentConfig", "tournament"),
    "ladder": ("gameil.stages.ladder", "LadderConfig", "ladder"),
    "accuracy": ("gameil.stages.accuracy", "AccuracyConfig", "accuracy"),
    "report": ("gameil.stages.report", "ReportConfig", "report"),
}
"""Kind -> (module, configuration class, function), imported when a pipeline uses it."""

OUTPUTS: dict[str, tuple[str, ...]] = {
    "ingest": ("out",),
    "record": ("out",),
    "evaluate": ("out",),
    "tournament": ("out",),
    "ladder": ("out",),
    "report": ("out",),
}
"""Kind -> fields that say where the stage writes, apart from its own directory."""

TRACKED = ("pretrain", "finetune", "imitate", "dagger")
"""Kinds that send their metrics to MLflow."""


@dataclass(frozen=True)
class StageTable:
    """One ``[[stage]]`` table apart from its stage's own fields."""

    __pydantic_config__ = {"extra": "forbid"}

    kind: str
    """One of ``STAGES``."""
    name: str
    """Directory inside the pipeline's run directory."""
    note: str = ""
    """Printed before the stage starts."""
    fields: dict[str, Any] = dataclasses.field(default_factory=dict)
    """Fields of the stage's configuration, placeholders filled in."""

    def __post_init__(self) -> None:
        if self.kind not in STAGES:
            raise ConfigError(f"stage {self.name!r}: unknown kind {self.kind!r}; one of {', '.join(STAGES)}")
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", self.name):
            raise ConfigError(f"stage name {self.name!r}: letters, digits, '.', '_' and '-' only")


@dataclass(frozen=True)
class PipelineConfig:
    """All stages of a pipeline, in order."""

    __pydantic_config__ = {"extra": "forbid"}

    stage: tuple[StageTable, ...]
    """The ``[[stage]]`` tables."""
    title: str = ""
    """Printed at the start, and the report's heading."""
    game: str = ""
    """Game of ``agent``."""
    agent: str = ""
    """Spec of the agent that comes out of the pipeline."""
    seed: int = 0
    """Default for the ``seed`` of stages that name none."""

    def __post_init__(self) -> None:
        if not self.stage:
            raise ConfigError("a pipeline needs at least one [[stage]]")
        names = [table.name for table in self.stage]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ConfigError(f"two stages are named {twice[0]!r}")


@dataclass(frozen=True)
class Stage:
    """A stage ready to run."""

    table: StageTable
    config: Any
    function: Callable[..., dict[str, Any]]


def read_pipeline(
    path: Path, run_directory: Path, arguments: Mapping[str, Sequence[str]] | None = None
) -> PipelineConfig:
    """Reads a pipeline file and fills in its placeholders.

    Args:
        path: the TOML file.
        run_directory: what ``{run}`` stands for.
        arguments: values of the names that the file's ``[arguments]`` table asks for.

    Raises:
        ConfigError: a malformed file, an unknown key, an argument that is missing or not asked for; one line.
    """
    values = read_toml(path)
    given = dict(arguments or {})
    asked = values.pop("arguments", {})
    if not isinstance(asked, dict):
        raise ConfigError(f"{path}: arguments: must be a table of name = description")
    for name, description in asked.items():
        if name not in given:
            raise ConfigError(f"{path}: needs --set {name}=VALUE: {description}")
    for name in given:
        if name not in asked:
            raise ConfigError(f"{path}: --set {name}: it asks for {', '.join(asked) or 'no arguments'}")
    places = {"run": [str(run_directory)], "here": [str(path.parent)], **given}
    filled = fill_places(values, places, str(path))
    tables = filled.get("stage", [])
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise ConfigError(f"{path}: stages are written as [[stage]] tables")
    own = {"kind", "name", "note"}  # and "config", which is read here
    stages = []
    for number, table in enumerate(tables, 1):
        if "kind" not in table:
            raise ConfigError(f"{path}: stage {number}: has no kind; one of {', '.join(STAGES)}")
        common = {key: value for key, value in table.items() if key in own}
        fields = {key: value for key, value in table.items() if key not in own and key != "config"}
        if "config" in table:
            fields = merged_tables(read_toml(Path(str(table["config"]))), fields)
        _check_outputs(
            str(table["kind"]), str(table.get("name", table["kind"])), fields, run_directory, given, str(path)
        )
        stages.append({"name": table["kind"], **common, "fields": fields})
    try:
        return parse_config(PipelineConfig, {**filled, "stage": stages}, str(path))
    except GameilError as error:
        text = str(error)
        raise ConfigError(text if text.startswith(str(path)) else f"{path}: {text}") from error


def load_stages(config: PipelineConfig, where: str) -> list[Stage]:
    """Imports every stage and checks its configuration, so that a typing error costs no hour of training."""
    stages = []
    for table in config.stage:
        module_name, class_name, function_name = STAGES[table.kind]
        module = importlib.import_module(module_name)
        cls = getattr(module, class_name)
        fields = dict(table.fields)
        if "seed" in {field.name for field in dataclasses.fields(cls)}:
            fields.setdefault("seed", config.seed)
        try:
            refuse_command_line_only(cls, fields, f"{where}: stage {table.name!r}")
            stage_config = parse_config(cls, fields, f"{where}: stage {table.name!r}")
        except GameilError as error:
            text = str(error)
            raise ConfigError(text if text.startswith(where) else f"{where}: stage {table.name!r}: {text}") from error
        stages.append(Stage(table, stage_config, getattr(module, function_name)))
    return stages


def run_pipeline(config: PipelineConfig, stages: list[Stage], run: Run) -> dict[str, Any]:
    """Runs what is not finished yet, stage by stage.

    Args:
        config: the pipeline.
        stages: its stages from ``load_stages``.
        run: the pipeline's own run directory; each stage gets ``<directory>/<stage name>/``.

    Returns:
        Results of every stage by name, and ``seconds``.

    Raises:
        GameilError: a stage failed on bad input; the message names the stage.
    """
    started = time.monotonic()
    results: dict[str, Any] = {}
    climb: list[tuple[str, list[LadderRow]]] = []
    imitated: dict[str, dict[str, Any]] = {}
    if config.title:
        run.say(config.title)
    for number, stage in enumerate(stages, 1):
        table = stage.table
        heading = f"[{number}/{len(stages)}] {table.name}" + (f" ({table.kind})" if table.kind != table.name else "")
        directory = run.directory / table.name
        done, seconds = _run_stage(stage, directory, run, heading)
        results[table.name] = done
        if table.kind == "ladder":
            climb.append((measured_after(table.name), ladder_rows(done)))
            run.say(ladder_text(climb))
        elif table.kind == "pretrain":
            imitated[table.name] = done
            if len(imitated) > 1:
                run.say(imitation_table(imitated))
        if seconds is not None:
            run.say(f"    {table.name} took {format_seconds(seconds)}")
    seconds = time.monotonic() - started
    run.say(f"all {len(stages)} stages done in {format_seconds(seconds)}")
    for line in closing_lines(config, results):
        run.say(line)
    return {"stages": results, "seconds": round(seconds, 1)}


def closing_lines(config: PipelineConfig, results: Mapping[str, Any]) -> list[str]:
    """Where the report is and how to play the agent."""
    lines = []
    reports = [done["report"] for done in results.values() if isinstance(done, dict) and "report" in done]
    if reports:
        lines.append(f"report:  {reports[-1]}")
    if config.game and config.agent:
        lines.append(f"play it: gameil play --game {config.game} --agent {config.agent}")
    return lines


def _run_stage(stage: Stage, directory: Path, run: Run, heading: str) -> tuple[dict[str, Any], float | None]:
    table = stage.table
    resume = (directory / CONFIG_FILE).exists()
    with Run.open(
        directory,
        stage.config,
        stage=table.kind,
        resume=resume,
        track=table.kind in TRACKED,
        tracking_directory=run.directory.parent,
        screen=run.screen,
    ) as inner:
        if inner.finished:
            run.say(f"\n{heading}: finished already")
            return inner.results(), None
        run.say(f"\n{heading}{', resumed' if resume else ''}")
        if table.note:
            run.say(f"    {table.note}")
        started = time.monotonic()
        try:
            done = stage.function(stage.config, inner, resume=resume)
        except GameilError as error:
            raise type(error)(f"stage {table.name!r}: {error}") from error
        inner.finish(done)
        return done, time.monotonic() - started


def _check_outputs(
    kind: str, name: str, fields: Mapping[str, Any], run: Path, given: Mapping[str, Sequence[str]], where: str
) -> None:
    """Raises ``ConfigError`` for a stage that would write outside ``run``, where nobody asked it to or over a file."""
    outputs = {field: fields[field] for field in OUTPUTS.get(kind, ()) if field in fields}
    if kind == "report" and "out" not in fields and "run" in fields:
        outputs["run"] = fields["run"]  # the page goes there
    chosen = [Path(text).resolve() for texts in given.values() for text in texts]
    for field, value in outputs.items():
        if not isinstance(value, str):
            continue  # its type is refused when the stage's configuration is built
        path = Path(value).resolve()
        if path.is_relative_to(run.resolve()):
            continue
        if not any(path.is_relative_to(place) for place in chosen):
            raise ConfigError(
                f"{where}: stage {name!r}: {field} {value!r}: a pipeline writes inside its run directory only: "
                'start it with "{run}/", or ask for it in [arguments]'
            )
        if path.is_file() and not (run / name / CONFIG_FILE).exists():
            raise ConfigError(f"{where}: stage {name!r}: {field} {value!r}: a file is there already")


def merged_tables(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """``base`` with the values of ``over``, tables within tables too."""
    both = dict(base)
    for key, value in over.items():
        old = both.get(key)
        both[key] = merged_tables(old, value) if isinstance(old, Mapping) and isinstance(value, Mapping) else value
    return both


def fill_places(value: Any, places: Mapping[str, Sequence[str]], where: str) -> Any:
    """``value`` with ``{name}`` in all its texts replaced. Raises ``ConfigError`` where one value was needed."""
    if isinstance(value, str):
        for name, texts in places.items():
            if "{" + name + "}" in value:
                if len(texts) != 1:
                    raise ConfigError(f"{where}: {value!r} takes one value of {name}, not {len(texts)}")
                value = value.replace("{" + name + "}", texts[0])
        return value
    if isinstance(value, dict):
        return {key: fill_places(item, places, where) for key, item in value.items()}
    if isinstance(value, list):
        filled: list[Any] = []
        for item in value:
            name = item[1:-1] if isinstance(item, str) and re.fullmatch(r"\{\w+\}", item) else ""
            filled.extend(places[name] if name in places else [fill_places(item, places, where)])
        return filled
    return value
