import Foundation
import Synchronization
import Testing

/// What a wire of Tests/EndToEndTests/Tools/wire.py does to packets.
struct WireFaults: Encodable {
    var delay_ms = 0.0
    var jitter_ms = 0.0
    /// Shares, from 0 to 1.
    var loss = 0.0
    var reorder = 0.0
    var rate_kbit = 0.0
    /// From the coordinator to the worker.
    var cut_ab = false
    /// From the worker to the coordinator.
    var cut_ba = false
}

/// A coordinator's host and two workers' hosts as network namespaces, each with one wire to the first.
final class Hosts {
    enum Wires {
        /// A pair of devices of the kernel.
        case plain
        /// A process of the tests that hands packets over, and can do with them what it likes.
        case faulty
    }

    private static let made = Atomic(0)
    private static let shared = ["10.77.9.1", "10.0.0.1"]

    let coordinator: String
    let workers: [String]
    private let mark: String
    private let folder: URL
    private var wires: [Child] = []

    init(_ kind: Wires = .plain) throws {
        mark = "\(getpid())\(Self.made.add(1, ordering: .relaxed).newValue)"
        coordinator = "fanfold-\(mark)-c"
        workers = ["fanfold-\(mark)-1", "fanfold-\(mark)-2"]
        folder = try Fanfold.temporaryFolder()
        for name in [coordinator] + workers {
            try Self.must(["netns", "add", name])
            try Self.must(["-n", name, "link", "set", "lo", "up"])
        }
        for index in workers.indices {
            switch kind {
            case .plain: try layPlain(index)
            case .faulty: try layFaulty(index)
            }
        }
        // Addresses of the coordinator that both reach; the second one is that of the pages.
        for address in Self.shared {
            try Self.must(["-n", coordinator, "address", "add", "\(address)/32", "dev", "lo"])
        }
        for index in workers.indices { try route(index) }
    }

    private func layPlain(_ index: Int) throws {
        let (inner, outer) = ("ff\(mark)a\(index)", "ff\(mark)b\(index)")
        try Self.must([
            "link", "add", outer, "netns", coordinator, "type", "veth", "peer", "name", inner,
            "netns", workers[index],
        ])
        for (host, device, end) in [(coordinator, outer, 1), (workers[index], inner, 2)] {
            try Self.must([
                "-n", host, "address", "add", "10.77.\(index).\(end)/24", "dev", device,
            ])
            try Self.must(["-n", host, "link", "set", device, "up"])
        }
    }

    private func layFaulty(_ index: Int) throws {
        let settings = settings(index)
        try set(index, WireFaults())
        let wire = try Child([
            "python3", Fanfold.tool("wire.py"), settings.path, coordinator, "fft\(index)",
            "10.77.\(index).1/24", workers[index], "fft", "10.77.\(index).2/24",
        ])
        wires.append(wire)
        let end = Date(timeIntervalSinceNow: 20)
        while !FileManager.default.fileExists(atPath: settings.path + ".counts") {
            try #require(Date() < end, "there is no wire: \(wire.errorsSoFar)")
            usleep(10_000)
        }
    }

    private func settings(_ index: Int) -> URL {
        folder.appendingPathComponent("wire\(index).json")
    }

    private func route(_ index: Int) throws {
        for address in Self.shared {
            try Self.must([
                "-n", workers[index], "route", "replace", address, "via", "10.77.\(index).1",
            ])
        }
    }

    private static func must(_ arguments: [String]) throws {
        try #require(NetworkNamespaces.ip(arguments), "ip \(arguments.joined(separator: " "))")
    }

    /// Takes a plain wire away, or puts it back.
    func cut(_ index: Int, _ isCut: Bool) throws {
        try Self.must([
            "-n", workers[index], "link", "set", "ff\(mark)a\(index)", isCut ? "down" : "up",
        ])
        if !isCut { try route(index) }
    }

    /// Has a faulty wire treat packets so from now on.
    func set(_ index: Int, _ faults: WireFaults) throws {
        try JSONEncoder().encode(faults).write(to: settings(index), options: .atomic)
    }

    /// What faulty wires did to packets: `passed`, `lost`, `overtook`, `cut`.
    func counts() throws -> [String: Int] {
        try workers.indices.reduce(into: [:]) { all, index in
            let path = settings(index).path + ".counts"
            let data = try Data(contentsOf: URL(fileURLWithPath: path))
            let counts = try JSONDecoder().decode([String: Int].self, from: data)
            all.merge(counts) { $0 + $1 }
        }
    }

    func start(
        _ host: String, _ command: [String], environment: [String: String] = [:],
        in directory: URL = Fanfold.root
    ) throws -> Child {
        try Child(["ip", "netns", "exec", host] + command, in: directory, environment: environment)
    }

    deinit {
        for wire in wires { wire.send(SIGKILL) }
        for name in [coordinator] + workers {
            _ = NetworkNamespaces.ip(["netns", "delete", name])
        }
        try? FileManager.default.removeItem(at: folder)
    }
}

/// What `ip netns` can do here.
enum NetworkNamespaces {
    /// Whether this process may make network namespaces.
    static let canBeMade: Bool = {
        guard Fanfold.hasCommands, Fanfold.has("ip") else { return false }
        let name = "fanfold-probe-\(getpid())"
        guard ip(["netns", "add", name]) else { return false }
        return ip(["netns", "delete", name])
    }()

    /// Whether wires between them can be made that lose packets: `/dev/net/tun`, and python3.
    static let canBeFaulty =
        canBeMade && Fanfold.has("python3")
        && FileManager.default.isWritableFile(atPath: "/dev/net/tun")

    static func ip(_ arguments: [String]) -> Bool {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["ip"] + arguments
        process.standardError = FileHandle.nullDevice
        guard (try? process.run()) != nil else { return false }
        process.waitUntilExit()
        return process.terminationStatus == 0
    }
}
