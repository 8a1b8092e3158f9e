"""Every MQTT topic of the site, and what an inbound topic says. Pure.

Names below are relative to `<prefix>/<site>/`; `Topics` puts the root before them. A name is one topic level: never empty,
never with + # or /. Who speaks is what the topic says (the broker's access list binds it to the login), never the payload.
"""

import msgspec

from rfidguard.errors import RefusedInput

STATUS = "status"
INFO = "info"
HEALTH = "health"
ALARMS = "alarms"
EVENT_ALARM = "event/alarm"
EVENT_DEVICE = "event/device"
EVENT_LEDGER = "event/ledger"
NOBODY = "nobody"
"""Below it nobody listens: what is published there shows whether the broker tells so."""

INBOUND = ("handheld/+/ack", "handheld/+/presence", "pos/+/sale", "pos/+/heartbeat", "cmd/+")
"""What the daemon subscribes to."""

MAX_LEVEL = 64
_INBOUND_KINDS = {
    ("handheld", "ack"): "answer",
    ("handheld", "presence"): "presence",
    ("pos", "sale"): "sale",
    ("pos", "heartbeat"): "heartbeat",
}


class Inbound(msgspec.Struct, frozen=True):
    """What an inbound topic says. `kind`: sale, heartbeat, answer, presence or command; `name`: the lane, user or command."""

    kind: str
    name: str

    @property
    def reply(self) -> str | None:
        """Where its reply goes, below the root; None where nobody waits for one."""
        if self.kind == "command":
            return f"cmd/{self.name}/reply"
        branch = {"sale": "pos", "answer": "handheld"}.get(self.kind)
        return branch and f"{branch}/{self.name}/reply"

    @property
    def branch(self) -> str:
        """The part of the tree that belongs to the sender."""
        return {"sale": "pos", "heartbeat": "pos", "command": "cmd"}.get(self.kind, "handheld") + f"/{self.name}/"


class Topics:
    """Whole topic names of one site."""

    def __init__(self, prefix: str, site: str) -> None:
        """`prefix` may have several levels. Raises RefusedInput(bad_topic) where either cannot be part of a topic."""
        self.prefix = "/".join(level(part, "prefix") for part in prefix.split("/"))
        self.root = f"{self.prefix}/{level(site, 'site')}/"

    def whole(self, name: str) -> str:
        """The whole name of a topic below the root."""
        return self.root + name

    def below(self, topic: str) -> str | None:
        """What stands below the root; None for a topic elsewhere."""
        return topic.removeprefix(self.root) if topic.startswith(self.root) else None

    def inbound(self, topic: str) -> Inbound | None:
        """What an inbound topic says; None for any other topic."""
        parts = (self.below(topic) or "").split("/")
        if not all(_is_level(part) for part in parts):
            return None
        if len(parts) == 2 and parts[0] == "cmd":
            return Inbound("command", parts[1])
        if len(parts) == 3 and (kind := _INBOUND_KINDS.get((parts[0], parts[2]))):
            return Inbound(kind, parts[1])
        return None

    def may_answer_on(self, sender: Inbound, response: str) -> bool:
        """Whether a response topic that `sender` asks for is one that its own rights could reach.

        Below the prefix only its own branch, its own inbound topics excepted: else a handheld could have the daemon write
        where the broker does not let it write. Never a broker's own ($SYS) or a pattern.
        """
        if not response or response.startswith("$") or set(response) & set("+#") or len(response) > 200:
            return False
        if response != self.prefix and not response.startswith(f"{self.prefix}/"):
            return True
        return response.startswith(self.root + sender.branch) and self.inbound(response) is None


def alarm(alarm_id: str) -> str:
    return f"alarm/{level(alarm_id, 'alarm')}"


def gate_status(gate: str) -> str:
    return f"gate/{level(gate, 'gate')}/status"


def device_status(device: str) -> str:
    return f"device/{level(device, 'device')}/status"


def presence(user: str) -> str:
    return f"handheld/{level(user, 'user')}/presence"


def answer(user: str) -> str:
    return f"handheld/{level(user, 'user')}/ack"


def answer_reply(user: str) -> str:
    return f"handheld/{level(user, 'user')}/reply"


def sale(lane: str) -> str:
    return f"pos/{level(lane, 'lane')}/sale"


def heartbeat(lane: str) -> str:
    return f"pos/{level(lane, 'lane')}/heartbeat"


def sale_reply(lane: str) -> str:
    return f"pos/{level(lane, 'lane')}/reply"


def command(name: str) -> str:
    return f"cmd/{level(name, 'command')}"


def command_reply(name: str) -> str:
    return f"cmd/{level(name, 'command')}/reply"


def level(name: str, what: str = "name") -> str:
    """`name` as one topic level. Raises RefusedInput(bad_topic) for one that is empty, too long or holds + # / or controls."""
    if not _is_level(name):
        shown = ascii(name)[:80]
        raise RefusedInput("bad_topic", f"{what} {shown} cannot be a topic level: 1 to {MAX_LEVEL} letters, none of + # /")
    return name


def _is_level(name: str) -> bool:
    return 0 < len(name) <= MAX_LEVEL and name.isprintable() and not set(name) & set("+#/")
