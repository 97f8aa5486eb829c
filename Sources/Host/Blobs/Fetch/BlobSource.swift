/// Somebody who may have blobs: another worker, the coordinator.
///
/// Both methods wait for the answer on the calling thread, which is one of the fetcher's, and give
/// up after `limit`: a source that does not keeps a thread of the fetcher for itself.
package protocol BlobSource: AnyObject, Sendable {
    /// What it is called in errors and logs; no other source of a fetch has the same name.
    var name: String { get }
    /// Whether it is asked only when nobody else is left that never failed: the coordinator.
    var isLastResort: Bool { get }

    /// What its `BlobStore.sums(of:)` gives, ``ChunkSums/encoded``; only asked for big blobs.
    func sums(
        of blob: BlobReference, within limit: Duration
    ) throws(BlobSourceFailure) -> [UInt8]

    /// The bytes of `range`.
    func read(
        _ blob: BlobReference, _ range: Range<Int64>, within limit: Duration
    ) throws(BlobSourceFailure) -> [UInt8]
}

extension BlobSource {
    /// It is one among others.
    package var isLastResort: Bool { false }
}

/// Why a source did not answer.
package enum BlobSourceFailure: Error, Hashable, Sendable {
    /// It has no such blob (any more): it is not asked again.
    case missing
    /// It took longer than it may: others are asked first.
    case slow
    /// It cannot be reached, or it answered something else.
    case failed(String)
}

/// How much a fetcher does at once.
package struct BlobFetchLimits: Sendable, Hashable {
    /// Threads that read from sources, hash and write at once.
    package var threads = 4
    /// Chunks of one blob that one source is asked for at once.
    package var chunksAtOncePerSource = 2
    /// Times that a source may fail or be slow in a fetch before it is not asked again.
    package var failuresPerSource = 3
    /// How long a source may take for a chunk or for the sums.
    package var answer = Duration.seconds(30)

    /// The usual limits.
    package init() {}
}
