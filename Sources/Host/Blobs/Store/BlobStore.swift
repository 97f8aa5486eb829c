@preconcurrency import Glibc
import Logging
import Synchronization

/// Blobs in a folder, each in a file that is named by the SHA-256 of its bytes.
///
/// Any number of threads may call any method at once; all of them wait for the disk, so call them
/// from a thread of your own and never from Swift's pool.  One process has the folder open at a time.
///
/// Nothing is overwritten: a blob is written under another name, flushed if the store is durable,
/// and then renamed, so that what has an id's name has had that content.  What a crash leaves behind
/// is removed when the store is opened.
///
/// A blob costs a file and, if the store is durable, two flushes.  Bytes below some KiB belong into
/// the message or record that would name the blob; the store does not pack them.
package final class BlobStore: Sendable {
    /// What may be kept.
    package let limits: BlobLimits
    /// Whether what is acknowledged outlives a power cut.
    package let durability: BlobDurability
    /// What was found when the store was opened.
    package let opening: BlobOpening

    let folder: BlobFolder
    let logger: Logger
    let state: Mutex<BlobState>
    /// Taken before `state` where both are.
    let pins: Mutex<PinLog>
    private let lock: Descriptor
    /// Seconds since 1970.
    let clock: @Sendable () -> Int64

    deinit {
        // Also if a child that was just started still has the file open.
        flock(lock.number, LOCK_UN)
    }

    /// Opens the store in `folder`, which is made with mode 0700 if it is not there.
    ///
    /// - Parameters:
    ///   - folder: An absolute path.
    ///   - clock: Seconds since 1970, for the age of uploads; the system's if left out.
    /// - Throws: `locked` if another process has it open, `notAStore`, `unknownVersion`,
    ///   `wrongOwner`, `exposed`, `damagedPins`, and what the disk says.
    package init(
        folder path: String, limits: BlobLimits = BlobLimits(),
        durability: BlobDurability = .durable, logger: Logger = Logger(label: "fanfold.blobs"),
        clock: @escaping @Sendable () -> Int64 = { Int64(time(nil)) }
    ) throws(BlobError) {
        let folder = BlobFolder(path: path)
        lock = try folder.lockAndPrepare()
        var opening = BlobOpening()
        var state = BlobState()
        try BlobScan(folder: folder).read(into: &state, &opening)
        let pins = try PinLog.read(path: folder.pins, isFlushed: durability == .durable)
        opening.cutPinBytes = pins.cutBytes
        for ids in pins.owners.values {
            for (id, count) in ids {
                state.index.hold(id, count: count)
                if state.index.size(of: id) == nil { opening.missingPinned += 1 }
            }
        }
        opening.collectedUploads = try BlobScan(folder: folder).collect(
            olderThan: clock() - limits.uploadSeconds)
        try state.readUploads(folder)
        if durability == .durable { try folder.syncDisk() }
        self.folder = folder
        self.limits = limits
        self.durability = durability
        self.logger = logger
        self.clock = clock
        self.opening = opening
        self.state = Mutex(state)
        self.pins = Mutex(pins)
    }

    /// What is kept, held and free at the moment.
    package var figures: BlobFigures {
        let space = (try? Disk.space(folder.path)) ?? (free: 0, total: 0)
        return state.withLock { figures($0, space) }
    }

    func figures(_ state: BlobState, _ space: (free: Int64, total: Int64)) -> BlobFigures {
        BlobFigures(
            blobs: state.index.count, bytes: state.index.bytes, heldBytes: state.index.heldBytes,
            reservedBytes: state.reservedBytes, limitBytes: limits.totalBytes,
            diskFreeBytes: space.free,
            diskKeptBytes: Int64(Double(space.total) * limits.freeShare),
            evicted: state.evicted, damaged: state.damaged)
    }

    /// Whether a blob is here; it may be evicted the moment after, unless it is pinned or leased.
    package func contains(_ id: BlobID) -> Bool { size(of: id) != nil }

    /// The size of a blob; `nil` if it is not here.
    package func size(of id: BlobID) -> Int64? { state.withLock { $0.index.size(of: id) } }

    /// The ids of all blobs, in no order.
    package var ids: [BlobID] { state.withLock { $0.index.ids } }

    /// Keeps a blob from eviction as long as the result lives; of this process only.
    ///
    /// - Throws: `missing`.
    package func lease(_ id: BlobID) throws(BlobError) -> BlobLease {
        let size = try state.withLock { state throws(BlobError) in
            guard let size = state.index.size(of: id) else { throw .missing(id) }
            state.index.hold(id)
            return size
        }
        return BlobLease(store: self, reference: BlobReference(id: id, size: size))
    }
}

/// A blob that stays where it is as long as this object lives.
package final class BlobLease: Sendable {
    /// Which blob.
    package let reference: BlobReference
    let store: BlobStore

    /// Takes over a hold that was taken already.
    init(store: BlobStore, reference: BlobReference) {
        self.store = store
        self.reference = reference
    }

    deinit {
        store.state.withLock { $0.index.release(reference.id) }
    }
}

/// What changes in a store: its books, and what is being written.
struct BlobState {
    var index = BlobIndex()
    var uploads: [String: BlobUpload] = [:]
    /// The sums of big blobs, and which chunks were seen to be right.
    var progress: [BlobID: ChunkProgress] = [:]
    /// Bytes promised to what is being written.
    var reservedBytes: Int64 = 0
    /// How many of those are not on the disk yet.
    var unwrittenBytes: Int64 = 0
    var evicted = 0
    var damaged = 0
    private var lastTemporary = 0

    /// Takes a promise back.
    mutating func giveBack(_ reservation: inout Reservation) {
        reservedBytes -= reservation.bytes
        unwrittenBytes -= reservation.unwritten
        reservation = Reservation()
    }

    /// A number for the name of a temporary file.
    mutating func nextTemporary() -> Int {
        lastTemporary += 1
        return lastTemporary
    }
}

/// Bytes that were promised to something that is being written.
struct Reservation {
    var bytes: Int64 = 0
    /// How many of them are not on the disk yet.
    var unwritten: Int64 = 0
}
