"""The rfidguard.toml of a simulated store: it works with check, replay and run, its devices fed from the scene's journal."""

from simulators.layouts import Layout
from simulators.scenario_file import ScenarioFile


def config_text(scenario: ScenarioFile, layout: Layout, journal: str = "journal.jsonl") -> str:
    """The configuration as TOML text. Devices use the driver "replay" on `journal`."""
    store = scenario.store
    zones = ", ".join(f'{antenna.port} = "{antenna.zone}"' for antenna in layout.antennas)
    parts = [
        f"# The simulated store of scenario {scenario.name!r}: {layout.about}.\n",
        f'[site]\nid = "{store.site}"\ntimezone = "{store.timezone}"\ncompany_prefixes = ["{store.company_prefix}"]\n',
        '[database]\nurl = "sqlite:///rfidguard.db"\n',
        f'[ledger]\nmode = "mixed"\nunknown_epc = "{store.unknown_epc}"\n',
        f'[[gate]]\nid = "{store.gate}"\nmode = "{store.mode}"\n',
        f'  [[gate.reader]]\n  id = "{store.gate}-1"\n  driver = "replay"\n  journal = "{journal}"\n  antennas = {{ {zones} }}\n',
    ]
    if store.pedestal:
        parts.append(f'  [[gate.pedestal]]\n  id = "{store.gate}-eas"\n  driver = "replay"\n  journal = "{journal}"\n')
    if store.counter:
        parts.append(f'  [[gate.counter]]\n  id = "{store.gate}-count"\n  driver = "replay"\n  journal = "{journal}"\n')
    parts.append(f'  [[gate.output]]\n  id = "{store.gate}-light"\n  reader = "{store.gate}-1"\n  pin = 1\n  seconds = 5\n')
    return "\n".join(parts)
