"""Check an evidence pack with nothing but Python 3.9 or later.

    python verify_pack.py [FOLDER] [--head "NUMBER DIGEST"]

FOLDER is where the pack was unpacked, by default the folder of this script. Prints what was checked
and exits with 0, or prints the first thing that is not as it was and exits with 1.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from pathlib import Path
from typing import Any

Event = dict[str, Any]
SEPARATOR = "\x1f"
ERASED = "Erased person "
ELSEWHERE = (
    *("imported_item", "program_token", "program_token_revocation", "replaced_item"),
    "stored_prediction",
)
"""Kinds of rows that no pack has, only their digests: of all others every row must be there."""

REPLACED = ("imported_item", "queue_draw", "stored_prediction")
"""Kinds of rows that could be stored again until what an item was before was kept: until a link
`joined` names `replaced_item`. Since then items alone, and what they were before has a link too."""


class Broken(Exception):  # noqa: N818 - it is read by people who are no programmers
    """Something in the pack is not as it was stored."""


def main() -> int:
    """Check a pack and print the outcome."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=Path(__file__).resolve().parent)
    parser.add_argument("--head", help="a head that was kept: number and digest")
    options = parser.parse_args()
    try:
        for line in check(options.folder, options.head):
            sys.stdout.write(f"{line}\n")
    except Broken as error:
        sys.stderr.write(f"BROKEN: {error}\n")
        return 1
    except (OSError, ValueError, KeyError, TypeError) as error:
        sys.stderr.write(f"BROKEN: the pack cannot be read: {error!r}\n")
        return 1
    sys.stdout.write("The pack is as it was stored.\n")
    return 0


def check(folder: Path, head: str | None) -> list[str]:
    """Check everything, and return what was checked."""
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    for name, digest in manifest["files"].items():
        if hashlib.sha256((folder / name).read_bytes()).hexdigest() != digest:
            raise Broken(f"the file {name} is another one than manifest.json says")
    links = check_links(folder / "links.jsonl")
    if head is not None:
        check_head(links, head)
    expected = expected_digests(links, folder / "members.jsonl")
    bodies = check_events(folder / "events.jsonl", expected)
    num_sealed = check_seals(folder / "people.jsonl", bodies)
    elsewhere = sum(kind in ELSEWHERE for kind, _ in expected)
    last = links[-1]
    return [
        f"{len(manifest['files'])} files as manifest.json says",
        f"{len(links)} links, each follows the one before; head {last['number']} {last['sha256']}",
        f"{len(bodies)} events as their links say",
        f"{num_sealed} names and addresses as they were sealed",
        f"{elsewhere} links of rows that are not in the pack, such as items and answers",
    ]


def check_links(path: Path) -> list[Event]:
    """Return the links, each with the SHA-256 of its line; raise where one does not follow."""
    links: list[Event] = []
    before = ""
    for number, line in enumerate(lines_of(path)):
        link = json.loads(line)
        if link["number"] != number or link["previous"] != before:
            raise Broken(f"link {number} does not follow the one before it")
        before = sha256(line)
        links.append({**link, "sha256": before})
    if not links:
        raise Broken("there are no links")
    return links


def check_head(links: list[Event], head: str) -> None:
    """Raise where a head that was kept is not in the chain."""
    number, digest = head.replace(":", " ").split()
    if int(number) >= len(links) or links[int(number)]["sha256"] != digest:
        raise Broken(f"link {number} is another one than when the head was kept")


def expected_digests(links: list[Event], members: Path) -> dict[tuple[str, str], str]:
    """Return the digest of each row by its latest link; raise where a row was changed since."""
    batches: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for line in lines_of(members):
        row = json.loads(line)
        batches.setdefault((row["kind"], row["batch_id"]), []).append((row["key"], row["digest"]))
    expected: dict[tuple[str, str], str] = {}
    completed: set[tuple[str, str]] = set()
    replaceable: tuple[str, ...] = REPLACED
    for link in links:
        if link["kind"] in ("begin", "joined"):  # the time since when rows are in the chain
            if link["key"].startswith("replaced_item "):
                replaceable = ("imported_item",)
            continue
        name = (link["kind"], link["key"])
        rows = batches.pop(name, None)
        if rows is None:
            rows = [(link["key"], link["digest"])]
        else:
            rows.sort(key=lambda row: row[0].encode("utf-8"))
            if sha256("\n".join(f"{key} {digest}" for key, digest in rows)) != link["digest"]:
                raise Broken(f"link {link['number']}: its batch has other rows")
        for key, digest in rows:
            before = expected.get((link["kind"], key), digest)
            if before != digest and link["kind"] not in replaceable:
                raise Broken(changed_again(link["kind"], key))
            if before != digest and replaceable != REPLACED:
                completed.add((key, before))
            expected[link["kind"], key] = digest
    if batches:
        raise Broken(f"{len(batches)} batches have no link")
    for item_id, before in sorted(completed):
        if ("replaced_item", f"{item_id}/{before}") not in expected:
            raise Broken(changed_again("imported_item", item_id))
    return expected


def changed_again(kind: str, key: str) -> str:
    """Return that a row has a second content that it may not have."""
    return f"{kind} {key!r} was changed, and its new content has a later link"


def check_events(path: Path, expected: dict[tuple[str, str], str]) -> dict[tuple[str, str], Event]:
    """Return the events by kind and key; raise where one is not as its link says."""
    bodies: dict[tuple[str, str], Event] = {}
    for line in lines_of(path):
        event = json.loads(line)
        name = (event["kind"], event["key"])
        if sha256(event["body"]) != expected.get(name):
            raise Broken(f"{event['kind']} {event['key']!r} is not as its link says")
        if name in bodies:
            raise Broken(f"{event['kind']} {event['key']!r} is there twice")
        bodies[name] = json.loads(event["body"])
    for kind, key in expected:
        if kind not in ELSEWHERE and (kind, key) not in bodies:
            raise Broken(f"{kind} {key!r} is missing")
    return bodies


def check_seals(path: Path, bodies: dict[tuple[str, str], Event]) -> int:
    """Return how many names fit their seal; raise where one does not."""
    erased = {
        body["reviewer_id"]
        for (kind, _), body in bodies.items()
        if kind == "reviewer_change" and body.get("kind") == "erase"
    }
    count = 0
    for line in lines_of(path):
        person = json.loads(line)
        body = bodies.get((person["kind"], person["key"]))
        if body is None or body["seal"] != person["seal"]:
            raise Broken(f"{person['kind']} {person['key']!r} has another seal than its event")
        if person.get("salt") is None:  # the identity was erased, or left out of the pack
            texts = [text for text in person["texts"] if text]
            if texts and (body["reviewer_id"] not in erased or not texts[-1].startswith(ERASED)):
                raise Broken(f"{person['kind']} {person['key']!r} has a name without its salt")
            continue
        if person["kind"] == "reviewer_change" and "" in person["texts"]:
            raise Broken(
                f"{person['kind']} {person['key']!r} has an empty text where there was none"
            )
        sealed = SEPARATOR.join([person["salt"], *(text or "" for text in person["texts"])])
        if sha256(sealed) != person["seal"]:
            raise Broken(f"a name in {person['kind']} {person['key']!r} was changed")
        count += 1
    return count


def lines_of(path: Path) -> list[str]:
    """Return the lines of a file; other characters that end lines may be in texts."""
    return [line for line in path.read_text("utf-8").split("\n") if line]


def sha256(text: str) -> str:
    """Return the SHA-256 of a text in hexadecimal."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


if __name__ == "__main__":
    sys.exit(main())
