"""What to run: the tier, its settings, the button that starts it."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, get_args

import streamlit as st

from db.content.overview import count_items_by_label
from db.paths import runs_dir
from db.people.permissions import is_permitted
from db.records import Reviewer, Run
from db.retraining.model_versions import ModelVersion, list_models
from db.viewer import EVERYTHING
from eci.decisions import Cost, DecisionSettings
from streamlit_app import safe_text
from streamlit_app.components import choices, fact_table, launcher_picker, scope_picker, set_aside
from streamlit_app.components.policy_form import TIER_WORDS
from streamlit_app.logic.training.models_view import version_name
from streamlit_app.logic.training.training_view import describe_settings
from streamlit_app.markup import reveal
from streamlit_app.server import services
from streamlit_app.session.press_notice import MESSAGE_KEY, deferred_errors, draw_message
from streamlit_app.wording import say, words
from training.control.plan import (
    BASE_ALONE,
    CHAMPION,
    Tier,
    make_plan,
    missing_base,
    start_plan,
)
from training.control.run_duration import describe_expected, expected_seconds
from training.control.start import start_prediction
from training.joint.continuation import has_adapter
from training.settings.launchers import LOCAL, Launcher
from training.settings.training import PredictionSettings, Preset, list_preset_faults, list_presets

SHOWN_KEY = "training_shown"
"""Session state: the run that the page shows."""
QUICK_PRESET = "smoke"
COST_WORDS: Final = words("decision_cost")
_PRESS = "training_press"
_TIER_HELP: Mapping[Tier, str] = {
    "recalibrate": say("training_form.recalibrate"),
    "refit": say("training_form.refit"),
    "joint": say("training_form.train"),
    "gpu": say("training_form.train_gpu"),
}


def draw(person: Reviewer, runs: Sequence[Run]) -> None:
    """Draw the choice of a tier and the Retrain button."""
    st.header(say("training_form.retrain"), divider="gray", anchor=False)
    tier = choices.pick(
        say("training_form.tier"),
        TIER_WORDS,
        # Seconds, and it replaces nothing: a press by mistake must not cost hours.
        default="joint" if "training_preset" in st.query_params else "refit",
        key="training_tier",
    )
    st.caption(_TIER_HELP[tier])
    settings_column, start_column = st.columns([3, 2], gap="large")
    chosen: dict[str, Any] = {"tier": tier, "preset": None, "source": None, "launcher": LOCAL}
    models = list_models(services.database().cursor())
    with settings_column:
        if tier in ("joint", "gpu"):
            preset = _pick_preset(tier)
            chosen["preset"] = preset and preset.name
            chosen["source"] = preset and _pick_adapter(models, preset)
        else:
            chosen["source"] = _pick_source(models, tier)
            chosen["base"] = _pick_base(chosen["source"], "training_place")
            chosen["decision"] = _pick_decision()
    with start_column:
        chosen["base_run_id"] = (
            scope_picker.pick_run(say("training_form.compare"), runs, key="training_base")
            if runs
            else None
        )
        if tier in ("joint", "gpu"):
            chosen["launcher"] = launcher_picker.pick("training_launcher")
        named = chosen["preset"] or tier
        st.caption(describe_expected(expected_seconds(runs_dir(), named, chosen["launcher"])))
        _draw_button(person, chosen)
        draw_message()


def draw_prediction(person: Reviewer) -> None:
    """Draw the form that lets a model answer every item, without training."""
    with st.expander(say("training_form.predict_title")):
        models = list_models(services.database().cursor())
        source = _pick_source(models, "refit", key="training_answerer")
        base = _pick_base(source, "training_answer_place")
        limit = st.number_input(say("training_form.max_tokens"), 0, 512, 48, key="training_tokens")
        thinking = st.number_input(
            say("training_form.thinking"),
            *(0, 32_768, 0),
            key="training_thinking",
            disabled=source != BASE_ALONE,
            help=say("training_form.thinking_help"),
        )
        launcher = launcher_picker.pick("training_answer_launcher")
        st.button(
            say("training_form.predict"),
            key="training_predict",
            disabled=not is_permitted(person, "train"),
            on_click=_predict,
            args=(
                press_token(),
                _prediction(source, base, int(limit), int(thinking)),
                person.reviewer_id,
                launcher,
            ),
            help=say("training_form.max_tokens_help"),
        )


def _pick_preset(tier: Tier) -> Preset | None:
    presets = {
        preset.name: preset for preset in list_presets() if _is_for_gpu(preset) == (tier == "gpu")
    }
    set_aside.draw("presets", list_preset_faults())
    names = list(presets)
    if not names:
        st.info(say("training_form.no_preset"))
        return None
    name: str = st.selectbox(
        say("training_form.preset"),
        names,
        index=names.index(QUICK_PRESET) if QUICK_PRESET in names else 0,
        format_func=reveal,
        key="training_preset",
        bind="query-params",
    )
    safe_text.draw_text(presets[name].description, "training_description")
    fact_table.draw(describe_settings(presets[name].settings))
    return presets[name]


def _pick_adapter(models: Sequence[ModelVersion], preset: Preset) -> str:
    """Draw whose adapter a joint run starts from; ``BASE_ALONE`` for a new one."""
    trained = {BASE_ALONE: say("training_form.new_adapter")}
    trained |= {model.run_id: _with_aliases(model) for model in models if has_adapter(model.run_id)}
    preferred = preset.settings.artifact_run_id
    if preferred == CHAMPION:
        preferred = next((m.run_id for m in models if CHAMPION in m.aliases), None)
    if len(trained) == 1 and preset.settings.artifact_run_id is None:
        return BASE_ALONE
    chosen: str = st.selectbox(
        say("training_form.start_from"),
        list(trained),
        index=list(trained).index(preferred) if preferred in trained else 0,
        format_func=trained.__getitem__,
        key=f"training_adapter_{preset.name}",
        help=say("training_form.adapter_help"),
    )
    return chosen


def _is_for_gpu(preset: Preset) -> bool:
    return preset.settings.model.device.startswith("cuda")


def _pick_source(
    models: Sequence[ModelVersion], tier: Tier, key: str = "training_source"
) -> str | None:
    names = {model.run_id: _with_aliases(model) for model in models}
    if tier == "refit":
        names[BASE_ALONE] = say("training_form.base_alone")
    if not names:
        st.info(say("training_form.no_model"))
        return None
    champion = next((m.run_id for m in models if "champion" in m.aliases), None)
    chosen: str = st.selectbox(
        say("training_form.start_from"),
        list(names),
        index=list(names).index(champion) if champion else 0,
        format_func=names.__getitem__,
        key=key,
    )
    return chosen


def _with_aliases(model: ModelVersion) -> str:
    """Return the name of a model with its aliases."""
    return version_name(model) + (f" ({', '.join(model.aliases)})" * bool(model.aliases))


def _pick_base(source: str | None, key: str) -> str | None:
    """Draw the new place of a model's base where its folder is gone; None while none is given."""
    moved = missing_base(source)
    if moved is None:
        return None
    place: str = st.text_input(
        say("training_form.base_moved", base=reveal(moved)),
        key=key,
        help=say("training_form.base_moved_help"),
    )
    return place.strip() or None


