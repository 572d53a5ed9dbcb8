"""Blindness: nothing of an item that somebody is to label blind reaches their browser.

Two databases hold the same but for what the gold label, the models and other people say of the
hidden items, and there every text holds a word of its own: a canary. Every page is opened at every
form of its address as somebody with a blind queue. No canary may be in what is sent, and what is
sent must be the same for both databases: then no filter, count, order or preview tells anything.
"""

from __future__ import annotations

import gc
import io
import json
import re
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlencode, urlsplit

import pyarrow.parquet as pq
import pytest
import streamlit as st
from duckdb import DuckDBPyConnection
from itsdangerous import BadData, URLSafeSerializer
from playwright.sync_api import Error as PlaywrightError
from playwright.sync_api import Page, Response, expect
from streamlit.testing.v1 import AppTest, local_script_runner

from db.connection import Database
from db.content.imported_labels import ImportedLabel, add_imported_labels
from db.content.items import add_items
from db.content.predictions import add_predictions
from db.content.runs import add_run
from db.exporters import EXPORT_KINDS, formats_of
from db.people import reviewers
from db.people.reviewers import add_reviewer
from db.records import Item, Prediction, Run, Section, TrainingRun
from db.retraining.record_vetoes import add_record_veto
from db.retraining.training_runs import add_training_run
from db.review.adjudications import add_adjudication
from db.review.item_list import ReviewFilter
from db.review.queues import QueueSettings, add_item_queue
from db.review.settings import ReviewSettings, save_settings
from streamlit_app.logic.exports import build_export
from streamlit_app.parts.error_analysis import SECTION_WORDS
from streamlit_app.server import services, tokens
from tests.support.annotations import annotate
from tests.support.browser import on_desk, wait_for_card
from tests.support.desk import Desk
from tests.support.pages import SHELL, go_to

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HIDDEN = tuple(f"h{number}" for number in range(1, 5))
SHOWN = tuple(f"v{number:02d}" for number in range(1, 29))
CANARY = re.compile(rb"zq[a-z]+h\d", re.IGNORECASE)
"""Begins every secret word; the item it belongs to ends it."""
_TOKEN = re.compile(rb"(\.?[\w-]{40,})\.[\w-]{20,}")
"""A signed token: what it holds, and the signature."""
LABELS = ("yes", "no", "maybe")
TITLES = {
    "quality": b"errors_section",
    "quality/compare": b"compare_section",
    "training": b"training_project",
    "training/data": b"data_records",
    "training/lineage": b"lineage_",
    "agreement": b"agreement_whose",
}
"""What a page sends only where it was drawn to its end."""
BLIND, OPEN = "queue-blind", "queue-open"


def canary(name: str, item_id: str) -> str:
    """Return the secret word of a field of a hidden item; a plain one for the others."""
    return f"zq{name}{item_id}" if item_id in HIDDEN else f"plain {name}"


