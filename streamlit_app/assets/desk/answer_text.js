// The characters of an answer where they are drawn. The page leaves out Markdown's signs, draws \r\n as
// one line break and an invisible character as its number; places count the answer's code points, as
// the server does.
const isSpace = (character) => /\s/.test(character);

export class AnswerText {
  #pieces = []; // {node, places}: for each UTF-16 offset of a text node the place in the answer

  constructor(root, { answer, sentences }) {
    this.characters = Array.from(answer);
    for (const run of root.querySelectorAll("[data-at]")) this.#read(run);
    this.sentences = sentences.filter(([start, end]) => this.rangeOf(start, end));
    this.words = this.#words(answer);
  }

  #read(run) {
    let place = Number(run.dataset.at);
    const walker = document.createTreeWalker(run, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      const node = walker.currentNode;
      const places = [];
      if (node.parentElement.closest(".lc-invisible")) places.push(...Array(node.length).fill(place++));
      else {
        for (const drawn of node.data) {
          places.push(...Array(drawn.length).fill(place));
          place += drawn === "\n" && this.characters[place] === "\r" && this.characters[place + 1] === "\n" ? 2 : 1;
        }
      }
      places.push(place);
      this.#pieces.push({ node, places });
    }
  }

  // The words that are drawn, as places.
  #words(answer) {
    const found = [];
    let place = 0;
    let piece = 0;
    for (const { segment, isWordLike } of new Intl.Segmenter(undefined, { granularity: "word" }).segment(answer)) {
      const end = place + Array.from(segment).length;
      while (piece < this.#pieces.length && this.#pieces[piece].places.at(-1) <= place) piece += 1;
      if (piece === this.#pieces.length) break;
      if (isWordLike && this.#pieces[piece].places[0] <= place) found.push([place, end]);
      place = end;
    }
    return found;
  }

  // Where places are drawn, or null for those of which nothing is.
  rangeOf(start, end) {
    const first = this.#pieces.find(({ places }) => places.at(-1) > start);
    const last = this.#pieces.findLast(({ places }) => places[0] < end);
    if (!first || !last || first.places[0] >= end) return null;
    const range = document.createRange();
    range.setStart(first.node, first.places.findIndex((place) => place >= start));
    const stop = last.places.findIndex((place) => place >= end);
    range.setEnd(last.node, stop < 0 ? last.node.length : stop);
    return range.collapsed ? null : range;
  }

  // The places that a selection covers, without the space around them; null where it covers none.
  placesOf(range) {
    let start = Infinity;
    let end = -1;
    for (const { node, places } of this.#pieces) {
      if (!range.intersectsNode(node)) continue;
      const low = node === range.startContainer ? range.startOffset : 0;
      const high = node === range.endContainer ? range.endOffset : node.length;
      if (low >= high) continue;
      start = Math.min(start, places[low]);
      end = Math.max(end, places[high]);
    }
    while (start < end && isSpace(this.characters[start])) start += 1;
    while (start < end && isSpace(this.characters[end - 1])) end -= 1;
    return start < end ? [start, end] : null;
  }

  textOf(start, end) {
    return this.characters.slice(start, end).join("");
  }
}
