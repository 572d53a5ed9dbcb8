"""The acceptance section of Quality: from the fit to a rule that is undone or suspended."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from db.connection import Database
from db.outcomes.acceptance import list_acceptances, suspend_acceptance
from tests.support.pages import markup_of, open_page
from tests.support.second_reader import accept, add_answers, label_queue, review


@pytest.fixture
def reviewed(database: Database) -> Database:
    add_answers(database)
    review(database, 200)
    return database


def open_section(who: str = "Chief") -> AppTest:
    return open_page(
        "quality",
        errors_section="Acceptance",
        acceptance_risk="10 %",
        acceptance_level="90 %",
        reviewer=who,
    )


def alerts(test: AppTest) -> str:
    return "\n".join(one.value for one in (*test.success, *test.info, *test.warning))


def test_answers_are_accepted_and_the_rule_is_undone(reviewed: Database) -> None:
    test = open_section()
    assert "No second reader was fitted" in alerts(test)
    test.button(key="acceptance_fit").click().run()
    assert "based on 200 random reviews" in alerts(test)
    test.slider(key="acceptance_share").set_value(20).run()
    test.button(key="acceptance_confirm").click().run()
    (rule,) = list_acceptances(reviewed.cursor())
    assert (rule.action, rule.terms.review_share) == ("accept", 0.2)
    assert "are accepted or reviewed already" in alerts(test)
    test.button(key=f"acceptance_undo_{rule.rule_id}").click().run()
    assert [one.action for one in list_acceptances(reviewed.cursor())] == ["undo"]
    assert "Accept these" in alerts(test)


def test_what_a_suspension_showed_wrong_is_not_offered_again(reviewed: Database) -> None:
    test = open_section()
    test.button(key="acceptance_fit").click().run()
    test.slider(key="acceptance_share").set_value(20).run()
    test.button(key="acceptance_confirm").click().run()
    (rule,) = list_acceptances(reviewed.cursor())
    assert rule.queue_id
    label_queue(reviewed, rule.queue_id, 10, wrong=True)
    test.run()
    shown = alerts(test)
    assert "suspended automatically: 10 of 10 reviewed since were wrong" in shown
    assert "reviews in queues made before no longer count" in shown
    assert "Accept these" not in shown


def test_a_page_drawn_before_the_suspension_accepts_nothing(reviewed: Database) -> None:
    test = open_section()
    test.button(key="acceptance_fit").click().run()
    rule = accept(reviewed)
    assert "Accept these" in alerts(test)
    with reviewed.transaction() as cur:
        suspend_acceptance(cur, rule, "found wrong")
    test.button(key="acceptance_confirm").click().run()
    assert "since this page was drawn" in markup_of(test)
    assert [one.action for one in list_acceptances(reviewed.cursor())] == ["suspend"]
