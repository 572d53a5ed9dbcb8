// The review desk: shows one item after the other, acts on keys, and hands what was saved to the outbox.
// It stands outside of what Streamlit draws, so that no rerun, lost connection or new session of the
// page touches a field in it. The page's frame (views/review.py) says who reviews what, by data alone.
import { Deck } from "./deck.js";
import { meaningOf } from "./keys.js";
import { Outbox } from "./outbox.js";
import { watchSideBar } from "../side_bar.js";
import { CardView, fragment, make, newId, say } from "./view.js";

const ANSWER_MS = 15_000;
const REVEAL_MS = 1_500; // A blind item waits this long at its reveal; then the next one comes first.
const TYPING_MS = 400;
const CHOSEN_MS = 600; // A choice in the side bar that asks the server for something has done so by then.
const GONE_MS = 1_000; // The frame is missing for good, not only amid a rerun.
const QUIET_MS = 600; // A save that the server confirms sooner is not announced as waiting.
const REPORT_MS = 2_000;
const MOST_HELD = 20;
const SCROLL_PX = 80;

let config = null;
let shown = null; // the card's view on screen
let paintedAt = Infinity; // when it was painted: a key pressed before that was for another item
let opening = null; // the id of an item that was asked for and comes first
let reveal = null; // {id, view, timer}: the blind label whose reveal is awaited
let isMoreOpen = false;
let isHeldBack = false; // an item that was asked for is not shown, and the line says why
let choice = null; // {wasRunning, until}: a choice in the side bar that the desk has not heard of yet
let said = null; // what the line of the next card begins with
const views = new Map(); // by item id: the card on screen and those ahead
const trail = []; // {judgement_id, item_id}: what this tab saved, the last one at the end

const desk = make("section", { class: "lc-desk", tabindex: "-1", hidden: true });
const cards = make("div", { class: "lc-cards" });
const notices = make("div", { class: "lc-desk-notices" });
const ending = make("div", { class: "lc-ending", hidden: true });
const live = make("div", { class: "lc-live", role: "status" });
desk.append(notices, cards, ending, live);

const frame = () => document.querySelector(".lc-desk-frame");
const main = () => document.querySelector('[data-testid="stMain"]');

// ---------------------------------------------------------------- the server

async function call(path, { body, token = config.token, signal, keepalive = false } = {}) {
  const answer = await fetch(`${config.api}/${path}`, {
    method: body === undefined ? "GET" : "POST",
    headers: { Authorization: `Bearer ${token}`, ...(body === undefined ? {} : { "Content-Type": "application/json" }) },
    body: body === undefined ? undefined : JSON.stringify(body),
    signal: signal ?? AbortSignal.timeout(ANSWER_MS),
    cache: "no-store",
    keepalive,
  });
  const text = await answer.text();
  let read = {};
  try {
    read = JSON.parse(text);
  } catch {
    read = { error: text };
  }
  return { status: answer.status, body: read };
}

// What the server answered, or null where it did not, or refused; the line says so.
async function ask(path, options) {
  let answer;
  try {
    answer = await call(path, options);
  } catch {
    tell(config.texts.no_server, "warning");
    return null;
  }
  if (answer.status === 200) return answer.body;
  tell(answer.body.error || config.texts.no_server, "error");
  if (isRefusal(answer)) deck.check();
  return null;
}

// Their access was taken away, or the queue closed.
const isRefusal = ({ status, body }) => (status === 401 || status === 403) && body.status !== "withheld";

// ---------------------------------------------------------------- what is ahead

const deck = new Deck(
  async (after, count) => {
    const held = [...new Set([...views.keys(), ...unsent().map((entry) => entry.item_id), ...(opening ? [opening] : [])])].slice(0, MOST_HELD);
    const query = new URLSearchParams([["n", count], ...held.map((itemId) => ["have", itemId])]);
    if (after) query.set("after", after);
    const answer = await call(`desk/next?${query}`);
    if (answer.status === 200) return answer.body;
    if (isRefusal(answer)) close(answer.body.error);
    throw new Error(`${answer.status}`);
  },
  {
    add: (card) => lay(card),
    drop: (card) => lift(card.item_id),
    more: () => {
      if (shown || reveal || opening !== null || isHeldBack) return;
      if (deck.ahead.length) showNext();
      else drawEnd();
    },
  },
);

