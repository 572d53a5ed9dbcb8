// What the parts of the desk share: its elements in the page, and what it is about at the moment.
import { make } from "./view.js";

export const at = {
  config: null, // who works through what, and the texts; from the page's frame
  shown: null, // the card's view on screen
  first: null, // the items that came with the page: {opened, next}
  opening: null, // the id of an item that was asked for and comes first
  reveal: null, // {id, view, timer}: the blind label whose reveal is awaited
  isHeldBack: false, // an item that was asked for is not shown, and the line says why
  said: null, // what the line of the next card begins with
};
export const views = new Map(); // by item id: the card on screen and those ahead
export const trail = []; // {judgement_id, item_id, judgement}: what this tab saved, the last one at the end

export const desk = make("section", { class: "lc-desk", tabindex: "-1", hidden: true });
export const cards = make("div", { class: "lc-cards" });
export const notices = make("div", { class: "lc-desk-notices" });
export const ending = make("div", { class: "lc-ending", hidden: true });
export const live = make("div", { class: "lc-live", role: "status" });
desk.append(notices, cards, ending, live);

// The frame that the page drew; before that, the one that came with it (api/first_page.py).
export const drawnFrame = () => main()?.querySelector(".lc-desk-frame");
export const firstPlace = () => document.querySelector(".lc-first");
export const frame = () => drawnFrame() ?? firstPlace()?.querySelector(".lc-desk-frame");
export const main = () => document.querySelector('[data-testid="stMain"]');
export const isPageStill = () => document.querySelector('[data-testid="stApp"]')?.dataset.testScriptState === "notRunning";