def fill(
    database: Database,
    variant: int,
    names: tuple[str, ...] = (),
    settings: ReviewSettings | None = None,
    authors: tuple[str, str] = ("Cyd", "Dee"),
) -> None:
    """Fill a database; what is hidden in it depends on the variant, nothing else does.

    Args:
        names: People whom the blind queue names; none for everybody.
        authors: Who says what of the items that nobody has decided on.
    """
    item_ids = (*HIDDEN, *SHOWN)
    with database.transaction() as cur:
        people = {
            name: add_reviewer(cur, name, role).reviewer_id
            for name, role in (
                ("Ann", "admin"),
                ("Ada", "adjudicator"),
                ("Bob", "reviewer"),
                ("Cyd", "reviewer"),
                ("Dee", "reviewer"),
            )
        }
        add_items(cur, [_item(name, variant) for name in item_ids], origin="items")
        for day, run_id in enumerate(("run-a", "run-b")):
            moment = NOON + timedelta(days=day)
            run = Run(run_id, f"Run {run_id}", "imported", "a-model", {}, {}, moment)
            add_run(cur, run)
            add_predictions(cur, [_prediction(run_id, name, variant) for name in item_ids])
        for place, item_id in enumerate(item_ids):
            is_decided = item_id in HIDDEN[:2] or place % 5 == 0
            pair = ("Cyd", "Dee") if is_decided else authors
            _say_all(cur, pair, people["Ann"], item_id, place, variant, is_decided=is_decided)
        if settings is not None:
            save_settings(cur, settings, people["Ann"])
        opened = QueueSettings("Open one", ReviewFilter(run_id="run-b"), num_reviewers=3)
        blind = replace(opened, name="Blind one", mode="blind")
        # The hidden items lie inside an open queue too.
        chosen = [*SHOWN[:2], *HIDDEN, *SHOWN[2:4]]
        add_item_queue(cur, opened, chosen, queue_id=OPEN, created_by=people["Ann"])
        add_item_queue(cur, blind, HIDDEN, queue_id=BLIND, created_by=people["Ann"])
        settings = {"task": "train", "snapshot_id": "snapshot-1"}
        trained = TrainingRun("run-b", "smoke", "succeeded", settings, NOON, people["Ann"], "run-a")
        add_training_run(cur, trained)
    cur = database.cursor()
    cur.execute(
        "insert into snapshot_correction "
        "select 'snapshot-1', correction_id, item_id from correction"
    )
    if names:
        named = {"people": [people[name] for name in names], "queue": BLIND}
        cur.execute("update queue set reviewer_ids = $people where queue_id = $queue", named)
    _stop_the_clock(cur)


def _choice(item_id: str, variant: int, *, is_wrong: bool = False) -> str:
    """Return a label that depends on the variant for hidden items only."""
    place = sum(item_id.encode()) + is_wrong
    return LABELS[(place + (variant if item_id in HIDDEN else 0)) % len(LABELS)]


def _item(item_id: str, variant: int) -> Item:
    return Item(
        item_id,
        "pubmedqa",
        f"Does the drug help in case {item_id}?",
        (Section("METHODS", "We gave it."),),
        "pubmedqa",
        LABELS,
        (),
        _choice(item_id, variant),
        f"{canary('long', item_id)} of variant {variant if item_id in HIDDEN else 0}",
        # Items of every split are hidden, and of every split some are shown.
        ("train", "test", "dev", "test")[sum(item_id.encode()) % 4],
        {"year": "2011"},
    )


def _prediction(run_id: str, item_id: str, variant: int) -> Prediction:
    is_hidden = item_id in HIDDEN
    label = _choice(item_id, variant, is_wrong=run_id == "run-a")
    head = _choice(item_id, 2 * variant, is_wrong=run_id == "run-b")
    sure = 0.5 + 0.4 * (sum(item_id.encode()) % 7) / 7 - (0.1 * variant if is_hidden else 0)
    shares = tuple(sure if name == head else (1 - sure) / 2 for name in LABELS)
    animal = ("zebrafish", "wildebeest")[variant] if is_hidden else "zebrafish"
    answer = f"{label.title()}: {canary('answer', item_id)} in {animal}."
    return Prediction(
        run_id, item_id, answer, label, "leading", 0, len(label),
        head_label=head, head_probabilities=shares, answer_tokens=9 + variant * is_hidden,
    )  # fmt: skip


def _say_all(
    cur: DuckDBPyConnection,
    authors: Sequence[str],
    admin: str,
    item_id: str,
    place: int,
    variant: int,
    *,
    is_decided: bool,
) -> None:
    """Let others say things of an item, each with a canary where it is hidden."""
    for number, author in enumerate(authors if item_id in HIDDEN or place % 2 else ()):
        annotate(
            cur,
            author,
            item_id,
            _choice(item_id, variant, is_wrong=number == 0),
            annotation_id=f"said-{number}-{item_id}",
            run_id="run-b",
            note=canary("note", item_id),
            answer=canary("correction", item_id),
            verdicts=("gold_wrong",) if variant and item_id in HIDDEN else (),
            duration_seconds=9,
            created_at=NOON,
        )
    label = _choice(item_id, variant, is_wrong=True)
    add_imported_labels(
        cur, [ImportedLabel(item_id, "annotator", (label,), note=canary("import", item_id))]
    )
    if is_decided:
        add_adjudication(
            cur,
            adjudication_id=f"decided-{item_id}",
            item_id=item_id,
            reviewer_id=admin,
            label=label,
            reason="gold_mistaken",
            note=canary("decision", item_id),
        )
    if item_id in (HIDDEN[0], SHOWN[0]):
        add_record_veto(
            cur, item_id=item_id, num_shots=None, reviewer_id=admin,
            note=canary("veto", item_id),
        )  # fmt: skip


