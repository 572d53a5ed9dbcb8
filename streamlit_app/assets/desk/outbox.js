// What a person saved and the server has not confirmed yet. An entry is in the browser's storage while
// it is sent, has an id of its own, under which the server stores it once however often it arrives, and
// leaves only when the server confirmed it or a person decided.

const DATABASE = "llamacare-desk";
const STORE = "outbox";
const TAB = crypto.getRandomValues(new Uint32Array(2)).join("-");
const lockOf = (tab) => `llamacare-desk-${tab}`;
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 15_000;
const ANSWER_MS = 20_000; // A line that takes a request and never answers is cut.

const done = (request) =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

function openDatabase() {
  const request = indexedDB.open(DATABASE, 1);
  request.onupgradeneeded = () => request.result.createObjectStore(STORE, { keyPath: "judgement_id" });
  return done(request);
}

export class Outbox {
  #database;
  #entries = new Map(); // by judgement id, in the order in which they were made
  #isSending = false;
  #timer = 0;
  #wait = FIRST_WAIT_MS;
  #post;
  #on;

  // post(entry, signal) sends one entry and resolves to {status, body}; it rejects where no answer came.
  // on: {maySend(entry), change(), stored(entry, body), decide(entry)}.
  constructor(post, on) {
    this.#post = post;
    this.#on = on;
  }

  async open() {
    navigator.locks?.request(lockOf(TAB), () => new Promise(() => {})); // held while this tab lives
    this.#database = await openDatabase();
    addEventListener("online", () => this.send());
    document.addEventListener("visibilitychange", () => document.hidden || this.adopt());
    await this.adopt();
  }

  // Sends on what tabs left that are no more; what another tab has in hand, only that tab sends.
  async adopt() {
    const stored = await done(this.#store("readonly").getAll());
    const locks = (await navigator.locks?.query())?.held.map((lock) => lock.name) ?? [];
    stored.sort((one, other) => one.added_at - other.added_at);
    for (const entry of stored) {
      const isOrphan = entry.tab !== TAB && !locks.includes(lockOf(entry.tab));
      if (isOrphan && !this.#entries.has(entry.judgement_id)) {
        await this.#put({ ...entry, tab: TAB });
        this.#entries.set(entry.judgement_id, { ...entry, tab: TAB });
      }
    }
    this.#on.change();
    this.send();
  }

  #store(mode) {
    const transaction = this.#database.transaction(STORE, mode, { durability: "strict" });
    return transaction.objectStore(STORE);
  }

  get(id) {
    return this.#entries.get(id);
  }

  of(reviewerId, state) {
    const all = [...this.#entries.values()];
    return all.filter((entry) => entry.reviewer_id === reviewerId && (entry.state === "waiting") === (state === "waiting"));
  }

  // The entry counts from now on. It is stored and sent at once: a reveal need not wait for the disk, and
  // the browser deletes what was confirmed after it has stored it, in the order in which it was asked.
  async add(entry) {
    const whole = { ...entry, tab: TAB, state: "waiting", added_at: Date.now() + performance.now() / 1e6 };
    this.#entries.set(whole.judgement_id, whole);
    this.#on.change();
    const stored = this.#put(whole);
    this.send(); // Where the browser refuses to store, too: private windows, a full disk.
    await stored;
  }

  #put(entry) {
    return done(this.#store("readwrite").put(entry));
  }

  // Takes an entry out by a person's decision; not one that the server may have stored unheard.
  async remove(id) {
    const entry = this.#entries.get(id);
    if (!entry || (entry.wasSent && entry.state === "waiting")) return false;
    await this.#drop(id);
    return true;
  }

  async #drop(id) {
    this.#entries.delete(id);
    this.#on.change();
    await done(this.#store("readwrite").delete(id));
  }

  // Puts an entry about which a person decided back in line, changed as they decided.
  async again(id, changes) {
    const entry = this.#entries.get(id);
    if (!entry) return;
    delete entry.answer;
    Object.assign(entry, { state: "waiting" });
    Object.assign(entry.body, changes);
    await this.#put(this.#plain(entry));
    this.#on.change();
    this.send();
  }

  #plain(entry) {
    const { flight, ...plain } = entry;
    return plain;
  }

  // Sends what waits, one after the other, so that an item's labels arrive in their order.
  async send() {
    if (this.#isSending) return;
    clearTimeout(this.#timer);
    this.#isSending = true;
    try {
      let entry;
      while ((entry = this.#next())) {
        if (!(await this.#sendOne(entry))) {
          this.#timer = setTimeout(() => this.send(), this.#wait * (0.75 + Math.random() / 2));
          this.#wait = Math.min(2 * this.#wait, LONGEST_WAIT_MS);
          return;
        }
        this.#wait = FIRST_WAIT_MS;
      }
    } finally {
      this.#isSending = false;
    }
  }

  #next() {
    return [...this.#entries.values()].find((entry) => entry.state === "waiting" && this.#on.maySend(entry));
  }

  // True where the server answered, whatever it said; false where the entry must be sent again.
  async #sendOne(entry) {
    const stop = new AbortController();
    const timer = setTimeout(() => stop.abort(), ANSWER_MS);
    const flight = this.#post(entry, stop.signal);
    entry.wasSent = true;
    entry.flight = flight.catch(() => {});
    let answer;
    try {
      answer = await flight;
    } catch {
      return false;
    } finally {
      clearTimeout(timer);
      delete entry.flight;
    }
    if (answer.status >= 500 || answer.status === 429) return false;
    if (answer.status === 200) {
      // What is revealed does not wait for the disk: sent again by the next tab, it is stored no second time.
      this.#drop(entry.judgement_id).catch(() => {});
      this.#on.stored(entry, answer.body);
      return true;
    }
    entry.state = answer.status === 409 ? "conflict" : "refused";
    entry.answer = answer.body;
    await this.#put(this.#plain(entry));
    this.#on.change();
    this.#on.decide(entry);
    return true;
  }
}
