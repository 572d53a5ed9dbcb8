"""An evidence pack: one zip that others can read and check without this product."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any, Final
from zipfile import ZIP_DEFLATED, ZipFile

from duckdb import DuckDBPyConnection

from db.chain import CHAINED
from db.conversions import utc_now
from db.evidence.verify import Verified, copied, verify
from db.evidence.verify_pack import ELSEWHERE
from db.people.signatures import list_signatures
from db.retraining.model_versions import list_alias_events, list_models
from db.review.guidelines import list_guidelines
from db.statements import load_sql

_KINDS: Final = tuple(kind for kind in CHAINED if kind not in ELSEWHERE)
"""What a pack has the rows of; of other rows it has the digests alone."""
_WITH_NAMES: Final = (
    "names, addresses and sign-in identities, with the salt under which each was sealed"
)
_WITHOUT_NAMES: Final = "seals of names; the names themselves were left out of this pack"
_NUM_ROWS: Final = 10_000


def write_pack(
    path: Path, target: Path, figures: Mapping[str, Any], *, with_names: bool
) -> Verified:
    """Write a pack of a database, as it is saved at this moment.

    Args:
        path: The database, which the app may have open.
        figures: What is computed from judgements, by name.
        with_names: Whether names and addresses are in it; without, people are ids.

    Returns:
        What the check of the database found, which is in the pack too.

    Raises:
        DatabaseOpenError: There is no such database, or it cannot be read.
        OSError: The zip cannot be written.
    """
    with copied(path) as cur:
        verified = verify(cur)
        with ZipFile(target, "w", ZIP_DEFLATED) as archive:
            pack = _Pack(archive)
            pack.put("README.md", [_readme(verified, with_names=with_names)])
            script = files("db.evidence").joinpath("verify_pack.py").read_text("utf-8")
            pack.put("verify_pack.py", [script])
            pack.put("links.jsonl", _fetch(cur, "pack_links"))
            pack.put("members.jsonl", _fetch(cur, "pack_members"))
            pack.put("events.jsonl", (line for kind in _KINDS for line in _events(cur, kind)))
            pack.put("people.jsonl", _fetch(cur, "pack_people", with_names=with_names))
            for name, value in _tables(cur, with_names=with_names).items():
                pack.put_json(name, value)
            pack.put_json("figures", figures)
            pack.put_json("checks", asdict(verified))
            pack.put_json("manifest", {"files": pack.digests})
    return verified


def count_fast_saves(cur: DuckDBPyConnection) -> tuple[int, int]:
    """Return how many labels were saved in less time than reading takes, and of how many."""
    num_fast, num_timed = cur.execute(load_sql("fast_saves")).fetchone() or (0, 0)
    return num_fast, num_timed


class _Pack:
    def __init__(self, archive: ZipFile) -> None:
        self._archive = archive
        self.digests: dict[str, str] = {}

    def put(self, name: str, parts: Iterable[str]) -> None:
        digest = hashlib.sha256()
        with self._archive.open(name, "w", force_zip64=True) as file:
            for part in parts:
                data = part.encode()
                digest.update(data)
                file.write(data)
        self.digests[name] = digest.hexdigest()

    def put_json(self, name: str, value: Any) -> None:
        self.put(f"{name}.json", [json.dumps(value, ensure_ascii=False, indent=1, default=str)])


def _readme(verified: Verified, *, with_names: bool) -> str:
    head = verified.head
    text = files("db.evidence").joinpath("pack_readme.md").read_text("utf-8")
    return text.format(
        made=f"{utc_now():%Y-%m-%d %H:%M} UTC",
        version=version("llamacare-review"),
        since=verified.since or "no time: the chain is broken",
        head="none" if head is None else f"{head.number} {head.digest}",
        people=_WITH_NAMES if with_names else _WITHOUT_NAMES,
    )


def _events(cur: DuckDBPyConnection, kind: str) -> Iterator[str]:
    statement = load_sql("pack_events").replace("evidence_annotation", f"evidence_{kind}")
    return _rows(cur, statement, {"kind": kind})


def _fetch(cur: DuckDBPyConnection, name: str, **parameters: object) -> Iterator[str]:
    return _rows(cur, load_sql(name), parameters)


def _rows(
    cur: DuckDBPyConnection, statement: str, parameters: Mapping[str, object]
) -> Iterator[str]:
    cur.execute(statement, dict(parameters))
    while rows := cur.fetchmany(_NUM_ROWS):
        yield "".join(f"{line}\n" for (line,) in rows)


def _tables(cur: DuckDBPyConnection, *, with_names: bool) -> dict[str, Any]:
    signatures = [asdict(one) for one in list_signatures(cur)]
    promotions = [asdict(one) for one in list_alias_events(cur)]
    if not with_names:
        for row in (*signatures, *promotions):
            row.pop("name", None)
            row.pop("reviewer", None)
    people = cur.execute(load_sql("pack_roles")).fetchall()
    label_sets = cur.execute(load_sql("pack_label_sets")).fetchall()
    return {
        "roles": [dict(zip(("reviewer_id", "role", "origin"), row, strict=True)) for row in people],
        "guidelines": [asdict(one) for one in list_guidelines(cur)],
        "label_sets": [json.loads(body) for (body,) in label_sets],
        "models": {
            "versions": [asdict(model) for model in list_models(cur)],
            "decisions": promotions,
        },
        "signatures": signatures,
    }