def _pick_decision() -> DecisionSettings | None:
    """Draw what errors cost; None keeps what they cost in the model to start from."""
    left, right = st.columns(2)
    costs = (None, *(cost for cost in get_args(Cost) if cost != "matrix"))
    with left:
        cost: Cost | None = st.selectbox(
            say("training_form.cost"),
            costs,
            format_func=lambda one: COST_WORDS[one] if one else say("training_form.keep_cost"),
            key="training_cost",
            help=say("training_form.cost_help"),
        )
    with right:
        percent = st.number_input(
            say("training_form.target_error"),
            *(0.0, 50.0, 0.0),
            key="training_target_error",
            disabled=cost is None,
            help=say("training_form.target_error_help"),
        )
    if cost is None:
        return None
    return DecisionSettings(cost=cost, target_error=percent / 100 if percent else None)


def _draw_button(person: Reviewer, chosen: Mapping[str, Any]) -> None:
    counts = count_items_by_label(services.database().cursor(), EVERYTHING)
    has_items = any(count.split == "train" and count.label is not None for count in counts)
    may = is_permitted(person, "train")
    st.button(
        say("training_form.retrain"),
        type="primary",
        width="stretch",
        key="training_retrain",
        disabled=not (has_items and may and (chosen["preset"] or chosen["source"])),
        on_click=_start,
        args=(press_token(), chosen, person.reviewer_id),
    )
    if not has_items:
        st.caption(say("training_form.no_training_items"))
    elif not may:
        st.caption(say("training_form.not_open"))


def press_token() -> str:
    """Return the token of this draw's button, which one press uses up."""
    token: str = st.session_state.setdefault(_PRESS, uuid.uuid4().hex)
    return token


def start_once(press: str, start: Callable[[], str], message_key: str = MESSAGE_KEY) -> None:
    """Start a run and show it; an error waits under its key for ``draw_message``.

    A second press of the same button, before the page was drawn again, must not start a second run:
    it carries the same token, and does nothing.
    """
    if st.session_state.get(_PRESS) != press:
        return
    with deferred_errors(message_key):
        st.session_state[SHOWN_KEY] = start()
    st.session_state[_PRESS] = uuid.uuid4().hex


def _start(press: str, chosen: Mapping[str, Any], started_by: str) -> None:
    def start() -> str:
        database = services.database()
        return start_plan(database, make_plan(database, **chosen), started_by)

    start_once(press, start)


def _predict(
    press: str,
    make_settings: Callable[[], PredictionSettings],
    started_by: str,
    launcher: Launcher,
) -> None:
    start_once(
        press,
        lambda: start_prediction(services.database(), make_settings(), started_by, launcher),
    )


def _prediction(
    source: str | None, base: str | None, max_new_tokens: int, thinking_tokens: int
) -> Callable[[], PredictionSettings]:
    """Return what makes the settings of a prediction: the model is looked up when it is pressed."""

    def make() -> PredictionSettings:
        plan = make_plan(services.database(), "refit", source=source, base=base)
        run_id = None if source == BASE_ALONE else source
        settings = PredictionSettings(artifact_run_id=run_id)
        evaluation = settings.evaluation.model_copy(update={"max_new_tokens": max_new_tokens})
        model = getattr(plan.settings, "model", settings.model)
        if run_id is None:
            model = model.model_copy(update={"thinking_tokens": thinking_tokens})
        return settings.model_copy(update={"model": model, "evaluation": evaluation})

    return make
