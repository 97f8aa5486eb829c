/// What the control groups around this process allow: the smallest limit on the way to the root.
///
/// Source: the kernel's Documentation/admin-guide/cgroup-v2.rst (`cpu.max`, `memory.max`,
/// `memory.high`) and cgroup-v1/ (`cpu.cfs_quota_us`, `memory.limit_in_bytes`).
package struct ControlGroup: Hashable, Sendable {
    /// Thousandths of a core; `nil` without a limit.
    package var milliCores: Int64?
    /// Bytes; `nil` without a limit.
    package var memoryBytes: Int64?

    /// A limit from here up says that there is none: version 1 has no other word for it.
    private static let unlimitedBytes: Int64 = 1 << 60

    /// No limits.
    package init() {}

    /// The limits of this process.
    package init(_ files: SystemFiles) {
        for line in (files.text("\(files.proc)/self/cgroup") ?? "").split(separator: "\n") {
            let parts = line.split(
                separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard parts.count == 3 else { continue }
            let controllers = parts[1].split(separator: ",")
            let root = "\(files.sys)/fs/cgroup"
            if controllers.isEmpty {
                for folder in Self.folders(of: String(parts[2]), below: root) {
                    takeVersion2(folder, files)
                }
            }
            for controller in controllers where controller == "cpu" || controller == "memory" {
                let below = "\(root)/\(controller)"
                for folder in Self.folders(of: String(parts[2]), below: below) {
                    takeVersion1(folder, files)
                }
            }
        }
    }

    /// Each group from the process's own up to the root; a container sees only its own as the root.
    private static func folders(of path: String, below root: String) -> [String] {
        var parts = path.split(separator: "/")
        var folders: [String] = []
        while true {
            folders.append(parts.isEmpty ? root : root + "/" + parts.joined(separator: "/"))
            guard parts.popLast() != nil else { return folders }
        }
    }

    private mutating func takeVersion2(_ folder: String, _ files: SystemFiles) {
        let quota = (files.text("\(folder)/cpu.max") ?? "").split(whereSeparator: \.isWhitespace)
        if quota.count == 2, let time = Int64(quota[0]), let period = Int64(quota[1]) {
            take(time: time, period: period)
        }
        for name in ["memory.max", "memory.high"] {
            take(memory: files.number("\(folder)/\(name)"))
        }
    }

    private mutating func takeVersion1(_ folder: String, _ files: SystemFiles) {
        if let time = files.number("\(folder)/cpu.cfs_quota_us"),
            let period = files.number("\(folder)/cpu.cfs_period_us")
        {
            take(time: time, period: period)
        }
        take(memory: files.number("\(folder)/memory.limit_in_bytes"))
    }

    private mutating func take(time: Int64, period: Int64) {
        guard time > 0, period > 0, time < Int64.max / 1000 else { return }
        milliCores = min(milliCores ?? .max, max(1, time * 1000 / period))
    }

    private mutating func take(memory: Int64?) {
        guard let memory, memory > 0, memory < Self.unlimitedBytes else { return }
        memoryBytes = min(memoryBytes ?? .max, memory)
    }
}
