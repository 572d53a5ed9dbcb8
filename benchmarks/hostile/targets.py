"""The ways in for a file: each tries one damaged file and checks that nothing is there in part."""

from __future__ import annotations

import io
import json
import random
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from hostile.input_store import Store
from hostile.mutations import mutate
from hostile.samples import items_csv, records, sample

from db.importers import FORMATS, Asked, Format, import_file
from db.paths import launchers_path, presets_dir, runs_dir
from db.retraining.snapshot import load_snapshot
from eci.model.artifact import HEAD_FILE, INFO_FILE, read_info, write_info
from eci.questions.json_lines import load_records
from eci.questions.labels import PUBMEDQA
from streamlit_app.logic.uploads import Upload, read_upload, store_preview
from training.control.ingest import list_set_aside, refresh
from training.evaluation.readings import read_new_answers
from training.head.artifact import read_head
from training.head.features import HeadFeatures
from training.run.run_dir import RunDir
from training.settings.launchers import list_launchers
from training.settings.training import read_preset

Target = Callable[[Store, random.Random, str], bool]
"""Tries one damaged file; gives whether it was accepted, or raises what its refusal is."""

_NAMES: Final = ("\ud83d", "a\0b", "..", "x" * 400, "é" * 200, "C:\\x", "/etc/passwd", "", " ")


def imported(file_format: Format, *, is_recognised: bool = False) -> Target:
    """Return the way in of a format: on the command line, the file as it is."""

    def target(store: Store, rng: random.Random, tag: str) -> bool:
        paths = _damaged(store.folder / tag, sample(file_format, tag), rng)
        with store.all_or_nothing():
            import_file(store.database, None if is_recognised else file_format, paths[0])
            read_new_answers(store.database)
        return True

    return target


def imported_csv(store: Store, rng: random.Random, tag: str) -> bool:
    """Import own items as CSV."""
    paths = _damaged(store.folder / tag, {"items.csv": items_csv(tag)}, rng)
    with store.all_or_nothing():
        import_file(store.database, "items", paths[0])
    return True


def uploaded(store: Store, rng: random.Random, tag: str) -> bool:
    """Upload a file of any format in the app, sometimes under a hostile name."""
    file_format = rng.choice(FORMATS)
    (name, content), *others = sample(file_format, tag).items()
    if rng.random() < 0.3:
        name = rng.choice(_NAMES)
    upload = Upload(name, mutate(rng, content))
    test_split = Upload(*others[0]) if others else None
    asked = Asked(format=rng.choice((file_format, None)))
    preview = read_upload(store.database, upload, asked, test_split=test_split)
    assert all(isinstance(line, str) for line in preview.lines)
    with store.all_or_nothing():
        store_preview(store.database, preview, reviewer_id=store.reviewer_id)
    return True


def read_records(store: Store, rng: random.Random, tag: str) -> bool:
    """Read questions for the command line of eci, and write what can be written."""
    del store
    read = load_records(io.BytesIO(mutate(rng, records(tag))), {PUBMEDQA.name: PUBMEDQA})
    json.dumps([record.metadata for record in read]).encode()
    return True


def read_presets(store: Store, rng: random.Random, tag: str) -> bool:
    """Read a preset of one's own."""
    path = presets_dir() / f"p{tag}.toml"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(mutate(rng, store.presets[int(tag) % len(store.presets)]))
    try:
        preset = read_preset(path)
    finally:
        path.unlink()
    preset.settings.model_dump_json().encode()
    return True


def read_launchers(store: Store, rng: random.Random, tag: str) -> bool:
    """Read the settings of the launchers."""
    del store, tag
    content = b'[accelerate]\nnum_processes = 2\n[ray]\nstorage = "/mnt/x"\nnum_cpus = 1.5\n'
    launchers_path().write_bytes(mutate(rng, content))
    list_launchers()
    return True


def read_artifact(store: Store, rng: random.Random, tag: str) -> bool:
    """Read an artifact whose description or head is damaged, the hash being right or not."""
    folder = store.folder / f"artifact-{tag}"
    shutil.copytree(store.artifact, folder)
    try:
        damaged = folder / rng.choice((INFO_FILE, INFO_FILE, HEAD_FILE))
        damaged.write_bytes(mutate(rng, damaged.read_bytes()))
        if damaged.name == HEAD_FILE and rng.random() < 0.7:
            write_info(folder, read_info(store.artifact))
        info = read_info(folder)
        for name, labels in info.label_sets.items():
            labels.label_set(name)
        read_head(folder)
        HeadFeatures(folder / "cache", info).missing([])
    finally:
        shutil.rmtree(folder)
    return True


def read_snapshot(store: Store, rng: random.Random, tag: str) -> bool:
    """Load a snapshot of which one file is damaged."""
    folder = store.folder / f"snapshot-{tag}"
    shutil.copytree(store.snapshot, folder)
    try:
        _damage_one(folder, rng)
        load_snapshot(folder)
    finally:
        shutil.rmtree(folder)
    return True


def ingest_run(store: Store, rng: random.Random, tag: str) -> bool:
    """Ingest a run directory of which one file is damaged, and a sound one after it."""
    run_dir, later = (RunDir(runs_dir() / f"20260301-{place}-{tag}") for place in (1, 0))
    try:
        store.copy_run(run_dir)
        _damage_one(run_dir.path, rng)
        store.copy_run(later)
        refresh(store.database, runs_dir())
        aside = list_set_aside(store.database)
        assert store.is_whole_run(later.run_id), f"the sound run {later.run_id} was not ingested"
        run_dir.read_events()
        run_dir.tail_log()
        if store.is_whole_run(run_dir.run_id):
            return True
        assert store.count_run(run_dir.run_id) == (0, 0), "a part of the run was stored"
        for message in aside:
            message.encode()
    finally:
        store.accept()
        for one in (run_dir, later):
            shutil.rmtree(one.path, ignore_errors=True)
    return False


def _damage_one(folder: Path, rng: random.Random) -> None:
    path = rng.choice(sorted(path for path in folder.rglob("*") if path.is_file()))
    path.write_bytes(mutate(rng, path.read_bytes()))


def _damaged(folder: Path, contents: Mapping[str, bytes], rng: random.Random) -> list[Path]:
    """Write files of which one is damaged."""
    folder.mkdir()
    chosen = rng.choice(list(contents))
    for name, content in contents.items():
        (folder / name).write_bytes(mutate(rng, content) if name == chosen else content)
    return [folder / name for name in contents]


TARGETS: Final[tuple[tuple[str, Target], ...]] = (
    *((f"import {name}", imported(name)) for name in FORMATS),
    *((f"import {name}, recognised", imported(name, is_recognised=True)) for name in FORMATS),
    ("import items.csv", imported_csv),
    ("upload", uploaded),
    ("records of eci", read_records),
    ("preset", read_presets),
    ("launchers", read_launchers),
    ("artifact", read_artifact),
    ("snapshot", read_snapshot),
    ("run directory", ingest_run),
)
"""The ways in; inputs take turns among them."""
