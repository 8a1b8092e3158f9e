"""The one tree of errors that rfidguard raises on purpose. Anything else is a bug and may crash loudly."""


class RfidguardError(Exception):
    """Something a person can mend. The text says what happened, where, and how to mend it."""


class ConfigError(RfidguardError):
    """The configuration cannot be used. `problems` holds one line for each mistake found."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class DeviceLost(RfidguardError):
    """The link to a device failed; the supervisor runs the driver again after a pause."""


class RefusedInput(RfidguardError):
    """Input from outside was refused. `reason` is a short code that counters and dead letters carry."""

    def __init__(self, reason: str, text: str) -> None:
        super().__init__(text)
        self.reason = reason
