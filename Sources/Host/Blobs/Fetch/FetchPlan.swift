/// Decides what a fetch does next: which chunk from whom, and whom to believe.
///
/// It does no I/O.  The sums of a big blob come from one of its holders and are only his word.  A holder whose chunk
/// differs from them is not asked again, unless they turn out to be a lie: because the whole has the
/// wrong id, or because the one who gave them gives other bytes himself, or is gone and nobody else
/// agrees with them.  Then he is out for good, and those who were out because of him are asked again.
/// Each such round costs a holder, so there are at most as many as there are holders.
struct FetchPlan {
    /// What to do next.
    enum Step: Hashable {
        /// Look what an earlier process left.
        case prepare
        /// Ask this holder for the sums.
        case askSums(holder: Int)
        /// Ask this holder for a chunk.
        case askChunk(Int, holder: Int)
        /// Hash the whole: all chunks are there.
        case checkWhole
        /// Nothing until something that is under way has ended.
        case wait
        /// Nobody is left to ask.
        case giveUp
    }

    private enum Standing: Hashable {
        case asked
        /// His chunk differs from the sums of another.
        case suspected
        case out
    }

    private struct Holder {
        var name: String
        var isLastResort: Bool
        var standing = Standing.asked
        var failures = 0
        var atWork = 0
        var reason = ""
    }

    private enum ChunkState {
        case wanted
        case asked
        case here(BlobID)
    }

    /// Chunks of the blob.
    let chunkCount: Int
    private let limits: BlobFetchLimits
    private let id: BlobID
    private var holders: [Holder] = []
    private var chunks: [ChunkState]
    private var firstWanted = 0
    private var here = 0
    private var sums: [BlobID]?
    private var sumsFrom: Int?
    private var isAskingSums = false
    private var isPreparing = false
    private var isPrepared = false
    private var isChecking = false
    private var atWork = 0

    /// A fetch of a blob from nobody yet.
    init(_ blob: BlobReference, limits: BlobFetchLimits) {
        id = blob.id
        self.limits = limits
        chunkCount = ChunkSums.chunkCount(blob.size)
        chunks = [ChunkState](repeating: .wanted, count: chunkCount)
        // The id of a small blob is the sum of its only chunk.
        if chunkCount == 1 { sums = [blob.id] }
    }

    /// One line for each holder that is not asked any more.
    var reasons: [String] {
        holders.filter { $0.standing != .asked }.map { "\($0.name): \($0.reason)" }
    }

    /// Adds a holder; one whose name is known is asked no more often for it.
    ///
    /// - Parameter isLastResort: it is asked only when no other holder is left that never failed.
    /// - Returns: Its number, in the order of adding; `nil` if it is known.
    mutating func add(_ name: String, isLastResort: Bool = false) -> Int? {
        guard !holders.contains(where: { $0.name == name }) else { return nil }
        holders.append(Holder(name: name, isLastResort: isLastResort))
        return holders.count - 1
    }

    /// It was looked what an earlier process left: these chunks, by what they are.
    mutating func prepared(_ found: [Int: BlobID]) {
        isPreparing = false
        isPrepared = true
        for (index, sum) in found where chunks.indices.contains(index) { setHere(index, sum) }
    }

    /// What to do next; the caller does it and reports.
    mutating func next() -> Step {
        guard !isChecking, !isPreparing else { return .wait }
        guard isPrepared else {
            isPreparing = true
            return .prepare
        }
        if sums == nil {
            guard !isAskingSums else { return .wait }
            guard let holder = best(most: .max) else { return atWork > 0 ? .wait : lostAll() }
            isAskingSums = true
            begin(holder)
            return .askSums(holder: holder)
        }
        if here == chunkCount {
            guard atWork == 0 else { return .wait }
            isChecking = true
            return .checkWhole
        }
        while firstWanted < chunkCount, !isWanted(firstWanted) { firstWanted += 1 }
        guard firstWanted < chunkCount else { return .wait }
        guard let holder = best(most: limits.chunksAtOncePerSource) else {
            return atWork > 0 ? .wait : lostAll()
        }
        chunks[firstWanted] = .asked
        begin(holder)
        return .askChunk(firstWanted, holder: holder)
    }

    /// The holder gave sums; chunks that are here and differ are fetched again.
    mutating func tookSums(_ new: [BlobID], from holder: Int) {
        isAskingSums = false
        end(holder)
        precondition(new.count == chunkCount, "there is one sum for each chunk")
        sums = new
        sumsFrom = holder
        for index in chunks.indices {
            if case .here(let sum) = chunks[index], sum != new[index] { setWanted(index) }
        }
    }

