"""One EPCIS event as a document holds it (ObjectEvent or TransactionEvent), checked. JSON and XML both become this.

Format: EPCIS 2.0 (GS1, 2022), section 7.4, and its JSON schema. Other kinds of event never reach this.
"""

from collections.abc import Callable
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from rfidguard.errors import RefusedInput
from rfidguard.feeds.cbv import DISPOSITION, STEP, word
from rfidguard.rfc3339 import unix_seconds
from rfidguard.sale import printable

MAX_NAMES = 50_000
MAX_EVENT_ID = 1_000
READ_TYPES = ("ObjectEvent", "TransactionEvent")
OTHER_TYPES = ("AggregationEvent", "TransformationEvent", "AssociationEvent")


def _word_of(field: str) -> Callable[[str], str]:
    def checked(text: str) -> str:
        try:
            return word(text, field)
        except RefusedInput as error:
            raise ValueError(str(error)) from error

    return checked


def _dated(text: str) -> str:
    unix_seconds(text)
    return text


def _with_prefix(fields: dict[str, Any]) -> dict[str, Any]:
    loose = [name for name in fields if ":" not in name and not name.startswith("@")]
    if loose:
        raise ValueError(f"{loose[0][:60]!r} needs a prefix that @context declares, like example:{loose[0][:60]}")
    return fields


def _texts(value: Any) -> Any:
    every = value if isinstance(value, list) else [value]
    if any(not isinstance(one, str) for one in every) and value is not None:
        raise ValueError("must be a URI, or a list of URIs")
    return value


Step = Annotated[str, AfterValidator(_word_of(STEP))]
Disposition = Annotated[str, AfterValidator(_word_of(DISPOSITION))]
Time = Annotated[str, StringConstraints(max_length=64), AfterValidator(_dated)]
Offset = Annotated[str, StringConstraints(pattern=r"^[+-](0\d|1[0-4]):[0-5]\d$")]
EventId = Annotated[str, StringConstraints(min_length=1, max_length=MAX_EVENT_ID), AfterValidator(printable)]
Extensions = Annotated[dict[str, Any], AfterValidator(_with_prefix)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="ignore", strict=True, frozen=True)


class QuantityElement(BaseModel):
    """So many of one article. No `quantity` means that it is not known, never one."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)
    epcClass: Annotated[str, StringConstraints(min_length=1)]  # noqa: N815
    quantity: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    uom: str | None = None


class ErrorDeclaration(_Part):
    """Says that the event that carries it never happened so."""

    declarationTime: Time  # noqa: N815
    reason: str | None = None
    correctiveEventIDs: tuple[EventId, ...] = Field((), strict=False)  # noqa: N815


class PersistentDisposition(_Part):
    set: tuple[Disposition, ...] = Field((), strict=False)
    unset: tuple[Disposition, ...] = Field((), strict=False)


class BizTransaction(_Part):
    bizTransaction: str  # noqa: N815
    type: str | None = None


class Place(_Part):
    id: str


class EventDocument(_Part):
    """An ObjectEvent or TransactionEvent. Fields that say nothing to a ledger are not looked at."""

    type: Literal["ObjectEvent", "TransactionEvent"]
    eventTime: Time  # noqa: N815
    eventTimeZoneOffset: Offset  # noqa: N815
    action: Literal["ADD", "OBSERVE", "DELETE"]
    eventID: EventId | None = None  # noqa: N815
    bizStep: Step | None = None  # noqa: N815
    disposition: Disposition | None = None
    persistentDisposition: PersistentDisposition | None = None  # noqa: N815
    epcList: Annotated[tuple[str, ...], Field(max_length=MAX_NAMES, strict=False)] | None = None  # noqa: N815
    quantityList: Annotated[tuple[QuantityElement, ...], Field(max_length=MAX_NAMES, strict=False)] | None = None  # noqa: N815
    sensorElementList: Any = None  # noqa: N815
    bizTransactionList: Annotated[tuple[BizTransaction, ...], Field(strict=False)] = ()  # noqa: N815
    readPoint: Place | None = None  # noqa: N815
    bizLocation: Place | None = None  # noqa: N815
    certificationInfo: Annotated[Any, AfterValidator(_texts)] = None  # noqa: N815
    ilmd: Extensions | None = None
    errorDeclaration: ErrorDeclaration | None = None  # noqa: N815

    @model_validator(mode="after")
    def _whole(self) -> "EventDocument":
        if self.type == "ObjectEvent" and not (self.epcList or self.quantityList or self.sensorElementList):
            raise ValueError("epcList or quantityList: one of them has to name what the event is about")
        if self.type == "TransactionEvent" and not self.bizTransactionList:
            raise ValueError("bizTransactionList: a TransactionEvent names its business transaction")
        return self


FIELDS = frozenset(EventDocument.model_fields) | frozenset(QuantityElement.model_fields)
