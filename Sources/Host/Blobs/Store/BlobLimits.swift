/// How much a store may hold; each with its unit.
package struct BlobLimits: Sendable, Hashable {
    /// Bytes of all blobs and of what is being written.
    package var totalBytes: Int64 = 64 << 30
    /// Bytes of one blob.
    package var blobBytes: Int64 = 1 << 40
    /// The share of the disk that is left free for others, 0 to 1.
    package var freeShare = 0.05
    /// Uploads that are begun and not finished.
    package var uploads = 1_024
    /// Seconds after its last byte that an unfinished upload or fetch is kept.
    package var uploadSeconds: Int64 = 24 * 3_600
    /// Bytes of one append to an upload.
    package var appendBytes = 64 << 20
    /// Damaged blobs that are kept for a look; further ones are removed.
    package var damagedKept = 16
    /// Big blobs whose sums of chunks are kept in memory: 32 bytes a MiB each.
    package var sumsInMemory = 256

    /// The usual limits.
    package init() {}
}

/// Whether what is acknowledged must outlive the machine's power.
package enum BlobDurability: Sendable, Hashable {
    /// Files and folders are flushed before an id is returned: the coordinator's.
    case durable
    /// Nothing is flushed: a worker's cache.  After a power cut a blob may be gone or damaged,
    /// which is noticed when it is read.
    case cache
}

/// What a store holds at the moment.
package struct BlobFigures: Sendable, Hashable {
    /// Blobs that can be read.
    package var blobs: Int
    /// Bytes of them.
    package var bytes: Int64
    /// Bytes of those that are pinned or leased, which are not evicted.
    package var heldBytes: Int64
    /// Bytes promised to what is being written.
    package var reservedBytes: Int64
    /// The limit `totalBytes`.
    package var limitBytes: Int64
    /// Bytes that are free on the disk.
    package var diskFreeBytes: Int64
    /// Bytes of the disk that must stay free.
    package var diskKeptBytes: Int64
    /// Blobs evicted since the store was opened.
    package var evicted: Int
    /// Blobs found damaged since the store was opened.
    package var damaged: Int
}

/// What was found and tidied up when a store was opened.
package struct BlobOpening: Sendable, Hashable {
    /// Blobs that were there.
    package var blobs = 0
    /// Half-written files of an earlier process that were removed.
    package var removedPartials = 0
    /// Files that are no blobs and were moved to `damaged/`.
    package var strangers = 0
    /// Unfinished uploads and fetches that were too old and were removed.
    package var collectedUploads = 0
    /// Lines of the log of pins that a crash had cut off.
    package var cutPinBytes = 0
    /// Blobs that are pinned but not there.
    package var missingPinned = 0
}
