"""Makes POSLog and EPCIS documents with RFID sales, returns and voids, and knows what they mean; no code of the readers."""

import random
from collections import Counter
from dataclasses import dataclass, field

from epcpy.epc_schemes.sgtin import SGTIN, SGTINFilterValue

COMPANY = "0614141"
ARTICLES = ("081234", "012345", "099999")
SECRET = "Frau Geheim 4111111111111111 +49 170 1234567"
PLACES = ("EPC", "Disposal", "SerialNumber", "ItemID", "POSIdentity")
NAMESPACES = (
    'xmlns="http://www.nrf-arts.org/IXRetail/namespace/"',
    'xmlns="http://www.nrf-arts.org/IXRetail/v6.0.0/poslog"',
    "",
)


def gtin(article: str) -> str:
    """GTIN-14 of an article of COMPANY; the check digit worked out the long way."""
    body = article[0] + COMPANY + article[1:]
    odd, even = sum(map(int, body[::2])), sum(map(int, body[1::2]))
    return body + str((10 - (3 * odd + even) % 10) % 10)


def urn(article: str, serial: int) -> str:
    return f"urn:epc:id:sgtin:{COMPANY}.{article}.{serial}"


def tag(article: str, serial: int, filter_value: int = 1) -> str:
    """Hex as epcpy makes it."""
    made = SGTIN(urn(article, serial)).hex(
        binary_coding_scheme=SGTIN.BinaryCodingScheme.SGTIN_96, filter_value=SGTINFilterValue(str(filter_value))
    )
    return str(made)


def spelled(article: str, serial: int, how: int) -> str:
    """One of the ways in which a till writes an item."""
    link = f"https://shop.example/p/01/{gtin(article)}/21/{serial}"
    return (urn(article, serial), tag(article, serial), tag(article, serial, 3).lower(), link,
            f"urn:epc:tag:sgtin-96:1.{COMPANY}.{article}.{serial}")[how % 5]  # fmt: skip


@dataclass
class Op:
    """A line: `what` sale, return or void. `target`: the number of the line that a void undoes; `dialect` 0-2."""

    what: str
    article: str
    serials: tuple[int, ...] = ()
    quantity: int = 1
    target: int | None = None
    dialect: int = 0


