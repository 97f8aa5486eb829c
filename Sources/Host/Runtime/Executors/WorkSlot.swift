import CFanfoldSystem
@preconcurrency import Glibc
import Synchronization

/// What one attempt needs and the next can use again: a directory, an event descriptor, memory.
///
/// Making these anew would cost a third of the time that starting a small program takes.
final class WorkSlot: @unchecked Sendable {
    // Unchecked: taken out of the pool by one run and put back by it, so it has one user at a time.

    /// Bytes of the buffers for output.
    static let bufferBytes = 64 << 10

    let event: Int32
    let output = UnsafeMutableRawPointer.allocate(byteCount: bufferBytes, alignment: 16)
    let errorOutput = UnsafeMutableRawPointer.allocate(byteCount: bufferBytes, alignment: 16)
    let polls = UnsafeMutablePointer<pollfd>.allocate(capacity: ChildRun.pollCount)
    var strings = CStringList()
    private(set) var directory: WorkDirectory?

    init?() {
        event = fan_event_descriptor()
        polls.initialize(repeating: pollfd(), count: ChildRun.pollCount)
        if event < 0 { return nil }
    }

    deinit {
        output.deallocate()
        errorOutput.deallocate()
        polls.deallocate()
        if event >= 0 { close(event) }
        directory?.remove()
    }

    /// An empty directory that only the coming attempt uses.
    func freshDirectory(in scratch: String) throws(WorkFailure) -> WorkDirectory {
        if let directory { return directory }
        let made = try WorkDirectory(in: scratch)
        directory = made
        return made
    }

    /// Removes what the attempt left; the directory itself stays only if it was not touched.
    func clean(cancelled: Bool) {
        if cancelled {
            var count: UInt64 = 0
            _ = read(event, &count, 8)
        }
        guard let used = directory, !used.isUntouched else { return }
        used.remove()
        directory = nil
    }
}

/// A directory of an attempt.
struct WorkDirectory {
    let path: String
    let descriptor: Int32
    private static let number = Atomic<UInt64>(0)

    init(in scratch: String) throws(WorkFailure) {
        let number = WorkDirectory.number.add(1, ordering: .relaxed).newValue
        path = "\(scratch)/work-\(getpid())-\(number)"
        guard mkdir(path, 0o700) == 0 else {
            throw WorkFailure(
                .launch, "the working directory \(path) cannot be made: \(systemMessage(errno))")
        }
        descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw WorkFailure(
                .launch, "the working directory \(path) cannot be opened: \(systemMessage(errno))")
        }
    }

    /// Whether it still exists, with its first access rights, and is empty.
    var isUntouched: Bool {
        var status = stat()
        return fstat(descriptor, &status) == 0 && status.st_nlink > 0
            && status.st_mode & 0o7777 == 0o700 && fan_directory_has_entries(descriptor) == 0
    }

    /// Removes it with all that is in it.
    func remove() {
        close(descriptor)
        if rmdir(path) == 0 { return }
        fan_remove_tree(path)
    }
}

/// Strings as C wants them: one after the other in memory that is used again.
struct CStringList {
    private var bytes: [UInt8] = []
    private var offsets: [Int] = []

    /// Bytes of all strings and of the pointers to them.
    var cost: Int { bytes.count + 8 * offsets.count }
    /// The number of strings.
    var count: Int { offsets.count }

    mutating func removeAll() {
        bytes.removeAll(keepingCapacity: true)
        offsets.removeAll(keepingCapacity: true)
    }

    /// Begins a string; `add` gives its parts, `end` ends it.
    mutating func begin() { offsets.append(bytes.count) }

    mutating func add(_ text: String) { bytes.append(contentsOf: text.utf8) }

    mutating func add(number: UInt64) {
        var rest = number
        let start = bytes.count
        repeat {
            bytes.append(UInt8(ascii: "0") + UInt8(rest % 10))
            rest /= 10
        } while rest > 0
        bytes[start...].reverse()
    }

    mutating func end() { bytes.append(0) }

    mutating func append(_ text: String) {
        begin()
        add(text)
        end()
    }

    /// Lends the first `count` strings and the others as two lists, each ended by a null.
    mutating func withPointers<T>(
        first count: Int,
        _ body: (
            UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>,
            UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
        ) -> T
    ) -> T {
        let offsets = offsets
        return bytes.withUnsafeMutableBytes { bytes in
            withUnsafeTemporaryAllocation(
                of: UnsafeMutablePointer<CChar>?.self, capacity: offsets.count + 2
            ) { pointers in
                pointers.initialize(repeating: nil)
                let base = bytes.baseAddress?.assumingMemoryBound(to: CChar.self)
                for (index, offset) in offsets.enumerated() {
                    pointers[index < count ? index : index + 1] = base.map { $0 + offset }
                }
                guard let start = pointers.baseAddress else {
                    preconditionFailure("room for two ends was asked for")
                }
                return body(start, start + count + 1)
            }
        }
    }
}
