// A press of Save, its reveal where the label was blind, and taking it back.
import { keepDraft } from "./drafts.js";
import { isChoiceHere } from "./focus.js";
import { drawProgress, tell } from "./line.js";
import { ask, comeBack, deck, drawDay, lay, leaveCard, show, showNext } from "./screen.js";
import { news, outbox } from "./sending.js";
import { at, desk, trail } from "./state.js";
import { greet } from "./tabs.js";
import { newId, say } from "./view.js";

const REVEAL_MS = 1_500; // A blind item waits this long at its reveal; then the next one comes first.

export function save() {
  const view = at.shown;
  if (!view || at.reveal?.view === view) return;
  if (!isChoiceHere()) return tell(at.config.texts.choosing, "warning");
  const isWithoutLabel = at.config.no_label_verdicts.some((verdict) => view.choices.verdicts.has(verdict));
  if (!view.hasLabel && !isWithoutLabel) return tell(view.buttons.length ? at.config.texts.pick_first : at.config.texts.say_first, "warning");
  const entry = entryOf(view, newId());
  clearTimeout(view.draftTimer);
  view.isDraftDirty = false;
  trail.push({ judgement_id: entry.judgement_id, item_id: entry.item_id, judgement: entry.body.judgement });
  view.isSaved = true;
  if (view.isBlind) awaitReveal(entry.judgement_id, view);
  else showNext();
  outbox.add(entry).catch(() => tell(at.config.texts.no_storage, "error"));
}

function entryOf(view, id) {
  const { card } = view;
  const { reviewer_id, reviewer, scope, token } = at.config;
  return {
    judgement_id: id,
    reviewer_id,
    reviewer,
    scope,
    token,
    item_id: card.item_id,
    card,
    body: {
      judgement_id: id,
      presentation_id: card.presentation_id,
      item_id: card.item_id,
      item_version: card.item_version,
      replaces: card.replaces,
      judgement: view.judgement(),
      pressed_at: Date.now(),
      seen_ms: view.seen,
    },
  };
}

// The reveal exists only as the answer to the stored label.
function awaitReveal(id, view) {
  if (view.root.contains(document.activeElement)) desk.focus({ preventScroll: true });
  view.root.inert = true;
  tell(at.config.texts.await_reveal);
  at.reveal = { id, view, timer: setTimeout(() => passReveal(at.config.texts.reveal_later), REVEAL_MS) };
}

function passReveal(text, kind = "info") {
  clearTimeout(at.reveal.timer);
  at.reveal = null;
  at.said = { text, kind };
  showNext();
}

news.stored = (entry, body) => {
  if (entry.reviewer_id !== at.config.reviewer_id) return;
  if (!at.shown) {
    deck.fill();
    drawDay();
  }
  greet("saved", { item_id: entry.item_id });
  if (body.progress) drawProgress(body.progress);
  const kind = body.is_fast ? "warning" : "success";
  if (at.reveal?.id === entry.judgement_id) {
    if (!body.reveal) return passReveal(body.message, kind);
    clearTimeout(at.reveal.timer);
    at.reveal = null;
    at.said = { text: body.message, kind };
    const old = at.shown;
    leaveCard(old);
    at.shown = null;
    show(lay(body.reveal));
  } else {
    if (body.reveal && entry.scope === at.config.scope) deck.putFirst(body.reveal);
    if (body.reveal && !at.shown) showNext();
    tell(body.message, kind, true);
  }
};

news.decide = (entry) => {
  const place = trail.findIndex((one) => one.judgement_id === entry.judgement_id);
  if (place >= 0) trail.splice(place, 1);
  if (at.reveal?.id === entry.judgement_id) passReveal(at.config.texts.needs_decision_line, "error");
  if (entry.state === "refused") deck.check();
};

// Takes back the last thing that this tab saved; before it is sent, out of the outbox.
export async function undo() {
  const { texts } = at.config;
  const card = at.shown?.card;
  const last = trail.at(-1) ?? (card?.can_undo ? { judgement_id: card.replaces, item_id: card.item_id } : null);
  if (!last?.judgement_id) return;
  const entry = outbox.get(last.judgement_id);
  if (entry?.flight) {
    await entry.flight;
    await new Promise((done) => setTimeout(done)); // the outbox has read the answer
  }
  if (entry && outbox.get(last.judgement_id)) {
    if (!(await outbox.remove(last.judgement_id))) return tell(say(texts.undo_waits, { item: last.item_id }), "warning");
    trail.pop();
    if (at.reveal?.id === last.judgement_id) clearTimeout(at.reveal.timer);
    at.reveal = null;
    return comeBack({ ...entry.card, start: startOf(entry.body.judgement) }, say(texts.undone_unsent, { item: last.item_id }));
  }
  const { judgement_id, item_id, judgement } = last;
  const answer = await ask("desk/undo", { body: { judgement_id, item_id } });
  if (!answer) return;
  if (trail.at(-1) === last) trail.pop();
  drawProgress(answer.progress);
  if (!judgement) return comeBack(answer.card, answer.message);
  // The label is as it stands now; what was written and marked need not be done again.
  const { label, also } = answer.card.start;
  comeBack({ ...answer.card, start: { ...startOf(judgement), label, also } }, answer.message);
  keepDraft(at.shown);
}

const startOf = ({ labels, ...rest }) => ({ ...rest, label: labels[0] ?? null, also: labels.slice(1) });
