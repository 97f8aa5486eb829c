import FanfoldCore
import Foundation
import Testing

@testable import FanfoldRuntime

/// Files as a kernel would have them.
private final class MadeUpSystem {
    let root = FileManager.default.temporaryDirectory
        .appendingPathComponent("fanfold-machine-\(UUID().uuidString)")

    var files: SystemFiles {
        SystemFiles(proc: root.path + "/proc", sys: root.path + "/sys")
    }

    func put(_ path: String, _ text: String) throws {
        let file = root.appendingPathComponent(path)
        try FileManager.default.createDirectory(
            at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: file)
    }

    deinit { try? FileManager.default.removeItem(at: root) }
}

struct MachineTests {
    @Test func `the processor, its cores, the memory and its nodes are read`() throws {
        let system = MadeUpSystem()
        let thread = { (core: Int) in
            "processor\t: 0\nmodel name\t: Some Processor 9000\nphysical id\t: 0\n"
                + "core id\t\t: \(core)\n\n"
        }
        try system.put("proc/cpuinfo", [0, 0, 1, 1].map(thread).joined())
        try system.put("proc/meminfo", "MemTotal:       16384 kB\nMemFree: 1 kB\n")
        for node in ["node0", "node1", "possible"] {
            try system.put("sys/devices/system/node/\(node)/x", "")
        }
        let facts = MachineFacts(system.files)
        #expect(facts.processor == "Some Processor 9000")
        #expect(facts.physicalCores == 2)
        #expect(facts.memoryBytes == 16 << 20)
        #expect(facts.nodes == 2)
        #expect(facts.usableMemoryBytes == 16 << 20)
    }

    @Test func `this machine has what any machine has`() {
        let facts = MachineFacts()
        #expect(facts.logicalCores >= 1)
        #expect(facts.memoryBytes > 1 << 20)
        #expect(facts.operatingSystem.hasPrefix("Linux "))
        #expect(!facts.architecture.isEmpty)
        #expect(MachineFacts.freeDisk("/nowhere/at/all") != nil)
    }

    @Test func `a machine that says nothing has one node and no limits`() {
        let facts = MachineFacts(MadeUpSystem().files)
        #expect(facts.processor == "")
        #expect(facts.physicalCores == 0)
        #expect(facts.nodes == 1)
        #expect(facts.group == ControlGroup())
    }

    @Test func `the smallest limit on the way to the root counts`() throws {
        let system = MadeUpSystem()
        try system.put("proc/self/cgroup", "0::/outer/inner\n")
        try system.put("sys/fs/cgroup/outer/inner/cpu.max", "max 100000\n")
        try system.put("sys/fs/cgroup/outer/cpu.max", "150000 100000\n")
        try system.put("sys/fs/cgroup/outer/inner/memory.max", "2147483648\n")
        try system.put("sys/fs/cgroup/outer/inner/memory.high", "1073741824\n")
        try system.put("sys/fs/cgroup/outer/memory.max", "max\n")
        let group = ControlGroup(system.files)
        #expect(group.milliCores == 1500)
        #expect(group.memoryBytes == 1 << 30)
    }

    @Test func `the first version of control groups has its own names`() throws {
        let system = MadeUpSystem()
        try system.put("proc/self/cgroup", "4:memory:/box\n3:cpu,cpuacct:/box\n2:pids:/\n")
        try system.put("sys/fs/cgroup/cpu/box/cpu.cfs_quota_us", "50000\n")
        try system.put("sys/fs/cgroup/cpu/box/cpu.cfs_period_us", "100000\n")
        try system.put("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n")
        try system.put("sys/fs/cgroup/memory/box/memory.limit_in_bytes", "4096\n")
        try system.put(
            "sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n")
        let group = ControlGroup(system.files)
        #expect(group.milliCores == 500)
        #expect(group.memoryBytes == 4096)
    }

