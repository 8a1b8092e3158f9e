"""Topic names of the contract, out and in."""

import pytest

from rfidguard import topics
from rfidguard.errors import RefusedInput
from rfidguard.topics import Inbound, Topics

SITE = Topics("rfidguard", "0001")


@pytest.mark.parametrize(
    ("name", "topic"),
    [
        (topics.STATUS, "rfidguard/0001/status"),
        (topics.EVENT_ALARM, "rfidguard/0001/event/alarm"),
        (topics.alarm("01K"), "rfidguard/0001/alarm/01K"),
        (topics.gate_status("front"), "rfidguard/0001/gate/front/status"),
        (topics.device_status("front-1"), "rfidguard/0001/device/front-1/status"),
        (topics.presence("staff-1"), "rfidguard/0001/handheld/staff-1/presence"),
        (topics.answer("staff-1"), "rfidguard/0001/handheld/staff-1/ack"),
        (topics.answer_reply("staff-1"), "rfidguard/0001/handheld/staff-1/reply"),
        (topics.sale("3"), "rfidguard/0001/pos/3/sale"),
        (topics.heartbeat("3"), "rfidguard/0001/pos/3/heartbeat"),
        (topics.sale_reply("3"), "rfidguard/0001/pos/3/reply"),
        (topics.command("mute"), "rfidguard/0001/cmd/mute"),
        (topics.command_reply("mute"), "rfidguard/0001/cmd/mute/reply"),
    ],
)
def test_names_are_those_of_the_contract(name: str, topic: str) -> None:
    assert SITE.whole(name) == topic


@pytest.mark.parametrize(
    ("topic", "kind", "name", "reply"),
    [
        ("handheld/staff-1/ack", "answer", "staff-1", "handheld/staff-1/reply"),
        ("handheld/staff-1/presence", "presence", "staff-1", None),
        ("pos/3/sale", "sale", "3", "pos/3/reply"),
        ("pos/3/heartbeat", "heartbeat", "3", None),
        ("cmd/mute", "command", "mute", "cmd/mute/reply"),
    ],
)
def test_inbound_topics_tell_who_speaks(topic: str, kind: str, name: str, reply: str | None) -> None:
    inbound = SITE.inbound(f"rfidguard/0001/{topic}")
    assert inbound == Inbound(kind, name)
    assert inbound.reply == reply


@pytest.mark.parametrize(
    "topic",
    [
        "rfidguard/0002/pos/3/sale",
        "rfidguard/0001/pos//sale",
        "rfidguard/0001/pos/3/refund",
        "rfidguard/0001/cmd/mute/reply",
        "rfidguard/0001/pos/3/sale/more",
        "rfidguard/0001/",
        "rfidguard/0001",
        "",
    ],
)
def test_other_topics_are_not_inbound(topic: str) -> None:
    assert SITE.inbound(topic) is None


@pytest.mark.parametrize("name", ["", "a/b", "+", "a#", "a\nb", "x" * 65])
def test_names_that_are_no_topic_level_are_refused(name: str) -> None:
    with pytest.raises(RefusedInput, match="topic level"):
        topics.gate_status(name)


def test_a_prefix_may_have_several_levels() -> None:
    site = Topics("shops/north", "0001")
    assert site.inbound("shops/north/0001/cmd/test") == Inbound("command", "test")


def test_a_prefix_with_a_wildcard_is_refused() -> None:
    with pytest.raises(RefusedInput):
        Topics("shops/+", "0001")


@pytest.mark.parametrize("response", ["rfidguard/0001/pos/3/reply", "rfidguard/0001/pos/3/mine", "my-app/replies/7"])
def test_a_till_may_be_answered_on_its_own_branch_or_outside(response: str) -> None:
    assert SITE.may_answer_on(Inbound("sale", "3"), response)


@pytest.mark.parametrize(
    "response",
    [
        "rfidguard/0001/alarm/01K",
        "rfidguard/0001/status",
        "rfidguard/0001/pos/4/reply",
        "rfidguard/0001/pos/3/sale",
        "rfidguard/0002/pos/3/reply",
        "$SYS/broker",
        "a/+/b",
        "",
    ],
)
def test_nobody_can_have_the_daemon_write_where_they_may_not(response: str) -> None:
    assert not SITE.may_answer_on(Inbound("sale", "3"), response)
