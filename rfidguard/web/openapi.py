"""What /openapi.json says of the documents that come in: they are checked by their own models, not by the web framework."""

from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from rfidguard.answer_document import AnswerDocument
from rfidguard.sale import SaleDocument

_DOCUMENTS: tuple[type[BaseModel], ...] = (SaleDocument, AnswerDocument)
_PLACE = "#/components/schemas/{model}"


def json_body(model: type[BaseModel]) -> dict[str, Any]:
    """The part of an operation that says: the body is a `model`, one of those that `openapi_of` describes."""
    schema = {"$ref": _PLACE.format(model=model.__name__)}
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


_REFUSAL = {
    "type": "object",
    "required": ["error", "detail"],
    "properties": {"error": {"type": "string", "description": "A short word for programs."}, "detail": {"type": "string"}},
}
_REFUSALS = {
    "401": "A bearer token is needed, or is not known.",
    "403": "The token is not for this, or a page of another site calls.",
    "404": "There is no such thing.",
    "422": "A parameter or a name is not what it must be.",
    "503": "The database does not answer, or there is too much to do. Send the same again.",
}


def openapi_of(app: FastAPI) -> dict[str, Any]:
    """The whole description. An answer's `alarm` may be left out here: the path names it."""
    described = app.openapi()
    _, schemas = models_json_schema([(model, "validation") for model in _DOCUMENTS], ref_template=_PLACE)
    schemas["$defs"]["AnswerDocument"]["required"].remove("alarm")
    described.setdefault("components", {}).setdefault("schemas", {}).update(schemas["$defs"] | {"Refusal": _REFUSAL})
    for path, operations in described["paths"].items():
        for operation in operations.values():
            _tell_refusals(operation, path)
    return described


def _tell_refusals(operation: dict[str, Any], path: str) -> None:
    """What any call may be answered with. A 422 that the route describes itself has a form of its own."""
    told = operation["responses"]
    reference = {"application/json": {"schema": {"$ref": _PLACE.format(model="Refusal")}}}
    for status, text in _REFUSALS.items():
        default_422 = status == "422" and "HTTPValidationError" in str(told.get("422", ""))
        if default_422 or status not in told:
            told[status] = {"description": text, "content": reference}
    if "{" not in path and told["404"]["description"] == _REFUSALS["404"]:
        del told["404"]