def _stop_the_clock(cur: DuckDBPyConnection) -> None:
    """Return everything one time, so that two databases differ in nothing but what is hidden."""
    rows = cur.execute(
        "select table_name from information_schema.columns "
        "where column_name = 'created_at' and table_name in "
        "(select table_name from information_schema.tables where table_type = 'BASE TABLE' "
        "and table_catalog = current_database()) "
        "and table_name <> 'run' and table_catalog = current_database() order by all"
    ).fetchall()
    for (table,) in rows:
        cur.execute(f"update {table} set created_at = timestamp '2026-03-01 12:00:00'")


FILTERS: tuple[dict[str, str], ...] = (
    {},
    *({"gold": label} for label in LABELS),
    {"text": "no"},
    {"head": "yes"},
    {"form": "leading"},
    {"search": "zebrafish"},
    {"search": "wildebeest"},
    {"search": "zq"},
    *(
        {"show": name}
        for name in (
            "text_wrong",
            "head_wrong",
            "text_head_differ",
            "conflicting",
            "no_label",
            "reviewed",
            "unreviewed",
            "flagged",
            "fast",
        )
    ),
    {"order": "confidence"},
    {"run": "run-a", "answered": "no"},
    {"gold": "nonsense", "show": "nonsense", "run": "nonsense"},
)
ADDRESSES: tuple[tuple[str, dict[str, str]], ...] = (
    ("home", {}),
    *(("review", asked) for asked in (*FILTERS[:3], *FILTERS[7:9], *FILTERS[-3:])),
    *(("review", {"item": item_id}) for item_id in (HIDDEN[0], HIDDEN[3], "nonsense")),
    ("review", {"item": HIDDEN[1], "search": "zebrafish", "gold": "no"}),
    ("review", {"queue": "nonsense"}),
    ("review", {"queue": "nonsense", "item": HIDDEN[0]}),
    ("review", {"queue": OPEN}),
    ("review", {"queue": OPEN, "item": HIDDEN[2]}),
    ("review", {"queue": BLIND}),
    ("review", {"queue": BLIND, "item": HIDDEN[3]}),
    ("review", {"queue": BLIND, "item": SHOWN[0]}),
    *(("items", asked) for asked in FILTERS),
    *(
        ("quality", {"errors_split": "All splits", **asked})
        for asked in (
            {},
            *(
                {"errors_section": name}
                for name in SECTION_WORDS.values()
            ),
            {"errors_gold": "no"},
            {"errors_text": "no"},
            {"errors_head": "yes"},
            {"errors_against": "Imported label"},
            {"errors_more": '{"confidence_from": 0.0, "confidence_below": 0.7}'},
            {"errors_more": '{"reviewer_label": "no"}'},
            {"errors_more": '{"head_is_right": false}'},
            {"errors_order": "Lowest confidence first"},
            {"errors_gold": "nonsense", "errors_run": "nonsense"},
        )
    ),
    *(
        ("quality/compare", {"compare_split": "All splits", **asked})
        for asked in (
            {},
            {"compare_section": "All runs"},
            {"compare_show": "Broken"},
            {"compare_show": "Both wrong"},
            {"compare_against": "Imported label"},
            {"compare_by": "nonsense"},
        )
    ),
    ("agreement", {}),
    ("agreement", {"agreement_gold": "record", "agreement_answers": "sets"}),
    ("agreement", {"agreement_whose": "import"}),
    ("agreement/adjudicate", {}),
    ("agreement/adjudicate", {"adjudicate_show": "decided", "adjudicate_whose": "import"}),
    ("agreement/adjudicate", {"adjudicate_show": "rejected", "adjudicate_whose": "review"}),
    *(
        (name, {})
        for name in (
            "training", "training/data", "training/lineage", "training/models", "guidelines",
            "settings", "settings/label_sets", "settings/people", "settings/project",
        )
    ),
)  # fmt: skip


