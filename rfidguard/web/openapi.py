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


def openapi_of(app: FastAPI) -> dict[str, Any]:
    """The whole description. An answer's `alarm` may be left out here: the path names it."""
    described = app.openapi()
    _, schemas = models_json_schema([(model, "validation") for model in _DOCUMENTS], ref_template=_PLACE)
    schemas["$defs"]["AnswerDocument"]["required"].remove("alarm")
    described.setdefault("components", {}).setdefault("schemas", {}).update(schemas["$defs"])
    return described
