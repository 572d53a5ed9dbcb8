// What the desk draws: one element a card, made when the card arrives and hidden until its turn, so that
// showing the next item changes one attribute. Markup comes from the server, escaped there; every other
// text is put in as text.
import { AnswerText } from "./answer_text.js";
import { capOf, commandKeys } from "./keys.js";

// An element; a child that is a string is text.
export function make(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== null && value !== undefined && value !== false) made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

// As crypto.randomUUID(), which browsers have on encrypted pages only.
export function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

// Markup that this server escaped; see markup.py.
export function fragment(html, attributes = {}) {
  const made = make("div", attributes);
  made.innerHTML = html || "";
  return made;
}

export const say = (text, values = {}) =>
  text.replace(/\{(\w+)(?::[^}]*)?\}/g, (whole, name) => (name in values ? String(values[name]) : whole));

// A time as the clock of this browser shows it; the routes know no zone, so it comes in UTC.
function setLocal(time) {
  const moment = new Date(time.dateTime);
  if (isNaN(moment)) return;
  time.title = time.textContent;
  time.textContent = moment.toLocaleString("sv-SE", { dateStyle: "short", timeStyle: "short" }); // 2026-03-01 09:00
}

const TEXTS = ".lc-question, .lc-case, .lc-context p, .lc-option-text, .lc-answer-text, .lc-answer-text > *, .lc-reference p, .lc-history-note";
const MOST_QUOTED = 200;
// command: whose key it is, so that another one can be drawn in its place.
const cap = (key, command) => make("kbd", { "aria-hidden": "true", "data-lc-key": command }, capOf(key));
// Words with the digits that choose them.
const numbered = (words) => Object.entries(words).map(([word, text], place) => [word, text, [String(place + 1)]]);
const toneOf = (label, place) =>
  ["yes", "no", "maybe"].includes(label) ? `lc-label-${label}` : `lc-position-${place % 5}`;

// One card on the desk, with what the reviewer picked and typed.
export class CardView {
  seenMs = 0;
  #since = 0;
  #answerText; // read when it is needed first

  // on: {command(name), pick(place), change(view)}
  constructor(card, config, on) {
    this.card = card;
    this.config = config;
    this.on = on;
    this.keys = commandKeys(config.keys, card.labels);
    this.isSeveral = card.is_several;
    this.picked = this.isSeveral ? -1 : card.labels.findIndex((label) => label.label === card.start.label);
    const { label, also } = card.start;
    this.choices = {
      also: new Set(this.isSeveral && label !== null ? [label, ...also] : also),
      verdicts: new Set(card.start.verdicts),
      severity: card.start.severity,
      confidence: card.start.confidence,
    };
    this.span = card.start.span;
    this.groups = {}; // {root, buttons, keys} of each question in Details
    this.#build();
  }

  get isBlind() {
    return this.card.phase === "blind";
  }

  #build() {
    const { fragments } = this.card;
    this.line = make("div", { class: "lc-line" });
    this.state = make("div", { class: "lc-state" });
    this.root = make(
      "article",
      { class: "lc-card", "data-lc-card": this.card.item_id, "data-lc-phase": this.card.phase, hidden: true },
      (this.itemPane = make("div", { class: "lc-pane lc-pane-item", tabindex: "-1" }, fragment(""))),
      (this.answerPane = make("div", { class: "lc-pane lc-pane-answer", tabindex: "-1" }, fragment(""))),
      (this.strip = make("div", { class: "lc-strip", "aria-hidden": "true" })),
      make("div", { class: "lc-panel" },
        fragment(fragments.place), fragment((fragments.refit ?? "") + (fragments.verdict ?? "")), this.#bar(), this.#moves(), this.#fields(), this.#help()),
    );
    this.setTexts(fragments);
  }

  setTexts({ item, guideline = "", answer = "", reference = "", history = "" }) {
    const rest = reference + history;
    this.itemPane.firstElementChild.innerHTML = item + guideline + (answer ? "" : rest);
    this.answerPane.firstElementChild.innerHTML = answer && answer + rest;
    this.root.classList.toggle("lc-card-plain", !answer);
    this.mark = this.answerPane.querySelector("mark");
    this.#answerText = undefined;
    for (const text of this.root.querySelectorAll(TEXTS)) text.dir = "auto";
    for (const time of this.root.querySelectorAll("time[datetime]")) setLocal(time);
    for (const whole of this.root.querySelectorAll("[data-lc-whole]")) whole.append(" ", cap(this.keys.whole, "whole"));
  }

