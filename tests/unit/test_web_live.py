"""The way of a change to many clients: nobody waits, nobody loses silently."""

import asyncio
import json
import threading
from collections.abc import Coroutine
from typing import Any

from rfidguard.web.live import CLOSED, QUIET, RESYNC, Broadcast

SOON_S = 10.0


def run(test: Coroutine[Any, Any, None]) -> None:
    asyncio.run(test)


def test_every_client_hears_every_change_in_order() -> None:
    async def scene() -> None:
        broadcast = Broadcast()
        clients = [broadcast.subscribe() for _ in range(3)]
        for number in range(5):
            broadcast.publish({"number": number})
        for client in clients:
            heard = [json.loads(await client.next(SOON_S)) for _ in range(5)]  # type: ignore[arg-type]
            assert heard == [{"number": number} for number in range(5)]

    run(scene())


def test_another_thread_wakes_a_waiting_client() -> None:
    async def scene() -> None:
        broadcast = Broadcast()
        client = broadcast.subscribe()
        waiting = asyncio.create_task(client.next(SOON_S))
        thread = threading.Thread(target=broadcast.publish, args=({"id": 1},))
        asyncio.get_running_loop().call_soon(thread.start)  # after the client's first step: it waits by then
        assert await waiting == b'{"id":1}'
        thread.join()

    run(scene())


def test_silence_is_told_as_silence() -> None:
    async def scene() -> None:
        assert await Broadcast().subscribe().next(0.0) is QUIET

    run(scene())


def test_a_slow_client_is_told_to_read_everything_again() -> None:
    async def scene() -> None:
        broadcast = Broadcast(queue_limit=2)
        slow = broadcast.subscribe()
        for number in range(3):
            broadcast.publish({"number": number})
        assert await slow.next(SOON_S) is RESYNC
        assert await slow.next(SOON_S) == b'{"number":2}'
        assert await slow.next(0.0) is QUIET
        assert broadcast.resyncs == 1

    run(scene())


def test_a_client_that_keeps_up_never_loses() -> None:
    async def scene() -> None:
        broadcast = Broadcast(queue_limit=1)
        client = broadcast.subscribe()
        for number in range(50):
            broadcast.publish({"number": number})
            assert isinstance(await client.next(SOON_S), bytes)
        assert broadcast.resyncs == 0

    run(scene())


def test_closing_ends_clients_that_wait_and_clients_to_come() -> None:
    async def scene() -> None:
        broadcast = Broadcast()

        async def close() -> None:
            broadcast.close()

        said, _ = await asyncio.gather(broadcast.subscribe().next(SOON_S), close())
        assert said is CLOSED
        assert await broadcast.subscribe().next(SOON_S) is CLOSED

    run(scene())


def test_a_client_that_left_is_forgotten() -> None:
    async def scene() -> None:
        broadcast = Broadcast()
        client = broadcast.subscribe()
        client.close()
        assert broadcast.listeners == 0
        assert await client.next(SOON_S) is CLOSED

    run(scene())


def test_publishing_outlives_a_loop_that_is_gone() -> None:
    broadcast = Broadcast()

    async def subscribe_only() -> None:
        broadcast.subscribe()

    asyncio.run(subscribe_only())
    broadcast.publish({"id": 1})
    assert broadcast.published == 1


def test_many_threads_may_publish_at_once() -> None:
    async def scene() -> None:
        broadcast = Broadcast(queue_limit=1000)
        client = broadcast.subscribe()

        def publish_fifty() -> None:
            for _ in range(50):
                broadcast.publish({"x": 1})

        threads = [threading.Thread(target=publish_fifty) for _ in range(4)]
        for thread in threads:
            thread.start()
        for _ in range(200):
            assert isinstance(await client.next(SOON_S), bytes)
        for thread in threads:
            thread.join()

    run(scene())
