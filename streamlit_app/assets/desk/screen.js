// Which card is on screen: the next one of the deck, one that was asked for, or the end of the list.
import { Deck } from "./deck.js";
import { flushDraft, keepDraft } from "./drafts.js";
import { notePaint } from "./focus.js";
import { capOf } from "./keys.js";
import { tell } from "./line.js";
import { drawSpan } from "./marking.js";
import { drawState, undecided, unsent } from "./sending.js";
import { call, isRefusal } from "./server.js";
import { at, cards, desk, ending, main, trail, views } from "./state.js";
import { CardView, fragment, make } from "./view.js";

export const MOST_HELD = 20;
const REPORT_MS = 2_000;

export const acts = { command: () => {}, pick: () => {} }; // what a card's buttons do; see commands.js
let isMoreOpen = false;

export const deck = new Deck(
  async (after, count) => {
    if (at.config.closed !== null) throw new Error("closed");
    const waiting = unsent().map((entry) => entry.item_id);
    const given = at.first?.next;
    at.first = null;
    // Not what was labelled before a reload, of which the server had not heard yet.
    if (given && !given.cards.some((card) => waiting.includes(card.item_id))) return given;
    const held = [...new Set([...views.keys(), ...waiting, ...(at.opening ? [at.opening] : [])])].slice(0, MOST_HELD);
    const query = new URLSearchParams([["n", count], ...held.map((itemId) => ["have", itemId])]);
    const from = after ?? waiting.at(-1); // on, not back to what the server has not heard of
    if (from) query.set("after", from);
    const answer = await call(`desk/next?${query}`);
    if (answer.status === 200) {
      // Nothing that the page has already: the list that the server is given is cut at MOST_HELD.
      const here = new Set([...views.keys(), ...unsent().concat(undecided()).map((entry) => entry.item_id)]);
      return { ...answer.body, cards: answer.body.cards.filter((card) => !here.has(card.item_id)) };
    }
    if (isRefusal(answer)) closeDesk(answer.body.error);
    throw new Error(`${answer.status}`);
  },
  {
    add: (card) => lay(card),
    drop: (card) => lift(card.item_id),
    more: () => {
      if (at.shown || at.reveal || at.opening !== null || at.isHeldBack) return;
      if (deck.ahead.length) showNext();
      else drawEnd();
    },
  },
);

// What the server answered, or null where it did not, or refused; the line says so.
export async function ask(path, options) {
  let answer;
  try {
    answer = await call(path, options);
  } catch {
    tell(at.config.texts.no_server, "warning");
    return null;
  }
  if (answer.status === 200) return answer.body;
  tell(answer.body.error || at.config.texts.no_server, "error");
  if (isRefusal(answer)) deck.check();
  return null;
}

export function lay(card) {
  lift(card.item_id);
  const view = new CardView(card, at.config, { command: (name) => acts.command(name), pick: (place) => acts.pick(place), change: keepDraft });
  views.set(card.item_id, view);
  cards.append(view.root);
  return view;
}

export function lift(itemId) {
  const view = views.get(itemId);
  if (!view) return;
  views.delete(itemId);
  view.root.remove();
}

// ---------------------------------------------------------------- one card

export function show(view) {
  const before = at.shown;
  if (before && before !== view) leaveCard(before);
  at.shown = view;
  at.isHeldBack = false;
  ending.hidden = true;
  view.setMore(isMoreOpen);
  tell(at.said?.text ?? "", at.said?.kind ?? "info");
  at.said = null;
  drawState();
  if (before && before !== view) before.hide();
  view.show();
  drawSpan(view);
  view.undo.disabled = trail.length === 0 && !view.card.can_undo;
  notePaint();
  setAddress(view.card.item_id);
  if (before && before !== view) setTimeout(() => at.shown !== before && !isAhead(before) && lift(before.card.item_id));
  main()?.scrollTo({ top: 0, behavior: "instant" });
  noteOpened(view);
}

const isAhead = (view) => deck.ahead.some((card) => card === view.card);

// The focus goes to the desk before its field is hidden, else it falls to the page.
export function leaveCard(view) {
  flushDraft(view);
  if (view.root.contains(document.activeElement)) desk.focus({ preventScroll: true });
}

export function showNext() {
  at.isHeldBack = false;
  const card = deck.take();
  if (card) {
    show(views.get(card.item_id));
    return;
  }
  clearScreen();
  deck.fill();
  drawEnd();
}

function clearScreen() {
  const { shown } = at;
  if (!shown) return;
  leaveCard(shown);
  shown.hide();
  if (!isAhead(shown)) lift(shown.card.item_id);
  at.shown = null;
}

