"""Good inputs of each target to begin with."""

import json
from pathlib import Path

from llrp_probe import gpi_event, greeting, message, report, rospec_event, tag

from drivers.eas_lines import encode_line
from drivers.eas_profiles import load_profile, profile_names

DATA = Path(__file__).resolve().parents[1] / "data"
EPC = "3034257BF7194E4000001A85"
SALE = {
    "id": "0001-3-1", "at": "2026-11-22T10:14:02Z", "kind": "sale", "transaction": "1", "lane": "3",
    "lines": [{"line": 1, "kind": "sold", "epc": EPC}, {"line": 2, "kind": "returned", "gtin": "00614141123452", "quantity": 2}],
}  # fmt: skip
ANSWER = {"id": "1", "alarm": "01KAN7Q3M2W1C3Y0V9T8R7S6P5", "action": "resolve", "outcome": "recovered", "items": [{"epc": EPC}]}
READ = {"type": "read", "at": 1.0, "gate": "front", "reader": "r", "antenna": 1, "epc": EPC, "rssi": -60.5, "phase": 1.5}
POSLOG = f"""<RetailStoreID>1</RetailStoreID><WorkstationID>3</WorkstationID><SequenceNumber>7</SequenceNumber>
<EndDateTime>2026-11-22T10:14:02Z</EndDateTime><RetailTransaction TransactionStatus="Finished"><LineItem>
<SequenceNumber>1</SequenceNumber><Sale><ItemID>80614141123458</ItemID><Quantity>1</Quantity><EPC>{EPC}</EPC></Sale>
</LineItem></RetailTransaction>""".encode()
EVENT = (
    b'"action":"OBSERVE","bizStep":"retail_selling","disposition":"retail_sold","eventTime":"2026-11-22T10:14:02Z",'
    b'"epcList":["urn:epc:id:sgtin:0614141.812345.6789"]'
)


def seeds(name: str) -> list[bytes]:
    """Those of the target called `name`; none where nothing at all is as good a start."""
    if name == "ledger_file":
        return [path.read_bytes()[:8192] for path in sorted(DATA.rglob("*")) if path.suffix in (".xml", ".json")]
    return _SEEDS.get(name, [])


def _line(name: str) -> bytes:
    profile = load_profile(name)
    return b"".join(encode_line(text, profile) for text in ("ALARM", "OK", "1,ALARM,IN"))


def _json(body: object) -> bytes:
    return json.dumps(body).encode()


_SEEDS = {
    "llrp": [greeting() + report(tag(EPC), tag(EPC)) + message(62)],
    "llrp_report": [tag(EPC) + tag(EPC, 2)],
    "llrp_notice": [gpi_event(1, True) + rospec_event(1, 7)],
    "eas": [_line(profile) for profile in profile_names()],
    "journal": [_json(READ)],
    "command": [_json({"id": "1", "gate": "front", "seconds": 5})],
    "sale": [_json(SALE)],
    "answer": [_json(ANSWER)],
    "poslog": [POSLOG],
    "epcis": [EVENT],
    "csv": [f"{EPC},,,1,sold,2026-11-22T10:14:02Z,1,3,erp,1\n,80614141123458,,2,returned,,,,,\n".encode()],
    "stock": [f"{EPC}\n".encode(), f"epc,at\n{EPC},2026-11-22T10:14:02Z\n".encode()],
    "epc": [EPC.encode()],
}
