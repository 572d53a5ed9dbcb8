// Keys of the Review page. One listener for the whole page; it acts only while the page's marker is
// there, and no press reaches an item that is not the one being read: see press_gate.js.
import { blocks, isConnected, watchConnection } from "./connection.js";
import { PressGate } from "./press_gate.js";
import { watchSideBar } from "./side_bar.js";

document.documentElement.dataset.lcListening = "yes";

const SCROLL_PX = 80;
let shownItem = null;

const scroller = () => document.querySelector('[data-testid="stMain"]');
// Widget keys end in the item's id: see views/review.py.
const button = (key) =>
  document.querySelector(`[class*="st-key-${key}_"] button:not([disabled])`);

const gate = new PressGate(".lc-marker", (mark) => {
  if (mark.dataset.lcOn === "") return true; // the end of the list has no controls
  return button("review_save") && document.querySelector('[class*="st-key-review_picker"] button');
});
const marker = () => gate.marker();
watchSideBar(gate);

function press(mark, target) {
  if (!target) return;
  gate.sent(mark);
  flush();
  // The time of the press by the browser's clock; nothing waits for it to arrive.
  if (mark.dataset.lcToken) send(mark.dataset.lcToken, { pressed_at: Date.now() }).catch(() => {});
  target.click();
}

function save(mark) {
  const field = document.activeElement;
  if (!field || field.tagName !== "TEXTAREA") {
    press(mark, button("review_save"));
    return;
  }
  // A text field hands its text to the page when it loses focus; the press comes after that.
  gate.sent(mark);
  field.blur();
  requestAnimationFrame(() => isConnected() && press(mark, button("review_save")));
}

function pick(mark, key) {
  const pair = mark.dataset.lcKeys.split(" ").find((text) => text.split(":")[0] === key);
  if (!pair) return false;
  const choices = document.querySelectorAll('[class*="st-key-review_picker"] button');
  const choice = choices[Number(pair.split(":")[1])];
  if (choice && choice.getAttribute("aria-checked") !== "true") choice.click();
  return true;
}

// A field that is folded away is opened first, and has the focus once it is drawn.
function focusField(mark, name, tries = 60) {
  const field = document.querySelector(`[class*="st-key-${name}_"] textarea`);
  if (field) field.focus();
  else if (tries === 60) press(mark, button("review_more"));
  if (!field && tries > 0) requestAnimationFrame(() => focusField(mark, name, tries - 1));
}

function toggleHelp(open) {
  const help = document.querySelector(".lc-help");
  if (help) help.open = open === undefined ? !help.open : open;
}

function scroll(key) {
  const area = scroller();
  if (!area) return;
  const page = area.clientHeight * 0.85;
  const steps = { ArrowUp: -SCROLL_PX, ArrowDown: SCROLL_PX, PageUp: -page, PageDown: page };
  area.scrollBy({ top: steps[key], behavior: "instant" });
}

// Drafts: every change goes to the server at once, without a rerun of the page. A token that the
// page put into the marker says to which presentation of which item it belongs.
const TYPING_MS = 250;
const PICKED_MS = 60; // until the buttons show what was picked
let typed = null; // {timer, token, fields}: what was typed and not sent yet.
let unkept = null; // {token, fields}: what was sent, or should have been, and was not taken.

function send(token, fields) {
  const body = JSON.stringify(fields);
  return fetch("/review/draft", {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-Draft-Token": token },
    body,
    keepalive: body.length < 60000, // more than 64 KB may not outlive the page
  });
}

// What the line says is true of all that was changed so far, so a change takes the word back. A
// redraw puts an empty line in its place, and while the connection is lost it says nothing.
let said = { token: "", word: "" };

function drawDraft() {
  const line = document.querySelector(".lc-draft");
  if (!line) return;
  const isOfShown = isConnected() && said.token === marker()?.dataset.lcToken;
  const text = (isOfShown && line.dataset[said.word]) || "";
  if (line.textContent !== text) line.textContent = text;
}

function sayOfDraft(token, word) {
  said = { token, word };
  drawDraft();
}

function keep(token, fields) {
  const isOld = unkept !== null && unkept.token === token;
  const all = isOld ? { ...unkept.fields, ...fields } : fields;
  unkept = { token, fields: all };
  sayOfDraft(token, "");
  const isNewest = () => unkept !== null && unkept.fields === all;
  const lose = () => isNewest() && sayOfDraft(token, "lcLost");
  const answered = (answer) => {
    if (answer.status === 404) return; // the item is saved and gone
    if (!answer.ok) return lose();
    if (isNewest()) {
      unkept = null;
      sayOfDraft(token, "lcKept");
    }
  };
  send(token, all).then(answered, lose);
}

