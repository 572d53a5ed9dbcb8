// The review desk: shows one item after the other, acts on keys, and hands what was saved to the outbox.
// It stands outside of what Streamlit draws, so that no rerun, lost connection or new session of the
// page touches a field in it. The page's frame (views/review.py) says who reviews what, by data alone.
import { isConnected } from "../connection.js";
import { comeHome, lookAtChoice } from "./focus.js";
import { setKeys } from "./keymap.js";
import { closeDesk, deck, drawEnd, lift, open, setAddress } from "./screen.js";
import { drawState, outbox } from "./sending.js";
import { at, desk, drawnFrame, firstPlace, frame, isPageStill, main, trail, views } from "./state.js";
import { drawTabs, greet, leave, otherTabs } from "./tabs.js";
import { make } from "./view.js";
// Named here so that the browser asks for all parts at once, not for one after the other.
import "./presses.js";
import "./commands.js";
import "./choosing.js";
import "./saving.js";
import "./decisions.js";
import "./drafts.js";
import "./line.js";
import "./marking.js";
import "./answer_text.js";
import "./server.js";
import "./deck.js";
import "./outbox.js";
import "./keys.js";
import "../side_bar.js";

const GONE_MS = 1_000; // The frame is missing for good, not only amid a rerun.

let isAway = false; // another page was on screen since
let goneTimer = 0;

function start(next) {
  const before = at.config;
  const isNew = before === null || before.scope !== next.scope;
  if (next.first) next.item = new URLSearchParams(location.search).get("item");
  // What the page read from the address as it connected was on the desk then; it may have gone on since.
  const isOther = next.item !== before?.item && !before?.first;
  const isAsked = next.item !== null && (before === null || isAway || isOther);
  if (isNew && before !== null) leave();
  at.config = next;
  at.first = next.first;
  isAway = false;
  if (isNew) begin();
  else if (JSON.stringify(before.keys) !== JSON.stringify(next.keys)) setKeys(next.keys);
  desk.setAttribute("aria-label", next.texts.desk);
  drawState();
  if (isAsked && at.shown?.card.item_id !== next.item) {
    at.opening = next.item;
    open(next.item).finally(() => {
      at.opening = null;
      deck.fill(next.item);
    });
  }
  if (next.closed !== null) closeDesk();
  else if (isNew) deck.fill(at.opening ?? undefined);
  else if (at.shown) setAddress(at.shown.card.item_id);
  outbox.send();
}

// Another person or another list: nothing of the one before stays on screen.
function begin() {
  if (at.reveal) clearTimeout(at.reveal.timer);
  at.reveal = null;
  deck.clear();
  [...views.keys()].forEach(lift);
  at.shown = null;
  trail.length = 0;
  otherTabs.clear();
  drawTabs();
  greet("hello");
  drawEnd();
  comeHome();
}

// The desk goes where the page's content is, and is there as long as the Review page is.
function look() {
  lookAtChoice();
  settle();
  const here = frame();
  if (here) read(here);
  if (drawnFrame()) {
    clearTimeout(goneTimer);
    goneTimer = 0;
  } else if (!desk.hidden && !goneTimer) {
    goneTimer = setTimeout(goAway, GONE_MS);
  }
}

// The page may be put together again with the desk in it, which takes the focus out of a field.
let lastFocused = null;
desk.addEventListener("focusin", ({ target }) => (lastFocused = target));

// What came with the page is in its own place until the page is drawn; then the desk moves over as it is.
function settle() {
  const first = firstPlace();
  const place = (first && !drawnFrame() ? first : main()) ?? shelter();
  if (place && !place.contains(desk)) {
    const { activeElement } = document;
    const isTaken = !desk.isConnected && activeElement === document.body;
    const focused = isTaken ? lastFocused : activeElement;
    const scrolled = [...desk.querySelectorAll("*")].filter((one) => one.scrollTop > 0).map((one) => [one, one.scrollTop]);
    place.append(desk);
    if (desk.contains(focused)) focused.focus({ preventScroll: true });
    scrolled.forEach(([one, top]) => (one.scrollTop = top));
  }
  if (first && place !== first) first.remove();
}

// A place of its own while there is no page: Streamlit takes all of it away where it meets a fault.
function shelter() {
  if (desk.hidden) return null;
  const place = make("div", { class: "lc-first" });
  document.body.append(place);
  return place;
}

function read(here) {
  const isShowing = desk.hidden;
  setHidden(false);
  if (here.dataset.lcDesk !== look.read) {
    look.read = here.dataset.lcDesk;
    start(JSON.parse(look.read));
  }
  if (at.shown && location.search !== look.search) {
    setAddress(at.shown.card.item_id); // the frame may have written another one
    look.search = location.search;
  }
  if (isShowing) comeHome();
}

// Said on the root too, for the style of what is around the desk.
function setHidden(isHidden) {
  desk.hidden = isHidden;
  document.documentElement.toggleAttribute("data-lc-at-desk", !isHidden);
}

function goAway() {
  goneTimer = 0;
  if (drawnFrame()) return;
  const isDrawn = document.querySelector(".lc-page-end") !== null; // by the shell, at the end of every page
  if (!isConnected() || !isPageStill() || !isDrawn) {
    look();
    return;
  }
  firstPlace()?.remove();
  setHidden(true);
  isAway = true;
  look.read = null;
  at.shown?.rest();
}

// First what an earlier page of this browser left: its items are labelled.
outbox.open().finally(() => {
  new MutationObserver(look).observe(document.documentElement, {
    childList: true,
    subtree: true,
    attributes: true,
    attributeFilter: ["data-lc-desk", "data-test-connection-state", "data-test-script-state"],
  });
  look();
});
document.documentElement.dataset.lcListening = "yes";
