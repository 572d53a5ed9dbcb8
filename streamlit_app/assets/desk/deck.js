// The items ahead of the reviewer, read while the one on screen is read: showing the next one asks
// nobody. They are reserved for the reviewer on the server; what is not used is given back.

const AHEAD = 7;
const FEW = 4; // With fewer ahead than this more are asked for: three last 0.6 s at five items a second.
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 10_000;

export class Deck {
  ahead = []; // cards, the next one first
  end = null; // markup of the end, once the server said that nothing more is open
  #ask;
  #on;
  #isAsking = false;
  #timer = 0;
  #wait = FIRST_WAIT_MS;
  #round = 0; // changes when the deck is thrown away, so that a late answer is not put into the next

  // ask(after, n) resolves to {cards, progress, end} or rejects. on: {add(card), more(), drop(card)}.
  constructor(ask, on) {
    this.#ask = ask;
    this.#on = on;
  }

  // Takes the next card off the deck; null where none is there yet. One that is no longer held for the
  // reviewer is asked for again, unless the server is away.
  take() {
    if (this.#wait === FIRST_WAIT_MS) {
      const old = this.ahead.filter((card) => card.held_until !== null && card.held_until < Date.now());
      old.forEach((card) => this.drop(card.item_id));
    }
    const card = this.ahead.shift() ?? null;
    this.fill(card?.item_id);
    return card;
  }

  // Puts a card in front: the reveal of an item that was left before the server answered.
  putFirst(card) {
    this.drop(card.item_id);
    this.ahead.unshift(card);
    this.#on.add(card);
  }

  // An item that another tab saved, or that is on screen by another way.
  drop(itemId) {
    this.ahead = this.ahead.filter((card) => {
      if (card.item_id !== itemId) return true;
      this.#on.drop(card);
      return false;
    });
  }

  clear() {
    this.ahead.forEach((card) => this.#on.drop(card));
    this.ahead = [];
    this.end = null;
    this.#round += 1;
    this.#isAsking = false;
    clearTimeout(this.#timer);
  }

  // Asks whether this reviewer may still have items; a refusal closes the desk.
  check() {
    this.#ask(undefined, 1).catch(() => {});
  }

  // Asks for more where few are ahead; without an answer again, later and later.
  async fill(after) {
    if (this.#isAsking || this.ahead.length >= FEW || this.end !== null) return;
    const round = this.#round;
    clearTimeout(this.#timer);
    this.#isAsking = true;
    let answer = null;
    try {
      answer = await this.#ask(this.ahead.at(-1)?.item_id ?? after, AHEAD - this.ahead.length);
    } catch {
      // Asked again below.
    }
    if (round !== this.#round) return;
    this.#isAsking = false;
    for (const card of answer?.cards ?? []) {
      this.ahead.push(card);
      this.#on.add(card);
    }
    if (answer?.cards.length || answer?.end) this.#wait = FIRST_WAIT_MS;
    else {
      // No answer, or what is left is with others, or not confirmed yet.
      this.#timer = setTimeout(() => this.fill(after), this.#wait);
      this.#wait = Math.min(2 * this.#wait, LONGEST_WAIT_MS);
    }
    this.end = answer?.end ?? null;
    if (answer) this.#on.more(answer);
  }
}
