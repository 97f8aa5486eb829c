"""Stands between workers and a coordinator and treats their connections badly.

    relay.py PORT TARGET_PORT CUTS REPORT

Passes bytes on in pieces of any size. Until it has done it CUTS times, it ends connections after a few
frames, in the middle of one: half of them with a reset, the others as if the peer had gone; and now and then
it stalls one direction for some seconds while the other goes on. REPORT says what it did, as JSON.
"""
import json
import os
import random
import select
import socket
import struct
import sys
import time

BUFFER = 1 << 20


class Direction:
    """One way through the relay; knows where frames begin."""

    def __init__(self, source, target):
        self.source, self.target = source, target
        self.bytes, self.head, self.rest = b"", b"", 0
        self.frames, self.stalled_until, self.is_over = 0, 0.0, False

    def follow(self, data):
        while data:
            if self.rest == 0:
                need = 4 - len(self.head)
                self.head, data = self.head + data[:need], data[need:]
                if len(self.head) == 4:
                    (self.rest,) = struct.unpack(">I", self.head)
                    self.head, self.frames = b"", self.frames + 1
            else:
                step = min(self.rest, len(data))
                self.rest, data = self.rest - step, data[step:]

    @property
    def is_inside_frame(self):
        return self.rest > 0 or bool(self.head)


class Relay:
    def __init__(self, port, target, cuts, report):
        self.target, self.cuts, self.report = target, cuts, report
        self.random = random.Random(11)
        self.done = {"connections": 0, "cuts": 0, "stalls": 0}
        self.pairs = []
        self.listener = socket.create_server(("127.0.0.1", port), backlog=64)
        self.write_report()

    def write_report(self):
        with open(self.report + ".new", "w") as file:
            json.dump(self.done, file)
        os.rename(self.report + ".new", self.report)

    def accept(self):
        client, _ = self.listener.accept()
        try:
            server = socket.create_connection(("127.0.0.1", self.target), timeout=5)
        except OSError:
            client.close()
            return
        for each in (client, server):
            each.setblocking(False)
            each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.done["connections"] += 1
        victim = self.random.randrange(2)
        self.pairs.append(
            {
                "ways": [Direction(client, server), Direction(server, client)],
                "victim": victim,
                "limit": self.random.randint(3, 25),
            }
        )

    def end(self, pair, with_reset=False):
        for way in pair["ways"]:
            if with_reset:
                way.source.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            way.source.close()
        self.pairs.remove(pair)

    def pass_on(self, pair, way, now):
        count = self.random.choice((1, 3, 7, 100, 4096, 65536))
        victim = pair["ways"][pair["victim"]]
        is_last = way is victim and self.done["cuts"] < self.cuts and way.frames >= pair["limit"]
        if is_last:
            # The beginning of the next frame, and no more.
            count = min(count, 6)
        try:
            sent = way.target.send(way.bytes[:count])
        except BlockingIOError:
            return True
        way.follow(way.bytes[:sent])
        way.bytes = way.bytes[sent:]
        if is_last and way.is_inside_frame:
            self.done["cuts"] += 1
            self.end(pair, with_reset=self.done["cuts"] % 2 == 0)
            self.write_report()
            return False
        if self.random.random() < 0.002 and self.done["cuts"] < self.cuts:
            way.stalled_until = now + self.random.uniform(0.2, 2)
            self.done["stalls"] += 1
            self.write_report()
        return True

    def step(self, pair, readable, now):
        for way in pair["ways"]:
            if way.source in readable:
                data = way.source.recv(65536)
                if not data:
                    way.is_over = True
                way.bytes += data
            if way.bytes and now >= way.stalled_until and not self.pass_on(pair, way, now):
                return
            if way.is_over and not way.bytes:
                return self.end(pair)

    def run(self):
        parent = os.getppid()
        while os.getppid() == parent:
            reading = [self.listener]
            waits = False
            for pair in self.pairs:
                for way in pair["ways"]:
                    if len(way.bytes) < BUFFER and not way.is_over:
                        reading.append(way.source)
                    waits = waits or bool(way.bytes)
            readable, _, _ = select.select(reading, [], [], 0.001 if waits else 0.2)
            if self.listener in readable:
                self.accept()
            now = time.monotonic()
            for pair in list(self.pairs):
                try:
                    self.step(pair, readable, now)
                except OSError:
                    self.end(pair)


Relay(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]).run()
