// Keys of the Adjudicate page. One listener for the whole page; it acts only while the page's marker
// is there and belongs to the same item as the question on screen. A press that changes the item is
// followed by none until the next draw, so that no press reaches an item that was not read.
(() => {
  "use strict";
  if (window.lcAdjudicateKeys) return;
  window.lcAdjudicateKeys = true;

  const WAIT_MS = 4000; // Give up waiting for a draw that does not come, so that keys work again.
  const MOVES = {
    Enter: "adjudicate_save",
    s: "adjudicate_skip",
    ArrowLeft: "adjudicate_previous",
    ArrowRight: "adjudicate_next",
  };
  const FIELDS = { w: "adjudicate_reason", t: "adjudicate_note" };
  let waitingFor = null; // {draw, until}: the draw that was on screen when a press was sent.

  const marker = () => document.querySelector(".lc-adjudicate-marker");
  const inside = (key, what) => document.querySelector(`[class*="st-key-${key}_"] ${what}`);

  function isReady(mark) {
    const item = document.querySelector("[data-lc-item]");
    if (!item || item.dataset.lcItem !== mark.dataset.lcOn) return false;
    if (waitingFor && waitingFor.draw === mark.dataset.lcDraw && Date.now() < waitingFor.until) {
      return false;
    }
    waitingFor = null;
    return true;
  }

  // A field hands its content to the page when it loses focus; the press comes after that.
  function press(mark, key) {
    const target = inside(key, "button:not([disabled])");
    if (!target) return;
    waitingFor = { draw: mark.dataset.lcDraw, until: Date.now() + WAIT_MS };
    if (document.activeElement) document.activeElement.blur();
    requestAnimationFrame(() => target.click());
  }

  function pick(place) {
    const choice = document.querySelectorAll('[class*="st-key-review_picker"] button')[place];
    if (choice && choice.getAttribute("aria-checked") !== "true") choice.click();
  }

  function focus(key) {
    const field = inside(key, ":is(input, textarea)");
    if (!field) return;
    field.focus();
    if (field.tagName === "INPUT") field.click(); // opens the list of reasons
  }

  // True when the page used the key, which Streamlit must then not see.
  function handle(event, mark) {
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    const pair = mark.dataset.lcKeys.split(" ").find((text) => text.split(":")[0] === key);
    if (!pair && !(key in MOVES) && !(key in FIELDS)) return false;
    if (event.repeat || !isReady(mark)) return true;
    if (pair) pick(Number(pair.split(":")[1]));
    else if (key in FIELDS) focus(FIELDS[key]);
    else press(mark, MOVES[key]);
    return true;
  }

  // In a field keys are text, but for Esc, which leaves it, and Enter on a reason that is chosen.
  function handleInField(event, mark, field) {
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
    if (!event.repeat && isReady(mark)) press(mark, MOVES.Enter);
    return true;
  }

  window.addEventListener(
    "keydown",
    (event) => {
      const mark = marker();
      if (!mark || event.isComposing || event.altKey) return;
      if (document.querySelector('[role="dialog"]')) return;
      const target = event.target instanceof Element ? event.target : document.body;
      const field = target.closest("input, textarea, [contenteditable]");
      const isPicker = target.closest('[class*="st-key-review_picker"]') !== null;
      let used = false;
      if (event.ctrlKey || event.metaKey) {
        used = event.key === "Enter";
        if (used && !event.repeat && isReady(mark)) press(mark, MOVES.Enter);
      } else if (field && !isPicker) {
        used = handleInField(event, mark, field);
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
})();
