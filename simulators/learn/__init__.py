"""Makes the score tables of rfidguard/weights from simulated passages: `python -m simulators.learn --help`."""
