"""What is wrong with a client's message, and the LLRPStatus that says so (LLRP 1.0.1, section 13.2.8)."""

from simulators.llrp_reader.numbers import Parameter, Status
from simulators.llrp_reader.wire import text, tlv, u16

SUCCESS = tlv(Parameter.LLRP_STATUS, u16(Status.SUCCESS), text(""))


class Refusal(Exception):
    """A message is refused: `code` for its LLRPStatus, and the encoded FieldError or ParameterError that goes with it."""

    def __init__(self, code: Status, why: str, detail: bytes = b"") -> None:
        super().__init__(why)
        self.code = code
        self.why = why
        self.detail = detail


class ParameterRefusal(Exception):
    """A parameter is refused. Every parameter around it adds itself with `within`, the message ends it with `refusal`."""

    def __init__(self, kind: int, code: Status, why: str, detail: bytes = b"") -> None:
        super().__init__(why)
        self.kind = kind
        self.code = code
        self.why = why
        self.detail = detail

    def within(self, kind: int) -> "ParameterRefusal":
        """The same fault, seen from the parameter that holds this one."""
        return ParameterRefusal(kind, Status.P_PARAMETER_ERROR, self.why, self._parameter_error())

    def refusal(self) -> Refusal:
        """The same fault, seen from the message."""
        code = _OF_MESSAGE.get(self.code, Status.M_PARAMETER_ERROR) if not self.detail else Status.M_PARAMETER_ERROR
        return Refusal(code, self.why, self._parameter_error())

    def _parameter_error(self) -> bytes:
        return tlv(Parameter.PARAMETER_ERROR, u16(self.kind, self.code), self.detail)


_OF_MESSAGE = {
    Status.P_UNEXPECTED_PARAMETER: Status.M_UNEXPECTED_PARAMETER,
    Status.P_MISSING_PARAMETER: Status.M_MISSING_PARAMETER,
    Status.P_DUPLICATE_PARAMETER: Status.M_DUPLICATE_PARAMETER,
    Status.P_OVERFLOW_PARAMETER: Status.M_OVERFLOW_PARAMETER,
    Status.P_UNKNOWN_PARAMETER: Status.M_UNKNOWN_PARAMETER,
    Status.P_UNSUPPORTED_PARAMETER: Status.M_UNSUPPORTED_PARAMETER,
}


def field_refusal(field: int, why: str, code: Status = Status.A_INVALID) -> Refusal:
    """A field of the message itself is wrong; `field` counts from 0."""
    return Refusal(Status.M_FIELD_ERROR, why, field_error(field, code))


def parameter_field_refusal(kind: int, field: int, why: str, code: Status = Status.A_OUT_OF_RANGE) -> ParameterRefusal:
    """A field of parameter `kind` is wrong; `field` counts from 0."""
    return ParameterRefusal(kind, Status.P_FIELD_ERROR, why, field_error(field, code))


def field_error(field: int, code: Status) -> bytes:
    """The FieldError parameter."""
    return tlv(Parameter.FIELD_ERROR, u16(field, code))


def status(refusal: Refusal | None) -> bytes:
    """The LLRPStatus parameter: success, or the refusal."""
    if refusal is None:
        return SUCCESS
    return tlv(Parameter.LLRP_STATUS, u16(refusal.code), text(refusal.why), refusal.detail)
