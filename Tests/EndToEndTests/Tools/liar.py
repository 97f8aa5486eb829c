"""A worker that lies: speaks docs/protocol.md, and says what is not so.

    liar.py PORT TOKEN_FILE

Joins, waits for work, and tells its lies one after the other, a line on its output for each: the lie's name
and what came of it. At the end it says that it leaves and shows an empty inventory, so that what it was
given goes to others. The subtasks are those of the tests: numbers in, twice the numbers out.
"""
import hashlib
import os
import random
import select
import socket
import struct
import sys
import time

MOST = (1 << 64) - 1
LARGEST, SMALLEST = (1 << 63) - 1, 1 << 63  # of 64 bits with a sign, as a varint


def varint(value):
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def number(field, value):
    return varint(field << 3) + varint(value)


def piece(field, value):
    value = value.encode() if isinstance(value, str) else value
    return varint(field << 3 | 2) + varint(len(value)) + value


def fields(data):
    """The fields of a message, by number: numbers, or bytes; the last one counts in `one`."""
    found, at = {}, 0

    def take():
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 127) << shift
            if byte < 128:
                return value
            shift += 7

    while at < len(data):
        key = take()
        if key & 7 == 0:
            value = take()
        elif key & 7 == 2:
            length = take()
            value = data[at : at + length]
            at += length
        else:
            raise ValueError("a field of type %d" % (key & 7))
        found.setdefault(key >> 3, []).append(value)
    return found


def one(found, field, default=0):
    return found.get(field, [default])[-1]


def frame(*messages):
    body = b"".join(piece(1, message) for message in messages)
    return struct.pack(">I", len(body)) + body


def attempt(task, index, epoch):
    return number(1, task) + number(2, index) + number(3, epoch)


HELLO, INVENTORY, HEARTBEAT, ENDED, TAKEN_BACK, SLOTS_RETURNED, PROGRESS, LOG_TAIL, LEAVING = range(1, 10)
WELCOME, REFUSED, START, ACKNOWLEDGE, CANCEL = 20, 21, 23, 26, 25
BLOB_REQUEST, BLOB_CHUNK, BLOB_FAILED, BLOB_CREDIT, PING, PONG, GOODBYE = 40, 41, 42, 43, 45, 46, 47


class Closed(Exception):
    pass


class Order:
    def __init__(self, assignment):
        each = fields(one(assignment, 1, b""))
        self.id = (one(each, 1), one(each, 2), one(each, 3))
        self.slot = assignment[4][-1] if 4 in assignment else None
        self.result = b""
        self.items = 0
        for part in assignment.get(7, []):
            inline = fields(one(fields(part), 2, b""))
            first, self.items = int(one(inline, 1, b"0")), one(inline, 3)
            self.result = b"".join(b"%d\n" % (2 * (first + i)) for i in range(self.items))


