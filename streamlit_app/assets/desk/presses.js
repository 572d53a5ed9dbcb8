// A key that went down: text of a field, a label, a command, or nothing of the desk's.
import { isDialogOpen } from "../connection.js";
import { choiceKey } from "./choosing.js";
import { pick, run } from "./commands.js";
import { isGoingOn, isInSight, takeBack } from "./focus.js";
import { keymapKey } from "./keymap.js";
import { meaningOf } from "./keys.js";
import { markingKey } from "./marking.js";
import { at, desk } from "./state.js";

const FIELD = "input, textarea, select, [contenteditable]";
const REPEATS = /^(up|down|page_)/;

function onKey(event) {
  if (desk.hidden) return;
  if (!desk.contains(document.activeElement)) {
    if (event.key === "Escape") takeBack(event);
    return;
  }
  if (event.isComposing || isDialogOpen()) return;
  const field = event.target.closest?.(FIELD);
  let isUsed = true;
  if (keymapKey(event)) {
    isUsed = true;
  } else if ((event.ctrlKey || event.metaKey) && event.key === "Enter" && !event.altKey) {
    if (!event.repeat && isInSight(event)) run("save");
  } else if (field) {
    isUsed = event.key === "Escape";
    if (isUsed) desk.focus({ preventScroll: true });
    else event.stopPropagation(); // text, and nobody else's
  } else if (isMarkingKey(event) || choiceKey(event)) {
    isUsed = true;
  } else if (event.key === "Escape") {
    if (at.shown) at.shown.help.open = false;
    desk.focus({ preventScroll: true }); // not lost with a button of what was closed
  } else if (isOwn(event)) {
    isUsed = false;
  } else {
    const meaning = meaningOf(event, at.shown?.card.labels ?? [], at.config.keys);
    isUsed = meaning !== null;
    if (!isUsed) isGoingOn(event);
    else if (isInSight(event) && (!event.repeat || REPEATS.test(meaning.command))) {
      if ("label" in meaning) pick(meaning.label);
      else run(meaning.command, event.shiftKey);
    }
  }
  // Streamlit has keys of its own: C clears its cache, R runs the page again.
  const isPlain = !event.ctrlKey && !event.metaKey && !event.altKey;
  if (isUsed) event.preventDefault();
  if (isUsed || (isPlain && event.key.length === 1)) event.stopImmediatePropagation();
}

// While words of the answer are chosen, with the focus on no button.
const isMarkingKey = (event) => !event.ctrlKey && !event.metaKey && !event.altKey && !isOwn(event) && markingKey(event);

// A button that has the focus keeps Enter and the space bar, but for the labels.
function isOwn({ key, target }) {
  return (key === "Enter" || key === " ") && target.closest?.("button, a, summary") && (key === " " || !target.closest(".lc-picker"));
}

addEventListener("keydown", onKey, true);
