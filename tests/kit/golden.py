"""Golden files: what every version of Kefu wrote must stay readable for ever.

To add an event, or a version of one with new fields:

1. add the event to EVERY_EVENT in kit/given.py, or to EVERY_KNOWLEDGE_EVENT in
   kit/knowledge.py, with every field set;
2. `cd tests && ../.venv/bin/python -m kit.golden 2` writes `<Event>.v2.bin` and the JSON
   beside it for each event whose bytes are not in any golden file yet;
3. commit the new files. Never change or delete old ones: logs hold such bytes.

After a change of the fold: raise FOLD_VERSION; step 2 adds the new state hash.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from google.protobuf.json_format import MessageToDict

from actors.snapshot import state_hash
from actors.state import FOLD_VERSION, fold
from events import codec, knowledge_codec
from events.store import NewEvent, StoredEvent
from kit.given import EVERY_EVENT
from kit.knowledge import EVERY_KNOWLEDGE_EVENT

GOLDEN = Path(__file__).parents[1] / "golden"
KNOWLEDGE = {type(event).__name__ for event in EVERY_KNOWLEDGE_EVENT}
HASHES = GOLDEN / "state_hashes.json"  # by fold version, of the state after EVERY_EVENT


Event = codec.Event | knowledge_codec.Event


def encode(event: Event) -> NewEvent:
    """Number, time and payload, as either log stores them."""
    if isinstance(event, codec.Event):
        return codec.encode(event)
    row = knowledge_codec.encode(event)
    return NewEvent(row.event_type, row.recorded_at_ms, row.payload)


def decode(name: str) -> Event:
    """The event in a golden file, as its log reads it."""
    payload, expected = read(name)
    event_type = expected["event_type"]
    if name.partition(".")[0] in KNOWLEDGE:
        return knowledge_codec.decode("acme", 1, event_type, payload)
    return codec.decode(1, StoredEvent(1, event_type, expected["recorded_at_ms"], payload))


def as_json(event: Event) -> dict[str, Any]:
    """What the JSON file holds. int64 are strings, as protobuf's JSON has it."""
    stored = encode(event)
    fields = MessageToDict(event, preserving_proto_field_name=True)
    return {"event_type": stored.event_type, "recorded_at_ms": stored.recorded_at_ms, "fields": fields}


def names() -> list[str]:
    return sorted(path.stem for path in GOLDEN.glob("*.bin"))


def read(name: str) -> tuple[bytes, dict[str, Any]]:
    return (GOLDEN / f"{name}.bin").read_bytes(), json.loads((GOLDEN / f"{name}.json").read_text())


def main(version: int) -> None:
    written = {(GOLDEN / f"{name}.bin").read_bytes() for name in names()}
    for event in (*EVERY_EVENT, *EVERY_KNOWLEDGE_EVENT):
        payload = encode(event).payload
        path = GOLDEN / f"{type(event).__name__}.v{version}.bin"
        if payload in written:
            continue
        if path.exists():
            raise SystemExit(f"{path} exists with other bytes: give another version, old files never change")
        path.write_bytes(payload)
        path.with_suffix(".json").write_text(json.dumps(as_json(event), indent=2, ensure_ascii=False) + "\n")
        sys.stdout.write(f"wrote {path}\n")
    hashes = json.loads(HASHES.read_text()) if HASHES.exists() else {}
    hashes.setdefault(str(FOLD_VERSION), state_hash(fold(EVERY_EVENT)).hex())
    HASHES.write_text(json.dumps(hashes, indent=2) + "\n")


if __name__ == "__main__":
    main(int(sys.argv[1]))
