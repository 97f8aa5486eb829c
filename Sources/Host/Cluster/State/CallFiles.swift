import FanfoldCore
import FanfoldJournal
import FanfoldRuntime
@preconcurrency import Glibc

/// The calls of each living task, in a file of its own beside the journal.
///
/// A copy, written without waiting for the disk: the journal is what counts after a crash, and the
/// files are made again from it.  They are what strategies are rebuilt from, and what a snapshot
/// takes over, without anything that grows with a run being held in memory.
///
/// Belongs to the loop's thread.
final class CallFiles: @unchecked Sendable {
    // Unchecked: touched by the loop's thread only.
    private let folder: String
    private var open: [TaskID: File] = [:]

    private struct File {
        var descriptor: Int32
        var count: Int = 0
        var pending: [UInt8] = []
    }

    /// Bytes that are gathered before they are written.
    private static let gatheredBytes = 256 << 10

    /// Begins with no calls; what an earlier process left is removed.
    init(folder: String) throws(EngineLogFailure) {
        self.folder = folder
        guard mkdir(folder, 0o700) == 0 || errno == EEXIST else {
            throw EngineLogFailure("\(folder) cannot be made: \(String(cString: strerror(errno)))")
        }
        guard let stream = opendir(folder) else {
            throw EngineLogFailure("\(folder) cannot be read: \(String(cString: strerror(errno)))")
        }
        defer { closedir(stream) }
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name.hasSuffix(".calls") { unlink("\(folder)/\(name)") }
        }
    }

    deinit { for file in open.values { close(file.descriptor) } }

    /// Tasks that have calls, in order.
    var tasks: [TaskID] { open.keys.sorted() }

    /// Appends a call.
    ///
    /// What cannot be written now stays in memory until it can.
    func append(_ call: [UInt8], to task: TaskID) throws(EngineLogFailure) {
        var file: File
        if let known = open.removeValue(forKey: task) {
            file = known
        } else {
            file = try make(task)
        }
        defer { open[task] = file }
        Frames.append(call, to: &file.pending)
        if file.pending.count >= Self.gatheredBytes { try write(&file, task) }
    }

    /// Forgets a task.
    func remove(_ task: TaskID) {
        guard let file = open.removeValue(forKey: task) else { return }
        close(file.descriptor)
        unlink(path(task))
    }

    /// All calls of a task, as they were appended, a piece at a time.
    func read(_ task: TaskID, _ body: ([UInt8]) throws -> Void) throws {
        guard let view = try view(of: task) else { return }
        defer { close(view.descriptor) }
        try view.read(body)
    }

    /// What there is now of all tasks, for another thread; its descriptors are the caller's.
    func views() throws(EngineLogFailure) -> [CallView] {
        var views: [CallView] = []
        for task in tasks {
            if let view = try view(of: task) { views.append(view) }
        }
        return views
    }

    private func view(of task: TaskID) throws(EngineLogFailure) -> CallView? {
        guard var file = open[task] else { return nil }
        try write(&file, task)
        open[task] = file
        return CallView(
            task: task, descriptor: fcntl(file.descriptor, F_DUPFD_CLOEXEC, 3), count: file.count,
            path: path(task))
    }

    private func path(_ task: TaskID) -> String { "\(folder)/\(task.index).calls" }

    private func make(_ task: TaskID) throws(EngineLogFailure) -> File {
        let descriptor = Glibc.open(
            path(task), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw EngineLogFailure(
                "\(path(task)) cannot be made: \(String(cString: strerror(errno)))")
        }
        return File(descriptor: descriptor)
    }

    private func write(_ file: inout File, _ task: TaskID) throws(EngineLogFailure) {
        var done = 0
        while done < file.pending.count {
            let written = file.pending.withUnsafeBytes { bytes in
                pwrite(
                    file.descriptor, bytes.baseAddress.map { $0 + done }, bytes.count - done,
                    off_t(file.count + done))
            }
            if written < 0, errno == EINTR { continue }
            guard written > 0 else {
                throw EngineLogFailure(
                    "\(path(task)) cannot be written: \(String(cString: strerror(errno)))")
            }
            done += written
        }
        file.count += done
        file.pending.removeAll(keepingCapacity: true)
    }
}

/// The calls of a task up to a moment: bytes that do not change any more.
struct CallView: Sendable {
    let task: TaskID
    let descriptor: Int32
    let count: Int
    let path: String

    private static let pieceBytes = 1 << 20

    func read(_ body: ([UInt8]) throws -> Void) throws {
        var frames = Frames()
        var offset = 0
        while offset < count {
            var piece = [UInt8](repeating: 0, count: min(Self.pieceBytes, count - offset))
            let read = piece.withUnsafeMutableBytes {
                pread(descriptor, $0.baseAddress, $0.count, off_t(offset))
            }
            if read < 0, errno == EINTR { continue }
            guard read > 0 else {
                throw EngineLogFailure(
                    "\(path) cannot be read: \(String(cString: strerror(errno)))")
            }
            piece.removeLast(piece.count - read)
            offset += read
            try frames.take(piece, body)
        }
        guard frames.isAtEnd else { throw EngineLogFailure("\(path) ends within a call") }
    }
}

/// Runs of bytes one after the other, each with its length before it as a varint.
struct Frames {
    private var rest: [UInt8] = []

    /// Whether nothing is left over.
    var isAtEnd: Bool { rest.isEmpty }

    static func append(_ frame: [UInt8], to bytes: inout [UInt8]) {
        frame.withUnsafeBytes { CountedFrame.append($0, to: &bytes) }
    }

    /// Takes the next bytes in, and hands on each frame that is complete.
    mutating func take(_ piece: [UInt8], _ body: ([UInt8]) throws -> Void) throws {
        rest += piece
        var start = 0
        while let range = rest.withUnsafeBytes({ CountedFrame.range(at: start, in: $0) }) {
            try body(Array(rest[range]))
            start = range.upperBound
        }
        rest.removeFirst(start)
    }
}
