"""Sales in: one file per source. Every feed ends in `rfidguard.intake`."""
