@preconcurrency import Glibc

/// Bytes that are written once, then shared by reference: an input file, the output of a subtask.
///
/// A payload is never copied to be sliced; whoever holds a `PayloadSlice` keeps it alive.  The bytes
/// of a mapped file are those of the file: shortening the file while a run reads it ends the process.
package final class Payload: @unchecked Sendable {
    // Unchecked: the memory is written before the reference exists and freed with the last one.

    /// The bytes; valid only while this object lives.
    package let bytes: UnsafeRawBufferPointer
    private let owner: Owner

    private enum Owner {
        case nobody
        case heap
        case mapping
        /// A file that somebody else has mapped, read-only, as long as the object lives.
        case othersMapping(AnyObject)
        /// A part of such a file, which need not begin at a page.
        case partOfMapping(AnyObject)
        /// Memory of somebody else's, valid as long as the object.
        case object(AnyObject)
    }

    /// The payload without bytes; costs nothing to hand out.
    package static let empty = Payload(owning: nil, count: 0, owner: .nobody)

    private init(owning start: UnsafeRawPointer?, count: Int, owner: Owner) {
        bytes = UnsafeRawBufferPointer(start: start, count: count)
        self.owner = owner
        switch owner {
        case .mapping, .othersMapping: MappedRanges.enter(bytes)
        case .nobody, .heap, .object, .partOfMapping: break
        }
    }

    /// A copy of `bytes`.
    package convenience init(_ bytes: [UInt8]) {
        self.init(copying: bytes.withUnsafeBytes { UnsafeRawBufferPointer(rebasing: $0[...]) })
    }

    /// A copy of the UTF-8 of `text`.
    package convenience init(text: String) {
        self.init(Array(text.utf8))
    }

    /// A copy of memory that need not live longer than this call.
    package convenience init(copying bytes: UnsafeRawBufferPointer) {
        guard let start = bytes.baseAddress, !bytes.isEmpty else {
            self.init(owning: nil, count: 0, owner: .nobody)
            return
        }
        let copy = UnsafeMutableRawPointer.allocate(byteCount: bytes.count, alignment: 16)
        copy.copyMemory(from: start, byteCount: bytes.count)
        self.init(owning: copy, count: bytes.count, owner: .heap)
    }

    /// Takes over memory from `UnsafeMutableRawPointer.allocate`; it is freed with the payload.
    package convenience init(adopting start: UnsafeMutableRawPointer, count: Int) {
        self.init(owning: start, count: count, owner: .heap)
    }

    /// Memory that stays valid and unchanged as long as `owner` lives; nothing is copied.
    package convenience init(lending bytes: UnsafeRawBufferPointer, owner: AnyObject) {
        self.init(owning: bytes.baseAddress, count: bytes.count, owner: .object(owner))
    }

    /// A file that `owner` has mapped for reading and keeps so as long as it lives.
    package convenience init(lendingMapping bytes: UnsafeRawBufferPointer, owner: AnyObject) {
        self.init(owning: bytes.baseAddress, count: bytes.count, owner: .othersMapping(owner))
    }

    /// Memory that a plugin gave back, which stays as `lending` wants it; a part of a mapped file that
    /// was lent to the plugin is known for one.
    convenience init(returned bytes: UnsafeRawBufferPointer, owner: AnyObject) {
        self.init(
            owning: bytes.baseAddress, count: bytes.count,
            owner: MappedRanges.contain(bytes) ? .partOfMapping(owner) : .object(owner))
    }

    /// The content of the file at `path`, mapped and not read.
    ///
    /// - Throws: `missingFile`, `notAFile`, `tooLarge`, `cannotRead`.
    package static func mapping(path: String) throws(DataError) -> Payload {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            if errno == ENOENT { throw .missingFile(path: path) }
            throw .cannotRead(path: path, reason: systemMessage(errno))
        }
        defer { close(descriptor) }
        return try mapping(descriptor: descriptor, path: path)
    }

    /// The content of an open regular file, mapped; the caller may close `descriptor` at once, and
    /// the file need not have a name any more.
    ///
    /// - Parameter path: what errors call the file.
    /// - Throws: `notAFile`, `tooLarge`, `cannotRead`.
    package static func mapping(
        descriptor: Int32, path: String = "an unnamed file"
    ) throws(DataError) -> Payload {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else {
            throw .cannotRead(path: path, reason: systemMessage(errno))
        }
        switch status.st_mode & S_IFMT {
        case S_IFREG: break
        case S_IFDIR: throw .notAFile(path: path, found: "a directory")
        default: throw .notAFile(path: path, found: "a pipe, socket or device")
        }
        let count = Int(status.st_size)
        guard count <= DataLimits.fileBytes else {
            throw .tooLarge(
                path: path, limit: "DataLimits.fileBytes", bytes: DataLimits.fileBytes,
                found: count)
        }
        if count == 0 { return empty }
        guard
            let start = mmap(nil, count, PROT_READ, MAP_PRIVATE, descriptor, 0),
            start != MAP_FAILED
        else {
            throw .cannotRead(path: path, reason: systemMessage(errno))
        }
        return Payload(owning: start, count: count, owner: .mapping)
    }

    /// Whose memory it is, if it was lent.
    package var lender: AnyObject? {
        switch owner {
        case .object(let lender), .othersMapping(let lender), .partOfMapping(let lender): lender
        case .nobody, .heap, .mapping: nil
        }
    }

    /// Lets go of the memory of a part that was read; it is read again when it is used again.
    ///
    /// Only of mapped files, whose pages are as they are on the disk: others keep what they have.
    package func letGo(_ range: Range<Int>) {
        switch owner {
        case .mapping, .othersMapping, .partOfMapping: break
        case .nobody, .heap, .object: return
        }
        guard let start = bytes.baseAddress else { return }
        // Whole pages only: of a page at an end something else may be in use.
        let page = Payload.pageBytes
        let address = UInt(bitPattern: start)
        let first = (address + UInt(range.lowerBound) + page - 1) / page * page
        let end = (address + UInt(range.upperBound)) / page * page
        guard first < end, let memory = UnsafeMutableRawPointer(bitPattern: first) else { return }
        // A refusal leaves the memory in use, and nothing else.
        madvise(memory, Int(end - first), MADV_DONTNEED)
    }

    private static let pageBytes = UInt(sysconf(Int32(_SC_PAGESIZE)))

    /// All of it.
    package var whole: PayloadSlice { PayloadSlice(payload: self, range: 0..<bytes.count) }

    deinit {
        guard let start = bytes.baseAddress else { return }
        let memory = UnsafeMutableRawPointer(mutating: start)
        switch owner {
        case .nobody, .object, .partOfMapping: break
        case .heap: memory.deallocate()
        case .othersMapping: MappedRanges.leave(bytes)
        case .mapping:
            MappedRanges.leave(bytes)
            munmap(memory, bytes.count)
        }
    }
}

