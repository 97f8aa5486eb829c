@preconcurrency import Glibc

/// Who wants which blobs kept, in a file that only grows and is rewritten when most of it is past.
///
///     +1 ID OWNER CHECK      one more pin          -1 ID OWNER CHECK      one less
///     -* OWNER CHECK         all of an owner's
///
/// CHECK is the beginning of the SHA-256 of the line before it.  A line that a crash cut off is the
/// last one and was not acknowledged; it is dropped.  A damaged line before that is refused.
struct PinLog: ~Copyable {
    /// Lines that are past, beyond which the file is rewritten if they are also most of it.
    static let pastLines = 1_024
    /// Bytes that the file may have: 10^7 lines.
    static let fileBytes = 2_000_000_000

    /// How often each owner pins each blob.
    private(set) var owners: [String: [BlobID: Int]] = [:]
    /// Bytes of a half-written line that were dropped when the file was read.
    let cutBytes: Int
    private let path: String
    private let isFlushed: Bool
    private var file: Descriptor
    private var end: Int64
    private var lines = 0

    private init(
        _ path: String, _ owners: [String: [BlobID: Int]], cutBytes: Int, isFlushed: Bool,
        file: consuming Descriptor
    ) {
        self.path = path
        self.owners = owners
        self.cutBytes = cutBytes
        self.isFlushed = isFlushed
        self.file = file
        end = 0
    }

    /// Reads the file, and rewrites it without what is past.
    static func read(path: String, isFlushed: Bool) throws(BlobError) -> PinLog {
        let bytes = try Disk.content(path, limit: Self.fileBytes) ?? []
        let whole = bytes.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
        var owners: [String: [BlobID: Int]] = [:]
        var number = 0
        for line in bytes[..<whole].split(separator: UInt8(ascii: "\n")) {
            number += 1
            guard apply(String(decoding: line, as: UTF8.self), to: &owners) else {
                throw .damagedPins(path: path, line: number)
            }
        }
        let file = try Disk.open(path, O_WRONLY | O_CREAT)
        var log = PinLog(
            path, owners, cutBytes: bytes.count - whole, isFlushed: isFlushed, file: file)
        try log.rewrite()
        return log
    }

    /// Records that `owner` pins each of `ids` once more.
    mutating func pin(_ ids: [BlobID], _ owner: String) throws(BlobError) {
        try append(ids.map { Self.line("+1 \($0) \(owner)") })
        for id in ids { owners[owner, default: [:]][id, default: 0] += 1 }
    }

    /// Records that `owner` pins each of `ids` once less; those that it does not pin are left out.
    ///
    /// - Returns: those that it did pin.
    mutating func unpin(_ ids: [BlobID], _ owner: String) throws(BlobError) -> [BlobID] {
        var mine = owners[owner] ?? [:]
        var done: [BlobID] = []
        for id in ids {
            guard let count = mine[id] else { continue }
            mine[id] = count == 1 ? nil : count - 1
            done.append(id)
        }
        try append(done.map { Self.line("-1 \($0) \(owner)") })
        owners[owner] = mine.isEmpty ? nil : mine
        return done
    }

    /// Records that `owner` pins nothing any more; returns what it did.
    mutating func release(_ owner: String) throws(BlobError) -> [BlobID: Int] {
        guard let mine = owners[owner] else { return [:] }
        try append([Self.line("-* \(owner)")])
        owners[owner] = nil
        return mine
    }

    private mutating func append(_ new: [String]) throws(BlobError) {
        guard !new.isEmpty else { return }
        try shortenIfPast()
        let bytes = Array(new.joined().utf8)
        do throws(BlobError) {
            try bytes.lend { buffer throws(BlobError) in
                try Disk.write(file, path, at: end, buffer)
            }
            if isFlushed { try Disk.sync(file, path) }
        } catch {
            // What was written of it is not acknowledged, and must not be read later.
            ftruncate(file.number, off_t(end))
            throw error
        }
        end += Int64(bytes.count)
        lines += new.count
    }

    private mutating func shortenIfPast() throws(BlobError) {
        let live = owners.values.reduce(0) { $0 + $1.count }
        if lines > 2 * live + Self.pastLines { try rewrite() }
    }

    private mutating func rewrite() throws(BlobError) {
        let temporary = path + ".new"
        var bytes: [UInt8] = []
        var live = 0
        for (owner, ids) in owners {
            for (id, count) in ids { bytes += Self.line("+\(count) \(id) \(owner)").utf8 }
            live += ids.count
        }
        try Disk.replaceContent(temporary, bytes, isFlushed: isFlushed)
        let new = try Disk.open(temporary, O_WRONLY)
        try Disk.rename(temporary, path)
        file = new
        end = Int64(bytes.count)
        lines = live
        if isFlushed {
            try Disk.syncFolder(String(path[..<(path.lastIndex(of: "/") ?? path.endIndex)]))
        }
    }

    private static func line(_ text: String) -> String { "\(text) \(check(text))\n" }

    private static func check(_ text: some StringProtocol) -> Substring {
        BlobID.of(Array(text.utf8)).description.prefix(8)
    }

    private static func apply(_ line: String, to owners: inout [String: [BlobID: Int]]) -> Bool {
        guard let space = line.lastIndex(of: " "),
            line[line.index(after: space)...] == check(line[..<space])
        else { return false }
        let words = line[..<space].split(separator: " ")
        if words.count == 2, words[0] == "-*" {
            owners[String(words[1])] = nil
            return true
        }
        guard words.count == 3, let change = Int(words[0]), let id = BlobID(String(words[1]))
        else { return false }
        let owner = String(words[2])
        let count = (owners[owner]?[id] ?? 0) + change
        guard count >= 0 else { return false }
        owners[owner, default: [:]][id] = count == 0 ? nil : count
        if owners[owner]?.isEmpty == true { owners[owner] = nil }
        return true
    }
}
