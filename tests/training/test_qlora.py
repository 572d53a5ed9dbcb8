"""A run from its directory to artifact, predictions and metrics; its gradients and its resume."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import torch
from peft import get_peft_model_state_dict
from safetensors.torch import load_file
from transformers import TrainingArguments

from db.connection import Database
from db.content.items import add_items
from db.paths import runs_dir
from db.records import Section
from db.retraining.snapshot import freeze, load_snapshot
from eci.errors import ArtifactError
from eci.model.architecture import compute_in_given_precision
from eci.model.artifact import ADAPTER_FILES, HEAD_FILE
from eci.model.base_model import load_base
from eci.model.batching import collate
from eci.model.eci_model import EciModel, build
from eci.model.encoding import PromptSettings
from tests.support.runs import make_run_dir, progress_of
from tests.support.stores import open_store
from tests.support.training_items import make_training_items
from training.control.plan import make_plan
from training.data.artifact_source import ArtifactSource
from training.data.dataset import build_training_data, to_rows
from training.data.questions import to_question
from training.errors import DataError
from training.joint import qlora
from training.joint.adapter import add_adapter, keep_autograd
from training.joint.continuation import continued
from training.joint.qlora import run_qlora
from training.joint.trainer import EciTrainer, RowDataset
from training.run.execution import RunContext, execute
from training.run.result_tables import RECORDS
from training.run.run_dir import RunDir
from training.settings.training import parse_settings


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, tiny_settings: dict[str, Any]) -> RunDir:
    """A run that went through undisturbed; no test changes its files."""
    folder = tmp_path_factory.mktemp("finished")
    database = open_store(folder / "review.duckdb")
    with database.transaction() as cur:
        add_items(cur, make_training_items(), origin="items")
    run_dir = make_run_dir(database, folder, tiny_settings)
    database.close()
    assert execute(run_dir, run_qlora) == "succeeded", run_dir.read_status().message
    return run_dir


def test_a_run_leaves_artifact_predictions_and_metrics(
    finished: RunDir, tmp_path: Path, tiny_settings: dict[str, Any]
) -> None:
    run_dir = finished
    files = {path.name for path in run_dir.artifact_path.iterdir()}
    assert {"adapter_model.safetensors", "eci_head.safetensors", "eci.json"} <= files
    assert not [f for f in run_dir.path.rglob("*") if f.suffix in {".bin", ".pt", ".pkl"}]
    table = pq.read_table(run_dir.predictions_path).to_pylist()
    test_rows = [row for row in table if "-test-" in row["item_id"]]
    assert len(test_rows) == 10
    assert all(row["answer"] is not None for row in test_rows)
    assert all(abs(sum(row["head_probabilities"]) - 1) < 1e-9 for row in table)
    metrics = run_dir.read_metrics()
    assert metrics["pubmedqa"]["head"]["accuracy"]["n"] == 5
    assert metrics["options"]["text"]["accuracy"]["interval"] is not None
    progress = progress_of(run_dir)
    assert progress[-1]["step"] == progress[-1]["num_steps"] == 6
    assert {"loss", "lm_loss", "eci_loss", "learning_rate", "tokens_per_second"} <= set(
        progress[-1]
    )

    reloaded = EciModel.load(
        tiny_settings["model"]["base"],
        tmp_path,
        artifact=run_dir.artifact_path,
        quantization="nf4",
    )
    # Without the serving kernel of bitsandbytes, whose bfloat16 rounding differs: 0.03 seen.
    keep_autograd(reloaded.model)
    snapshot = load_snapshot(run_dir.snapshot_path)
    given = reloaded.classify([to_question(item) for item in snapshot.test])
    stored = {row["item_id"]: row for row in test_rows}
    for item, classification in zip(snapshot.test, given, strict=True):
        expected = stored[item.item_id]["head_probabilities"]
        assert classification.probabilities == pytest.approx(expected, abs=1e-4)
        assert classification.label == stored[item.item_id]["head_label"]


def test_an_incomplete_or_foreign_artifact_is_refused(
    finished: RunDir, tmp_path: Path, tiny_settings: dict[str, Any]
) -> None:
    base = tiny_settings["model"]["base"]
    artifact = tmp_path / "artifact"
    shutil.copytree(finished.artifact_path, artifact)

    with pytest.raises(ArtifactError, match="quantization"):
        EciModel.load(base, tmp_path, artifact=artifact, quantization="none")
    info = json.loads((artifact / "eci.json").read_text())
    (artifact / "eci.json").write_text(
        json.dumps({**info, "base": {**info["base"], "fingerprint": "sha256:other"}})
    )
    with pytest.raises(ArtifactError, match="trained on"):
        EciModel.load(base, tmp_path, artifact=artifact, quantization="nf4")
    (artifact / "eci.json").write_text(json.dumps(info))
    (artifact / "eci_head.safetensors").unlink()
    with pytest.raises(ArtifactError, match=r"eci_head\.safetensors is missing"):
        EciModel.load(base, tmp_path, artifact=artifact, quantization="nf4")


def test_a_run_goes_on_from_the_adapter_and_head_of_another_and_holds_out_nothing_it_learned(
    finished: RunDir,
    database: Database,
    tiny_settings: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    runs = runs_dir()
    runs.mkdir(parents=True)
    shutil.copytree(finished.path, runs / finished.run_id)
    first = RunDir(runs / finished.run_id)
    first.write_settings({**first.read_settings(), "task": "train"})
    with pytest.raises(DataError, match="no champion yet"):
        make_plan(database, "joint", source="champion")
    other = {**tiny_settings, "lora": {"rank": 8, "alpha": 8, "dropout": 0.0}, "seed": 5}
    settings = continued(parse_settings(other, "tests"), first.run_id)
    assert (settings.lora.rank, settings.artifact_run_id) == (4, first.run_id)

    started: list[str] = []

    def compare(_: Any, model: EciModel, *__: Any) -> None:
        head = model.model.get_base_model().eci_head.modules_to_save["default"]
        for file, now in (
            (ADAPTER_FILES[0], get_peft_model_state_dict(model.model)),
            (HEAD_FILE, head.state_dict()),
        ):
            for name, tensor in load_file(first.artifact_path / file).items():
                assert torch.equal(tensor, now[name]), name
                started.append(name)

    run_dir = make_run_dir(database, runs, settings.model_dump(mode="json"), task="train")
    with monkeypatch.context() as patched:
        patched.setattr(qlora, "_train", compare)
        assert execute(run_dir, run_qlora) == "succeeded", run_dir.read_status().message
    assert started
    learned = ArtifactSource(first).learned_item_ids()
    folds = {
        fold: {r.item_id for r in RECORDS.read(run_dir.records_path) if r.fold == fold}
        for fold in ("train", "dev")
    }
    assert folds["dev"] and not folds["dev"] & learned
    assert ArtifactSource(run_dir).learned_item_ids() == folds["train"] | learned


def test_a_stopped_run_resumes_and_ends_like_an_unbroken_one(
    finished: RunDir,
    database: Database,
    tmp_path: Path,
    tiny_settings: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    broken = make_run_dir(database, tmp_path, tiny_settings)

    plain = RunContext.should_stop
    monkeypatch.setattr(RunContext, "should_stop", lambda self: plain(self) or self._step[0] >= 4)
    execute(broken, run_qlora)
    monkeypatch.setattr(RunContext, "should_stop", plain)
    assert broken.read_status().state == "interrupted"
    assert broken.latest_checkpoint() is not None
    stored = broken.read_settings()
    wider = {**stored["settings"], "lora": {**stored["settings"]["lora"], "rank": 8}}
    broken.write_settings({**stored, "settings": wider})
    assert execute(broken, run_qlora) == "failed"
    assert "has an adapter of rank 4, the settings of this run say 8" in (
        broken.read_status().message
    )
    broken.write_settings(stored)
    assert execute(broken, run_qlora) == "succeeded"

    first_after = [fields["step"] for fields in progress_of(broken)]
    assert first_after.count(1) == 1, "the resumed run began again"
    for name in ("pubmedqa", "options"):
        one, other = finished.read_metrics()[name], broken.read_metrics()[name]
        assert one["head"]["accuracy"] == other["head"]["accuracy"]
        assert one["calibration"]["brier"]["value"] == pytest.approx(
            other["calibration"]["brier"]["value"], abs=1e-3
        )


@pytest.fixture
def trainable(
    database: Database, tmp_path: Path, tiny_settings: dict[str, Any]
) -> tuple[EciModel, list[Any]]:
    """A quantized model with adapter and head, and the rows of its training records."""
    settings = parse_settings(tiny_settings, "tests")
    snapshot_dir = tmp_path / "snapshot"
    freeze(database.cursor(), snapshot_dir, created_by="tests")
    data = build_training_data(load_snapshot(snapshot_dir), settings.data, 0)
    base = load_base(settings.model.base, tmp_path, quantization="nf4", device="cpu")
    torch.manual_seed(0)
    model = build(base, dropout=0.0, prompts=PromptSettings(max_prompt_tokens=900))
    add_adapter(model, settings.lora, checkpointing=False)
    with torch.no_grad():  # LoRA's B starts at 0, which leaves A without a gradient
        for name, parameter in model.model.named_parameters():
            if "lora_B" in name:
                parameter.normal_(std=0.05)
    return model, to_rows(model, data.train, 24)[0]


def _gradient(model: EciModel, batch: dict[str, torch.Tensor]) -> torch.Tensor:
    model.model.train()
    model.model.zero_grad()
    model.model(**batch).loss.backward()
    trained = [p for p in model.model.parameters() if p.requires_grad]
    return torch.cat(
        [(torch.zeros_like(p) if p.grad is None else p.grad).flatten() for p in trained]
    )


def test_gradients_before_and_after_an_evaluation_agree(
    trainable: tuple[EciModel, list[Any]],
) -> None:
    model, rows = trainable
    batch = collate(rows[::5], model.encoder.pad_id)
    before = _gradient(model, batch)
    model.model.eval()
    with torch.no_grad():
        model.model(**batch)
    after = _gradient(model, batch)
    assert torch.nn.functional.cosine_similarity(before, after, 0) > 0.999
    assert float(after.norm()) == pytest.approx(float(before.norm()), rel=1e-2)


def test_an_adapter_computes_in_the_precision_of_its_base(tiny_model_dir: Path) -> None:
    from peft import LoraConfig, get_peft_model
    from transformers import LlamaForCausalLM

    linears = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
    ids = torch.arange(64)[None]
    for dtype, least in ((torch.float32, 1 - 1e-6), (torch.bfloat16, 0.99)):
        base = LlamaForCausalLM.from_pretrained(tiny_model_dir, dtype=dtype)
        config = LoraConfig(r=4, target_modules=linears, init_lora_weights=False)
        model = get_peft_model(base, config)
        computed: list[torch.dtype] = []
        grads = []
        for _ in range(2):
            model.zero_grad()
            model(input_ids=ids, labels=ids).loss.backward()
            trained = [p for p in model.parameters() if p.requires_grad]
            assert {p.grad.dtype for p in trained if p.grad is not None} == {torch.float32}
            grads.append(torch.cat([p.grad.flatten() for p in trained if p.grad is not None]))
            compute_in_given_precision(model)
            for name, module in model.named_modules():
                if "lora_" in name and isinstance(module, torch.nn.Linear):
                    module.register_forward_hook(
                        lambda _m, _a, out, to=computed: to.append(out.dtype)
                    )
        assert set(computed) == {dtype}
        assert torch.nn.functional.cosine_similarity(grads[0], grads[1], 0) > least


@pytest.mark.parametrize(("batch_size", "accumulation"), [(8, 1), (2, 4)])
def test_the_step_is_the_same_however_it_is_split(
    trainable: tuple[EciModel, list[Any]], tmp_path: Path, batch_size: int, accumulation: int
) -> None:
    from transformers import TrainingArguments

    model, rows = trainable
    rows = rows[::4][:8]
    whole = _gradient(model, collate(rows, model.encoder.pad_id))
    model.model.zero_grad()
    trainer = EciTrainer(
        model=model.model,
        args=TrainingArguments(
            output_dir=str(tmp_path / "out"),
            per_device_train_batch_size=batch_size,
            gradient_accumulation_steps=accumulation,
            max_steps=1,
            max_grad_norm=1e9,
            remove_unused_columns=False,
            label_names=["labels", "cls_labels"],
            use_cpu=True,
            report_to=[],
            save_strategy="no",
            logging_steps=1,
        ),
        train_dataset=RowDataset(rows),
        pad_id=model.encoder.pad_id,
        weight=0.5,
        head_learning_rate=1e-9,
    )
    trainer.train()
    norm = next(log["grad_norm"] for log in trainer.state.log_history if "grad_norm" in log)
    assert float(norm) == pytest.approx(float(whole.norm()), rel=2e-2)


def test_items_of_the_test_split_and_their_answers_never_enter_training(
    database: Database, tmp_path: Path, tiny_settings: dict[str, Any]
) -> None:
    freeze(database.cursor(), tmp_path / "s", created_by="tests")
    snapshot = load_snapshot(tmp_path / "s")
    settings = parse_settings(tiny_settings, "tests").data
    data = build_training_data(snapshot, settings, 0)
    learned = {record.item_id for record in data.train} | {r.item_id for r in data.dev}
    assert learned == {item.item_id for item in snapshot.train}
    assert not {r.item_id for r in data.train} & {r.item_id for r in data.dev}
    for record in data.train:
        shown = {shot.question.question_id for shot in record.shots}
        assert record.item_id not in shown
        assert all("-train-" in name for name in shown)
        assert shown.isdisjoint({r.item_id for r in data.dev})
    with pytest.raises(DataError, match="test split"):
        build_training_data(replace(snapshot, train=snapshot.train + snapshot.test), settings, 0)


def test_a_training_item_that_repeats_a_test_item_stops_the_run_by_name(
    database: Database, tmp_path: Path, tiny_settings: dict[str, Any]
) -> None:
    freeze(database.cursor(), tmp_path / "s", created_by="tests")
    snapshot = load_snapshot(tmp_path / "s")
    long = "Of the patients who were given the drug for a year, most walked farther than before."
    section = (Section("RESULTS", long),)
    original = replace(snapshot.test[0], context=section)
    copy = replace(snapshot.train[0], context=(Section("", f"{long} So they said."),))
    leaky = replace(
        snapshot,
        train=(copy, *snapshot.train[1:]),
        test=(original, *snapshot.test[1:]),
    )
    settings = parse_settings(tiny_settings, "tests").data
    with pytest.raises(DataError, match=f"{copy.item_id} repeats {original.item_id}"):
        build_training_data(leaky, settings, 0)


def test_the_long_answer_is_learned_but_never_shown_for_its_own_item(
    database: Database, tmp_path: Path, tiny_settings: dict[str, Any], tiny_model_dir: Path
) -> None:
    freeze(database.cursor(), tmp_path / "s", created_by="tests")
    settings = parse_settings(tiny_settings, "tests").data
    data = build_training_data(load_snapshot(tmp_path / "s"), settings, 0)
    model = EciModel.load(str(tiny_model_dir), tmp_path)
    rows, num_shortened = to_rows(model, data.train, 200)
    assert num_shortened == 0
    decode = model.encoder.tokenizer.decode
    for record, row in zip(data.train, rows, strict=True):
        assert record.rationale in decode(row.answer)
        assert record.rationale not in decode(row.prompt)


def test_in_one_process_a_run_uses_one_of_several_cards_and_says_so(
    database: Database,
    tiny_settings: dict[str, Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    set_up, devices = TrainingArguments._setup_devices.func, []

    def on_three_cards(arguments: TrainingArguments) -> torch.device:
        if not devices:
            devices.append(set_up(arguments))
            arguments._n_gpu = 3
        return devices[0]

    monkeypatch.setattr(TrainingArguments, "_setup_devices", property(on_three_cards))
    whole_epoch = {**tiny_settings["optimizer"], "max_steps": None}
    run_dir = make_run_dir(database, tmp_path, {**tiny_settings, "optimizer": whole_epoch})
    assert execute(run_dir, run_qlora) == "succeeded", run_dir.read_status().message
    messages = [e.fields["text"] for e in run_dir.read_events()[0] if e.kind == "message"]
    assert any("has 3 graphics cards" in text for text in messages)
    learned = [r for r in RECORDS.read(run_dir.records_path) if r.fold == "train"]
    num_steps = -(-len(learned) // whole_epoch["batch_size"])
    assert progress_of(run_dir)[-1]["num_steps"] == num_steps, "the batch is not multiplied"
