"""Names of what can be plugged in: a package's own table, and what outside packages add by entry points."""

import importlib
from importlib.metadata import entry_points


def registry(package: str, group: str) -> dict[str, str]:
    """Name -> "module:Class" of everything installed: `package`'s own table and the entry points of outside packages."""
    module = importlib.import_module(package)
    own: dict[str, str] = dict(module.REGISTRY)
    return own | {entry.name: entry.value for entry in entry_points(group=group)}
