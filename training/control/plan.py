"""The four tiers of retraining: what each would do, decided before anything is frozen."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final, Literal, get_args

from db.connection import Database
from db.content.runs import list_runs
from db.paths import runs_dir
from db.people.permissions import require
from db.retraining.model_versions import find_by_alias, list_models
from eci.decisions import DecisionSettings
from eci.model.base_model import is_missing_folder
from training.control.automatic import is_automatic
from training.control.launch import launch
from training.control.start import (
    RECALIBRATE,
    REFIT,
    prepare_refit,
    prepare_run,
    start_quick,
)
from training.errors import DataError, RunDirError, SettingsError
from training.joint.continuation import continued
from training.run.run_dir import RunDir
from training.settings.launchers import LOCAL, Launcher, num_training_processes
from training.settings.training import (
    ModelSettings,
    Preset,
    RecalibrationSettings,
    RefitSettings,
    TrainingSettings,
    get_preset,
    parse_as,
    share_step,
)

Tier = Literal["recalibrate", "refit", "joint", "gpu"]
TIERS: Final[tuple[Tier, ...]] = get_args(Tier)
BASE_ALONE: Final = "base"
CHAMPION: Final = "champion"
_DEFAULT_PRESETS: Final = {"joint": "smoke", "gpu": "qlora-13b"}


@dataclass(frozen=True)
class Plan:
    """A run to be: its tier, its settings, and the run to compare it with."""

    tier: Tier
    settings: Preset | RefitSettings | RecalibrationSettings
    base_run_id: str | None
    launcher: Launcher = LOCAL

    @property
    def name(self) -> str:
        """Return the name under which earlier runs of its kind are found."""
        if isinstance(self.settings, Preset):
            return self.settings.name
        return REFIT if isinstance(self.settings, RefitSettings) else RECALIBRATE


def make_plan(
    database: Database,
    tier: Tier,
    *,
    preset: str | None = None,
    source: str | None = None,
    base: str | None = None,
    base_run_id: str | None = None,
    launcher: Launcher = LOCAL,
    decision: DecisionSettings | None = None,
) -> Plan:
    """Decide what a press of a tier's button would run.

    Args:
        preset: Of the tiers joint and gpu; a shipped one when None.
        source: Run that refit and recalibrate start from; ``default_source`` when None; ``base``
            for a refit on the base model alone. Of joint and gpu: run, or ``champion``, whose
            adapter training goes on from; ``base`` for a new adapter; as in the preset when None.
        base: Of refit: name or folder of the base model, where it is no longer that of the source.
        base_run_id: The run to compare with; the source, else the newest run that did not follow
            a correction automatically, when None.
        launcher: Where joint and gpu compute; the head alone is always fitted on this machine.
        decision: What errors cost; as the preset or the source has it when None.

    Raises:
        DataError: There is no model to recalibrate, or no adapter to start from.
        SettingsError: The preset does not exist or is not valid, or the launcher does not fit it.
    """
    if tier in _DEFAULT_PRESETS:
        chosen = get_preset(preset or _DEFAULT_PRESETS[tier])
        chosen = replace(chosen, settings=_started_from(database, chosen.settings, source))
        if decision is not None:
            changed = chosen.settings.model_copy(update={"decision": decision})
            chosen = replace(chosen, settings=changed)
        share_step(chosen.settings.optimizer, num_training_processes(launcher))
        return Plan(tier, chosen, base_run_id or _newest(database), launcher)
    if launcher != LOCAL:
        raise SettingsError(
            f"Tier {tier!r} cannot run through the launcher {launcher.kind!r}: it takes seconds on "
            "this machine. Leave the launcher out, or choose the tier joint or gpu."
        )
    run_id = None if source == BASE_ALONE else source or default_source(database)
    model = _model_of(run_id)
    fields = {"artifact_run_id": run_id, "decision": decision}
    if tier == "refit":
        settings = parse_as(RefitSettings, fields, "what to start from")
        if base is not None:
            model = (model or settings.model).model_copy(update={"base": base})
        if model is not None:
            settings = settings.model_copy(update={"model": model})
        return Plan(tier, settings, base_run_id or run_id or _newest(database))
    if run_id is None or model is None:
        raise DataError(
            "There is no model yet to recalibrate. Refit the head first: "
            "python -m training run --tier refit"
        )
    recalibration = parse_as(
        RecalibrationSettings, {**fields, "model": model}, "what to start from"
    )
    return Plan(tier, recalibration, base_run_id or run_id)


def _started_from(
    database: Database, settings: TrainingSettings, source: str | None
) -> TrainingSettings:
    """Return the settings of a joint run with the adapter that it starts from."""
    named = source or settings.artifact_run_id
    if named is None or named == BASE_ALONE:
        return settings.model_copy(update={"artifact_run_id": None})
    if named == CHAMPION:
        champion = find_by_alias(database.cursor(), CHAMPION)
        if champion is None:
            raise DataError(
                "There is no champion yet whose adapter training could start from. Promote a "
                "model, or start from a new adapter (--from base)."
            )
        named = champion.run_id
    return continued(settings, named)


def as_sequence_classification(plan: Plan) -> Plan:
    """Return a refit whose head can be exported as a sequence classification model.

    Raises:
        SettingsError: It is no refit of a base model alone.
    """
    settings = plan.settings
    if not isinstance(settings, RefitSettings) or settings.artifact_run_id is not None:
        raise SettingsError(
            "The form sequence-classification is for --tier refit --from base: other heads read "
            "what their run was trained to read. To keep an adapter, merge it first (python -m eci "
            "export --merged) and name the merged folder with --base."
        )
    fields = {"pooling": "last", "intercept": False}
    return replace(plan, settings=settings.model_copy(update=fields))


def prepare_plan(
    database: Database, plan: Plan, started_by: str, *, triggered_by: str = ""
) -> RunDir:
    """Make the run directory of a plan; nothing starts.

    Args:
        triggered_by: Why it starts without anybody pressing a button.
    """
    noted: dict[str, Any] = {"triggered_by": triggered_by} if triggered_by else {}
    base = plan.base_run_id
    if isinstance(plan.settings, Preset):
        noted["launcher"] = plan.launcher.model_dump(mode="json")
        return prepare_run(database, plan.settings, started_by, base, **noted)
    return prepare_refit(database, plan.settings, started_by, base, **noted)


def start_plan(database: Database, plan: Plan, started_by: str, *, triggered_by: str = "") -> str:
    """Start a plan: at once where it needs no language model, else in the background.

    Returns:
        The id of the new run, whose results are ingested already if it was executed at once.

    Raises:
        NotPermittedError: The person's role is not open to it.
        DbError: The snapshot cannot be frozen.
        TrainingError: The run to start from cannot be used, or no process could be started.
    """
    require(database.cursor(), started_by, "train")
    run_dir = prepare_plan(database, plan, started_by, triggered_by=triggered_by)
    if isinstance(plan.settings, Preset):
        launch(run_dir)
    else:
        start_quick(database, run_dir)
    return run_dir.run_id


def missing_base(run_id: str | None) -> str | None:
    """Return the folder of a run's base model where it is gone; None where there is none to miss.

    Args:
        run_id: Or ``BASE_ALONE``.
    """
    if run_id is None or run_id == BASE_ALONE:
        return None
    try:
        name = str(RunDir(runs_dir() / run_id).read_model()["base"])
    except RunDirError:
        return None
    return name if is_missing_folder(name) else None


def default_source(database: Database) -> str | None:
    """Return the run of the champion, else of the newest model that a person requested.

    Where all models were made automatically after corrections, the oldest: were it the newest, each
    would build on the one before, none could ever be removed, and their figures would be compared
    with the last correction's instead of with those of the start.

    Returns:
        None where there is no model.
    """
    cur = database.cursor()
    champion = find_by_alias(cur, CHAMPION)
    if champion is not None:
        return champion.run_id
    run_ids = [model.run_id for model in list_models(cur)]
    asked_for = {run.run_id for run in list_runs(cur) if not is_automatic(run.settings)}
    oldest = run_ids[-1] if run_ids else None
    return next((run_id for run_id in run_ids if run_id in asked_for), oldest)


def _newest(database: Database) -> str | None:
    runs = list_runs(database.cursor())
    return next((run.run_id for run in runs if not is_automatic(run.settings)), None)


def _model_of(run_id: str | None) -> ModelSettings | None:
    """Return the model that a run was trained on, as its settings say."""
    if run_id is None:
        return None
    run_dir = RunDir(runs_dir() / run_id)
    return parse_as(ModelSettings, run_dir.read_model(), str(run_dir.settings_path))
