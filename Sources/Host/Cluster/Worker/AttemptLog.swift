import FanfoldCore
@preconcurrency import Glibc

/// What one attempt wrote: the last bytes in memory, older ones in two files that take turns.
///
/// Offsets count all bytes that it ever wrote.  A full disk costs what would have gone to it, nothing
/// else.
struct AttemptLog {
    private struct File {
        var path: String
        var start: UInt64
        var count: Int
    }

    let attempt: AttemptID
    /// Counts the attempts that wrote something.
    let number: UInt64
    private let path: String
    /// Bytes it has written so far.
    private(set) var total: UInt64 = 0
    /// The last of them.
    private var ring: [UInt8] = []
    /// What is older, the oldest first.
    private var files: [File] = []
    private var filesMade = 0
    private(set) var isOver = false

    /// Nothing yet; files are named in `folder` after the attempt.
    init(_ attempt: AttemptID, number: UInt64, folder: String) {
        self.attempt = attempt
        self.number = number
        path = "\(folder)/\(attempt.task.index)-\(attempt.index)-\(attempt.epoch)"
    }

    /// Bytes in files.
    var keptBytes: Int { files.reduce(0) { $0 + $1.count } }

    mutating func append(_ bytes: UnsafeRawBufferPointer) {
        guard !isOver else { return }
        ring.append(contentsOf: bytes)
        total += UInt64(bytes.count)
        if ring.count > LogLimits.ringBytes { spill(ring.count - LogLimits.ringBytes / 2) }
    }

    /// Nothing more comes: what is in memory goes to the file.
    mutating func end() {
        isOver = true
        spill(ring.count)
        ring = []
    }

    /// Removes the files.
    mutating func remove() {
        for file in files { unlink(file.path) }
        files = []
    }

    // MARK: Writing

    private mutating func spill(_ count: Int) {
        var start = total - UInt64(ring.count)
        var rest = ring[..<count]
        while !rest.isEmpty {
            let room = files.last.map { LogLimits.fileBytes - $0.count } ?? 0
            guard room > 0 else {
                addFile(at: start)
                continue
            }
            let piece = rest.prefix(room)
            write(piece, at: start)
            start += UInt64(piece.count)
            rest = rest.dropFirst(piece.count)
        }
        ring.removeFirst(count)
    }

    private mutating func addFile(at start: UInt64) {
        if files.count == 2 { unlink(files.removeFirst().path) }
        filesMade += 1
        let file = File(path: "\(path).\(filesMade)", start: start, count: 0)
        unlink(file.path)
        files.append(file)
    }

    private mutating func write(_ piece: ArraySlice<UInt8>, at start: UInt64) {
        let last = files.count - 1
        let descriptor = open(
            files[last].path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0o600)
        defer { if descriptor >= 0 { close(descriptor) } }
        let written =
            descriptor < 0
            ? -1 : piece.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
        if written == piece.count {
            files[last].count += piece.count
        } else {
            // The file no longer holds what follows on: a new one begins after the gap.
            if written > 0 { files[last].count += written }
            addFile(at: start + UInt64(piece.count))
        }
    }

    // MARK: Reading

    /// At most so many bytes from `offset` on, or from the next that are kept.
    func read(from offset: UInt64, maximum: Int) -> (offset: UInt64, bytes: [UInt8]) {
        for file in files where file.start + UInt64(file.count) > offset {
            let from = max(offset, file.start)
            let count = min(maximum, Int(file.start + UInt64(file.count) - from))
            let bytes = Self.bytes(of: file.path, at: Int(from - file.start), count: count)
            if !bytes.isEmpty { return (from, bytes) }
        }
        let start = total - UInt64(ring.count)
        let from = min(max(offset, start), total)
        return (from, Array(ring.dropFirst(Int(from - start)).prefix(maximum)))
    }

    private static func bytes(of path: String, at offset: Int, count: Int) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else { return [] }
        defer { close(descriptor) }
        return [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            filled = max(0, pread(descriptor, buffer.baseAddress, count, offset))
        }
    }

    /// Where the last so many bytes begin, or the last so many lines if that is later.
    ///
    /// - Parameter lines: 0 is any number.
    func start(ofLast bytes: UInt64, lines: UInt64) -> UInt64 {
        let first = total - min(total, bytes)
        guard lines > 0, first < total else { return first }
        var feeds: UInt64 = 0
        var end = total
        while end > first {
            let begin = max(first, end - min(end, UInt64(LogLimits.chunkBytes)))
            let (from, piece) = read(from: begin, maximum: Int(end - begin))
            guard from == begin else { return end }
            for (index, byte) in piece.enumerated().reversed() where byte == 10 {
                let next = begin + UInt64(index) + 1
                // The line feed at the very end begins no line.
                if next == total { continue }
                feeds += 1
                if feeds == lines { return next }
            }
            end = begin
        }
        return first
    }
}
