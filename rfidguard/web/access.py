"""Who may do what over HTTP: bearer tokens with a scope, and the cookie that the staff page swaps its token for.

The cookie is signed with a key made from the token, so it needs no store, survives a restart and dies with its token.
"""

import hashlib
import hmac
import ipaddress
from collections.abc import Iterable, Sequence

import msgspec

from rfidguard.config import Http, HttpClient
from rfidguard.errors import ConfigError

COOKIE = "rfidguard_session"
SESSION_S = 16 * 3600
"""One long shift; then the device asks for its token again."""

MIN_TOKEN_CHARACTERS = 16
USER_HEADER = "X-Rfidguard-User"
"""Who calls, in his own words: heard only where no clients are configured."""

OPEN_NAME = "page"
"""Who an answer is from where no clients are configured and the caller gives no name."""

RIGHTS = {
    "till": frozenset({"any", "sales"}),
    "read": frozenset({"any", "read"}),
    "staff": frozenset({"any", "read", "answer", "page"}),
    "admin": frozenset({"any", "sales", "read", "answer", "page"}),
}


class Caller(msgspec.Struct, frozen=True):
    """Who calls. `until` is when a cookie ends (Unix seconds); None for a token. `proven` is false where everything is open.

    `lanes` are those that a till is configured for; see `owns_lane`.
    """

    name: str
    scope: str
    until: float | None = None
    proven: bool = True
    lanes: tuple[str, ...] = ()

    def may(self, right: str) -> bool:
        """`right` is one of the words in RIGHTS."""
        return right in RIGHTS[self.scope]

    @property
    def lane(self) -> str | None:
        """The lane of a till that names none; None for callers who are bound to no lane."""
        if self.scope != "till":
            return None
        return self.lanes[0] if self.lanes else self.name

    def owns_lane(self, lane: str) -> bool:
        """Whether this caller may report sales of `lane`: a till only of its own, whoever else may report sales of any."""
        return self.scope != "till" or is_lane_of(lane, self.name, self.lanes)


class Client(msgspec.Struct, frozen=True):
    """One `[[http.client]]` with its token read."""

    name: str
    scope: str
    token: str
    lanes: tuple[str, ...] = ()


class Access:
    """The configured clients. With none, everybody may do everything; `check_listen` then keeps the server on loopback."""

    def __init__(self, clients: Iterable[Client] = ()) -> None:
        self._clients = {client.name: client for client in clients}

    @property
    def open(self) -> bool:
        """True where no clients are configured."""
        return not self._clients

    def by_token(self, token: str) -> Caller | None:
        """Compared with every client's token in constant time."""
        given, found = token.encode(), None
        for client in self._clients.values():
            if hmac.compare_digest(client.token.encode(), given):
                found = Caller(client.name, client.scope, lanes=client.lanes)
        return found

    def cookie_for(self, caller: Caller, now: float) -> str:
        """A cookie that is good for SESSION_S from `now` on. The caller must be a configured client."""
        until = int(now + SESSION_S)
        return f"{caller.name}.{until}.{_signature(self._clients[caller.name], until)}"

    def by_cookie(self, cookie: str, now: float) -> Caller | None:
        """None for a cookie that is forged, torn, over, or of a client that is gone or has a new token."""
        name, _, rest = cookie.partition(".")
        until_text, _, signature = rest.partition(".")
        client = self._clients.get(name)
        if client is None or not (until_text.isascii() and until_text.isdigit() and len(until_text) < 16):
            return None
        until = int(until_text)
        genuine = hmac.compare_digest(_signature(client, until).encode(), signature.encode())
        return Caller(name, client.scope, float(until), lanes=client.lanes) if genuine and now < until else None


def is_lane_of(lane: str, name: str, lanes: Sequence[str]) -> bool:
    """Whether `lane` belongs to the till `name` that is configured for `lanes`. Without any, till-3 has till-3 and 3."""
    if lanes:
        return lane in lanes
    return lane == name or name.endswith(f"-{lane}")


def access_from(http: Http) -> Access:
    """Reads every client's token. Raises ConfigError naming each file that cannot be used."""
    read = [_read_token(client) for client in http.client]
    problems = [found for found in read if isinstance(found, str)]
    clients = [found for found in read if isinstance(found, Client)]
    problems += [f"[[http.client]] name: two clients are called {name!r}" for name in _doubles([c.name for c in clients])]
    if _doubles([client.token for client in clients]):
        problems.append("[[http.client]] token_file: two clients have the same token; give each its own")
    if problems:
        raise ConfigError(problems)
    return Access(clients)


def check_listen(http: Http) -> None:
    """Raises ConfigError where the server would be open to others than this machine, or the address cannot be used."""
    host, port = listen_address(http)
    if not 0 <= port <= 65535:
        raise ConfigError([f"[http] listen: there is no port {port}; use 1 to 65535"])
    if not http.client and not is_loopback(host):
        text = f"[http] listen: {http.listen!r} can be reached from other machines, and without [[http.client]] entries "
        raise ConfigError([text + "anybody could report sales; add clients with tokens, or listen on 127.0.0.1"])


def listen_address(http: Http) -> tuple[str, int]:
    """`listen` as host (brackets of IPv6 removed) and port."""
    host, _, port = http.listen.rpartition(":")
    return host.strip("[]"), int(port)


def is_loopback(host: str) -> bool:
    """True for 127.0.0.0/8, ::1 and the name localhost; other names may lead anywhere."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _signature(client: Client, until: int) -> str:
    return hmac.new(client.token.encode(), f"rfidguard session\n{client.name}\n{until}".encode(), hashlib.sha256).hexdigest()


def _read_token(client: HttpClient) -> Client | str:
    where = f"[[http.client]] {client.name}: token_file {str(client.token_file)!r}"
    try:
        token = client.token_file.read_text("utf-8").strip()
    except OSError as error:
        return f"{where} cannot be read: {error.strerror}"
    except UnicodeDecodeError:
        return f"{where} is not UTF-8 text"
    if len(token) < MIN_TOKEN_CHARACTERS or not token.isascii() or not token.isprintable() or " " in token:
        return (
            f"{where} must hold one line of at least {MIN_TOKEN_CHARACTERS} visible ASCII characters; "
            "make one with: openssl rand -hex 24"
        )
    return Client(client.name, client.scope, token, client.lanes)


def _doubles(values: Sequence[str]) -> list[str]:
    return sorted({value for value in values if values.count(value) > 1})
