// The outbox of this desk, and what the page says of it: what waits, and what needs a decision.
import { drawDecisions } from "./decisions.js";
import { drawReady } from "./focus.js";
import { Outbox } from "./outbox.js";
import { call } from "./server.js";
import { at, desk, trail } from "./state.js";
import { say } from "./view.js";

const QUIET_MS = 600; // A save that the server confirms sooner is not announced as waiting.

export const news = { stored: () => {}, decide: () => {} }; // heard by saving.js

export const outbox = new Outbox(
  (entry, signal) => {
    const token = entry.scope === at.config.scope ? at.config.token : entry.token;
    return call("desk/judgements", { body: entry.body, token, signal });
  },
  {
    maySend: (entry) => at.config !== null && entry.reviewer_id === at.config.reviewer_id,
    change: () => drawState(),
    stored: (entry, body) => news.stored(entry, body),
    decide: (entry) => news.decide(entry),
  },
);
export const unsent = () => (at.config ? outbox.of(at.config.reviewer_id, "waiting") : []);
export const undecided = () => (at.config ? outbox.of(at.config.reviewer_id, "decide") : []);

let lateTimer = 0;
let isLate = false;
export function drawState() {
  drawReady();
  if (!at.config) return;
  const { texts } = at.config;
  const waiting = unsent().length;
  const open = undecided().length;
  if (waiting === 0) isLate = false;
  else if (!isLate && !lateTimer) {
    lateTimer = setTimeout(() => {
      lateTimer = 0;
      isLate = unsent().length > 0;
      drawState();
    }, QUIET_MS);
  }
  const parts = [];
  if (open) parts.push(say(texts.needs_decision, { count: open }));
  if (waiting && isLate) parts.push(say(texts.waiting, { count: waiting }));
  if (!open && !waiting && trail.length) parts.push(texts.all_saved);
  const word = open ? "decide" : waiting ? "waiting" : "saved";
  for (const state of desk.querySelectorAll(".lc-state")) {
    state.textContent = parts.join(" · ");
    state.dataset.lcState = word;
  }
  drawDecisions(undecided(), { decide, entries: () => undecided().concat(unsent()) });
}

// isMine: the label pressed here counts, over what stands; else it is dropped.
function decide(entry, isMine) {
  if (!isMine) return outbox.remove(entry.judgement_id);
  const { standing } = entry.answer;
  return outbox.again(entry.judgement_id, { replaces: standing ? standing.annotation_id : entry.body.replaces });
}
