"""Step 2d: how faint a gate still hears tags: a running quantile of the levels of all its reads. Pure."""

_STEP_DB, _FALL_DB = 0.004, 0.196
_FIRST = 200


def floor_heard(floor_db: float, n: int, level_db: float) -> tuple[float, int]:
    """The floor (dB), and of how many reads, after one more: at first the quietest of all, later a quantile that follows."""
    if n < _FIRST:
        return (min(floor_db, level_db) if n else level_db), n + 1
    return floor_db + (_STEP_DB if level_db > floor_db else -_FALL_DB), n
