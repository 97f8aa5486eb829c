import CFanfoldSystem
import FanfoldRuntime
@preconcurrency import Glibc
import Synchronization

/// Memory that a subtask takes while it waits.
struct MemoryBench {
    static let subtasks = 1_000_000

    let rounds: Int

    func measure() throws -> [String] {
        var bytes = Figures()
        for _ in 0..<rounds {
            let before = ProcessMemory.anonymousBytes()
            let waiting = WaitingSubtasks(count: Self.subtasks)
            let after = ProcessMemory.anonymousBytes()
            bytes.add(Double(after - before) / Double(Self.subtasks))
            guard waiting.count == Self.subtasks else { throw Exit.runFailed }
        }
        return [
            "memory: \(bytes.text()) resident bytes per waiting subtask, "
                + "\(Self.subtasks) ready and no worker"
        ]
    }
}

/// The most memory that this process takes from `init` to ``end()``, looked at every millisecond.
final class MemoryPeak: Sendable {
    private let before = ProcessMemory.anonymousBytes()
    private let peak = Atomic<Int64>(0)
    private let isOver = Atomic(false)
    private let watcher = Mutex<PlainThread?>(nil)

    init() {
        let thread = PlainThread(name: "memory-peak") { [self] in
            while !isOver.load(ordering: .relaxed) {
                peak.max(ProcessMemory.residentBytes(), ordering: .relaxed)
                usleep(1_000)
            }
        }
        watcher.withLock { $0 = thread }
    }

    /// Bytes above what was taken at the beginning.
    func end() -> Int64 {
        isOver.store(true, ordering: .relaxed)
        watcher.withLock { $0?.join() }
        return max(0, peak.load(ordering: .relaxed) - before)
    }
}

/// What the system says of this process.
enum ProcessMemory {
    /// Resident memory that is not a file's, in bytes; what was freed is given back first.
    static func anonymousBytes() -> Int64 {
        fanfold_return_freed_memory()
        return residentBytes()
    }

    /// Resident memory that is not a file's, in bytes.
    ///
    /// - Parameter process: its number; this one unless said.
    static func residentBytes(of process: String = "self") -> Int64 {
        guard let file = fopen("/proc/\(process)/status", "r") else { return 0 }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 256)
        while fgets(&line, 256, file) != nil {
            let text = String(
                decoding: line.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
            guard text.hasPrefix("RssAnon:") else { continue }
            let digits = text.filter(\.isNumber)
            return (Int64(digits) ?? 0) * 1024
        }
        return 0
    }
}