function lay(card) {
  lift(card.item_id);
  const view = new CardView(card, config, { command: run, pick, change: keepDraft });
  views.set(card.item_id, view);
  cards.append(view.root);
  return view;
}

function lift(itemId) {
  const view = views.get(itemId);
  if (!view) return;
  views.delete(itemId);
  view.root.remove();
}

// ---------------------------------------------------------------- what is on screen

function show(view) {
  const before = shown;
  if (before && before !== view) leaveCard(before);
  shown = view;
  isHeldBack = false;
  ending.hidden = true;
  view.setMore(isMoreOpen);
  tell(said?.text ?? "", said?.kind ?? "info");
  said = null;
  drawState();
  if (before && before !== view) before.hide();
  view.show();
  view.undo.disabled = trail.length === 0 && !view.card.can_undo;
  notePaint();
  setAddress(view.card.item_id);
  if (before && before !== view) setTimeout(() => shown !== before && !isAhead(before) && lift(before.card.item_id));
  main()?.scrollTo({ top: 0, behavior: "instant" });
  noteOpened(view);
}

const isAhead = (view) => deck.ahead.some((card) => card === view.card);

// The focus goes to the desk before its field is hidden, else it falls to the page.
function leaveCard(view) {
  flushDraft(view);
  if (view.root.contains(document.activeElement)) desk.focus({ preventScroll: true });
}

// Which item takes keys now.
function drawReady() {
  const isReady = shown !== null && paintedAt < Infinity && isChoiceHere();
  desk.dataset.lcReady = isReady ? shown.card.item_id : "";
}

function notePaint() {
  paintedAt = Infinity;
  requestAnimationFrame(() => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      paintedAt = performance.now();
      drawReady();
    };
    port2.postMessage(null);
  });
}

function showNext() {
  isHeldBack = false;
  const card = deck.take();
  if (card) {
    show(views.get(card.item_id));
    return;
  }
  clearScreen();
  deck.fill();
  drawEnd();
}

// Nothing more is shown; what waits stays in its list.
function close(error) {
  if (reveal) clearTimeout(reveal.timer);
  reveal = null;
  clearScreen();
  deck.clear();
  isHeldBack = true;
  setAddress(null);
  ending.replaceChildren(make("p", { class: "lc-notice lc-notice-error", role: "alert" }, error), make("div", { class: "lc-state" }));
  ending.hidden = false;
  drawState();
}

function clearScreen() {
  if (!shown) return;
  leaveCard(shown);
  shown.hide();
  if (!isAhead(shown)) lift(shown.card.item_id);
  shown = null;
}

function drawEnd() {
  ending.replaceChildren(...endOfList());
  ending.hidden = false;
  drawState();
}

function endOfList() {
  const line = make("div", { class: `lc-line lc-line-${said?.kind ?? "info"}` }, said?.text ?? "");
  const state = make("div", { class: "lc-state" });
  said = null;
  if (deck.end === null) return [line, make("p", { class: "lc-quiet" }, config.texts.waiting_for_items), state];
  const undo = make("button", { type: "button", class: "lc-button", onclick: () => run("undo") }, config.texts.undo);
  undo.disabled = trail.length === 0;
  setAddress(null);
  return [line, fragment(deck.end), undo, state];
}

// isNews: of what happened elsewhere, which does not take away the answer to a key.
function tell(text, kind = "info", isNews = false) {
  const line = shown?.line ?? ending.querySelector(".lc-line");
  live.textContent = text;
  if (!line || (isNews && line.textContent !== "" && !line.hasAttribute("data-lc-news"))) return;
  line.className = `lc-line lc-line-${kind}`;
  line.textContent = text;
  line.toggleAttribute("data-lc-news", isNews);
}