// Shows an item now; the one on screen comes again after it.
export function comeBack(card, text, kind = "success") {
  const before = at.shown;
  at.said = { text, kind };
  if (before && before.card.item_id !== card.item_id && !before.isSaved) deck.ahead.unshift(before.card);
  deck.ahead = deck.ahead.filter((one) => one.item_id !== card.item_id);
  if (before?.card.item_id === card.item_id) {
    leaveCard(before);
    at.shown = null;
  }
  show(lay(card));
}

export async function open(itemId) {
  const given = at.first?.opened;
  if (given?.item_id === itemId) return comeBack(given, "", "info");
  const answer = await call(`desk/cards/${encodeURIComponent(itemId)}`).catch(() => null);
  if (answer?.status === 200) comeBack(answer.body, "", "info");
  else if (answer?.body.status === "withheld") showWithheld(itemId, answer.body);
  else if (!at.shown) {
    at.said = { text: answer?.body.error ?? at.config.texts.no_server, kind: "error" };
    showNext();
  } else tell(answer?.body.error ?? at.config.texts.no_server, "error");
}

export function toggleMore(isOpen = !isMoreOpen) {
  isMoreOpen = isOpen;
  at.shown.setMore(isOpen);
}

export function setAddress(itemId) {
  const url = new URL(location.href);
  if (itemId === null) url.searchParams.delete("item");
  else url.searchParams.set("item", itemId);
  if (url.href !== location.href) history.replaceState(history.state, "", url);
}

// ---------------------------------------------------------------- no card

// Nothing more is shown; what waits stays in its list.
export function closeDesk(refusal) {
  const error = at.config.closed ?? refusal;
  if (at.reveal) clearTimeout(at.reveal.timer);
  at.reveal = null;
  clearScreen();
  deck.clear();
  at.isHeldBack = true;
  setAddress(null);
  const notice = error ? [make("p", { class: "lc-notice lc-notice-error", role: "alert" }, error)] : [];
  ending.replaceChildren(...notice, make("div", { class: "lc-state" }));
  ending.hidden = false;
  drawState();
}

export function drawEnd() {
  ending.replaceChildren(...endOfList());
  ending.hidden = false;
  drawState();
}

function endOfList() {
  const line = make("div", { class: `lc-line lc-line-${at.said?.kind ?? "info"}` }, at.said?.text ?? "");
  const state = make("div", { class: "lc-state" });
  at.said = null;
  if (deck.end === null) return [line, make("p", { class: "lc-quiet" }, at.config.texts.waiting_for_items), state];
  const undo = make("button", { type: "button", class: "lc-button", onclick: () => acts.command("undo") }, at.config.texts.undo, " ",
    make("kbd", { "aria-hidden": "true" }, capOf(at.config.keys.undo)));
  undo.disabled = trail.length === 0;
  setAddress(null);
  day.replaceChildren();
  drawDay();
  return [line, fragment(deck.end), day, undo, state];
}

// What was done today: drawn once the server has all of it, and again after each further save.
const day = make("div", { class: "lc-ended" });
export async function drawDay() {
  if (at.shown || deck.end === null || unsent().length) return;
  const answer = await call(`desk/day?since=${new Date().setHours(0, 0, 0, 0)}`).catch(() => null);
  if (answer?.status !== 200) return;
  day.replaceChildren(...fragment(answer.body.html).children);
  const who = new URLSearchParams(location.search).get("reviewer");
  for (const link of who === null ? [] : day.querySelectorAll("a")) {
    link.search = new URLSearchParams([...new URLSearchParams(link.search), ["reviewer", who]]);
  }
}

// Why an item is not shown, and the ways on.
function showWithheld(itemId, { error, queue_id }) {
  clearScreen();
  at.isHeldBack = true;
  const { texts } = at.config;
  const ways = [make("button", { type: "button", class: "lc-button", onclick: showNext }, texts.to_queue)];
  if (queue_id) {
    const url = new URL(location.href);
    url.searchParams.set("queue", queue_id);
    url.searchParams.delete("item");
    ways.unshift(make("a", { class: "lc-button", href: url.href }, texts.to_blind_queue));
  }
  setAddress(itemId);
  ending.replaceChildren(make("p", { class: "lc-notice", role: "status" }, error), make("div", { class: "lc-moves" }, ...ways));
  ending.hidden = false;
}

// ---------------------------------------------------------------- when items came into sight

let opened = [];
let openedTimer = 0;
function noteOpened(view) {
  opened.push({ presentation_id: view.card.presentation_id, at: Date.now() });
  clearTimeout(openedTimer);
  openedTimer = setTimeout(reportOpened, REPORT_MS);
}

export function reportOpened() {
  const body = { opened: opened.splice(0, 100) };
  if (body.opened.length) call("desk/opened", { body, keepalive: true }).catch(() => {});
}
