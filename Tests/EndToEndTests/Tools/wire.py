"""A wire between two network namespaces that delays, loses, reorders and cuts, packet by packet.

    wire.py SETTINGS NAMESPACE DEVICE ADDRESS NAMESPACE DEVICE ADDRESS

Each end is a TUN device: what the kernel of one namespace sends is read here and given to the other one
when its time has come, so that TCP's own timers and retransmissions are at work. SETTINGS is a JSON file
that is read again whenever it changes:

    delay_ms, jitter_ms   how long a packet is under way; what varies changes the order, too
    loss                  the share of packets that is lost, 0 to 1
    reorder               the share that is not delayed at all and overtakes the others
    rate_kbit             how much passes in a second, each way; 0 is no limit
    cut_ab, cut_ba        nothing passes in this direction

SETTINGS.counts says how many packets passed, were lost, overtook others or met a cut. The wire goes with
its parent, or when it is ended.
"""
import ctypes
import fcntl
import heapq
import json
import os
import random
import select
import struct
import subprocess
import sys
import time

CLONE_NEWNET = 0x40000000
TUNSETIFF = 0x400454CA
IFF_TUN_NO_PI = 0x1001
QUEUE = 2000  # packets under way in both directions, at most


def tun(namespace, device, address):
    libc = ctypes.CDLL(None, use_errno=True)
    home = os.open("/proc/self/ns/net", os.O_RDONLY)
    there = os.open("/var/run/netns/" + namespace, os.O_RDONLY)
    if libc.setns(there, CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns " + namespace)
    descriptor = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(descriptor, TUNSETIFF, struct.pack("16sH22x", device.encode(), IFF_TUN_NO_PI))
    libc.setns(home, CLONE_NEWNET)
    ip = ["ip", "-n", namespace]
    subprocess.run(ip + ["address", "add", address, "dev", device], check=True)
    subprocess.run(ip + ["link", "set", device, "up"], check=True)
    return descriptor


class Wire:
    def __init__(self, path, ends):
        self.path, self.ends = path, ends
        self.settings, self.read_at = {}, None
        self.random = random.Random(7)
        self.under_way, self.number = [], 0
        self.free_at = [0.0, 0.0]
        self.counts = {"passed": 0, "lost": 0, "overtook": 0, "cut": 0}

    def read_settings(self):
        status = os.stat(self.path)
        mark = (status.st_ino, status.st_mtime_ns)
        if mark != self.read_at:
            with open(self.path) as file:
                self.settings = json.load(file)
            self.read_at = mark

    def write_counts(self):
        with open(self.path + ".counts.new", "w") as file:
            json.dump(self.counts, file)
        os.rename(self.path + ".counts.new", self.path + ".counts")

    def take(self, packet, end, now):
        say = self.settings.get
        if say("cut_ab" if end == 0 else "cut_ba"):
            self.counts["cut"] += 1
            return
        if self.random.random() < say("loss", 0) or len(self.under_way) >= QUEUE:
            self.counts["lost"] += 1
            return
        due = now
        if say("rate_kbit", 0):
            due = self.free_at[end] = max(now, self.free_at[end]) + len(packet) * 8 / say("rate_kbit") / 1000
        if self.random.random() < say("reorder", 0):
            self.counts["overtook"] += 1
        else:
            due += max(0, say("delay_ms", 0) + say("jitter_ms", 0) * self.random.uniform(-1, 1)) / 1000
        self.number += 1
        heapq.heappush(self.under_way, (due, self.number, 1 - end, packet))

    def give(self, now):
        while self.under_way and self.under_way[0][0] <= now:
            _, _, end, packet = heapq.heappop(self.under_way)
            try:
                os.write(self.ends[end], packet)
                self.counts["passed"] += 1
            except OSError:
                self.counts["lost"] += 1

    def run(self):
        parent, told = os.getppid(), 0.0
        while os.getppid() == parent:
            now = time.monotonic()
            if now - told > 0.02:
                told = now
                self.read_settings()
                self.write_counts()
            wait = max(0.0, min(0.05, self.under_way[0][0] - now)) if self.under_way else 0.05
            ready, _, _ = select.select(self.ends, [], [], wait)
            now = time.monotonic()
            for descriptor in ready:
                end = self.ends.index(descriptor)
                for _ in range(64):
                    try:
                        self.take(os.read(descriptor, 65536), end, now)
                    except BlockingIOError:
                        break
            self.give(now)


def main(path, *names):
    wire = Wire(path, [tun(*names[:3]), tun(*names[3:])])
    wire.read_settings()
    wire.write_counts()
    wire.run()


main(*sys.argv[1:])
