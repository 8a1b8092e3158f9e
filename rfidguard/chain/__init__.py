"""Sales shared between boxes: those of one shop, and shops of one chain. docs/chain.md says how a chain runs it.

`REGISTRY`: what the address of a centre begins with -> "module:Class" (`contract.Centre`); outside packages add theirs by the
entry point group rfidguard.chain.
"""

REGISTRY = {
    "postgresql": "rfidguard.chain.postgres:PostgresCentre",
    "postgresql+psycopg": "rfidguard.chain.postgres:PostgresCentre",
    "nats": "rfidguard.chain.jetstream:JetStreamCentre",
    "tls": "rfidguard.chain.jetstream:JetStreamCentre",
}
