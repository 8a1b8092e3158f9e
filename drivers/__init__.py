"""Device families. REGISTRY names them all; outside packages add theirs by the entry point group `rfidguard.drivers`."""

REGISTRY = {
    "llrp": "drivers.llrp.driver:LlrpDriver",
    "eas_serial": "drivers.eas_serial:EasSerialDriver",
    "gpi": "drivers.gpi:GpiDriver",
    "replay": "drivers.replay:ReplayDriver",
}
