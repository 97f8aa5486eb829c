@preconcurrency import Glibc

/// What a process and everything below it uses, measured from one look to the next.
///
/// Processor time is that of the processes which live and of those which their parents have reaped:
/// what ended between two looks is counted.  Memory is what is resident; pages that processes share
/// count once for each.
///
/// Source: proc_pid_stat(5), proc_pid_task_children(5).
package struct ProcessTree: Sendable {
    /// What the tree uses.
    package struct Use: Hashable, Sendable {
        /// Thousandths of a core, on average since the last look; 0 the first time.
        package var milliCores: Int64
        /// Bytes that are resident.
        package var memoryBytes: Int64
        /// Processes.
        package var processes: Int
    }

    /// The processes that there were at the last look.
    package private(set) var members: [Int32] = []
    private let files: SystemFiles
    private let root: Int32
    private let ticksPerSecond: Int64
    private let pageBytes: Int64
    private var last: (ticks: Int64, at: UInt64)?

    /// Processes that are looked at, at most: the rest of a larger tree is not counted.
    private static let maximum = 16_384

    /// The tree below a process, the current one unless said.
    package init(root: Int32 = getpid(), files: SystemFiles = SystemFiles()) {
        self.root = root
        self.files = files
        ticksPerSecond = max(1, Int64(sysconf(Int32(_SC_CLK_TCK))))
        pageBytes = Int64(sysconf(Int32(_SC_PAGESIZE)))
    }

    /// Looks at it.
    ///
    /// - Parameter now: of a clock that only goes forward, in nanoseconds.
    package mutating func look(at now: UInt64) -> Use {
        var use = Use(milliCores: 0, memoryBytes: 0, processes: 0)
        var ticks: Int64 = 0
        var waiting = [root]
        members.removeAll(keepingCapacity: true)
        while let process = waiting.popLast(), use.processes < Self.maximum {
            guard let figures = figures(of: process) else { continue }
            use.processes += 1
            members.append(process)
            use.memoryBytes += figures.memoryBytes
            ticks += figures.ticks
            waiting += children(of: process)
        }
        if let last, now > last.at {
            // Less than before if a process has left the tree with what it had used.
            let spent = max(0, ticks - last.ticks)
            let seconds = Double(now - last.at) / 1e9
            use.milliCores = Int64(Double(spent) / Double(ticksPerSecond) / seconds * 1000)
        }
        last = (ticks, now)
        return use
    }

    private func children(of process: Int32) -> [Int32] {
        let tasks = "\(files.proc)/\(process)/task"
        return files.names(tasks).flatMap { thread in
            (files.text("\(tasks)/\(thread)/children") ?? "").split(separator: " ")
                .compactMap { Int32($0) }
        }
    }

    /// Ticks of the processor, those of reaped children included, and resident bytes.
    private func figures(of process: Int32) -> (ticks: Int64, memoryBytes: Int64)? {
        guard let text = files.text("\(files.proc)/\(process)/stat"),
            // The name may hold anything, brackets and blanks included.
            let end = text.lastIndex(of: ")")
        else { return nil }
        let fields = text[text.index(after: end)...].split(separator: " ")
        // Fields 14 to 17 are times, 24 is resident pages; the first here is field 3.
        guard fields.count > 21 else { return nil }
        let ticks = fields[11...14].reduce(Int64(0)) { $0 + (Int64($1) ?? 0) }
        return (ticks, (Int64(fields[21]) ?? 0) * pageBytes)
    }
}
