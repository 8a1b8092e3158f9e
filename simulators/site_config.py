"""The rfidguard.toml of a simulated store: it works with check, replay and run, its devices fed from the scene's journal."""

from simulators.layouts import Antenna, Layout
from simulators.scenario_file import ScenarioFile


def config_text(scenario: ScenarioFile, layout: Layout, journal: str = "journal.jsonl") -> str:
    """The configuration as TOML text. Devices use the driver "replay" on `journal`."""
    store = scenario.store
    zones = ", ".join(f"{antenna.port} = {_place(antenna, layout, store.swapped)}" for antenna in layout.antennas)
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
    for gate, _ in layout.side_gates:
        parts.append(f'[[gate]]\nid = "{gate}"\nmode = "{store.mode}"\n')
        if store.counter:
            parts.append(f'  [[gate.counter]]\n  id = "{gate}-count"\n  driver = "replay"\n  journal = "{journal}"\n')
        parts.append(f'  [[gate.output]]\n  id = "{gate}-light"\n  reader = "{store.gate}-1"\n  pin = 2\n  seconds = 5\n')
    return "\n".join(parts)


def _place(antenna: Antenna, layout: Layout, swapped: tuple[int, int] | None) -> str:
    """An antenna's zone as the installer wrote it down: two ports may be crossed."""
    port = antenna.port
    if swapped is not None and port in swapped:
        port = swapped[1] if port == swapped[0] else swapped[0]
    zone = next((other.zone for other in layout.antennas if other.port == port), antenna.zone)
    return f'"{zone}"' if antenna.gate is None else f'{{ zone = "{zone}", gate = "{antenna.gate}" }}'
