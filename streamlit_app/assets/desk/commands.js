// What each command does, whichever key or button asked for it.
import { choose } from "./choosing.js";
import { keepDraft } from "./drafts.js";
import { tell } from "./line.js";
import { drawSpan, mark, removeSpan } from "./marking.js";
import { save, undo } from "./saving.js";
import { acts, ask, deck, open, showNext, toggleMore } from "./screen.js";
import { call, isRefusal } from "./server.js";
import { at, desk, main } from "./state.js";
import { say } from "./view.js";

const SCROLL_PX = 80;
const WHILE_AWAITING = ["undo", "up", "down", "page_up", "page_down"]; // a reveal

export function pick(place) {
  const { shown } = at;
  if (!shown || at.reveal?.view === shown || place >= shown.buttons.length) return;
  shown.pick(place);
  keepDraft(shown);
}

function skip() {
  const { item_id } = at.shown.card;
  call("desk/skip", { body: { item_id, pressed_at: Date.now() } })
    .then((answer) => isRefusal(answer) && deck.check())
    .catch(() => {});
  at.said = { text: at.config.texts.skipped, kind: "info" };
  showNext();
}

async function flag() {
  const view = at.shown;
  const { texts } = at.config;
  const isFlagged = !view.card.is_flagged;
  const body = { item_id: view.card.item_id, is_flagged: isFlagged, pressed_at: Date.now() };
  if (!(await ask("desk/flag", { body }))) return;
  view.setFlag(isFlagged);
  if (view === at.shown) tell(say(isFlagged ? texts.flagged : texts.unflagged, { item: view.card.item_id }));
}

async function move(step) {
  const from = at.shown;
  const query = new URLSearchParams({ item: from.card.item_id, step });
  const answer = await ask(`desk/neighbour?${query}`);
  if (!answer || at.shown !== from) return;
  if (answer.item_id === null) tell(step > 0 ? at.config.texts.last_item : at.config.texts.first_item);
  else await open(answer.item_id);
}

// Puts the whole of a long text where its beginning is.
async function showWhole(view) {
  const card = await ask(`desk/cards/${encodeURIComponent(view.card.item_id)}?whole=true`);
  if (card && card.phase === view.card.phase) {
    view.setTexts(card.fragments);
    drawSpan(view);
  }
}

desk.addEventListener("click", ({ target }) => {
  if (target.closest("[data-lc-whole]") && at.shown) showWhole(at.shown);
});

function focusField(name) {
  if (name === "corrected") toggleMore(true);
  at.shown[name]?.focus();
}

function scroll(step, isAnswer) {
  const { root } = at.shown;
  const panes = root.querySelectorAll(".lc-pane");
  const pane = [panes[isAnswer ? 1 : 0], root, main()].find((one) => one && one.scrollHeight > one.clientHeight + 1
    && getComputedStyle(one).overflowY !== "visible");
  pane?.scrollBy({ top: Math.abs(step) === 1 ? step * SCROLL_PX : (step / 2) * pane.clientHeight * 0.85, behavior: "instant" });
}

const COMMANDS = {
  save,
  skip,
  undo,
  flag,
  back: () => move(-1),
  on: () => move(1),
  note: () => focusField("note"),
  corrected: () => focusField("corrected"),
  details: () => toggleMore(),
  jump: () => at.shown.jump(),
  mark,
  unmark: () => at.shown.span && removeSpan(),
  verdicts: () => choose("verdicts"),
  severity: () => choose("severity"),
  confidence: () => choose("confidence"),
  also: () => choose("also"),
  whole: () => at.shown.root.querySelector("[data-lc-whole]") && showWhole(at.shown),
  up: (isShifted) => scroll(-1, isShifted),
  down: (isShifted) => scroll(1, isShifted),
  page_up: () => scroll(-2),
  page_down: () => scroll(2),
  help: () => {
    at.shown.help.open = !at.shown.help.open;
    if (!at.shown.help.open) desk.focus({ preventScroll: true });
  },
};

// isShifted: whether Shift was held, which turns scrolling to the answer.
export function run(name, isShifted = false) {
  const { shown, reveal } = at;
  if (!shown && name !== "undo") return;
  if (reveal && reveal.view === shown && !WHILE_AWAITING.includes(name)) return;
  COMMANDS[name](isShifted);
}

Object.assign(acts, { command: run, pick });
