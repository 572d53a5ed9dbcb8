// When a press of a key counts: only on the presentation of the item that the person saw when pressing.
// The page is drawn in parts: the question first, then the controls, last the marker, which names
// the item (lcOn), the presentation (lcToken) and the draw (lcDraw). A press made while a draw is under
// way waits for it; it counts if what was seen stays on screen, else it is dropped. A lost
// connection drops whatever waits.
import { isConnected, watchConnection } from "./connection.js";

const DRAW_MS = 4000; // Give up waiting for a draw that does not come, so that keys work again.

const shown = () => {
  const item = document.querySelector("[data-lc-item]");
  return item ? item.dataset.lcItem : "";
};

export class PressGate {
  #marker;
  #hasControls;
  #sent = null; // {draw, until, isChoice}: the draw on screen when a press or a choice was sent.
  #waiting = []; // {item, token, action, until}, in the order of the presses.

  // marker: the selector of the page's marker. hasControls(mark): whether the buttons are there.
  constructor(marker, hasControls) {
    this.#marker = marker;
    this.#hasControls = hasControls;
    watchConnection(() => (this.#waiting = []));
    new MutationObserver(() => this.#waiting.length && this.#drain()).observe(document.body, {
      childList: true,
      subtree: true,
      attributes: true,
      attributeFilter: ["data-lc-on", "data-lc-draw", "data-lc-token"],
    });
  }

  marker() {
    return document.querySelector(this.#marker);
  }

  // Runs action(mark), now or as soon as the page can take it.
  take(action) {
    const item = shown();
    const mark = this.marker();
    // A question newer than the marker: which presentation of it this is, the marker will say; likewise
    // after a choice in the side bar, which shows the same question again.
    const isOld = mark.dataset.lcOn !== item || (this.#isAwaited(mark) && this.#sent.isChoice);
    const token = isOld ? null : mark.dataset.lcToken;
    this.#waiting.push({ item, token, action, until: Date.now() + DRAW_MS });
    this.#drain();
  }

  // Says that a press went to the server: until the next draw no other does.
  sent(mark) {
    this.#sent = { draw: mark.dataset.lcDraw, until: Date.now() + DRAW_MS };
  }

  // The same of a choice next to the item, for which the whole page is drawn.
  awaitDraw() {
    const mark = this.marker();
    if (!mark) return;
    this.sent(mark);
    this.#sent.isChoice = true;
  }

  // Says that no draw comes of the choice after all.
  stopWaiting() {
    if (this.#sent && this.#sent.isChoice) this.#sent = null;
    this.#drain();
  }

  #isAwaited(mark) {
    const sent = this.#sent;
    return sent !== null && sent.draw === mark.dataset.lcDraw && Date.now() < sent.until;
  }

  #isDrawn(mark) {
    if (!mark || mark.dataset.lcOn !== shown() || this.#isAwaited(mark)) return false;
    this.#sent = null;
    return true;
  }

  #drain() {
    if (!isConnected()) this.#waiting = [];
    while (this.#waiting.length > 0) {
      const mark = this.marker();
      const { item, token, action, until } = this.#waiting[0];
      const isDrawn = this.#isDrawn(mark);
      const isSeen = isDrawn && mark.dataset.lcOn === item && (token === null || token === mark.dataset.lcToken);
      if (Date.now() < until && (!isDrawn || (isSeen && !this.#hasControls(mark)))) {
        return; // The next change of the page comes back here.
      }
      this.#waiting.shift();
      if (!isSeen || !this.#hasControls(mark)) continue;
      action(mark);
      // A pick is in the page's hands a frame later; the press after it must find it there.
      requestAnimationFrame(() => this.#drain());
      return;
    }
  }
}