/// A part of a payload, by reference.
package struct PayloadSlice: Sendable {
    /// What it is a part of; kept alive by the slice.
    package let payload: Payload
    /// Which bytes; within the payload.
    package let range: Range<Int>

    /// The bytes `range` of `payload`, which must lie within it.
    package init(payload: Payload, range: Range<Int>) {
        precondition(
            range.lowerBound >= 0 && range.upperBound <= payload.bytes.count,
            "a payload slice lies within its payload")
        self.payload = payload
        self.range = range
    }

    /// The number of bytes.
    package var count: Int { range.count }

    /// Bytes that ``forEachRun(_:)`` lends together.
    package static let runBytes = 1 << 20

    /// Lends the bytes a run at a time, in order, and lets a mapped file go behind it: however long
    /// it is, only a run of it is in memory.
    package func forEachRun<E>(
        _ body: (UnsafeRawBufferPointer) throws(E) -> Void
    ) throws(E) {
        var start = range.lowerBound
        while start < range.upperBound {
            let end = min(start + Self.runBytes, range.upperBound)
            try PayloadSlice(payload: payload, range: start..<end).withBytes(body)
            if range.count > Self.runBytes { payload.letGo(start..<end) }
            start = end
        }
    }

    /// Lends the bytes for the time of the call.
    @inlinable
    package func withBytes<T, E>(
        _ body: (UnsafeRawBufferPointer) throws(E) -> T
    ) throws(E) -> T {
        try withExtendedLifetime(payload) { () throws(E) -> T in
            try body(UnsafeRawBufferPointer(rebasing: payload.bytes[range]))
        }
    }
}

/// The system's sentence for an error number.
func systemMessage(_ number: Int32) -> String {
    String(cString: strerror(number))
}
