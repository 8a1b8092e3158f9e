"""MQTT subscribers that note when each event came: `python -m benchmarks.listeners PORT TOPIC CLIENTS`.

Prints "ready" once all have subscribed, and for each line on standard input how many messages came; when that ends, one line of
JSON: [[client, Unix time of receipt, payload], …].
"""

import json
import sys
import threading
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from rfidguard.clock import SystemClock


def main() -> None:
    port, topic, count = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    clock = SystemClock()
    heard: list[tuple[int, float, bytes]] = []
    ready = threading.Semaphore(0)
    clients = [_client(number, clock, heard, ready, topic) for number in range(count)]
    for client in clients:
        client.connect("127.0.0.1", port, 60)
        client.loop_start()
    for _ in clients:
        if not ready.acquire(timeout=30):
            raise SystemExit("a subscriber was not let in")
    print("ready", flush=True)
    for _ in sys.stdin:
        print(len(heard), flush=True)
    for client in clients:
        client.disconnect()
    print(json.dumps([(who, at, json.loads(payload)) for who, at, payload in heard]))


def _client(
    number: int, clock: SystemClock, heard: list[tuple[int, float, bytes]], ready: threading.Semaphore, topic: str
) -> mqtt.Client:
    def on_connect(client: mqtt.Client, *_: Any) -> None:
        client.subscribe(topic, 1)

    def on_message(_client: mqtt.Client, _data: Any, message: mqtt.MQTTMessage) -> None:
        heard.append((number, clock.now(), message.payload))

    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=f"listener-{number}", protocol=mqtt.MQTTv5)
    client.on_connect = on_connect
    client.on_message = on_message
    client.on_subscribe = lambda *_: ready.release()
    return client


if __name__ == "__main__":
    main()
