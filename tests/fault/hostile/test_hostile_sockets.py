#!/usr/bin/env python3
"""Strangers at every socket of a leader and a follower, while honest clients go on.

usage: test_hostile_sockets.py BUILD STUB_WORKER [unittest arguments]

Every honest call must succeed within its deadline, memory stays below a bound, no
program ends, and everything still listens afterwards. CADRE_HOSTILE_ROUNDS=N repeats
the attacks N times as long.
"""
import contextlib
import os
import random
import re
import shutil
import sys
import tempfile
import threading
import time
import unittest

import messages as m
from cluster import Cluster, Honest, MIB, get, memory_bytes, place, wait_for
from peer import (Peer, first, frame, greeting, mutations, nested, number, question,
                  raise_file_limit)

ROUNDS = int(os.environ.get("CADRE_HOSTILE_ROUNDS", "1"))
SEED = int(os.environ.get("CADRE_HOSTILE_SEED", "1"))
# What nobody's behaviour may exceed: replies that wait for slow peers (256 MiB a
# socket), requests that wait (512 MiB in RPC, 256 MiB of predictions), and what a
# program has anyway. Each attack states less where it must need less.
MEMORY_MAX = 1536 * MIB
QUIET_MAX = 384 * MIB
# The largest request of each socket.
CAPS = {"rpc": 4 * MIB, "replication": 2 * MIB, "predict": (10 << 20) + (64 << 10)}
BUILD = WORKER = None


