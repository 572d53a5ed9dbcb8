"""The Agreement page: figures of what people said, in words where there are none."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from db.connection import Database
from db.content.imported_labels import ImportedLabel, add_imported_labels
from db.people.sign_in import add_person, sign_in_by_name
from db.review.agreement import RevealCount
from eci.statistics.agreement import pair_agreement
from eci.statistics.estimates import Estimate
from streamlit_app.charts.agreement_matrix import draw_agreement
from streamlit_app.components import coming
from streamlit_app.logic import agreement_tables as logic
from streamlit_app.logic.agreement_tables import AgreementCell
from tests.support.annotations import annotate
from tests.support.pages import OpenPage, captions, markup_of, table
from training.evaluation.agreement.figures import Anchoring, Pair

AGREEMENT = "agreement"


def cell(test: AppTest, row: int, column: str) -> Any:
    """Return one cell of the first table that has the column."""
    return table(test, column)[column][row]


def test_an_empty_store_says_what_to_do(open_page: OpenPage) -> None:
    page = open_page(AGREEMENT)
    assert not page.exception
    assert "No items have been labelled yet" in markup_of(page)


def test_measures_of_two_people_are_written_with_intervals(
    filled_store: Database, open_page: OpenPage
) -> None:
    for item_id, one, other in (("q-1", "no", "no"), ("q-2", "no", "yes"), ("q-3", "yes", "yes")):
        annotate(filled_store, "Ann", item_id, one, duration_seconds=40)
        annotate(filled_store, "Bob", item_id, other, duration_seconds=60)

    page = open_page(AGREEMENT)

    assert not page.exception
    measures = table(page, "Measure")
    assert list(measures["Measure"])[:2] == ["Percent agreement (%)", "Krippendorff's alpha"]
    assert measures["Open"][0].startswith("66.7 (")
    assert measures["Open"][4].startswith("0.40 (")  # Cohen's kappa: 2/3 observed, 4/9 by chance
    assert [metric.value for metric in page.metric][:3] == ["3", "50 s", "50.0 %"]
    people = table(page, "Kappa with reference")
    assert set(people["Reviewer"]) == {"Ann", "Bob"}
    assert {"66.7 (20.8 to 93.9)", "33.3 (6.1 to 79.2)"} == set(
        people["Agreement with reference (%)"]
    )


def test_figures_are_drawn_before_the_intervals_that_take_longer(
    filled_store: Database, open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(coming, "PATIENCE_SECONDS", 0)
    for who, labels in (("Ann", "nny"), ("Bob", "nyy"), ("Cid", "nyn")):
        for number, letter in enumerate(labels, start=1):
            annotate(filled_store, who, f"q-{number}", {"n": "no", "y": "yes"}[letter])

    is_looked_at = threading.Event()
    coming.start(is_looked_at.wait)
    page = open_page(AGREEMENT)
    first = cell(page, 0, "Open")
    assert "are being computed" in captions(page)
    is_looked_at.set()
    coming.start(int).result()  # the one thread has come to its end
    page.run()

    assert "two-way bootstrap" in captions(page)
    assert cell(page, 0, "Open").split()[0] == first.split()[0] == "55.6"
    assert cell(page, 0, "Open") != first, "intervals hold for other reviewers now"


def test_what_cannot_be_computed_says_why(filled_store: Database, open_page: OpenPage) -> None:
    annotate(filled_store, "Ann", "q-1", "no")
    page = open_page(AGREEMENT)
    assert not page.exception
    assert cell(page, 1, "Open") == ("undefined because no item has two ratings")
    assert "Intra-rater agreement is undefined because no item was repeated" in captions(page)
    assert "No two reviewers have an item in common in this phase." in captions(page)


def test_the_reveal_is_told_by_what_was_shown(filled_store: Database, open_page: OpenPage) -> None:
    shown = {"phase": "revealed", "run_id": "newer"}
    for who, before, after in (("Ann", "yes", "no"), ("Bob", "no", "yes"), ("Cid", "no", "no")):
        annotate(filled_store, who, "q-1", before, phase="blind")
        annotate(filled_store, who, "q-1", after, **shown)

    page = open_page(AGREEMENT)

    assert not page.exception
    figures = {metric.label: metric.value for metric in page.metric}
    assert figures["Switched to the reference label"] == "100.0 %"
    assert figures["Abandoned the reference label"] == "50.0 %"
    assert figures["Misled by the model's text"] == "50.0 %"
    movers = table(page, "Not reference before")
    bob = list(movers["Reviewer"]).index("Bob")
    assert movers["Abandoned reference (%)"][bob].startswith("100.0 (")
    assert movers["Switched to the model's text (%)"][bob].startswith("100.0 (")
    page.segmented_control(key="agreement_phase").set_value("revealed").run()
    assert not page.exception
    assert page.query_params["agreement_phase"] == "revealed"


def test_items_that_came_again_give_agreement_with_oneself(
    filled_store: Database, open_page: OpenPage
) -> None:
    for item_id, first, again in (("q-1", "no", "no"), ("q-2", "yes", "no")):
        annotate(filled_store, "Ann", item_id, first)
        annotate(filled_store, "Ann", item_id, again, presentation="repeat")
    page = open_page(AGREEMENT)
    assert not page.exception
    (said,) = [text.value for text in page.markdown if "repeated unannounced" in text.value]
    assert said.startswith("Items repeated unannounced: 2. Same judgement again: 50.0 (")
    assert table(page, "Kappa with reference")["Same judgement again (%)"][0].startswith("50.0 (")


def test_answers_of_data_sets_and_of_people_are_kept_apart(
    filled_store: Database, open_page: OpenPage
) -> None:
    annotate(filled_store, "Ann", "q-1", "no")
    with filled_store.transaction() as cur:
        labels = [ImportedLabel(f"q-{n}", who, ("no",)) for n in (1, 2) for who in ("x", "y")]
        add_imported_labels(cur, labels)

    own = open_page(AGREEMENT)
    imported = open_page(AGREEMENT, agreement_whose="import")

    assert (own.metric[0].value, imported.metric[0].value) == ("1", "2")
    assert cell(imported, 0, "Open").startswith("100.0 (")
    assert cell(imported, 1, "Open").endswith("chance alone agrees fully")


def test_sets_of_labels_count_only_where_asked(filled_store: Database, open_page: OpenPage) -> None:
    annotate(filled_store, "Ann", "q-1", "no", "maybe")
    annotate(filled_store, "Bob", "q-1", "no")
    single = open_page(AGREEMENT)
    as_sets = open_page(AGREEMENT, agreement_answers="sets")
    assert cell(single, 0, "Open").startswith("undefined because")
    assert cell(as_sets, 0, "Open").startswith("0.0 (")


def test_gold_labels_in_doubt_show_what_was_said_only_to_who_settles(
    filled_store: Database, open_page: OpenPage
) -> None:
    with filled_store.transaction() as cur:
        for name in ("Chief", "Bob"):
            sign_in_by_name(cur, name)  # the first to come is admin
            annotate(cur, name, "q-1", "yes")
        add_person(cur, "Bob", role="reviewer")

    chief, bob = (open_page(AGREEMENT, reviewer=name, part="doubtful") for name in ("Chief", "Bob"))

    assert cell(chief, 0, "Judgements") == "yes · yes"
    assert "Judgements" not in table(bob, "Against")
    assert cell(bob, 0, "Against") == "2 / 2"
    assert chief.button(key="agreement_settle")
    with pytest.raises(KeyError):
        bob.button(key="agreement_settle")


def test_figures_follow_what_is_said_next(filled_store: Database, open_page: OpenPage) -> None:
    annotate(filled_store, "Ann", "q-1", "no")
    page = open_page(AGREEMENT)
    annotate(filled_store, "Bob", "q-1", "no")
    page.run()
    assert cell(page, 0, "Open").startswith("100.0 (")


def test_hostile_names_stay_text(filled_store: Database, open_page: OpenPage, payload: str) -> None:
    with filled_store.transaction() as cur:
        for who in (payload, "other"):
            add_imported_labels(
                cur, [ImportedLabel(item_id, who, ("no",)) for item_id in ("q-1", "q-2")]
            )
    page = open_page(AGREEMENT)
    assert not page.exception
    shown = table(page, "Kappa with reference")["Reviewer"]
    assert "\u202e" not in "".join(shown)
    assert all(payload not in text.value for text in (*page.markdown, *page.caption))


def test_moves_add_up_to_all_answers() -> None:
    nothing = Estimate.undefined("why")
    counts = RevealCount(None, 20, 9, 2, 1, 6, 3, 0, 0, 7)
    moved = logic.moves(Anchoring(None, counts, nothing, nothing, nothing))
    assert moved == {"kept": 7, "adopted": 6, "stayed": 2, "moved": 3, "dropped": 2}
    assert sum(moved.values()) == counts.num_ratings


def test_pairs_with_few_items_in_common_are_left_out_of_the_matrix() -> None:
    pairs = [
        Pair("a", "b", pair_agreement([[9, 1], [1, 9]])),
        Pair("a", "c", pair_agreement([[2, 1], [0, 0]])),
    ]
    people, cells = logic.pair_cells(pairs, "cohen_kappa", 10)
    assert (people, len(cells)) == (["a", "b"], 1)
    assert cells[0].value == pytest.approx(0.8)
    assert logic.pair_cells(pairs, "cohen_kappa", 1)[0] == ["a", "b", "c"]


def test_the_matrix_holds_each_pair_on_both_sides_and_escapes_names() -> None:
    cells = [
        AgreementCell("a", "b", 0.5, 12, "0.50"),
        AgreementCell("b", "c", None, 3, "undefined <why>"),
    ]
    figure = draw_agreement(["a", "b", "c"], cells, {"a": "<b>Ann</b>"}, measure="Kappa")
    heatmap = figure.data[0]
    assert heatmap.z[0][1] == heatmap.z[1][0] == 0.5
    assert (heatmap.z[0][0], heatmap.z[1][2]) == (None, None)
    assert "&lt;b&gt;Ann" in heatmap.customdata[0][1]
    assert "undefined &lt;why&gt;" in heatmap.customdata[2][1]
    assert figure.layout.xaxis.ticktext[0] == "&lt;b&gt;Ann&lt;/b&gt;"
    assert len(figure.layout.annotations) == 2