@dataclass
class Receipt:
    """A transaction. `place`: where EPCs stand; `prefix`: of the element names."""

    sequence: int
    ops: list[Op]
    status: str = ""
    place: str = "EPC"
    prefix: str = ""
    time: str = "2026-11-22T10:14:02"
    seed: int = 0
    more: str = ""
    lines: list[str] = field(default_factory=list)

    def xml(self) -> str:
        status = f' TransactionStatus="{self.status}"' if self.status else ""
        body = "".join(self._line(number, op) for number, op in enumerate(self.ops, 1))
        text = (
            f"<Transaction><RetailStoreID>0001</RetailStoreID><WorkstationID>3</WorkstationID><SequenceNumber>{self.sequence}"
            f"</SequenceNumber><BusinessDayDate>2026-11-22</BusinessDayDate><OperatorID>{SECRET}</OperatorID>"
            f"<EndDateTime>{self.time}</EndDateTime>{self.more}<RetailTransaction{status}>{body}"
            f"<LineItem><SequenceNumber>99</SequenceNumber><Tender><Amount>5</Amount><Credit>{SECRET}</Credit></Tender></LineItem>"
            f"<Customer><Name>{SECRET}</Name></Customer><LoyaltyAccount Number='{SECRET}'/></RetailTransaction></Transaction>"
        )
        if not self.prefix:
            return text
        return (
            text.replace("</", f"</{self.prefix}:")
            .replace("<", f"<{self.prefix}:")
            .replace(f"<{self.prefix}:/{self.prefix}", f"</{self.prefix}")
        )

    def _line(self, number: int, op: Op) -> str:
        if op.what == "void" and op.dialect == 2:
            return (
                f"<LineItem><SequenceNumber>{number}</SequenceNumber><Voids><ItemLink>{op.target}</ItemLink></Voids></LineItem>"
            )
        flag = ' VoidFlag="true"' if op.what == "void" else ""
        sign = -1 if op.what == "void" and op.dialect == 1 else 1
        link = f"<ItemLink>{op.target}</ItemLink>" if op.what == "void" and op.dialect == 0 else ""
        name = self._name(op)
        return (
            f'<LineItem{flag} EntryMethod="RFID"><SequenceNumber>{number}</SequenceNumber><{name}>{self._goods(op)}'
            f"<Description>{SECRET}</Description><Quantity>{sign * op.quantity}</Quantity>{link}</{name}></LineItem>"
        )

    def _name(self, op: Op) -> str:
        kind = self.ops[op.target - 1].what if op.what == "void" and op.target else op.what
        return "Return" if kind == "return" else "Sale"

    def _goods(self, op: Op) -> str:
        code = f'<POSIdentity POSIDType="GTIN"><POSItemID>{gtin(op.article)}</POSItemID></POSIdentity>'
        for number, serial in enumerate(op.serials):
            text = spelled(op.article, serial, self.seed + number)
            code += {
                "EPC": f"<EPC>{text}</EPC>",
                "Disposal": f"<Disposal><EPC>{text}</EPC></Disposal>",
                "SerialNumber": f'<SerialNumber Type="SGTIN">{text}</SerialNumber>',
                "ItemID": f'<ItemID Type="RFID">{text}</ItemID>',
                "POSIdentity": f'<POSIdentity POSIDType="EPC"><POSItemID>{text}</POSItemID></POSIdentity>',
            }[self.place]
        return code


def poslog(receipts: list[Receipt], namespace: str = NAMESPACES[0]) -> bytes:
    prefix = receipts[0].prefix if receipts else ""
    if prefix:
        inside = "".join(receipt.xml() for receipt in receipts)
        return f'<{prefix}:POSLog xmlns:{prefix}="urn:vendor">{inside}</{prefix}:POSLog>'.encode()
    return f"<?xml version='1.0'?><POSLog {namespace}>{''.join(receipt.xml() for receipt in receipts)}</POSLog>".encode()


def meaning(receipts: list[Receipt]) -> tuple[dict[str, str], Counter[str]]:
    """Items by "GTIN.serial" (sold or returned), and the balance of credits by GTIN."""
    items: dict[str, str] = {}
    balance: Counter[str] = Counter()
    for receipt in receipts:
        if receipt.status in ("Voided", "Suspended"):
            continue
        gone = {op.target for op in receipt.ops if op.what == "void"}
        for number, op in enumerate(receipt.ops, 1):
            if op.what == "void" or number in gone:
                continue
            for serial in op.serials:
                items[f"{gtin(op.article)}.{serial}"] = "sold" if op.what == "sale" else "returned"
            balance[gtin(op.article)] += (op.quantity - len(op.serials)) * (1 if op.what == "sale" else -1)
    return items, Counter({name: count for name, count in balance.items() if count})


def random_receipt(rng: random.Random, sequence: int) -> Receipt:
    """A few lines, some of them voided afterwards, each in one of the dialects."""
    ops: list[Op] = []
    for _ in range(rng.randint(1, 4)):
        article = rng.choice(ARTICLES)
        serials = tuple(rng.sample(range(1, 4), rng.randint(0, 3)))
        quantity = max(len(serials) + rng.randint(0, 2), 1)
        ops.append(Op(rng.choice(("sale", "sale", "return")), article, serials, quantity))
    for number in rng.sample(range(1, len(ops) + 1), rng.randint(0, len(ops))):
        target = ops[number - 1]
        dialect = rng.choice((0, 2, 1) if _is_latest(ops, number) else (0, 2))
        ops.append(Op("void", target.article, target.serials, target.quantity, number, dialect))
    status = rng.choice(("", "", "", "Delivered", "Voided", "Suspended"))
    minute = f"{sequence // 60 % 60:02d}:{sequence % 60:02d}"
    return Receipt(sequence, ops, status, rng.choice(PLACES), time=f"2026-11-22T10:{minute}", seed=rng.randint(0, 4))