class Liar:
    def __init__(self, port, token, uid="11aa22bb33cc44dd", name="liar"):
        self.port, self.token, self.uid, self.name = port, token, uid, name
        self.orders, self.blobs, self.socket = {}, {}, None

    # The truth

    def dial(self):
        self.close()
        self.socket = socket.create_connection(("127.0.0.1", self.port), timeout=10)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.read, self.sequence, self.last = b"", 0, None

    def close(self):
        if self.socket:
            self.socket.close()
        self.socket = None

    def hello(self, capabilities=None, token=None):
        has = number(2, 8000) + number(3, 8 << 30) if capabilities is None else capabilities
        return piece(1, number(1, 1) + number(2, 1) + piece(4, self.uid) + number(5, random.getrandbits(60))
            + piece(6, self.name) + piece(7, has) + piece(9, self.token if token is None else token))

    def join(self, inventory=b"", capabilities=None, before=()):
        for _ in range(40):
            self.dial()
            self.socket.sendall(frame(self.hello(capabilities)))
            try:
                self.wait(lambda: self.last in (WELCOME, REFUSED), 10)
                if self.last == WELCOME:
                    break
            except Closed:
                pass
            time.sleep(0.1)
        else:
            raise SystemExit("never let in")
        self.send(*before, piece(INVENTORY, inventory))

    def send(self, *messages):
        try:
            self.socket.sendall(frame(*messages))
        except OSError:
            raise Closed("sending")

    def beat(self):
        self.send(piece(HEARTBEAT, number(1, time.monotonic_ns()) + number(7, 1)))

    def wait(self, is_enough, seconds):
        """Takes in what comes until it is enough; whether it was in time."""
        end, beat = time.monotonic() + seconds, 0.0
        while not is_enough():
            now = time.monotonic()
            if now > end:
                return False
            if now - beat > 0.5 and self.last is not None:
                beat = now
                self.beat()
            if select.select([self.socket], [], [], 0.05)[0]:
                try:
                    data = self.socket.recv(1 << 20)
                except OSError:
                    data = b""
                if not data:
                    raise Closed(self.last if isinstance(self.last, str) else "without a word")
                self.read += data
                self.take_frames()
        return True

    def take_frames(self):
        while len(self.read) >= 4:
            (length,) = struct.unpack(">I", self.read[:4])
            if len(self.read) < 4 + length:
                return
            body, self.read = self.read[4 : 4 + length], self.read[4 + length :]
            for message in fields(body).get(1, []):
                for kind, values in fields(message).items():
                    self.take(kind, fields(values[-1]))

    def take(self, kind, body):
        if kind in (WELCOME, REFUSED):
            self.last = kind
        elif kind == START:
            for assignment in body.get(1, []):
                order = Order(fields(assignment))
                if 6 in fields(assignment):
                    self.orders.get(order.id, order).slot = fields(assignment)[6][-1]
                else:
                    self.orders[order.id] = order
        elif kind == CANCEL:
            for each in body.get(1, []):
                self.orders.pop((one(fields(each), 1), one(fields(each), 2), one(fields(each), 3)), None)
        elif kind == BLOB_REQUEST:
            self.serve(body)
        elif kind == PING:
            self.send(piece(PONG, number(1, one(body, 1))))
        elif kind == GOODBYE:
            self.last = one(body, 1, b"").decode()

    def serve(self, body):
        content = self.blobs.get(one(body, 2, b"")[:32])
        request = number(1, one(body, 1))
        if content is None:
            return self.send(piece(BLOB_FAILED, request + number(2, 1)))
        offset = one(body, 3)
        self.send(piece(BLOB_CHUNK, request + number(2, offset) + piece(3, content[offset:])
            + number(4, 1) + number(5, len(content))))

    def ended(self, *ends):
        self.sequence += 1
        return piece(ENDED, number(1, self.sequence) + b"".join(piece(2, end) for end in ends))

    def end(self, order, outcome=None, usage=b"", slot=None, id=None):
        slot = order.slot if slot is None else slot
        if outcome is None:
            outcome = piece(4, piece(1, "lines") + number(2, order.items) + piece(3, order.result))
        return (piece(1, attempt(*(id or order.id))) + (b"" if slot is None else number(2, slot))
            + outcome + piece(6, usage or number(1, 1000)))

    def some(self, count=1):
        """Orders of its own that have a slot, taken out of its books."""
        self.wait(lambda: sum(o.slot is not None for o in self.orders.values()) >= count, 20)
        mine = [o for o in self.orders.values() if o.slot is not None][:count]
        for order in mine:
            del self.orders[order.id]
        return mine

    def settle(self, seconds=0.3):
        self.wait(lambda: False, seconds)

    # Lies

    def says_ends_twice(self):
        mine = self.some(4)
        for order in mine:
            end = self.end(order)
            self.send(self.ended(end, end), self.ended(end))
        self.settle()
        return "%d of its own" % len(mine)

    def ends_what_it_never_had(self):
        lie = piece(4, piece(1, "lines") + number(2, 2) + piece(3, "wrong\nwrong\n"))
        stranger = Order({})
        ends = []
        for task in (0, 1, 7, 0xFFFFFFFF):
            for index in [*range(110), 0xFFFFFFFF]:
                if not any(o.id[:2] == (task, index) for o in self.orders.values()):
                    ends += [self.end(stranger, lie, id=(task, index, epoch), slot=index << 32 | 1) for epoch in (1, 2, 3)]
        self.send(self.ended(*ends))
        self.settle()
        return "%d ends" % len(ends)

    def ends_other_epochs(self):
        lie = piece(4, piece(1, "lines") + number(2, 2) + piece(3, "wrong\nwrong\n"))
        mine = self.some(3)
        for order in mine:
            task, index, epoch = order.id
            others = [e for e in (0, epoch - 1, epoch + 1, epoch + 2, 65535) if 0 <= e != epoch]
            self.send(self.ended(*[self.end(order, lie, id=(task, index, e), slot=MOST) for e in others]))
            self.send(self.ended(self.end(order)))
        self.settle()
        return "%d of its own" % len(mine)

    def gives_results_that_are_not_there(self):
        told = []
        for content, served, size in (
            (b"8\n10\n", b"wrong", 5), (b"8\n10\n", b"8\n10\n", 1 << 40), (b"a" * 100, None, 100),
            (b"b" * 70000, b"c" * 70000, 70000), (b"d" * 70000, b"d" * 60000, 70000), (b"e", b"e", MOST),
        ):
            order = (self.some(1) or [None])[0]
            if not order:
                break
            name = hashlib.sha256(content).digest()
            if served is not None:
                self.blobs[name] = served
            blob = piece(1, name) + number(2, size)
            try:
                self.send(self.ended(self.end(order, piece(4, piece(1, "lines") + number(2, 2) + piece(4, blob)))))
                self.settle(0.5)
                told.append("kept")
            except Closed:
                told.append("closed")
                self.join()
        return " ".join(told)

    def gives_ends_without_sense(self):
        mine = self.some(6)
        senseless = [
            b"", piece(4, piece(1, "nonsense") + piece(3, "x")), piece(4, piece(1, "lines") + piece(4, b"")),
            piece(4, piece(1, "lines") + piece(4, piece(1, "short") + number(2, 9))), piece(5, b""),
            piece(5, number(1, 99) + number(2, 99) + piece(3, "exit.99999999999") + piece(5, b"\xff" * 70000)),
        ]
        for order, outcome in zip(mine, senseless):
            self.send(self.ended(self.end(order, outcome)))
        self.settle()
        return "%d of its own" % len(mine)

    def used_more_than_there_is(self):
        mine = self.some(4)
        for order in mine:
            usage = b"".join(number(field, MOST) for field in range(1, 7))
            count = piece(4, piece(1, "lines") + number(2, order.items) + piece(3, order.result))
            self.send(self.ended(self.end(order, count, usage)))
        self.settle()
        return "%d of its own" % len(mine)

    def beats_absurdly(self):
        for value in (MOST, LARGEST, SMALLEST, 0):
            self.send(*[piece(HEARTBEAT, b"".join(number(f, value) for f in range(1, 5))
                + number(5, value & 0xFFFFFFFF) + number(6, value & 0xFFFFFFFF) + number(7, value))] * 50)
            self.settle(0.1)
        return "200 beats"

    def tells_of_progress_elsewhere(self):
        for each in (attempt(0, 3, 1), attempt(0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF)):
            self.send(*[piece(PROGRESS, piece(1, each) + number(2, MOST) + number(3, 0) + piece(4, "x" * 5000))] * 50)
            self.send(*[piece(LOG_TAIL, piece(1, each) + number(2, 9) + piece(3, b"\xff" * 5000) + number(4, MOST))] * 50)
        self.settle()
        return "200 messages"

    def gives_back_what_it_has_not(self):
        self.sequence += 2
        strangers = b"".join(piece(2, attempt(0, index, 1)) for index in range(200, 400))
        slots = b"".join(number(2, value) for value in (0, 1, 1 << 32, MOST, LARGEST))
        self.send(piece(TAKEN_BACK, number(1, self.sequence - 1) + strangers),
            piece(SLOTS_RETURNED, number(1, self.sequence) + slots))
        self.settle()
        return "200 attempts, 5 slots"

    def shows_an_inventory_that_contradicts(self):
        mine = self.some(3)
        ids = [attempt(*order.id) for order in mine]
        queued = b"".join(piece(1, each) for each in ids * 100) + b"".join(piece(1, attempt(0, i, 9)) for i in range(99))
        running = b"".join(
            piece(2, piece(1, each) + number(2, slot)) for each in ids for slot in (0, 1, MOST, 1 << 32, 5 << 32 | 1)
        )
        self.orders = {}
        self.join(queued + running + number(3, MOST) + b"".join(number(4, n) for n in (0, 1, MOST)))
        self.settle()
        return "of %d of its own" % len(mine)

    def shows_two_inventories(self):
        self.send(piece(INVENTORY, b""))
        return self.is_thrown_out()

    def leaves_a_gap(self):
        self.sequence += 5
        self.send(piece(TAKEN_BACK, number(1, self.sequence)))
        return self.is_thrown_out()

    def floods(self):
        """More than may be said in a second; a coordinator that reads more slowly than that is not flooded."""
        beat = piece(HEARTBEAT, number(7, 1))
        begun, sent = time.monotonic(), 0
        try:
            while time.monotonic() < begun + 15:
                self.send(*[beat] * 60000)
                sent += 60000
        except Closed:
            return self.is_thrown_out()
        reason = self.is_thrown_out()
        return "read slowly" if sent / 15 < 100000 else reason

    def speaks_of_too_much(self):
        for data in (struct.pack(">I", 0xFFFFFFFF), struct.pack(">I", 17 << 20), frame(*[piece(PING, b"")] * 70000),
                     struct.pack(">I", 5) + b"\xff" * 5, frame(piece(ENDED, b"\xff" * 9)), frame(piece(WELCOME, b""))):
            self.socket.sendall(data)
            self.is_thrown_out()
        return "6 connections"

    def ends_in_the_middle(self):
        whole = frame(self.ended(*[self.end(Order({}), id=(0, i, 1)) for i in range(50)]))
        for cut in (1, 3, 4, 5, len(whole) // 2, len(whole) - 1):
            self.socket.sendall(whole[:cut])
            time.sleep(0.05)
            self.orders = {}
            self.join()
        return "6 connections"

    def does_not_say_hello(self):
        said = 0
        for data in (b"", b"GET / HTTP/1.1\r\n\r\n", os.urandom(3000), frame(self.ended()), frame(piece(INVENTORY, b"")),
                     frame(self.hello(token=b"wrong" * 8)), frame(self.hello(token=b"")), frame(self.hello(), self.hello()),
                     struct.pack(">I", 70000) + b"x" * 70000):
            other = socket.create_connection(("127.0.0.1", self.port), timeout=10)
            try:
                other.sendall(data)
                other.shutdown(socket.SHUT_WR)
                other.settimeout(3)
                while chunk := other.recv(4096):
                    said += len(chunk)
            except OSError:
                pass
            other.close()
        return "9 connections"

    def offers_more_than_there_is(self):
        for index, has in enumerate((
            number(2, SMALLEST) + number(3, SMALLEST), number(2, LARGEST) + number(3, LARGEST) + number(6, LARGEST),
            number(2, 1) + b"".join(piece(7, piece(1, "g") + number(2, LARGEST)) for _ in range(500)),
            number(2, 4000) + number(3, 1 << 30) + b"".join(
                piece(8, piece(1, "label%d" % n) + piece(2, "x" * 20)) for n in range(1000)),
        )):
            other = Liar(self.port, self.token, "%02d99aa22bb33cc44" % index, "boaster")
            other.join(capabilities=has)
            other.settle()
            other.leave()
        return "4 workers"

    def asks_for_anything(self):
        for n in range(300):
            self.send(piece(BLOB_REQUEST, number(1, n + 1) + piece(2, os.urandom(n % 40)) + number(3, MOST if n % 2 else 0)
                + number(4, MOST if n % 3 else 0) + number(5, MOST)))
        self.send(*[piece(BLOB_CREDIT, number(1, n) + number(2, MOST)) for n in range(300)])
        self.send(*[piece(BLOB_CHUNK, number(1, n) + number(2, MOST) + piece(3, "x") + number(5, 1)) for n in (1, 10**6)])
        try:
            self.settle()
            return "kept"
        except Closed as why:
            self.orders = {}
            self.join()
            return "closed"

    def is_there_twice(self):
        first, orders = self.socket, self.orders
        self.socket, self.orders = None, {}
        self.join()
        try:
            for order in list(orders.values())[:3]:
                first.sendall(frame(piece(ENDED, number(1, 99) + piece(2, self.end(order, piece(4, piece(1, "lines") + piece(3, "wrong\n")))))))
            while first.recv(65536):
                pass
        except OSError:
            pass
        first.close()
        self.settle()
        return "the older one ended"

    def is_thrown_out(self):
        """Waits to be thrown out, comes back, and says what the reason was."""
        try:
            self.wait(lambda: False, 10)
            reason = "NOT thrown out"
        except Closed as why:
            reason = str(why)
        self.orders = {}
        self.join()
        return reason

    def leave(self):
        self.orders = {}
        self.join(before=[piece(LEAVING, piece(1, "had enough") + number(2, MOST))])
        self.settle()
        self.send(piece(GOODBYE, b""))
        self.close()


LIES = [
    Liar.says_ends_twice, Liar.ends_what_it_never_had, Liar.ends_other_epochs, Liar.used_more_than_there_is,
    Liar.gives_ends_without_sense, Liar.gives_results_that_are_not_there, Liar.beats_absurdly,
    Liar.tells_of_progress_elsewhere, Liar.gives_back_what_it_has_not, Liar.shows_an_inventory_that_contradicts,
    Liar.shows_two_inventories, Liar.leaves_a_gap, Liar.floods, Liar.speaks_of_too_much, Liar.ends_in_the_middle,
    Liar.does_not_say_hello, Liar.asks_for_anything, Liar.is_there_twice, Liar.offers_more_than_there_is,
]


def main():
    with open(sys.argv[2], "rb") as file:
        token = file.read()
    liar = Liar(int(sys.argv[1]), token)
    liar.join()
    for lie in LIES:
        try:
            what = lie(liar)
        except Closed as why:
            what = "closed: %s" % why
            liar.orders = {}
            liar.join()
        print("%s: %s" % (lie.__name__, what), flush=True)
    liar.leave()


main()
