"""LLRP readers. The way of the bytes: link → frames → report or notices → reader_clock → driver → events."""
