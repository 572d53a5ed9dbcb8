// Marks the words of the answer that support the label: those selected with the mouse, else word by
// word and sentence by sentence with the arrow keys.
import { keepDraft } from "./drafts.js";
import { tell } from "./line.js";
import { at, desk, live, main } from "./state.js";

const SPAN = "lc-support";
const CURSOR = "lc-marking";

let marking = null; // {view, anchor, head}: the words from one to the other, by their place in the list

function paint(name, range) {
  if (!window.Highlight) return; // the words are in Details too
  if (range) CSS.highlights.set(name, new Highlight(range));
  else CSS.highlights.delete(name);
}

// Highlights what is marked on the card that is on screen.
export function drawSpan(view) {
  if (marking && marking.view !== view) leaveMarking();
  const { span } = view;
  const isDrawn = span?.text === "answer" && view.answerText !== null;
  paint(SPAN, isDrawn ? view.answerText.rangeOf(span.start, span.end) : null);
}

function setSpan(view, places) {
  leaveMarking();
  view.setSpan(places && { text: "answer", start: places[0], end: places[1] });
  drawSpan(view);
  keepDraft(view);
  getSelection().removeAllRanges();
  tell(places ? at.config.texts.span_set : at.config.texts.span_removed, "info");
}

export const removeSpan = () => setSpan(at.shown, null);

// Marks what is selected in the answer; without a selection the keys choose the words.
export function mark() {
  const view = at.shown;
  if (view.answerText === null) return tell(at.config.texts.nothing_to_mark, "warning");
  const selection = getSelection();
  const places = selection.isCollapsed || !selection.rangeCount ? null : view.answerText.placesOf(selection.getRangeAt(0));
  if (places) return setSpan(view, places);
  if (marking) return finish();
  start(view);
}

function start(view) {
  const { words, sentences } = view.answerText;
  if (!words.length) return tell(at.config.texts.nothing_to_mark, "warning");
  marking = { view, anchor: 0, head: 0 };
  if (view.span?.text === "answer") {
    const inside = words.flatMap(([start, end], index) => (start >= view.span.start && end <= view.span.end ? [index] : []));
    if (inside.length) Object.assign(marking, { anchor: inside[0], head: inside.at(-1) });
  } else if (sentences.length) goToSentence(firstInSight(view), false);
  desk.focus({ preventScroll: true });
  tell(at.config.texts.marking);
  drawCursor();
}

// The sentence that holds the words that decided, else the first one that can be seen.
function firstInSight(view) {
  const { sentences } = view.answerText;
  const decided = view.mark && rangeAround(view.mark);
  const [place] = (decided && view.answerText.placesOf(decided)) ?? [-1];
  const holding = sentences.findIndex(([start, end]) => start <= place && place < end);
  if (holding >= 0) return holding;
  const top = (scrollerOf(view) ?? view.root).getBoundingClientRect().top;
  return Math.max(0, sentences.findIndex(([start, end]) => view.answerText.rangeOf(start, end).getBoundingClientRect().bottom > top));
}

function rangeAround(element) {
  const range = document.createRange();
  range.selectNodeContents(element);
  return range;
}

// A key while words are chosen. Returns whether it was one of these keys.
export function markingKey({ key, shiftKey, repeat }) {
  if (marking && marking.view !== at.shown) leaveMarking(); // its card is gone, as at the end of a list
  if (!marking) return false;
  const { view, head } = marking;
  if (key === "Escape") {
    leaveMarking();
    tell("");
  } else if (key === "Enter") {
    if (!repeat) finish();
  } else if (key === "Backspace" || key === "Delete") setSpan(view, null);
  else if (key === "ArrowLeft" || key === "ArrowRight") {
    const step = (key === "ArrowRight") === isLeftToRight(view, head) ? 1 : -1;
    goToWord(head + step, shiftKey);
  } else if (key === "ArrowUp" || key === "ArrowDown") {
    goToSentence(sentenceOf(view, head) + (key === "ArrowDown" ? 1 : -1), shiftKey);
  } else {
    if (key.length === 1) leaveMarking();
    return false;
  }
  return true;
}

function isLeftToRight(view, word) {
  const { startContainer } = view.answerText.rangeOf(...view.answerText.words[word]);
  return getComputedStyle(startContainer.parentElement).direction !== "rtl";
}

function sentenceOf(view, word) {
  const { words, sentences } = view.answerText;
  return sentences.findLastIndex(([start]) => start <= words[word][0]);
}

function goToWord(word, isExtending) {
  const last = marking.view.answerText.words.length - 1;
  marking.head = Math.min(Math.max(word, 0), last);
  if (!isExtending) marking.anchor = marking.head;
  drawCursor();
}

// Chooses a whole sentence, or extends to its far end.
function goToSentence(index, isExtending) {
  const { words, sentences } = marking.view.answerText;
  const place = Math.min(Math.max(index, 0), sentences.length - 1);
  if (place < 0) return;
  const [start, end] = sentences[place];
  const inside = words.flatMap((word, at) => (word[0] >= start && word[1] <= end ? [at] : []));
  if (!inside.length) return;
  const isBack = isExtending && inside[0] < marking.anchor;
  if (!isExtending) marking.anchor = inside[0];
  marking.head = isBack ? inside[0] : inside.at(-1);
  drawCursor();
}

// From the first word to the last one; a sentence that is chosen to its end keeps its full stop.
function chosen() {
  const { view, anchor, head } = marking;
  const { words, sentences } = view.answerText;
  const low = Math.min(anchor, head);
  const high = Math.max(anchor, head);
  const [, end] = words[high];
  const sentence = sentences.find(([from, to]) => from < end && end <= to);
  const isLast = sentence && (high + 1 === words.length || words[high + 1][0] >= sentence[1]);
  return [words[low][0], isLast ? sentence[1] : end];
}

function finish() {
  setSpan(marking.view, chosen());
}

function drawCursor() {
  const { view } = marking;
  const [start, end] = chosen();
  const range = view.answerText.rangeOf(start, end);
  paint(CURSOR, range);
  live.textContent = view.answerText.textOf(start, end);
  if (range) bringIntoSight(view, view.answerText.rangeOf(...view.answerText.words[marking.head]));
}

export function leaveMarking() {
  marking = null;
  paint(CURSOR, null);
}

const scrolls = (element) => element && element.scrollHeight > element.clientHeight + 1 && getComputedStyle(element).overflowY !== "visible";
const scrollerOf = (view) => [view.answerPane, view.root, main()].find(scrolls);

function bringIntoSight(view, range) {
  const scroller = scrollerOf(view);
  if (!scroller || !range) return;
  const box = range.getBoundingClientRect();
  const frame = scroller.getBoundingClientRect();
  if (box.top >= frame.top && box.bottom <= frame.bottom) return;
  scroller.scrollBy({ top: box.top - frame.top - scroller.clientHeight / 3, behavior: "instant" });
}

// A press of a button leaves the selection as it is.
desk.addEventListener("mousedown", (event) => event.target.closest("[data-lc-keeps-selection]") && event.preventDefault());