function flush() {
  if (!typed) return;
  clearTimeout(typed.timer);
  const { token, fields } = typed;
  typed = null;
  keep(token, fields);
}

document.addEventListener("input", (event) => {
  const mark = marker();
  const field = event.target instanceof Element ? event.target.closest("textarea") : null;
  if (!mark || !mark.dataset.lcToken || !field) return;
  const name = ["note", "answer"].find((known) => field.closest(`[class*="st-key-review_${known}_"]`));
  if (!name) return;
  const token = mark.dataset.lcToken;
  if (typed && typed.token !== token) flush();
  const fields = typed ? typed.fields : {};
  if (typed) clearTimeout(typed.timer);
  fields[name] = field.value;
  sayOfDraft(token, "");
  typed = { token, fields, timer: setTimeout(flush, TYPING_MS) };
});
window.addEventListener("pagehide", flush);
// What stands in the fields is handed in again once the server is there.
watchConnection(drawDraft, () => (unkept ? keep(unkept.token, unkept.fields) : drawDraft()));

document.addEventListener("click", (event) => {
  const picker = event.target instanceof Element ? event.target.closest('[class*="st-key-review_picker"]') : null;
  const mark = marker();
  if (!picker || !mark || !mark.dataset.lcToken) return;
  const token = mark.dataset.lcToken;
  setTimeout(() => {
    const choices = [...picker.querySelectorAll("button")];
    const place = choices.findIndex((choice) => choice.getAttribute("aria-checked") === "true");
    keep(token, { label: place < 0 ? null : place });
  }, PICKED_MS);
}, true); // before the buttons, which let no click pass on

const MOVES = {
  s: "review_skip",
  f: "review_flag",
  v: "review_more",
  u: "review_undo",
  ArrowLeft: "review_back",
  ArrowRight: "review_on",
  Enter: "review_save",
};
const FIELDS = { t: "review_note", w: "review_answer" };
const SCROLLS = new Set(["ArrowUp", "ArrowDown", "PageUp", "PageDown"]);

// True when the page used the key, which Streamlit must then not see: C clears its cache.
function handle(event, mark) {
  // With many labels some have a command's letter, which Shift tells apart.
  const isShifted = event.shiftKey && mark.dataset.lcKeys.includes(`${event.key}:`);
  const key = event.key.length === 1 && !isShifted ? event.key.toLowerCase() : event.key;
  if (SCROLLS.has(key)) {
    scroll(key);
    return true;
  }
  if (key === "?") {
    toggleHelp();
    return true;
  }
  if (key === "Escape") {
    toggleHelp(false);
    return true;
  }
  const known = key in MOVES || key in FIELDS || mark.dataset.lcKeys.includes(`${key}:`);
  if (!known) return false;
  if (event.repeat) return true;
  gate.take((drawn) => {
    if (pick(drawn, key)) return;
    if (key in FIELDS) focusField(drawn, FIELDS[key]);
    else press(drawn, button(MOVES[key]));
  });
  return true;
}

function isTyping(target) {
  return (
    target.closest("input, textarea, select, [contenteditable], [role=combobox], [role=listbox]") &&
    !target.closest('[class*="st-key-review_picker"]')
  );
}

function isOtherControl(target, key) {
  if (key !== "Enter" && key !== " ") return false;
  return (
    target.closest("button, a, summary, [role=button], [role=menuitem]") &&
    !target.closest('[class*="st-key-review_picker"]')
  );
}

window.addEventListener(
  "keydown",
  (event) => {
    const mark = marker();
    if (!mark || blocks(event) || event.isComposing || event.altKey) return;
    if (document.querySelector('[role="dialog"]')) return;
    const target = event.target instanceof Element ? event.target : document.body;
    let used = false;
    if (event.ctrlKey || event.metaKey) {
      used = event.key === "Enter" && target.closest("textarea, body") !== null;
      if (used && !event.repeat) gate.take(save);
    } else if (target.closest("textarea") && event.key === "Escape") {
      target.blur();
      used = true;
    } else if (!isTyping(target) && !isOtherControl(target, event.key)) {
      used = handle(event, mark);
    }
    if (used) {
      event.preventDefault();
      event.stopImmediatePropagation();
    }
  },
  true,
);

// A new item starts at its top.
new MutationObserver(() => {
  drawDraft();
  const mark = marker();
  const item = mark ? mark.dataset.lcOn : null;
  if (item === shownItem) return;
  shownItem = item;
  const area = scroller();
  if (item !== null && area) area.scrollTo({ top: 0, behavior: "instant" });
}).observe(document.body, { childList: true, subtree: true, attributes: true, attributeFilter: ["data-lc-on"] });
