import CFanfoldSystem
import FanfoldRuntime
@preconcurrency import Glibc

/// A coordinator that is killed with a million subtasks pending: when it is ready again, and what
/// each of them takes in its memory.
struct RestartBench {
    /// Cores that the only worker says it has; all are taken.
    static let cores = 4_096
    /// What a task has put at least when that many could run: half of it.
    static let perRun = 2_048
    /// Runs with as many subtasks each: more than a million.
    static let runs = 490
    /// Items of a run: more than are put.
    static let items = 100_000
    /// Seconds for all of them to be put, and for a snapshot.
    static let waitSeconds = 300

    let context: HostContext
    let config: String?
    let rounds: Int

    func measure() throws -> [String] {
        [
            try measure(snapshotAfter: "1GiB", "from the records alone"),
            try measure(snapshotAfter: "64KiB", "from a snapshot and the records after it"),
        ]
    }

    private func measure(snapshotAfter: String, _ what: String) throws -> String {
        let cluster = try BenchCluster(
            context, "restart-\(snapshotAfter)", config: config,
            serving: ["--snapshot-after", snapshotAfter])
        defer { cluster.end() }
        try cluster.serve()
        let empty = try resident(cluster)
        // The strategies put as much as there is room for, and all room is taken.
        try cluster.startWorker(["--cpus", "\(Self.cores)", "--memory", "64GiB"])
        _ = try cluster.submit(BenchDocument.blocker(cores: Self.cores))
        for index in 0..<Self.runs {
            _ = try cluster.submit(BenchDocument.noops(Self.items, name: "pending-\(index)"))
        }
        try wait { try pending(cluster) >= Self.runs * Self.perRun }
        try wait { snapshotAfter == "1GiB" || hasSnapshot(cluster) }
        var time = Figures()
        var memory = Figures()
        for _ in 0..<rounds {
            cluster.killCoordinator()
            time.add(try cluster.serve())
            let count = try pending(cluster)
            guard count >= Self.runs * Self.perRun else {
                throw BenchProblem("wanted \(Self.runs * Self.perRun) pending, found \(count)")
            }
            memory.add(Double(try resident(cluster) - empty) / Double(count))
        }
        return "restart: \(Self.runs * Self.perRun) pending subtasks of \(Self.runs) runs, killed, "
            + "ready again after \(time.text(2)) s \(what), \(memory.text()) resident bytes each"
    }

    private func wait(_ isThere: () throws -> Bool) throws {
        for _ in 0..<(Self.waitSeconds * 10) {
            if try isThere() { return }
            usleep(100_000)
        }
        throw BenchProblem("it was not there within \(Self.waitSeconds) s")
    }

    /// Subtasks that were put, the blocker's left out: none of them can begin.
    private func pending(_ cluster: BenchCluster) throws -> Int {
        let answer = try cluster.ask(.GET, "/runs?limit=500")
        let put = (answer["runs"]?.arrayValue ?? []).reduce(0) {
            $0 + Int($1["subtasks"]?.integerValue ?? 0)
        }
        return put - 1
    }

    private func hasSnapshot(_ cluster: BenchCluster) -> Bool {
        guard let stream = opendir(cluster.stateFolder + "/journal") else { return false }
        defer { closedir(stream) }
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            // Not one that is being written.
            let number = name.dropFirst("snapshot-".count)
            if name.hasPrefix("snapshot-"), number.allSatisfy(\.isNumber) { return true }
        }
        return false
    }

    /// Anonymous resident memory of the coordinator, in bytes.
    private func resident(_ cluster: BenchCluster) throws -> Int64 {
        guard let process = cluster.coordinator else {
            throw BenchProblem("there is no coordinator")
        }
        return ProcessMemory.residentBytes(of: "\(process.id)")
    }
}