  // The answer's characters as they are drawn; null where there is no answer, or it is hidden.
  get answerText() {
    if (this.#answerText === undefined) {
      const text = this.answerPane.querySelector(".lc-answer-text");
      this.#answerText = text && this.card.details.answer ? new AnswerText(text, this.card.details) : null;
    }
    return this.#answerText;
  }

  // Brings the words that decided into sight; where the answer has a scroll bar of its own, in it alone.
  jump() {
    const pane = this.answerPane;
    if (!this.mark) return;
    if (getComputedStyle(pane).overflowY === "visible") this.mark.scrollIntoView({ block: "center" });
    else pane.scrollTop = this.#placeOf(this.mark) - pane.clientHeight / 3;
  }

  #placeOf(mark) {
    return mark.getBoundingClientRect().top - this.answerPane.getBoundingClientRect().top + this.answerPane.scrollTop;
  }

  // Where the marks of a long answer are, next to its scroll bar.
  #drawStrip() {
    const pane = this.answerPane;
    const isLong = getComputedStyle(pane).overflowY !== "visible" && pane.scrollHeight > pane.clientHeight + 1;
    const ticks = isLong ? [...pane.querySelectorAll("mark")] : [];
    this.strip.replaceChildren(...ticks.map((mark) =>
      make("i", { style: `top:${((100 * this.#placeOf(mark)) / pane.scrollHeight).toFixed(2)}%` })));
  }

  #bar() {
    const { texts } = this.config;
    this.buttons = this.card.labels.map(({ label, text, short_text, definition, keys }, place) =>
      make("button", {
        type: "button", role: this.isSeveral ? "checkbox" : "radio", "aria-checked": "false",
        "aria-keyshortcuts": keys.join(" "), "aria-label": text, ...(definition && { title: definition }),
        class: `lc-pick ${toneOf(label, place)}`, onclick: () => this.on.pick(place),
      }, make("span", { dir: "auto" }, short_text || text), make("span", { class: "lc-caps" }, ...keys.map((key) => cap(key)))));
    const picker = make("div", { class: "lc-picker", role: this.isSeveral ? "group" : "radiogroup",
      "aria-label": this.isSeveral ? texts.your_labels : texts.your_label }, ...this.buttons);
    if (this.buttons.length > 5) picker.classList.add("lc-picker-many");
    this.save = this.#button("save", this.isBlind ? texts.save_blind : texts.save, "lc-save");
    this.#draw();
    const off = make("button", { type: "button", class: "lc-keys-off", tabindex: "-1" }, texts.keys_off);
    const hint = this.isSeveral ? [make("p", { class: "lc-quiet lc-several" }, texts.your_labels)] : [];
    const hasPicker = this.buttons.length > 0;
    return make("div", { class: "lc-controls" }, this.line, ...hint, ...(hasPicker ? [picker] : []), this.save,
      make("div", { class: "lc-under" }, off, this.state));
  }

  #button(command, text, cls = "") {
    const caps = this.keys[command] ? [" ", cap(this.keys[command], command)] : [];
    return make("button", {
      type: "button", class: `lc-button ${cls}`, "aria-keyshortcuts": this.keys[command], "data-lc-command": command,
      onclick: () => this.on.command(command),
    }, make("span", {}, text), ...caps);
  }

  #moves() {
    const { texts } = this.config;
    this.flag = this.#button("flag", this.card.is_flagged ? texts.unflag : texts.flag);
    this.undo = this.#button("undo", texts.undo);
    const moves = ["back", "on"].map((name) => {
      const button = this.#button(name, "");
      button.setAttribute("aria-label", texts[name]);
      return button;
    });
    return make("div", { class: "lc-moves" }, ...moves, this.#button("skip", texts.skip), this.undo, this.flag);
  }

  #fields() {
    const { texts, words } = this.config;
    const changed = () => this.on.change(this);
    const area = (name, value, rows, placeholder) => {
      this[name] = make("textarea", { rows, dir: "auto", name, placeholder, "aria-label": texts[name], oninput: changed });
      this[name].value = value;
      return make("label", { class: "lc-field" }, make("span", {}, texts[name]), ...(this.keys[name] ? [" ", cap(this.keys[name], name)] : []), this[name]);
    };
    const { details, labels, start } = this.card;
    const isShort = details.answer !== null && details.answer.length <= this.config.max_shown;
    this.more = make("div", { class: "lc-more", hidden: true },
      ...["verdicts", "severity", "confidence"].map((name) => this.#choice(name, numbered(words[name === "verdicts" ? "verdict" : name]))),
      ...(this.isSeveral ? [] : [this.#choice("also", labels.map(({ label, text, keys }) => [label, text, keys]))]),
      ...(details.answer ? [this.#spanRow(), area("corrected", start.answer ?? (isShort ? details.answer : ""), 6, isShort ? null : texts.corrected_long)] : []));
    this.toggle = this.#button("details", texts.details, "lc-link");
    this.toggle.setAttribute("aria-expanded", "false");
    return make("div", { class: "lc-fields" }, area("note", start.note, 2), this.toggle, this.more);
  }

  // The words marked in the answer, and the buttons that mark and unmark.
  #spanRow() {
    const { texts } = this.config;
    const mark = this.#button("mark", texts.mark);
    mark.setAttribute("data-lc-keeps-selection", "");
    this.marked = make("q", { class: "lc-marked", dir: "auto" });
    this.unmark = this.#button("unmark", texts.unmark);
    this.setSpan(this.span);
    return make("div", { class: "lc-choice", role: "group", "aria-label": texts.span },
      make("span", {}, texts.span), this.marked, mark, this.unmark);
  }

  setSpan(span) {
    this.span = span;
    const { answer } = this.card.details;
    const words = span ? Array.from((span.text === "answer" ? answer : this.card.start.answer) ?? "").slice(span.start, span.end) : [];
    this.marked.textContent = words.length > MOST_QUOTED ? `${words.slice(0, MOST_QUOTED).join("")}…` : words.join("");
    this.marked.hidden = this.unmark.hidden = !span;
  }

  // Buttons for one or several of some words: [word, text, keys].
  #choice(name, shown) {
    const chosen = this.choices[name];
    const isOn = (word) => (chosen instanceof Set ? chosen.has(word) : this.choices[name] === word);
    const draw = () => buttons.forEach((button) => button.setAttribute("aria-pressed", isOn(button.value)));
    const press = (word) => {
      if (!(chosen instanceof Set)) this.choices[name] = isOn(word) ? null : word;
      else if (!chosen.delete(word)) chosen.add(word);
      draw();
      this.on.change(this);
    };
    const buttons = shown.map(([word, text, keys]) =>
      make("button", { type: "button", class: "lc-chip-button", value: word, onclick: () => press(word) },
        make("span", {}, text), " ", ...keys.slice(0, 1).map((key) => cap(key))));
    draw();
    const root = make("div", { class: "lc-choice", role: "group", "aria-label": this.config.texts[name] },
      make("span", {}, this.config.texts[name], " ", cap(this.keys[name], name)), ...buttons);
    this.groups[name] = { root, buttons, keys: shown.map(([, , keys]) => keys) };
    return root;
  }

  #help() {
    const { texts, commands } = this.config;
    const row = (caps, text, ...more) => make("tr", {}, make("th", {}, ...caps), make("td", {}, text), make("td", {}, ...more));
    const fixed = (keys, text) => row(keys.map((key) => cap(key)), text);
    const change = (name) =>
      make("button", { type: "button", class: "lc-button lc-link", "data-lc-rekey": name, "aria-label": say(texts.change_key, { command: commands[name] }) }, texts.change);
    const picks = this.card.labels.map(({ text, keys }) => fixed(keys, say(texts.pick, { label: text })));
    const rest = Object.entries(this.keys).map(([name, key]) => row([cap(key, name)], commands[name], change(name)));
    const last = [fixed(["Escape"], commands.escape), fixed(["Ctrl", "Enter"], commands.save_inside)];
    const reset = make("button", { type: "button", class: "lc-button", "data-lc-reset-keys": true }, texts.reset_keys);
    this.help = make("details", { class: "lc-help" }, make("summary", {}, texts.keys_title, " ", cap(this.keys.help, "help")),
      make("div", { class: "lc-help-panel" },
        (this.keyLine = make("p", { class: "lc-key-line", role: "status" })), make("table", {}, make("tbody", {}, ...picks, ...rest, ...last)), make("p", { class: "lc-quiet" }, texts.keys_note), reset));
    return this.help;
  }

  setKeys(keys) {
    this.keys = commandKeys(keys, this.card.labels);
    for (const drawn of this.root.querySelectorAll("[data-lc-key]")) drawn.textContent = capOf(this.keys[drawn.dataset.lcKey]);
    for (const button of this.root.querySelectorAll("[data-lc-command]")) button.setAttribute("aria-keyshortcuts", this.keys[button.dataset.lcCommand]);
  }

  #draw() {
    const isOn = (place) => (this.isSeveral ? this.choices.also.has(this.card.labels[place].label) : place === this.picked);
    this.buttons.forEach((button, place) => button.setAttribute("aria-checked", String(isOn(place))));
  }

  // An item without labels is judged by a verdict, a corrected answer or a note.
  get hasLabel() {
    if (this.card.labels.length === 0)
      return this.choices.verdicts.size > 0 || this.note.value.trim() !== "" || this.#correctedAnswer() !== null;
    return this.isSeveral ? this.choices.also.size > 0 : this.picked >= 0;
  }

  pick(place) {
    const { label } = this.card.labels[place];
    if (!this.isSeveral) this.picked = place;
    else if (!this.choices.also.delete(label)) this.choices.also.add(label);
    this.#draw();
  }

  setMore(isOpen) {
    this.more.hidden = !isOpen;
    this.toggle.setAttribute("aria-expanded", String(isOpen));
    this.toggle.firstChild.textContent = isOpen ? this.config.texts.hide_details : this.config.texts.details;
  }

  setFlag(isFlagged) {
    this.card.is_flagged = isFlagged;
    this.flag.firstChild.textContent = isFlagged ? this.config.texts.unflag : this.config.texts.flag;
  }

  // What is picked and typed, as a draft.
  fields() {
    const label = this.picked < 0 ? null : this.card.labels[this.picked].label;
    const { also, verdicts, severity, confidence } = this.choices;
    return {
      label, also: [...also], note: this.note.value, answer: this.#correctedAnswer(), verdicts: [...verdicts],
      severity, confidence, span: this.#standingSpan(),
    };
  }

  // A span of a corrected text is gone with that text.
  #standingSpan() {
    const isGone = this.span?.text === "corrected" && this.#correctedAnswer() !== this.card.start.answer;
    return isGone ? null : this.span;
  }

  #correctedAnswer() {
    const written = this.corrected?.value.trim() ?? "";
    const same = (text) => text.replace(/\r\n?/g, "\n").trim();
    return written === "" || written === same(this.card.details.answer) ? null : written;
  }

  // The same as a judgement: the label picked comes first.
  judgement() {
    const { label, also, ...rest } = this.fields();
    return { ...rest, note: rest.note.trim(), labels: [...new Set([label, ...also])].filter((name) => name !== null) };
  }

  show() {
    this.root.hidden = false;
    this.#since = performance.now();
    this.root.querySelectorAll(".lc-pane").forEach((pane) => (pane.scrollTop = 0));
    if (!this.mark || getComputedStyle(this.answerPane).overflowY === "visible") return;
    this.#drawStrip();
    if (this.#placeOf(this.mark) > this.answerPane.clientHeight) this.jump();
  }

  hide() {
    this.rest();
    this.root.hidden = true;
  }

  // Time counts while the item is in sight.
  rest() {
    if (this.#since) this.seenMs += performance.now() - this.#since;
    this.#since = 0;
  }

  wake() {
    if (!this.root.hidden && !this.#since) this.#since = performance.now();
  }

  get seen() {
    return Math.round(this.seenMs + (this.#since ? performance.now() - this.#since : 0));
  }
}
