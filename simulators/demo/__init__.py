"""The demo: a whole simulated store around the real daemon, on one machine."""

from simulators.demo.show import Demo

__all__ = ["Demo"]
