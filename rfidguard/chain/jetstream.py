"""A centre in NATS JetStream: one stream, subjects by region and shop, questions by request and reply.

Subjects: rfidguard.sales.REGION.SITE.item for what other shops hear too, ….own for what only boxes of that shop do; a question
goes to rfidguard.state and is answered by any box that `serve`s.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import msgspec
import nats
from nats.aio.msg import Msg
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy
from nats.js.errors import NotFoundError

from rfidguard.chain.contract import PAGE, Answer, Batch, Shared
from rfidguard.chain.nats_link import ANSWER_S, NatsLink
from rfidguard.chain.sharing import concerns_all
from rfidguard.config_chain import Chain
from rfidguard.errors import RfidguardError

log = logging.getLogger(__name__)

STREAM = "RFIDGUARD_SALES"
SALES = "rfidguard.sales"
STATE = "rfidguard.state"
NEWS_WAIT_S = 0.5
"""For messages that the server says it has."""
POLL_S = 5.0
"""One answer takes no longer: what was heard so far is kept, whatever comes then."""
KEPT_S = 400 * 86_400.0
"""How long a stream made by us keeps a record. One that is there already is left as it is."""
AT_ONCE = 100
"""Records on their way to the server without its word."""
CONSUMER_S = 300.0
"""The server forgets a consumer that nobody pulls for so long."""

_encode = msgspec.json.encode
_shared = msgspec.json.Decoder(Shared).decode
_states = msgspec.json.Decoder(dict[str, tuple[Shared, ...]]).decode
_keys = msgspec.json.Decoder(list[str]).decode
_places = msgspec.json.Decoder(dict[str, int]).decode


class JetStreamCentre:
    """See contract.Centre. A cursor is JSON: subject -> the last sequence number of the stream that was heard of it."""

    def __init__(self, url: str, chain: Chain, site: str) -> None:
        mine = [f"{SALES}.*.{site}.own"]
        self._subjects = [*mine, *(f"{SALES}.{region}.*.item" for region in chain.hear)]
        if "*" not in chain.hear:
            self._subjects.append(f"{SALES}.*.{site}.item")
        self._link = NatsLink(url, f"rfidguard {site} {chain.box}", chain.ca_file, self._set_up)
        self._pulls: dict[str, tuple[int, Any]] = {}
        self._answer: Answer | None = None
        self._told_of: set[int] = set()

    def tell(self, shared: Sequence[Shared]) -> None:
        self._link.call(self._tell(shared))

    def poll(self, cursor: str) -> Batch:
        return self._link.call(self._poll(_places(cursor)))

    def snapshot(self, _cursor: str | None) -> Batch:
        """The stream from its first message on: it keeps what matters for as long as it is set up to."""
        return Batch((), _encode(dict.fromkeys(self._subjects, 0)).decode(), more=True)

    def is_snapshot(self, _cursor: str) -> bool:
        return False

    def state(self, keys: Sequence[str], deadline_s: float) -> Mapping[str, tuple[Shared, ...]]:
        return _states(self._link.call(self._ask(_encode(list(keys)), deadline_s), deadline_s))

    def serve(self, answer: Answer) -> None:
        self._link.call(self._listen(answer))

    def doctor(self) -> str:
        return self._link.call(self._looked())

    def close(self) -> None:
        self._link.close()

    async def _set_up(self, client: Any) -> None:
        """On each new connection: the stream is there, and questions are heard."""
        self._pulls = {}
        await self._last(client.jetstream(timeout=ANSWER_S))
        if self._answer is not None:
            await client.subscribe(STATE, queue="rfidguard", cb=self._reply)

    async def _listen(self, answer: Answer) -> None:
        client = await self._link.client()
        self._answer = answer
        await client.subscribe(STATE, queue="rfidguard", cb=self._reply)

    async def _reply(self, message: Msg) -> None:
        """A question of another box; nothing is said where this one cannot know, so that its deadline passes."""
        loop = asyncio.get_running_loop()
        try:
            found = await loop.run_in_executor(None, partial(self._found, _keys(message.data)))
        except (RfidguardError, msgspec.DecodeError) as error:
            log.warning("a question of another box was not answered: %s", error)
            return
        await message.respond(_encode(found))

    def _found(self, keys: list[str]) -> dict[str, Sequence[Shared]]:
        assert self._answer is not None
        return {key: found for key in keys[:PAGE] if (found := self._answer([key]))}

    async def _ask(self, question: bytes, deadline_s: float) -> bytes:
        client = await self._link.client()
        reply = await client.request(STATE, question, timeout=deadline_s)
        return bytes(reply.data)

    async def _tell(self, shared: Sequence[Shared]) -> None:
        stream = (await self._link.client()).jetstream(timeout=ANSWER_S)
        for start in range(0, len(shared), AT_ONCE):
            await asyncio.gather(*(self._publish(stream, one) for one in shared[start : start + AT_ONCE]))

    async def _publish(self, stream: Any, one: Shared) -> None:
        name = f"{one.site}/{one.record.id}".encode("ascii", "backslashreplace").decode()
        subject = f"{SALES}.{one.region}.{one.site}.{'item' if concerns_all(one.record) else 'own'}"
        await stream.publish(subject, _encode(one), stream=STREAM, headers={"Nats-Msg-Id": name})

    async def _poll(self, places: dict[str, int]) -> Batch:
        stream = (await self._link.client()).jetstream(timeout=ANSWER_S)
        if max(places.values(), default=0) > await self._last(stream):
            self._pulls = {}
            return msgspec.structs.replace(self.snapshot(None), restored=True)
        heard: list[Shared] = []
        seen = 0
        before, until = dict(places), asyncio.get_running_loop().time() + POLL_S
        for subject in self._subjects:
            while (left := PAGE - seen) > 0 and asyncio.get_running_loop().time() < until:
                messages = await self._pulled(stream, subject, places.get(subject, 0), left)
                if not messages:
                    break
                seen += len(messages)
                heard += [one for message in messages if (one := _read(message)) is not None]
                places[subject] = messages[-1].metadata.sequence.stream
        cursor = _encode(places).decode() if places != before else None
        late = asyncio.get_running_loop().time() >= until
        return Batch(tuple(heard), cursor, more=cursor is not None and (seen >= PAGE or late), unreadable=seen - len(heard))

    async def _last(self, stream: Any) -> int:
        """The stream's last place. One that is not there is made, and is empty."""
        try:
            last: int = (await stream.stream_info(STREAM)).state.last_seq
        except NotFoundError:
            await stream.add_stream(name=STREAM, subjects=[f"{SALES}.>"], max_age=KEPT_S)
            return 0
        return last

    async def _pulled(self, stream: Any, subject: str, after: int, most: int) -> list[Msg]:
        """The next messages of a subject. One consumer goes on as long as what it gave is stored and nothing fails."""
        place, pull = self._pulls.pop(subject, (-1, None))
        news = None if pull is None or place != after else await _has_news(pull, after)
        if news is None:
            pull = await self._consumer(stream, subject, after)
            news = await _has_news(pull, after)
        try:
            messages: list[Msg] = await pull.fetch(most, timeout=NEWS_WAIT_S) if news else []
        except (TimeoutError, nats.errors.TimeoutError):
            messages = []
        self._pulls[subject] = (messages[-1].metadata.sequence.stream if messages else after, pull)
        return messages

    async def _consumer(self, stream: Any, subject: str, after: int) -> Any:
        first = (await stream.stream_info(STREAM)).state.first_seq
        if after and first > after + 1 and first not in self._told_of:
            self._told_of = {first}
            log.warning("the centre no longer has %d records that this box may not have heard", first - after - 1)
        settings = ConsumerConfig(
            deliver_policy=DeliverPolicy.BY_START_SEQUENCE, opt_start_seq=after + 1, ack_policy=AckPolicy.NONE,
            inactive_threshold=CONSUMER_S, mem_storage=True, num_replicas=1,
        )  # fmt: skip
        return await stream.pull_subscribe(subject, stream=STREAM, config=settings)

    async def _looked(self) -> str:
        stream = (await self._link.client()).jetstream(timeout=ANSWER_S)
        state = (await stream.stream_info(STREAM)).state
        return f"NATS answers; {state.messages:,} records are kept, {state.bytes / 1e6:,.1f} MB"


async def _has_news(pull: Any, after: int) -> bool | None:
    """Whether the server has, or has sent, something behind `after`. None where it has forgotten the consumer: a pull would
    wait in vain, and without a word.
    """
    try:
        info = await pull.consumer_info()
    except NotFoundError:
        return None
    sent = 0 if info.delivered is None else info.delivered.stream_seq
    return bool(info.num_pending) or sent > after


def _read(message: Msg) -> Shared | None:
    """None for what is no record."""
    try:
        return _shared(message.data)
    except msgspec.DecodeError:
        return None