@pytest.fixture
def sweep(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """Yield a function that opens addresses of the app over a seeded database in this process.

    It gives what each address sent to the browser: all messages, and the files behind the buttons.
    """
    sent: list[bytes] = []
    files: list[tuple[str, Callable[[], bytes] | bytes]] = []
    parse = local_script_runner.parse_tree_from_messages

    def record(messages: Any) -> Any:
        sent.extend(m.delta.SerializeToString() for m in messages if m.HasField("delta"))
        return parse(messages)

    offer = st.delta_generator.DeltaGenerator.download_button

    def keep_file(self: Any, label: str, data: Any, **options: Any) -> bool:
        files.append((str(options.get("key")), data))
        return offer(self, label, b"", **options)

    monkeypatch.setattr(local_script_runner, "parse_tree_from_messages", record)
    monkeypatch.setattr(st.delta_generator.DeltaGenerator, "download_button", keep_file)
    monkeypatch.setattr(st, "download_button", st._main.download_button)
    opened: list[Database] = []

    def open_all(
        variant: int,
        who: str,
        addresses: Any,
        exported: Any = (),
        **filled: Any,
    ) -> dict[str, bytes]:
        home = tmp_path / f"home{len(opened)}"
        monkeypatch.setenv("LLAMACARE_HOME", str(home))
        services.database.cache_clear()
        st.cache_data.clear()
        database = services.database()
        opened.append(database)
        # Random ones would be compressed to tokens of different lengths.
        people = (f"reviewer-{number:04}" for number in count())
        monkeypatch.setattr(reviewers, "new_id", lambda: next(people))
        numbered = (f"sitting-{number:04}" for number in count())
        monkeypatch.setattr(tokens, "uuid", SimpleNamespace(uuid4=lambda: next(numbered)))
        fill(database, variant, **filled)
        found: dict[str, bytes] = {}
        desks: set[str] = set()
        for page, params in addresses:
            sent.clear()
            files.clear()
            app = AppTest.from_file(str(SHELL), default_timeout=60)
            for key in ("lineage_way", "bulk_open"):  # are in no address
                if key in params:
                    app.session_state[key] = True if key == "bulk_open" else params[key]
            go_to(app, page, reviewer=who, **params)
            assert not app.exception, (page, params, app.exception)
            parts = [*sent, *(_unpacked(key, data) for key, data in files)]
            desk = urlencode({name: one for name, one in params.items() if name != "item"})
            if page == "review" and desk not in desks:  # it is the same whatever it begins with
                desks.add(desk)
                parts += _on_the_desk(app)
            assert TITLES.get(page, b"") in b"".join(sent), page
            found[f"{page}?{urlencode(params)}"] = b"\n".join(map(_steady, parts))
        for kind, file_format in exported:
            (asking,) = (p.reviewer_id for p in services.all_people() if p.name == who)
            data = build_export(database, kind, file_format, "run-b", reviewer_id=asking)
            found[f"export?{urlencode({kind: file_format})}"] = _steady(_unpacked(kind, data))
        gc.unfreeze()
        database.close()
        return found

    yield open_all
    services.database.cache_clear()
    st.cache_data.clear()


def _on_the_desk(app: AppTest) -> list[bytes]:
    """Return what the routes send to the desk on a page: items ahead, and those asked for."""
    desk = Desk(app)
    asked: list[tuple[str, dict[str, Any]]] = [("next", {"n": 5}), ("day", {"since": 0})]
    for item_id in (*HIDDEN, SHOWN[0], SHOWN[1]):
        asked += [(f"cards/{item_id}", {}), (f"cards/{item_id}", {"whole": "true"})]
        asked += [("neighbour", {"item": item_id, "step": step}) for step in ("1", "-1")]
    answers = [desk.get(path, **params) for path, params in asked]
    return [json.dumps(answer, ensure_ascii=False).encode() for answer in answers]


def _unpacked(key: str, data: Callable[[], bytes] | bytes) -> bytes:
    content = data() if callable(data) else data
    if content[:4] == b"PK\x03\x04":
        archive = zipfile.ZipFile(io.BytesIO(content))
        return b"\n".join(_unpacked(name, archive.read(name)) for name in archive.namelist())
    if content[:4] == b"PAR1":
        return repr(pq.read_table(io.BytesIO(content)).to_pylist()).encode()
    return key.encode() + content


def _steady(content: bytes) -> bytes:
    """Open signed tokens, and take out what differs by the run: random ids, folders, times."""
    content = _TOKEN.sub(_payload, content)
    content = re.sub(rb"(served_at|held_until)\W+[\d.]+", b"", content)
    content = re.sub(rb"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", b"", content)
    content = re.sub(rb"[0-9a-f]{40,64}|home\d", b"", content)
    return re.sub(rb"20\d\d-\d\d-\d\d[ T]\d\d:\d\d(:[\d.]+)?(\+00:00|Z| UTC)?", b"", content)


def _payload(token: re.Match[bytes]) -> bytes:
    try:
        return json.dumps(URLSafeSerializer("any").load_payload(token[1])).encode()
    except BadData:
        return token[0]


def leaks(found: Mapping[str, bytes]) -> dict[str, set[str]]:
    """Return the canaries in what was sent, by address."""
    told = {
        address: {one.decode().lower() for one in CANARY.findall(content)}
        for address, content in found.items()
    }
    return {address: canaries for address, canaries in told.items() if canaries}


def check(first: Mapping[str, bytes], second: Mapping[str, bytes]) -> None:
    """Refuse canaries, and anything that differs between the databases."""
    told = {**leaks(first), **leaks(second)}
    unlike = [address for address in first if first[address] != second[address]]
    num_canaries = len(set().union(*told.values())) if told else 0
    assert not told and not unlike, (
        f"{len(first)} addresses: {num_canaries} canaries leaked at {len(told)}: {told}; "
        f"{len(unlike)} differ with what is hidden: {unlike}"
    )
    # The canaries would have been seen: of items that are not hidden everything is sent.
    everything = b"".join(first.values())
    for name in ("answer", "note", "correction", "long", "veto"):
        assert f"plain {name}".encode() in everything, name


@pytest.mark.timeout(600)
def test_nothing_of_a_hidden_item_is_sent_to_a_reviewer_at_any_address(
    sweep: Callable[..., Any],
) -> None:
    addresses = [*ADDRESSES, ("training/lineage", {"lineage_way": "From a run"})]
    check(*(sweep(variant, "Bob", addresses) for variant in (0, 1)))


def test_an_adjudicator_whom_a_blind_queue_names_gets_nothing_hidden_and_no_file_with_it(
    sweep: Callable[..., Any],
) -> None:
    addresses = [
        *(
            one
            for one in ADDRESSES
            if one[0] in ("agreement/adjudicate", "training/data", "training/lineage")
        ),
        ("review", {"item": HIDDEN[0]}),
        ("items", {"bulk_open": "yes", "gold": "no"}),
        ("items", {"bulk_open": "yes"}),
    ]
    files = [(kind, name) for kind in EXPORT_KINDS for name in formats_of(kind)]
    check(*(sweep(variant, "Ada", addresses, files, names=("Ada",)) for variant in (0, 1)))


def test_whose_label_it_is_is_not_sent_to_an_adjudicator_before_the_decision(
    sweep: Callable[..., Any],
) -> None:
    undecided, decided = HIDDEN[3], HIDDEN[0]
    addresses = [
        ("agreement/adjudicate", {}),
        ("agreement/adjudicate", {"adjudicate_show": "rejected", "adjudicate_whose": "review"}),
        ("review", {"item": undecided}),
        ("review", {"item": decided}),
        ("training/lineage", {}),
        ("items", {}),
        ("training/data", {}),
    ]
    files = [("annotations", name) for name in formats_of("annotations")]
    first, second = (
        sweep(
            number, "Ada", addresses, files, authors=authors, settings=ReviewSettings(
                hides_names=True
            ),
        )
        for number, authors in ((0, ("Cyd", "Dee")), (0, ("Dee", "Cyd")))
    )  # fmt: skip
    assert [address for address in first if first[address] != second[address]] == []
    on_the_desk = first[f"review?item={undecided}"]  # all its items
    assert b"<strong>Cyd</strong>" in on_the_desk
    assert b"<strong>Person 1</strong>" in on_the_desk


@pytest.mark.browser
def test_nothing_hidden_reaches_a_real_browser_before_its_label_does(
    serve: Callable[..., Any], page: Page
) -> None:
    server = serve(lambda database: fill(database, 0))
    frames: list[bytes | str] = []
    responses: list[Response] = []

    # Playwright takes no methods of built-in types as listeners.
    def take_frame(frame: bytes | str) -> None:
        frames.append(frame)

    def take_response(response: Response) -> None:
        responses.append(response)

    page.on("websocket", lambda socket: socket.on("framereceived", take_frame))
    page.on("response", take_response)
    found: set[str] = set()

    def told() -> set[str]:
        """Return the canaries that have reached the browser so far."""
        parts = [one.encode() if isinstance(one, str) else one for one in frames]
        # Streamlit's own scripts are the same on every machine, and megabytes a page.
        parts += [_body(one) for one in responses if "/static/" not in urlsplit(one.url).path]
        frames.clear()
        responses.clear()
        found.update(one.decode().lower() for part in parts for one in CANARY.findall(part))
        return found

    def visit(path: str, **params: str) -> None:
        page.goto(f"{server.url}/{path}?{urlencode({'reviewer': 'Bob', **params})}")
        idle = page.locator('[data-testid="stApp"][data-test-script-state="notRunning"]')
        expect(idle).to_be_attached()
        assert told() == set(), path

    for path, params in (
        ("", {}),
        ("", {"item": HIDDEN[0]}),
        ("", {"queue": "nonsense", "item": HIDDEN[1]}),
        ("", {"queue": OPEN}),
        ("browse", {"search": "zebrafish"}),
        ("errors", {}),
        ("compare", {}),
        ("agreement", {}),
        ("adjudicate", {}),
        ("training", {}),
        ("training_data", {}),
        ("models", {}),
        ("lineage", {}),
        ("data", {}),
        ("guidelines", {}),
        ("people", {}),
        ("glossary", {}),
    ):
        visit(path, **params)
    for path, button in (
        ("errors", "errors_export"),
        ("errors", "errors_report"),
        ("compare", "compare_export"),
    ):
        visit(path)
        with page.expect_download() as download:
            page.locator(f".st-key-{button} button").first.click()
        content = download.value.path().read_bytes()
        assert content and not CANARY.search(content) and told() == set(), button
    visit("", item=HIDDEN[2])
    page.get_by_role("link", name="Open its blind queue").click()
    wait_for_card(page, HIDDEN[0])
    page.go_back()
    page.go_forward()
    wait_for_card(page, HIDDEN[0])
    assert told() == set()
    _label(page, HIDDEN[0], "n")
    expect(on_desk(page, ".lc-answer-text")).to_contain_text(canary("answer", HIDDEN[0]))
    assert {one[-2:] for one in told()} == {HIDDEN[0]}
    _label(page, HIDDEN[0], "n")
    wait_for_card(page, HIDDEN[1])
    page.wait_for_timeout(1_000)  # the item after it is read ahead
    assert {one[-2:] for one in told()} == {HIDDEN[0]}


def _body(response: Response) -> bytes:
    try:
        return response.body()
    except PlaywrightError:  # of a redirect, or of a page left meanwhile
        return b""


def _label(page: Page, item_id: str, key: str) -> None:
    wait_for_card(page, item_id)
    page.keyboard.press(key)
    page.keyboard.press("Enter")