class HostileSockets(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.files = raise_file_limit()
        cls.work = tempfile.mkdtemp(prefix="cadre-hostile-")
        cls.addClassCleanup(shutil.rmtree, cls.work)
        cls.cluster = Cluster(BUILD, cls.work, WORKER)
        cls.addClassCleanup(cls.cluster.close)
        cls.cluster.settle()
        leader, follower = cls.cluster.leader, cls.cluster.follower
        cls.sockets = [(kind, place(daemon.addresses[kind]))
                       for daemon in (leader, follower)
                       for kind in ("rpc", "replication", "predict")
                       if kind in daemon.addresses]
        cls.web = [place(daemon.http()) for daemon in (leader, follower)]
        cls.rpc = place(leader.addresses["rpc"])
        cls.replication = place(leader.addresses["replication"])
        cls.predict = place(follower.addresses["predict"])
        cls.honest = Honest(cls.cluster)
        cls.addClassCleanup(cls.honest.stop)

    @contextlib.contextmanager
    def siege(self, memory_max=QUIET_MAX):
        """The attack is the body; what it opens may stay open until the end."""
        honest = self.honest
        since = honest.begin()
        began = time.monotonic()
        with contextlib.ExitStack() as stack:
            yield stack
            attacked = time.monotonic() - began
            honest.one_more_each(since)
            honest.one_more_each(dict(honest.rounds))
        self.cluster.alive()
        wait_for("memory that is given back", lambda: all(
            memory_bytes(daemon.process.pid) < QUIET_MAX for daemon in self.cluster.daemons))
        with honest.lock:
            peaks, slowest = dict(honest.peaks), dict(honest.slowest)
            failures = list(honest.failures)
        print("  %s: attack %.1f s; slowest %s; peak %s" % (
            self.id().split(".")[-1], attacked,
            " ".join("%s %.2f s" % item for item in sorted(slowest.items())),
            " ".join("%s %d MiB" % (name, size // MIB)
                     for name, size in sorted(peaks.items()))), *failures[:5], sep="\n  ", flush=True)
        self.assertEqual(failures, [])
        for name, size in peaks.items():
            self.assertLess(size, memory_max, name)

    def held(self, stack, *arguments, **more):
        peer = Peer(*arguments, **more)
        stack.callback(peer.close)
        return peer

    def still_answers(self):
        for _, address in self.sockets:
            peer = Peer(address)
            self.assertTrue(peer.meet(), address)
            peer.close()

    # ---- below the messages ----

    def test_port_scans_leave_every_listener_alive(self):
        with self.siege():
            for number_ in range(200 * ROUNDS):
                for _, address in self.sockets + [("http", place_) for place_ in self.web]:
                    peer = Peer(address, greets=number_ % 2 == 1)
                    if number_ % 4 == 3 and address not in self.web:
                        peer.meet()
                    peer.close(hard=number_ % 3 == 0)
        self.still_answers()

    def test_greetings_of_other_protocols_are_refused(self):
        with self.siege():
            for _, address in self.sockets:
                for text in (greeting(0x31), greeting(0x10), greeting(0x50), b"\0SP\1\0\x30\0\0",
                             b"\0SP\0\0\x30\1\1", b"GET / HTTP/1.1\r\n\r\n", b"\xff" * 64,
                             b"\x16\x03\x01\x02\0\x01\0\x01"):
                    peer = Peer(address, greets=False)
                    peer.say(text)
                    self.assertTrue(peer.is_closed())
                    peer.close()

    def test_lies_about_lengths_take_no_memory(self):
        with self.siege() as stack:
            for kind, address in self.sockets:
                cap = CAPS[kind]
                for length in (cap + 1, 1 << 36, 1 << 40, (1 << 63) - 1, 1 << 63,
                               (1 << 64) - 1):
                    peer = Peer(address)
                    peer.meet()
                    peer.say(length.to_bytes(8, "big") + b"x" * 100)
                    self.assertTrue(peer.is_closed(), (kind, length))
                    peer.close()
                for length in range(8):
                    peer = self.held(stack, address)
                    peer.meet()
                    peer.say(frame(b"\0" * length) * 20)
                # As large as allowed, and nothing of it.
                for _ in range(200):
                    peer = self.held(stack, address)
                    peer.say(cap.to_bytes(8, "big"))
                    peer.say(b"x")

    def test_crowds_of_connections_that_never_send_keep_nobody_out(self):
        count = min(10000, self.files - 500)
        if count < 10000:
            print("  %d connections: this process may not have more" % count)
        for greets in (False, True):
            with self.siege() as stack:
                for number_ in range(count):
                    _, address = self.sockets[number_ % len(self.sockets)]
                    self.held(stack, address, greets=greets)
        self.still_answers()

    def test_half_messages_and_a_byte_a_second_hold_up_nobody(self):
        with self.siege() as stack:
            peers = []
            for _, address in self.sockets:
                for number_ in range(60):
                    peer = self.held(stack, address)
                    text = question(m.rpc(m.status()))
                    peer.say(text[:number_ % len(text)])
                    peers.append((peer, text[number_ % len(text):]))
            for step in range(3 * ROUNDS):
                for peer, rest in peers:
                    peer.say(rest[step:step + 1])
                threading.Event().wait(1)

    # ---- those who do not read ----

    def flood(self, stack, address, bodies, peers, count, patience_s=3):
        """Sends as long as somebody takes it; reads nothing."""
        def run(peer):
            peer.socket.settimeout(patience_s)
            for number_ in range(count):
                if not peer.say(question(bodies[number_ % len(bodies)], number_)):
                    return
        threads = []
        for _ in range(peers):
            peer = self.held(stack, address, receive_bytes=4096)
            peer.meet()
            threads.append(threading.Thread(target=run, args=(peer,)))
            threads[-1].start()
        for thread in threads:
            thread.join()

    def test_answers_that_nobody_reads_are_bounded_in_rpc(self):
        with self.siege(MEMORY_MAX) as stack:
            body = m.rpc(*[m.members("large")] * 20)
            self.flood(stack, self.rpc, [body], 8, 300 * ROUNDS)

    def test_batches_that_nobody_reads_are_bounded(self):
        with self.siege(MEMORY_MAX) as stack:
            node = os.urandom(16)
            peer = self.held(stack, self.replication)
            peer.meet()
            answer = first(peer.ask(m.hello(node)), 4)
            epoch = first(answer, 4)
            bodies = [m.fetch(node, epoch, 1)]
            self.flood(stack, self.replication, bodies, 8, 600 * ROUNDS)

    def connections(self):
        """Open ones of the leader's two sockets."""
        metrics = self.cluster.leader.get("/metrics")[2]
        return sum(int(count) for count in
                   re.findall(r"(?m)^cadre_(?:source|rpc)_connections (\d+)", metrics))

    def test_floods_that_break_off_leave_no_connection_behind(self):
        large = m.rpc(m.members("large"), m.members("large"))
        with self.siege(MEMORY_MAX):
            for _ in range(10 * ROUNDS):
                with contextlib.ExitStack() as stack:
                    self.flood(stack, self.rpc, [large], 12, 300, patience_s=0.3)
        wait_for("connections that are let go", lambda: self.connections() < 20)

    def test_predictions_that_nobody_reads_are_bounded(self):
        with self.siege(MEMORY_MAX) as stack:
            bodies = [m.start("live", "served", b"echo " + b"x" * (4 * MIB))]
            self.flood(stack, self.predict, bodies, 16, 30 * ROUNDS)

    # ---- within the messages ----

    def test_mutated_questions_are_answered_or_refused(self):
        bodies = {
            "rpc": [m.rpc(m.resolve("line", "served")), m.rpc(m.status(), m.members("line")),
                    m.rpc(m.watch(10)), nested(40), nested(5000), nested(20000)],
            "replication": [m.hello(), m.fetch(b"n" * 16, 1, 1), m.snapshot_open(),
                            m.snapshot_chunk(1, 0, 100), nested(5000)],
            "predict": [m.start("live", "served", b"echo x"), m.next_chunk(1, 0),
                        m.cancel(1), nested(5000)],
        }
        with self.siege():
            for kind, address in self.sockets:
                peer = Peer(address)
                for body in mutations(bodies[kind], 1500 * ROUNDS, SEED):
                    if not peer.say(question(body)):
                        peer = Peer(address)
                    if random.random() < 0.02:
                        peer.close()
                        peer = Peer(address)
                peer.close()

    def test_unknown_operations_are_refused(self):
        with self.siege():
            peer = Peer(self.rpc)
            peer.meet()
            for field in range(14, 40):
                answer = peer.ask(m.rpc(m.data(field, b"")))
                self.assertIsNotNone(answer)
            for address in (self.replication, self.predict):
                peer = Peer(address)
                peer.meet()
                for field in range(6, 30):
                    answer = peer.ask(number(1, 1) + m.data(field, b""))
                    self.assertIsNotNone(answer)

    # ---- waits ----

    def test_waits_of_strangers_leave_room_for_writers(self):
        with self.siege() as stack:
            peers = [self.held(stack, self.rpc) for _ in range(4)]
            for peer in peers:
                for number_ in range(400):
                    peer.say(question(m.rpc(m.watch()), number_))

    def test_waits_of_those_who_left_are_forgotten(self):
        with self.siege():
            status = Peer(self.rpc)
            status.meet()
            timeline = first(first(status.ask(m.rpc(m.status())), 3) or b"", 1)
            self.assertIsNotNone(timeline)
            for _ in range(4):
                peer = Peer(self.rpc)
                for number_ in range(400):
                    peer.say(question(m.rpc(m.status(), remaining_ms=600000,
                                            after=(timeline, 1 << 40)), number_))
                peer.hear(8)
                peer.close()

    # ---- replication ----

    def test_crowds_of_hellos_are_bounded(self):
        with self.siege():
            peer = Peer(self.replication)
            peer.meet()
            verdicts = {}
            for number_ in range(5000):
                answer = peer.ask(m.hello(name="n%d" % number_))
                self.assertIsNotNone(answer)
                verdict = first(first(answer, 4) or b"", 1)
                verdicts[verdict] = verdicts.get(verdict, 0) + 1
        print("  verdicts: %s" % verdicts)

    def test_hellos_in_the_name_of_others_are_refused(self):
        nodes = self.cluster.must(self.cluster.leader, "node", "list", "--quiet").split()
        with self.siege():
            peer = Peer(self.replication)
            peer.meet()
            for node in nodes[:50]:
                peer.ask(m.hello(bytes.fromhex(node), os.urandom(16)))

    def test_parked_fetches_of_one_stranger_leave_room_for_followers(self):
        with self.siege() as stack:
            peers = [self.held(stack, self.replication) for _ in range(4)]
            for peer in peers:
                peer.meet()
                node = os.urandom(16)
                answer = first(peer.ask(m.hello(node)), 4)
                epoch, committed = first(answer, 4), first(answer, 5)
                for number_ in range(1500):
                    peer.say(question(m.fetch(node, epoch, committed + 1, max_bytes=1),
                                      number_))

    def test_absurd_positions_are_refused(self):
        with self.siege():
            node = os.urandom(16)
            peer = Peer(self.replication)
            peer.meet()
            epoch = first(first(peer.ask(m.hello(node)), 4), 4)
            for seq in (0, 1, 2, 1 << 32, (1 << 63) - 1, 1 << 63, (1 << 64) - 1):
                for most in (0, 1, (1 << 32) - 1):
                    self.assertIsNotNone(peer.ask(m.fetch(node, epoch, seq, max_bytes=most,
                                                          wait_ms=0)))
                self.assertIsNotNone(peer.ask(m.hello(os.urandom(16), last_seq=seq)))
            for seq, offset, length in ((1, 1 << 63, 1), (0, 0, 0), (1 << 63, 0, 1 << 31),
                                        (1, (1 << 64) - 1, (1 << 32) - 1)):
                self.assertIsNotNone(peer.ask(m.snapshot_chunk(seq, offset, length)))
            for _ in range(200):
                self.assertIsNotNone(peer.ask(m.snapshot_open()))

    # ---- predictions ----

    def test_guessed_streams_are_nobodys(self):
        with self.siege():
            peer = Peer(self.predict)
            peer.meet()
            for number_ in range(3000):
                answer = peer.ask(m.next_chunk(random.getrandbits(64), number_))
                self.assertNotEqual(first(answer, 1), 0)
                peer.ask(m.cancel(random.getrandbits(64)))

    # ---- HTTP ----

    def test_slow_and_odd_http_keeps_nobody_out(self):
        odd = [b"BREW / HTTP/1.1\r\nHost: x\r\n\r\n", b"GET http://x/readyz HTTP/1.1\r\n\r\n",
               b"GET /\0readyz HTTP/1.1\r\nHost: x\r\n\r\n", b"\0" * 400 + b"\r\n\r\n",
               b"GET / HTTP/9.9\r\n\r\n", b"GET /" + b"a" * 100000 + b" HTTP/1.1\r\n\r\n",
               b"GET /metrics HTTP/1.1\r\nHost: x\r\n" + b"X: y\r\n" * 20000,
               b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 200000,
               b"POST /readyz HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n",
               b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffff\r\n",
               b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n" * 300]
        with self.siege() as stack:
            slow = []
            for _, address in enumerate(self.web):
                for text in odd:
                    peer = self.held(stack, address, greets=False)
                    peer.socket.settimeout(2)
                    peer.say(text)
                for _ in range(100):
                    peer = self.held(stack, address, greets=False)
                    peer.say(b"GET /readyz HTTP/1.1\r\nHost: x\r\nX: ")
                    slow.append(peer)
            for _ in range(4 * ROUNDS):
                for peer in slow:
                    peer.say(b"y")
                threading.Event().wait(1)

    # ---- the end ----

    def test_zz_afterwards_everything_listens_and_stops_as_told(self):
        self.still_answers()
        for daemon in self.cluster.daemons:
            self.assertEqual(get(daemon.http(), "/healthz")[0], 200)
        self.honest.stop()
        for daemon in reversed(self.cluster.daemons):
            code, _ = daemon.stop()
            self.assertEqual(code, 0, daemon.text()[-4000:])


if __name__ == "__main__":
    BUILD, WORKER = os.path.abspath(sys.argv.pop(1)), os.path.abspath(sys.argv.pop(1))
    unittest.main(verbosity=2)
