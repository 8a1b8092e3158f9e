"""amqtt as a process of its own: the broker of a machine that has none. For demos only; it speaks MQTT 3.1.1 and forgets."""

import asyncio
import sys

from amqtt.broker import Broker


async def serve(port: int) -> None:
    """Serves on 127.0.0.1 until killed."""
    config = {
        "listeners": {"default": {"type": "tcp", "bind": f"127.0.0.1:{port}"}},
        "plugins": {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}},
    }
    broker = Broker(config)
    await broker.start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
