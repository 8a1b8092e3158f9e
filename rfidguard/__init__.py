"""rfidguard: decides at a shop's exits which goods leave unpaid, and says why."""

__version__ = "0.1.0"
