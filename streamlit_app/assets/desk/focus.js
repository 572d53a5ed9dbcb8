// When a key counts: the desk has the focus, the item was painted before the key went down, and the
// desk has heard of the last choice in the side bar.
import { isDialogOpen } from "../connection.js";
import { watchSideBar } from "../side_bar.js";
import { tell } from "./line.js";
import { at, desk, isPageStill, main } from "./state.js";

const BURST_MS = 300; // Keys that follow one another faster are one word.
const CHOSEN_MS = 600; // A choice in the side bar that asks the server for something has done so by then.
const LOOK_MS = 250;

let paintedAt = Infinity; // when the item was painted: a key pressed before that was for another item
let refusedAt = -Infinity; // when the last key was refused
let choice = null; // {wasRunning, until}: a choice in the side bar that the desk has not heard of yet

// Which item takes keys now.
export function drawReady() {
  const isCalm = performance.now() - refusedAt > BURST_MS;
  const isReady = !desk.hidden && at.shown !== null && paintedAt < Infinity && isCalm && isChoiceHere();
  desk.dataset.lcReady = isReady ? at.shown.card.item_id : "";
}

export function notePaint() {
  paintedAt = Infinity;
  drawReady();
  requestAnimationFrame(() => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      paintedAt = performance.now();
      drawReady();
    };
    port2.postMessage(null);
  });
}

export function isInSight(event) {
  const isChosen = isChoiceHere();
  if (event.timeStamp >= paintedAt && isChosen && !isGoingOn(event)) return true;
  refusedAt = event.timeStamp;
  drawReady();
  tell(isChosen ? at.config.texts.too_early : at.config.texts.choosing, "warning");
  return false;
}

// Who types on has not read that a key was refused: the rest of the sentence would be commands.
export function isGoingOn({ timeStamp }) {
  const isBurst = timeStamp - refusedAt < BURST_MS;
  if (isBurst) refusedAt = timeStamp;
  return isBurst;
}

// Whether the desk has heard of the last choice in the side bar, above all of who labels.
export function isChoiceHere() {
  const who = document.querySelector(".st-key-reviewer input")?.value;
  return choice === null && (!who || who === at.config.reviewer_shown);
}

// A choice in the side bar may put another person or queue at this desk: no key acts before it did.
watchSideBar(
  {
    awaitDraw: () => setChoice(desk.hidden ? null : { wasRunning: false, until: Date.now() + CHOSEN_MS }),
    stopWaiting: () => setChoice(null),
  },
  () => (desk.hidden ? null : desk),
);

export function lookAtChoice() {
  if (choice === null) return;
  if (!isPageStill()) choice.wasRunning = true;
  else if (choice.wasRunning || Date.now() > choice.until) setChoice(null);
}

function setChoice(next) {
  choice = next;
  if (choice === null) comeHome();
  drawReady();
}

// Takes the focus that what was drawn again let fall, a closed list or form; from no field. A list that
// is open drops the focus for up to a quarter of a second while it narrows to what is typed.
const isListOpen = () => document.querySelector('[role="combobox"][aria-expanded="true"], [role="listbox"]') !== null;
export function comeHome() {
  const { activeElement } = document;
  if (isListOpen()) return;
  if (!desk.hidden && (activeElement === document.body || activeElement === main())) desk.focus({ preventScroll: true });
}

// Escape anywhere but in an open list or form means the item too.
export function takeBack({ target }) {
  const isOpen = target.closest?.('[aria-expanded="true"], input, textarea') || document.querySelector('[role="listbox"]') || isDialogOpen();
  if (!isOpen) desk.focus({ preventScroll: true });
}

// Says so on the card while keys do not reach the desk.
function drawKeys() {
  desk.toggleAttribute("data-lc-keys-off", !desk.contains(document.activeElement));
}

document.addEventListener("focusin", drawKeys);
document.addEventListener("input", drawReady); // a name typed in the side bar is not the one at the desk
// The hint is gone as soon as the desk has the focus, so that it can have none itself.
desk.addEventListener("mousedown", (event) => {
  if (!event.target.closest(".lc-keys-off")) return;
  event.preventDefault();
  desk.focus({ preventScroll: true });
});

// A click next to the item means the item.
document.addEventListener("focusin", ({ target }) => {
  if (!desk.hidden && target === main()) desk.focus({ preventScroll: true });
});

setInterval(() => {
  lookAtChoice();
  drawReady();
  drawKeys(); // focus that fell to the page makes no event
}, LOOK_MS);
