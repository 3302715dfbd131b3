"""Questions for the three sockets; well-formed, whatever they want."""
import os

from peer import data, number


# ---- RPC ----

def rpc(*ops, remaining_ms=0, after=None):
    body = (number(1, 1) + data(2, "stranger") + number(3, remaining_ms) +
            data(6, "default"))
    if after:
        timeline, seq = after
        body += data(4, data(1, timeline) + number(2, seq))
    return body + b"".join(data(10, op) for op in ops)


def status():
    return data(11, b"")


def watch(wait_ms=30000):
    return data(10, number(1, 0) + number(3, wait_ms))


def resolve(target, key):
    return data(3, data(1, target) + data(2, key))


def members(target, limit=1000):
    return data(5, data(1, target) + number(3, limit))


# ---- replication ----

def replication(field, body):
    return number(1, 1) + data(field, body)


def hello(node=None, incarnation=b"i" * 16, last_seq=0, cluster=b"", name="stranger"):
    return replication(2, data(1, cluster) + data(3, node or os.urandom(16)) +
                       data(4, incarnation) + data(5, name) + number(8, last_seq))


def fetch(node, epoch, next_seq, incarnation=b"i" * 16, max_bytes=1 << 22, wait_ms=10000):
    return replication(3, data(1, node) + data(2, incarnation) + number(3, epoch) +
                       number(4, next_seq) + data(5, b"c" * 32) + number(6, max_bytes) +
                       number(7, wait_ms) + number(8, 0) + number(9, 0))


def snapshot_open(node=b"n" * 16):
    return replication(4, data(1, node))


def snapshot_chunk(seq, offset, length):
    return replication(5, number(1, seq) + number(2, offset) + number(3, length))


# ---- predictions ----

def start(deployment, key, payload, compartment="default", deadline_ms=60000):
    return data(1, data(1, deployment) + data(2, key) + data(3, payload) +
                number(4, deadline_ms) + data(5, compartment))


def next_chunk(stream, after, wait_ms=10000):
    return data(2, number(1, stream) + number(2, after) + number(3, wait_ms))


def cancel(stream):
    return data(3, number(1, stream))