    @Test func `a tree of processes is summed up, whatever they are called`() throws {
        let system = MadeUpSystem()
        func process(_ id: Int, _ name: String, ticks: Int, pages: Int, _ children: String) throws {
            let rest = Array(repeating: "0", count: 6).joined(separator: " ")
            try system.put(
                "proc/\(id)/stat",
                "\(id) (\(name)) S 1 1 1 0 -1 0 0 0 0 0 \(ticks) 0 0 0 \(rest) \(pages) 0 0\n")
            try system.put("proc/\(id)/task/\(id)/children", children)
        }
        try process(7, "a ) b", ticks: 100, pages: 10, "8 9 ")
        try process(8, "x", ticks: 0, pages: 1, "")
        var tree = ProcessTree(root: 7, files: system.files)
        let page = Int64(sysconf(Int32(_SC_PAGESIZE)))
        let first = tree.look(at: 1_000_000_000)
        #expect(first == .init(milliCores: 0, memoryBytes: 11 * page, processes: 2))
        let perSecond = sysconf(Int32(_SC_CLK_TCK))
        try process(8, "x", ticks: perSecond * 3, pages: 1, "")
        #expect(tree.look(at: 3_000_000_000).milliCores == 1500)
        try process(8, "x", ticks: 0, pages: 1, "")
        #expect(tree.look(at: 4_000_000_000).milliCores == 0)
    }

    @Test func `this process uses memory, and time when it works`() {
        var tree = ProcessTree()
        let began = tree.look(at: monotonicNanoseconds())
        #expect(began.memoryBytes > 1 << 20)
        #expect(began.processes >= 1)
        let end = monotonicNanoseconds() + 200_000_000
        var sum: UInt64 = 0
        while monotonicNanoseconds() < end { sum &+= 1 }
        #expect(sum > 0)
        #expect(tree.look(at: monotonicNanoseconds()).milliCores > 100)
    }
}

/// NVML as it answers, in a library of the test's own with its function names.
@Suite(.enabled(if: access("/usr/bin/cc", X_OK) == 0, "cc is missing: NO GPU CODE WAS RUN"))
struct GraphicsCardTests {
    private func library(_ body: String) throws -> (path: String, folder: URL) {
        let folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("fanfold-nvml-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let source = folder.appendingPathComponent("nvml.c")
        try Data(body.utf8).write(to: source)
        let path = folder.appendingPathComponent("libnvidia-ml.so.1").path
        let compiler = Process()
        compiler.executableURL = URL(fileURLWithPath: "/usr/bin/cc")
        compiler.arguments = ["-shared", "-fPIC", "-o", path, source.path]
        try compiler.run()
        compiler.waitUntilExit()
        try #require(compiler.terminationStatus == 0)
        return (path, folder)
    }

    private let two = """
        #include <string.h>
        #include <stdio.h>
        struct memory { unsigned long long total, free, used; };
        struct utilization { unsigned gpu, memory; };
        int nvmlInit_v2(void) { return START; }
        int nvmlShutdown(void) { return 0; }
        int nvmlDeviceGetCount_v2(unsigned *count) { *count = 2; return 0; }
        int nvmlDeviceGetHandleByIndex_v2(unsigned index, void **device) {
            if (index == 1 && LOST) return 15;
            *device = (void *)(long)(index + 1);
            return 0;
        }
        int nvmlDeviceGetName(void *device, char *text, unsigned length) {
            snprintf(text, length, "Fake GPU %d", (int)(long)device);
            return 0;
        }
        int nvmlDeviceGetUUID(void *device, char *text, unsigned length) {
            snprintf(text, length, "GPU-%d", (int)(long)device);
            return 0;
        }
        int nvmlDeviceGetMemoryInfo(void *device, struct memory *memory) {
            memory->total = 1ull << 34; memory->used = 1ull << 30;
            memory->free = memory->total - memory->used;
            return 0;
        }
        int nvmlDeviceGetUtilizationRates(void *device, struct utilization *u) {
            if ((long)device == 2) return 3;
            u->gpu = 70;
            return 0;
        }
        struct process { unsigned pid; unsigned long long memory; unsigned gi, ci; };
        int nvmlDeviceGetComputeRunningProcesses_v3(
            void *device, unsigned *count, struct process *list) {
            if (LOST) return 15;
            list[0].pid = 10; list[0].memory = 1000 * (long)device;
            list[1].pid = 11; list[1].memory = 500;
            list[2].pid = 12; list[2].memory = ~0ull;
            *count = 3;
            return 0;
        }
        """

    private func cards(start: Int = 0, lost: Bool = false) throws -> GraphicsCards {
        let (path, folder) = try library(
            "#define START \(start)\n#define LOST \(lost ? 1 : 0)\n" + two)
        defer { try? FileManager.default.removeItem(at: folder) }
        return GraphicsCards(library: path)
    }

    @Test func `devices are read one by one`() throws {
        let (found, problem) = try cards().read()
        #expect(problem == nil)
        #expect(
            found == [
                GraphicsCard(
                    name: "Fake GPU 1", uuid: "GPU-1", memoryBytes: 1 << 34,
                    usedMemoryBytes: 1 << 30, utilizationPercent: 70, index: 0),
                GraphicsCard(
                    name: "Fake GPU 2", uuid: "GPU-2", memoryBytes: 1 << 34,
                    usedMemoryBytes: 1 << 30, utilizationPercent: 0, index: 1),
            ])
    }

