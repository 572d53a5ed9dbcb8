// What a key means on the desk. A letter or a digit is known by what it types; where that is no Latin
// letter (Cyrillic, Greek) or no digit (the digit row of AZERTY) by where it is on the keyboard.

const LATIN = /^[a-z0-9]$/i;
const OTHER_LETTER = /^\p{L}$/u;

// The names under which an event may be bound, the likeliest first; "Shift+" where Shift is held.
export function namesOf(event) {
  const { key, code, shiftKey } = event;
  const names = [];
  if (LATIN.test(key)) {
    const plain = key.toLowerCase();
    // On AZERTY a digit needs Shift; a capital by Caps Lock is its letter.
    names.push(shiftKey && !/\d/.test(plain) ? `Shift+${plain}` : plain);
  } else {
    const isLetter = OTHER_LETTER.test(key);
    names.push(isLetter ? (shiftKey ? "Shift+" : "") + key.toLowerCase() : key);
    const digit = /^Digit(\d)$/.exec(code);
    const letter = /^Key([A-Z])$/.exec(code);
    if (digit && !shiftKey && key.length === 1) names.push(digit[1]);
    if (letter && isLetter) names.push((shiftKey ? "Shift+" : "") + letter[1].toLowerCase());
  }
  return names;
}

// The keys of the commands together with a set of labels: a label's key wins, and its command takes Shift.
export function commandKeys(commands, labels) {
  const taken = new Set(labels.flatMap((label) => label.keys));
  return Object.fromEntries(
    Object.entries(commands).map(([name, key]) => [name, taken.has(key) ? `Shift+${key}` : key]),
  );
}

// What an event asks for: {label: place}, {command: name} or null.
export function meaningOf(event, labels, commands) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return null;
  const bound = commandKeys(commands, labels);
  for (const name of namesOf(event)) {
    const place = labels.findIndex((label) => label.keys.includes(name));
    if (place >= 0) return { label: place };
    const command = Object.keys(bound).find((known) => bound[known] === name);
    if (command) return { command };
  }
  return null;
}

// How a key is written on a button.
const SIGNS = { ArrowLeft: "←", ArrowRight: "→", ArrowUp: "↑", ArrowDown: "↓" };
export const capOf = (key) =>
  key
    .split("+")
    .map((part) => SIGNS[part] || (part.length === 1 ? part.toUpperCase() : part))
    .join(" ");
