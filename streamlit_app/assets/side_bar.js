// A choice in the side bar is over once it is made: the focus goes back to the item, so that the
// next key is a command and no letter in a list. The page is drawn again for the choice; a press
// made before that waits for it, so that no label goes to the reviewer or the queue left behind.
import { isDialogOpen } from "./connection.js";

const SIDE_BAR = ':is([data-testid="stSidebar"], .st-key-lc_header)'; // and the bar with the name
const POPOVER = '[data-testid="stPopoverBody"]';
const CHOSEN_MS = 100; // until a list shows what was chosen in it

let before = null; // {field, value}: the field of the side bar that has the focus, as it was found
let act = ""; // what was done last: the key, or "Pointer"

const inside = (target, area) => (target instanceof Element ? target.closest(area) !== null : false);

// gate: of a page whose items the server draws, see press_gate.js. home(): where the focus goes.
export function watchSideBar(gate, home) {
  function leave(field = null) {
    const place = home();
    if (!place || isDialogOpen()) return;
    place.focus({ preventScroll: true });
    gate.awaitDraw();
    const found = before;
    if (!field || !found || found.field !== field) return;
    // No draw comes where all is as it was.
    setTimeout(() => field.value === found.value && gate.stopWaiting(), CHOSEN_MS);
  }

  // A list closes when something is chosen in it; Tab moves the focus on its own.
  new MutationObserver((changes) => {
    for (const { target } of changes) {
      const isList = target.getAttribute("role") === "combobox" && inside(target, SIDE_BAR);
      const isClosed = target.getAttribute("aria-expanded") !== "true";
      if (!isList || !isClosed || document.activeElement !== target) continue;
      if (["Enter", "Escape", "Pointer"].includes(act)) leave(target);
    }
  }).observe(document.body, { subtree: true, attributes: true, attributeFilter: ["aria-expanded"] });

  window.addEventListener(
    "keydown",
    ({ key, target }) => {
      const isText = inside(target, SIDE_BAR) && target.matches("input:not([role=combobox])");
      // The widget takes the text in first.
      if (isText && (key === "Enter" || key === "Escape")) setTimeout(() => leave(target));
      if (key === "Enter" && inside(target, POPOVER)) gate.awaitDraw();
    },
    true,
  );
  window.addEventListener(
    "click",
    ({ target }) => {
      const button = target instanceof Element ? target.closest("button") : null;
      const opens = button && (button.ariaHasPopup !== null || button.ariaExpanded !== null);
      if (button && inside(button, POPOVER)) gate.awaitDraw();
      // A tick takes the focus after the click.
      else if (!opens && inside(target, `${SIDE_BAR} :is(.stButton, .stCheckbox)`)) setTimeout(leave);
    },
    true, // before the buttons, which let no click pass on
  );
}

window.addEventListener("keydown", ({ key }) => (act = key), true);
window.addEventListener("pointerdown", () => (act = "Pointer"), true);
window.addEventListener(
  "focusin",
  ({ target }) => {
    if (inside(target, `${SIDE_BAR} input`)) before = { field: target, value: target.value };
  },
  true,
);