    /// The holder did not give the sums.
    mutating func failedSums(_ failure: BlobSourceFailure, from holder: Int) {
        isAskingSums = false
        end(holder)
        note(failure, holder)
    }

    /// Whether a chunk with this sum is the right one as far as anybody knows; if so it is here.
    ///
    /// `false`: throw the bytes away.
    mutating func tookChunk(_ index: Int, _ sum: BlobID, from holder: Int) -> Bool {
        end(holder)
        guard let sums else {
            // The sums that it was asked by have been discarded meanwhile.
            if case .asked = chunks[index] { setWanted(index) }
            return false
        }
        if sums[index] == sum {
            if case .asked = chunks[index] { setHere(index, sum) }
            return true
        }
        if case .asked = chunks[index] { setWanted(index) }
        if holder == sumsFrom {
            discardSums("gave sums that are not those of its own bytes")
        } else if holders[holder].standing == .asked {
            holders[holder].standing = sumsFrom == nil ? .out : .suspected
            holders[holder].reason = "gave wrong bytes for chunk \(index)"
        }
        return false
    }

    /// The holder did not give a chunk.
    mutating func failedChunk(_ index: Int, _ failure: BlobSourceFailure, from holder: Int) {
        end(holder)
        if case .asked = chunks[index] { setWanted(index) }
        note(failure, holder)
    }

    /// All chunks agree with the sums, but the whole has another id.
    ///
    /// - Returns: `false` if nobody's word can be the reason, so that it must be the disk.
    mutating func wholeIsWrong() -> Bool {
        isChecking = false
        guard sumsFrom != nil else { return false }
        discardSums("gave sums of another content")
        return true
    }

    private mutating func discardSums(_ reason: String) {
        if let holder = sumsFrom {
            holders[holder].standing = .out
            holders[holder].reason = reason
        }
        sums = nil
        sumsFrom = nil
        for index in holders.indices where holders[index].standing == .suspected {
            holders[index].standing = .asked
        }
    }

    /// Nobody is left, but some may be out only because of sums whose giver is gone.
    private mutating func lostAll() -> Step {
        guard sumsFrom != nil, holders.contains(where: { $0.standing == .suspected }) else {
            return .giveUp
        }
        discardSums(sumsFrom.map { holders[$0].reason } ?? "")
        return next()
    }

    private mutating func note(_ failure: BlobSourceFailure, _ holder: Int) {
        holders[holder].failures += 1
        switch failure {
        case .missing:
            holders[holder].reason = "does not have it"
            holders[holder].failures = limits.failuresPerSource
        case .slow: holders[holder].reason = "is too slow"
        case .failed(let words): holders[holder].reason = words
        }
        if holders[holder].failures >= limits.failuresPerSource,
            holders[holder].standing == .asked
        {
            holders[holder].standing = .out
        }
    }

    /// Who is asked next: the one that failed least, then the one with least to do.
    ///
    /// While there is one that never failed nobody else is asked, and the last resort only if there
    /// is no such other: one that is busy is waited for.
    private func best(most: Int) -> Int? {
        let asked = holders.indices.filter { holders[$0].standing == .asked }
        let unfailed = asked.filter { holders[$0].failures == 0 }
        let preferred = unfailed.filter { !holders[$0].isLastResort }
        let those = [preferred, unfailed, asked].first { !$0.isEmpty } ?? []
        return those.filter { holders[$0].atWork < most }.min {
            (holders[$0].failures, holders[$0].atWork, $0)
                < (holders[$1].failures, holders[$1].atWork, $1)
        }
    }

    private mutating func begin(_ holder: Int) {
        holders[holder].atWork += 1
        atWork += 1
    }

    private mutating func end(_ holder: Int) {
        holders[holder].atWork -= 1
        atWork -= 1
    }

    private func isWanted(_ index: Int) -> Bool {
        if case .wanted = chunks[index] { return true }
        return false
    }

    private mutating func setHere(_ index: Int, _ sum: BlobID) {
        if case .here = chunks[index] { return }
        chunks[index] = .here(sum)
        here += 1
    }

    private mutating func setWanted(_ index: Int) {
        if case .here = chunks[index] { here -= 1 }
        chunks[index] = .wanted
        firstWanted = min(firstWanted, index)
    }
}