def _is_latest(ops: list[Op], number: int) -> bool:
    """Whether a void that names no line can only mean this one."""
    mine = ops[number - 1]
    return sum(op.article == mine.article for op in ops if op.what != "void") == 1


def epcis_event(kind: str, items: list[tuple[str, int]], time: str, how: int, **more: object) -> dict[str, object]:
    """A sale or a return as an ObjectEvent, its words in one of the four spellings."""
    step, disposition = {"sale": ("retail_selling", "retail_sold"), "return": ("retail_selling", "sellable_accessible")}[kind]
    start = (("", ""), ("cbv:BizStep-", "cbv:Disp-"), ("urn:epcglobal:cbv:bizstep:", "urn:epcglobal:cbv:disp:"),
             ("https://ref.gs1.org/cbv/BizStep-", "https://ref.gs1.org/cbv/Disp-"))[how % 4]  # fmt: skip
    return {
        "type": "ObjectEvent", "action": "OBSERVE", "eventTime": time,
        "eventTimeZoneOffset": "+00:00", "bizStep": start[0] + step, "disposition": start[1] + disposition,
        "epcList": [spelled(article, serial, how) for article, serial in items], **more,
    }  # fmt: skip


def epcis_document(events: list[dict[str, object]], query: bool = False) -> dict[str, object]:
    body: dict[str, object] = {"eventList": events}
    if query:
        body = {"queryResults": {"queryName": "SimpleEventQuery", "resultsBody": body}}
    return {
        "@context": ["https://ref.gs1.org/standards/epcis/epcis-context.jsonld"], "schemaVersion": "2.0",
        "type": "EPCISQueryDocument" if query else "EPCISDocument", "creationDate": "2026-11-22T10:00:00Z", "epcisBody": body,
    }  # fmt: skip


def epcis_xml(events: list[dict[str, object]], version: str = "2.0") -> bytes:
    """The same events in the XML binding; 1.2 hides lists of quantities and declarations in extensions."""
    inside = "".join(_event_xml(event, version) for event in events)
    return (
        f'<?xml version="1.0"?><epcis:EPCISDocument xmlns:epcis="urn:epcglobal:epcis:xsd:{version[0]}" schemaVersion="{version}">'
        f"<EPCISBody><EventList>{inside}</EventList></EPCISBody></epcis:EPCISDocument>"
    ).encode()


def _event_xml(event: dict[str, object], version: str) -> str:
    def plain(*names: str) -> str:
        return "".join(f"<{name}>{event[name]}</{name}>" for name in names if name in event)

    late = plain("eventID")
    declared = event.get("errorDeclaration")
    if isinstance(declared, dict):
        late += f"<errorDeclaration><declarationTime>{declared['declarationTime']}</declarationTime></errorDeclaration>"
    if version == "1.2" and late:
        late = f"<baseExtension>{late}</baseExtension>"
    items = "".join(f"<epc>{name}</epc>" for name in event.get("epcList", ()))  # type: ignore[attr-defined]
    counts = ""
    for element in event.get("quantityList", ()):  # type: ignore[attr-defined]
        counts += f"<quantityElement>{''.join(f'<{key}>{value}</{key}>' for key, value in element.items())}</quantityElement>"
    counts = f"<quantityList>{counts}</quantityList>" if counts else ""
    if version == "1.2" and counts:
        counts = f"<extension>{counts}</extension>"
    name = event["type"]
    return (
        f"<{name}>{plain('eventTime', 'eventTimeZoneOffset')}{late}<epcList>{items}</epcList>"
        f"{plain('action', 'bizStep', 'disposition')}{counts}</{name}>"
    )
