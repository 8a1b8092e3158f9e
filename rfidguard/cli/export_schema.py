"""`rfidguard export-schema`: JSON Schemas of every payload, for those who build handhelds, tills and dashboards."""

from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    app.command("export-schema")(_export_schema)


def _export_schema(
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="DIR", help="Write one file NAME.schema.json each into this folder (made if missing)."),
    ] = None,
) -> None:
    """Prints the JSON Schemas of every MQTT and HTTP payload, of journal lines and of truth.json.

    Without --out: one JSON object, name to schema, on standard output. Example: rfidguard export-schema --out schemas
    """
    import json

    from rfidguard.errors import RfidguardError
    from rfidguard.schema_export import schemas

    found = schemas()
    if out is None:
        typer.echo(json.dumps(found, indent=2))
        return
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name, schema in found.items():
            (out / f"{name}.schema.json").write_text(json.dumps(schema, indent=2) + "\n", "utf-8")
    except OSError as error:
        raise RfidguardError(f"cannot write the schemas to {out}: {error.strerror}") from error
    typer.echo(f"{len(found)} schemas in {out}")