    @Test func `what processes have of a device is added up, the fullest counts`() throws {
        let (path, folder) = try library("#define START 0\n#define LOST 0\n" + two)
        defer { try? FileManager.default.removeItem(at: folder) }
        let memory = GraphicsMemory(library: path)
        #expect(memory.bytes(of: [10, 11, 12, 99], at: 0) == 2_500)
        #expect(memory.bytes(of: [11], at: 1) == 500)
        #expect(memory.bytes(of: [12, 99], at: 2) == 0)
        #expect(GraphicsMemory(library: "libfanfold-no-such.so").bytes(of: [10], at: 0) == 0)
    }

    /// Four cards: the first three each linked to each other, the last to the first alone.
    private let linked = """
        struct pci { char legacy[16]; unsigned domain, bus, device, id, subsystem; char text[32]; };
        int nvmlDeviceGetPciInfo_v3(void *device, struct pci *pci) {
            if ((long)device == 3) return 3;
            pci->domain = 0; pci->bus = 0x10 * (long)device; pci->device = 0x1f;
            return 0;
        }
        int nvmlDeviceGetP2PStatus(void *one, void *other, int index, int *status) {
            static const int links[4] = {0xe, 0x5, 0x3, 0x1};
            if (index != 2) return 2;
            *status = links[(long)one - 1] >> ((long)other - 1) & 1 ? 0 : 1;
            return 0;
        }
        """

    @Test func `cards are grouped by their links, and have the memory nodes of their buses`() throws
    {
        let body = two.replacing("*count = 2;", with: "*count = 4;") + linked
        let (path, folder) = try library("#define START 0\n#define LOST 0\n" + body)
        defer { try? FileManager.default.removeItem(at: folder) }
        for (bus, node) in [("10", "0"), ("20", "1"), ("40", "-1")] {
            let place = folder.appendingPathComponent("bus/pci/devices/0000:\(bus):1f.0")
            try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
            try Data("\(node)\n".utf8).write(to: place.appendingPathComponent("numa_node"))
        }
        let graphics = GraphicsCards(library: path)
        let places = graphics.places(
            of: graphics.read().cards, files: SystemFiles(sys: folder.path))
        // The third does not say where it is, so nobody knows its links either.
        #expect(
            places == [
                DevicePlace(node: 1, link: 1), DevicePlace(node: 2, link: 1), .unknown,
                DevicePlace(node: 1, link: 0),
            ])
        let bare = try cards()
        #expect(bare.places(of: bare.read().cards) == [.unknown, .unknown])
    }

    @Test func `a device that fell off the bus is left out, and said`() throws {
        let (found, problem) = try cards(lost: true).read()
        #expect(found.map(\.uuid) == ["GPU-1"])
        #expect(problem == .answered(15))
    }

    @Test func `a driver that does not start is a problem, no library is none`() throws {
        #expect(try cards(start: 9).problem == .answered(9))
        #expect(GraphicsCards(library: "libfanfold-no-such.so").problem == nil)
        #expect(GraphicsCards(library: "libfanfold-no-such.so").read().cards == [])
        let (path, folder) = try library("int nvmlInit_v2(void) { return 0; }\n")
        defer { try? FileManager.default.removeItem(at: folder) }
        guard case .unusable = GraphicsCards(library: path).problem else {
            Issue.record("a library without functions was taken")
            return
        }
    }
}
