// Keys of the Adjudicate page. One listener for the whole page; it acts only while the page's marker
// is there, and no press reaches an item that was not read: see press_gate.js.
import { blocks, isConnected, isDialogOpen } from "./connection.js";
import { meaningOf } from "./desk/keys.js";
import { PressGate } from "./press_gate.js";
import { watchSideBar } from "./side_bar.js";

document.documentElement.dataset.lcListeningAdjudicate = "yes";

const KEYS = { save: "Enter", skip: "s", previous: "ArrowLeft", next: "ArrowRight", reason: "w", note: "t" };
const FIELDS = ["reason", "note"];
const inside = (key, what) => document.querySelector(`[class*="st-key-${key}_"] ${what}`);
const choices = () => document.querySelectorAll('[class*="st-key-review_picker"] button');
const gate = new PressGate(
  ".lc-adjudicate-marker",
  () => inside("adjudicate_save", "button") && choices().length > 0,
);
watchSideBar(gate, () => gate.marker() && document.querySelector('[data-testid="stMain"]'));

// A field hands its content to the page when it loses focus; the press comes after that.
function press(mark, command) {
  const target = inside(`adjudicate_${command}`, "button:not([disabled])");
  if (!target) return;
  gate.sent(mark);
  if (document.activeElement) document.activeElement.blur();
  requestAnimationFrame(() => isConnected() && target.click());
}

function pick(place) {
  const choice = choices()[place];
  if (choice && choice.getAttribute("aria-checked") !== "true") choice.click();
}

function labelsOf(mark) {
  const labels = [];
  for (const pair of mark.dataset.lcKeys.split(" ").filter(Boolean)) {
    const [key, place] = pair.split(":");
    (labels[Number(place)] ??= { keys: [] }).keys.push(key);
  }
  return Array.from(labels, (label) => label ?? { keys: [] });
}

function focus(command) {
  const field = inside(`adjudicate_${command}`, ":is(input, textarea)");
  if (!field) return;
  field.focus();
  if (field.tagName === "INPUT") field.click(); // opens the list of reasons
}

const save = (event) => event.repeat || gate.take((mark) => press(mark, "save"));

// True when the page used the key, which Streamlit must then not see.
function handle(event, mark) {
  const meaning = meaningOf(event, labelsOf(mark), KEYS);
  if (meaning && !event.repeat) {
    gate.take((drawn) => {
      if ("label" in meaning) pick(meaning.label);
      else if (FIELDS.includes(meaning.command)) focus(meaning.command);
      else press(drawn, meaning.command);
    });
  }
  return meaning !== null;
}

// In a field keys are text, but for Esc, which leaves it, and Enter on a reason that is chosen.
function handleInField(event, field) {
  const isOpen = field.getAttribute("aria-expanded") === "true";
  if (event.key === "Escape" && !isOpen) {
    field.blur();
    return true;
  }
  if (event.key !== "Enter" || !field.closest('[class*="st-key-adjudicate_reason_"]')) return false;
  if (isOpen) {
    setTimeout(() => field.getAttribute("aria-expanded") !== "true" && field.blur(), 50);
    return false;
  }
  save(event);
  return true;
}

window.addEventListener(
  "keydown",
  (event) => {
    const mark = gate.marker();
    if (!mark || blocks(event) || event.isComposing || event.altKey) return;
    if (isDialogOpen()) return;
    const target = event.target instanceof Element ? event.target : document.body;
    const field = target.closest("input, textarea, [contenteditable]");
    const isPicker = target.closest('[class*="st-key-review_picker"]') !== null;
    let used = false;
    if (event.ctrlKey || event.metaKey) {
      used = event.key === "Enter";
      if (used) save(event);
    } else if (field && !isPicker) {
      used = handleInField(event, field);
    } else if (isPicker || event.key !== "Enter" || !target.closest("button, a, summary")) {
      used = handle(event, mark);
    }
    if (used) {
      event.preventDefault();
      event.stopImmediatePropagation();
    }
  },
  true,
);
