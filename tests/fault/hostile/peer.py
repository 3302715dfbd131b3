"""A stranger's side of the sockets: bytes as nng's TCP transport and protobuf have them."""
import random
import resource
import socket
import struct

REQ = 0x30
REP = 0x31
FLAG = 0x80000000  # the last hop of a REQ's way


def raise_file_limit():
    """As many connections as this process may have."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


# ---- protobuf ----

def varint(value):
    out = b""
    while value >= 0x80:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def number(field, value):
    return varint(field << 3) + varint(value & (1 << 64) - 1)


def data(field, value):
    value = value.encode() if isinstance(value, str) else value
    return varint(field << 3 | 2) + varint(len(value)) + value


def fields(message):
    """(field, value) of each; enough for answers."""
    at = 0

    def take():
        nonlocal at
        value = shift = 0
        while True:
            byte = message[at]
            at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value
    while at < len(message):
        key = take()
        if key & 7 == 0:
            yield key >> 3, take()
        else:
            length = take()
            yield key >> 3, message[at:at + length]
            at += length


def first(message, wanted):
    return next((value for field, value in fields(message) if field == wanted), None)


# ---- SP over TCP ----

def greeting(protocol):
    return b"\0SP\0" + struct.pack(">HH", protocol, 0)


def frame(body):
    return struct.pack(">Q", len(body)) + body


def question(body, request=1):
    return frame(struct.pack(">I", FLAG | request & 0x7FFFFFFF) + body)


class Peer:
    """One connection; everything about it may fail, that is the other side's right."""

    def __init__(self, address, greets=True, receive_bytes=None):
        self.socket = socket.socket()
        self.socket.settimeout(10)
        self.alive = True
        if receive_bytes:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        try:
            self.socket.connect(address)
        except OSError:
            self.alive = False
        if greets:
            self.say(greeting(REQ))

    def say(self, text):
        """False when it could not be said."""
        try:
            self.socket.sendall(text)
            return self.alive
        except OSError:
            self.alive = False
            return False

    def hear(self, length):
        """So many bytes, or fewer when the other side ends."""
        out = b""
        try:
            while len(out) < length:
                more = self.socket.recv(min(length - len(out), 1 << 20))
                if not more:
                    break
                out += more
        except OSError:
            pass
        return out

    def meet(self):
        return self.hear(8) == greeting(REP)

    def answer(self):
        """The next answer's body; None when the connection ended."""
        head = self.hear(8)
        if len(head) < 8:
            return None
        (length,) = struct.unpack(">Q", head)
        body = self.hear(length)
        return body[4:] if len(body) == length else None

    def ask(self, body):
        return self.answer() if self.say(question(body)) else None

    def is_closed(self):
        """Waits for the end."""
        return self.hear(1 << 16) is not None and not self.hear(1)

    def close(self, hard=False):
        if hard:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                   struct.pack("ii", 1, 0))
        self.socket.close()


def mutations(bodies, count, seed):
    """Random bytes, and bodies with bits flipped, cut, or doubled."""
    chance = random.Random(seed)
    for _ in range(count):
        kind = chance.randrange(4)
        body = bytearray(chance.choice(bodies))
        if kind == 0:
            body = bytearray(chance.randbytes(chance.randrange(200)))
        elif kind == 1 and body:
            for _ in range(chance.randrange(1, 8)):
                body[chance.randrange(len(body))] ^= 1 << chance.randrange(8)
        elif kind == 2:
            body = body[:chance.randrange(len(body) + 1)]
        else:
            body += chance.choice(bodies)
        yield bytes(body)


def nested(depth):
    """Field 10 in field 10 in …"""
    body = b""
    for _ in range(depth):
        body = data(10, body)
    return body