function setAddress(itemId) {
  const url = new URL(location.href);
  if (itemId === null) url.searchParams.delete("item");
  else url.searchParams.set("item", itemId);
  if (url.href !== location.href) history.replaceState(history.state, "", url);
}

let opened = [];
let openedTimer = 0;
function noteOpened(view) {
  opened.push({ presentation_id: view.card.presentation_id, at: Date.now() });
  clearTimeout(openedTimer);
  openedTimer = setTimeout(reportOpened, REPORT_MS);
}

function reportOpened() {
  const body = { opened: opened.splice(0, 100) };
  if (body.opened.length) call("desk/opened", { body, keepalive: true }).catch(() => {});
}

// ---------------------------------------------------------------- saving

const outbox = new Outbox(
  (entry, signal) => {
    const token = entry.scope === config.scope ? config.token : entry.token;
    return call("desk/judgements", { body: entry.body, token, signal });
  },
  {
    maySend: (entry) => config !== null && entry.reviewer_id === config.reviewer_id,
    change: () => drawState(),
    stored: onStored,
    decide: onDecide,
  },
);
const unsent = () => (config ? outbox.of(config.reviewer_id, "waiting") : []);
const undecided = () => (config ? outbox.of(config.reviewer_id, "decide") : []);

function save() {
  if (!shown || reveal?.view === shown) return;
  if (!isChoiceHere()) return tell(config.texts.choosing, "warning");
  const view = shown;
  const isWithoutLabel = config.no_label_verdicts.some((verdict) => view.choices.verdicts.has(verdict));
  if (view.picked < 0 && !isWithoutLabel) {
    tell(config.texts.pick_first, "warning");
    return;
  }
  const { card } = view;
  const id = newId();
  clearTimeout(view.draftTimer);
  view.isDraftDirty = false;
  trail.push({ judgement_id: id, item_id: card.item_id });
  const entry = {
    judgement_id: id,
    reviewer_id: config.reviewer_id,
    reviewer: config.reviewer,
    scope: config.scope,
    token: config.token,
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
  view.isSaved = true;
  if (view.isBlind) awaitReveal(id, view);
  else showNext();
  outbox.add(entry).catch(() => tell(config.texts.no_storage, "error"));
}

// The reveal exists only as the answer to the stored label.
function awaitReveal(id, view) {
  if (view.root.contains(document.activeElement)) desk.focus({ preventScroll: true });
  view.root.inert = true;
  tell(config.texts.await_reveal);
  reveal = { id, view, timer: setTimeout(() => passReveal(config.texts.reveal_later), REVEAL_MS) };
}

function passReveal(text, kind = "info") {
  clearTimeout(reveal.timer);
  reveal = null;
  said = { text, kind };
  showNext();
}

function onStored(entry, body) {
  if (entry.reviewer_id !== config.reviewer_id) return;
  if (!shown) deck.fill();
  channel.postMessage({ type: "saved", reviewer_id: config.reviewer_id, item_id: entry.item_id, tab: tabId });
  if (body.progress) drawProgress(body.progress);
  const kind = body.is_fast ? "warning" : "success";
  if (reveal?.id === entry.judgement_id) {
    if (!body.reveal) return passReveal(body.message, kind);
    clearTimeout(reveal.timer);
    reveal = null;
    said = { text: body.message, kind };
    const old = shown;
    leaveCard(old);
    shown = null;
    show(lay(body.reveal));
  } else {
    if (body.reveal && entry.scope === config.scope) deck.putFirst(body.reveal);
    if (body.reveal && !shown) showNext();
    tell(body.message, kind, true);
  }
}

// Each card keeps its own place in the list.
function drawProgress(progress) {
  for (const part of desk.querySelectorAll("[data-lc-progress]")) {
    part.replaceChildren(...fragment(progress.html).children);
  }
}

function onDecide(entry) {
  const { texts } = config;
  const at = trail.findIndex((one) => one.judgement_id === entry.judgement_id);
  if (at >= 0) trail.splice(at, 1);
  if (reveal?.id === entry.judgement_id) passReveal(texts.needs_decision_line, "error");
  if (entry.state === "refused") deck.check();
}

let lateTimer = 0;
let isLate = false;
function drawState() {
  drawReady();
  if (!config) return;
  const { texts } = config;
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
  drawDecisions(undecided());
}

// ---------------------------------------------------------------- what needs a person's decision

function drawDecisions(entries) {
  const key = entries.map((entry) => entry.judgement_id).join(" ");
  if (notices.dataset.lcOf === key) return;
  notices.dataset.lcOf = key;
  notices.replaceChildren(...(entries.length ? [decisionList(entries)] : []));
}

function decisionList(entries) {
  const { texts } = config;
  const press = (text, act) => make("button", { type: "button", class: "lc-button", onclick: act }, text);
  const rows = entries.map((entry) => {
    const { answer } = entry;
    const labels = entry.body.judgement.labels.join(", ");
    const standing = answer.standing;
    const mine = () => outbox.again(entry.judgement_id, { replaces: standing ? standing.annotation_id : entry.body.replaces });
    return make("li", {},
      make("strong", { dir: "auto" }, say(texts.decide_item, { item: entry.item_id, labels })), " ",
      make("span", { dir: "auto" }, answer.error), " ",
      press(standing ? texts.keep_mine : texts.send_again, mine),
      press(standing ? texts.keep_standing : texts.discard, () => outbox.remove(entry.judgement_id)));
  });
  return make("section", { class: "lc-notice lc-notice-warning lc-decisions", role: "alert" },
    make("div", {}, make("strong", {}, say(texts.needs_decision, { count: entries.length })), make("ul", {}, ...rows),
      press(texts.export, exportEntries)));
}

// What a person needs to type the labels in elsewhere.
function exportEntries() {
  const entries = undecided().concat(unsent()).map(({ card, token, flight, ...entry }) => entry);
  const url = URL.createObjectURL(new Blob([JSON.stringify(entries, null, 2)], { type: "application/json" }));
  make("a", { href: url, download: "unsent-labels.json" }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

// ---------------------------------------------------------------- drafts

function keepDraft(view) {
  view.isDraftDirty = true;
  clearTimeout(view.draftTimer);
  view.draftTimer = setTimeout(() => flushDraft(view), TYPING_MS);
}

async function flushDraft(view, { keepalive = false } = {}) {
  if (!view.isDraftDirty || view.isSaved) return;
  clearTimeout(view.draftTimer);
  view.isDraftDirty = false;
  const body = { presentation_id: view.card.presentation_id, item_id: view.card.item_id, fields: view.fields() };
  let answer = null;
  try {
    answer = await call("desk/drafts", { body, token: view.config.token, keepalive: keepalive && JSON.stringify(body).length < 60_000 });
  } catch {
    // Sent again below: what stands in the fields is newer than this.
  }
  if ((answer === null || answer.status >= 500) && !view.isSaved) {
    view.isDraftDirty = true;
    view.draftTimer = setTimeout(() => flushDraft(view), 3_000);
  }
}

// ---------------------------------------------------------------- commands

function pick(place) {
  if (!shown || reveal?.view === shown || place >= shown.buttons.length) return;
  shown.pick(place);
  keepDraft(shown);
}

function skip() {
  const { item_id } = shown.card;
  call("desk/skip", { body: { item_id, pressed_at: Date.now() } })
    .then((answer) => isRefusal(answer) && deck.check())
    .catch(() => {});
  said = { text: config.texts.skipped, kind: "info" };
  showNext();
}

async function flag() {
  const view = shown;
  const isFlagged = !view.card.is_flagged;
  const body = { item_id: view.card.item_id, is_flagged: isFlagged, pressed_at: Date.now() };
  if (!(await ask("desk/flag", { body }))) return;
  view.setFlag(isFlagged);
  if (view === shown) tell(say(isFlagged ? config.texts.flagged : config.texts.unflagged, { item: view.card.item_id }));
}

// Takes back the last thing that this tab saved; before it is sent, out of the outbox.
async function undo() {
  const last = trail.at(-1) ?? (shown?.card.can_undo ? { judgement_id: shown.card.replaces, item_id: shown.card.item_id } : null);
  if (!last?.judgement_id) return;
  const entry = outbox.get(last.judgement_id);
  if (entry?.flight) {
    await entry.flight;
    await new Promise((done) => setTimeout(done)); // the outbox has read the answer
  }
  if (entry && outbox.get(last.judgement_id)) {
    if (!(await outbox.remove(last.judgement_id))) return tell(say(config.texts.undo_waits, { item: last.item_id }), "warning");
    trail.pop();
    if (reveal?.id === last.judgement_id) clearTimeout(reveal.timer);
    reveal = null;
    return comeBack({ ...entry.card, start: startOf(entry.body.judgement) }, say(config.texts.undone_unsent, { item: last.item_id }));
  }
  const answer = await ask("desk/undo", { body: last });
  if (!answer) return;
  if (trail.at(-1) === last) trail.pop();
  drawProgress(answer.progress);
  comeBack(answer.card, answer.message);
}

const startOf = ({ labels, ...rest }) => ({ ...rest, label: labels[0] ?? null, also: labels.slice(1) });

// Shows an item now; the one on screen comes again after it.
function comeBack(card, text, kind = "success") {
  const before = shown;
  said = { text, kind };
  if (before && before.card.item_id !== card.item_id && !before.isSaved) deck.ahead.unshift(before.card);
  deck.ahead = deck.ahead.filter((one) => one.item_id !== card.item_id);
  if (before?.card.item_id === card.item_id) {
    leaveCard(before);
    shown = null;
  }
  show(lay(card));
}

async function open(itemId) {
  const answer = await call(`desk/cards/${encodeURIComponent(itemId)}`).catch(() => null);
  if (answer?.status === 200) comeBack(answer.body, "", "info");
  else if (answer?.body.status === "withheld") showWithheld(itemId, answer.body);
  else if (!shown) {
    said = { text: answer?.body.error ?? config.texts.no_server, kind: "error" };
    showNext();
  } else tell(answer?.body.error ?? config.texts.no_server, "error");
}

// Why an item is not shown, and the ways on.
function showWithheld(itemId, { error, queue_id }) {
  clearScreen();
  isHeldBack = true;
  const ways = [make("button", { type: "button", class: "lc-button", onclick: showNext }, config.texts.to_queue)];
  if (queue_id) {
    const url = new URL(location.href);
    url.searchParams.set("queue", queue_id);
    url.searchParams.delete("item");
    ways.unshift(make("a", { class: "lc-button", href: url.href }, config.texts.to_blind_queue));
  }
  setAddress(itemId);
  ending.replaceChildren(make("p", { class: "lc-notice", role: "status" }, error), make("div", { class: "lc-moves" }, ...ways));
  ending.hidden = false;
}

async function move(step) {
  const from = shown;
  const query = new URLSearchParams({ item: from.card.item_id, step });
  const answer = await ask(`desk/neighbour?${query}`);
  if (!answer || shown !== from) return;
  if (answer.item_id === null) tell(step > 0 ? config.texts.last_item : config.texts.first_item);
  else await open(answer.item_id);
}

// Puts the whole of a long text where its beginning is.
async function showWhole(view) {
  const card = await ask(`desk/cards/${encodeURIComponent(view.card.item_id)}?whole=true`);
  if (card && card.phase === view.card.phase) view.setTexts(card.fragments);
}

desk.addEventListener("click", ({ target }) => {
  if (target.closest("[data-lc-whole]") && shown) showWhole(shown);
});

function toggleMore(isOpen = !isMoreOpen) {
  isMoreOpen = isOpen;
  shown.setMore(isOpen);
}

function focusField(name) {
  if (name === "corrected") toggleMore(true);
  shown[name]?.focus();
}

function scroll(step, isAnswer) {
  const panes = shown.root.querySelectorAll(".lc-pane");
  const pane = [panes[isAnswer ? 1 : 0], shown.root, main()].find((one) => one && one.scrollHeight > one.clientHeight + 1
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
  jump: () => shown.jump(),
  up: () => scroll(-1),
  down: () => scroll(1),
  page_up: () => scroll(-2),
  page_down: () => scroll(2),
  help: () => (shown.help.open = !shown.help.open),
};

function run(name) {
  if (!shown && name !== "undo") return;
  if (reveal && reveal.view === shown && !["undo", "up", "down", "page_up", "page_down"].includes(name)) return;
  COMMANDS[name]();
}

// ---------------------------------------------------------------- keys

const FIELD = "input, textarea, select, [contenteditable]";

function onKey(event) {
  if (desk.hidden || !desk.contains(document.activeElement)) return;
  if (event.isComposing || document.querySelector('[role="dialog"]')) return;
  const field = event.target.closest?.(FIELD);
  let isUsed = true;
  if ((event.ctrlKey || event.metaKey) && event.key === "Enter" && !event.altKey) {
    if (!event.repeat && isInSight(event)) run("save");
  } else if (field) {
    isUsed = event.key === "Escape";
    if (isUsed) desk.focus({ preventScroll: true });
    else event.stopPropagation(); // text, and nobody else's
  } else if (event.key === "Escape") {
    if (shown) shown.help.open = false;
  } else if (isOwn(event)) {
    isUsed = false;
  } else {
    const meaning = meaningOf(event, shown?.card.labels ?? [], config.keys);
    isUsed = meaning !== null;
    if (isUsed && isInSight(event) && (!event.repeat || /^(up|down|page_)/.test(meaning.command))) {
      if ("label" in meaning) pick(meaning.label);
      else run(meaning.command);
    }
  }
  // Streamlit has keys of its own: C clears its cache, R runs the page again.
  const isPlain = !event.ctrlKey && !event.metaKey && !event.altKey;
  if (isUsed) event.preventDefault();
  if (isUsed || (isPlain && event.key.length === 1)) event.stopImmediatePropagation();
}

// A button that has the focus keeps Enter and the space bar, but for the labels.
function isOwn({ key, target }) {
  return (key === "Enter" || key === " ") && target.closest?.("button, a, summary") && (key === " " || !target.closest(".lc-picker"));
}

function isInSight(event) {
  const isChosen = isChoiceHere();
  if (event.timeStamp >= paintedAt && isChosen) return true;
  tell(isChosen ? config.texts.too_early : config.texts.choosing, "warning");
  return false;
}

// Whether the desk has heard of the last choice in the side bar, above all of who labels.
function isChoiceHere() {
  const who = document.querySelector('[data-testid="stSidebar"] .st-key-reviewer input')?.value;
  return choice === null && (!who || who === config.reviewer_shown);
}

// A choice in the side bar may put another person or queue at this desk: no key acts before it did.
watchSideBar(
  {
    awaitDraw: () => setChoice(desk.hidden ? null : { wasRunning: false, until: Date.now() + CHOSEN_MS }),
    stopWaiting: () => setChoice(null),
  },
  () => (desk.hidden ? null : desk),
);

function lookAtChoice() {
  if (choice === null) return;
  const isRunning = document.querySelector('[data-testid="stApp"]')?.dataset.testScriptState !== "notRunning";
  if (isRunning) choice.wasRunning = true;
  else if (choice.wasRunning || Date.now() > choice.until) setChoice(null);
}

function setChoice(next) {
  choice = next;
  if (choice === null) comeHome();
  drawReady();
}

// Takes the focus that what was drawn again let fall, a closed list or form; from no field.
function comeHome() {
  const { activeElement } = document;
  if (!desk.hidden && (activeElement === document.body || activeElement === main())) desk.focus({ preventScroll: true });
}
setInterval(() => {
  lookAtChoice();
  drawReady();
}, 250);

addEventListener("keydown", onKey, true);

// ---------------------------------------------------------------- other tabs, leaving

const tabId = newId();
const channel = new BroadcastChannel("llamacare-desk");
const otherTabs = new Set();

function greet(type) {
  if (config) channel.postMessage({ type, reviewer_id: config.reviewer_id, tab: tabId });
}

channel.onmessage = ({ data }) => {
  if (!config || data.reviewer_id !== config.reviewer_id) return;
  if (data.type === "saved") {
    if (shown?.card.item_id !== data.item_id) deck.drop(data.item_id);
    return;
  }
  if (data.type === "hello") greet("here");
  if (data.type === "bye") {
    otherTabs.delete(data.tab);
    setTimeout(() => outbox.adopt(), 500);
  } else otherTabs.add(data.tab);
  drawTabs();
};

function drawTabs() {
  desk.querySelector(".lc-tabs")?.remove();
  if (otherTabs.size) desk.prepend(make("p", { class: "lc-notice lc-tabs", role: "status" }, config.texts.other_tab));
}

addEventListener("pagehide", () => {
  if (!config) return;
  greet("bye");
  reportOpened();
  if (shown) flushDraft(shown, { keepalive: true });
  giveBack(deck.ahead);
});
addEventListener("pageshow", (event) => event.persisted && location.reload());
document.addEventListener("visibilitychange", () => (document.hidden ? shown?.rest() : shown?.wake()));

function giveBack(ahead) {
  const item_ids = ahead.map((card) => card.item_id).slice(0, MOST_HELD);
  if (item_ids.length) call("desk/leave", { body: { item_ids }, keepalive: true }).catch(() => {});
}

// ---------------------------------------------------------------- the frame

let isAway = false; // another page was on screen since
let goneTimer = 0;

function start(next) {
  const asked = next.item;
  const isNew = config === null || config.scope !== next.scope;
  const isAsked = asked !== null && (config === null || isAway || asked !== config.item);
  if (isNew && config !== null) {
    greet("bye");
    reportOpened();
    if (shown) flushDraft(shown);
    giveBack(deck.ahead);
  }
  config = next;
  isAway = false;
  if (isNew) {
    if (reveal) clearTimeout(reveal.timer);
    reveal = null;
    deck.clear();
    [...views.keys()].forEach(lift);
    shown = null;
    trail.length = 0;
    otherTabs.clear();
    drawTabs();
    greet("hello");
    drawEnd();
    comeHome();
  }
  desk.setAttribute("aria-label", config.texts.desk);
  drawState();
  if (isAsked && shown?.card.item_id !== asked) {
    opening = asked;
    open(asked).finally(() => {
      opening = null;
      deck.fill(asked);
    });
  }
  if (isNew) deck.fill(opening ?? undefined);
  else if (shown) setAddress(shown.card.item_id);
  outbox.send();
}

// The desk goes where the page's content is, and is there as long as the Review page is.
function look() {
  lookAtChoice();
  const place = main();
  if (place && !place.contains(desk)) place.append(desk);
  const here = frame();
  if (here) {
    clearTimeout(goneTimer);
    goneTimer = 0;
    const isShowing = desk.hidden;
    desk.hidden = false;
    if (here.dataset.lcDesk !== look.read) {
      look.read = here.dataset.lcDesk;
      start(JSON.parse(look.read));
    }
    if (shown && location.search !== look.search) {
      setAddress(shown.card.item_id); // the frame may have written another one
      look.search = location.search;
    }
    if (isShowing) comeHome();
  } else if (!desk.hidden && !goneTimer) {
    goneTimer = setTimeout(() => {
      goneTimer = 0;
      const app = document.querySelector('[data-testid="stApp"]');
      if (frame()) return;
      if (app?.dataset.testConnectionState !== "CONNECTED" || app.dataset.testScriptState !== "notRunning") {
        look();
        return;
      }
      desk.hidden = true;
      isAway = true;
      look.read = null;
      shown?.rest();
    }, GONE_MS);
  }
}

// A click next to the item means the item.
document.addEventListener("focusin", ({ target }) => {
  if (!desk.hidden && target === main()) desk.focus({ preventScroll: true });
});

new MutationObserver(look).observe(document.documentElement, {
  childList: true,
  subtree: true,
  attributes: true,
  attributeFilter: ["data-lc-desk", "data-test-connection-state", "data-test-script-state"],
});
outbox.open().finally(look);
document.documentElement.dataset.lcListening = "yes";
