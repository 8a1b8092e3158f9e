"""Simulated stores: the physics of a gate, scenarios, and each device on its real wire. For labs and tests, never for a shop."""
