/// Which blobs there are, which are held, and which was not used for longest.
///
/// Those that nobody holds are in a list by last use, so that an access, a hold and an eviction each
/// cost the same however many blobs there are.
struct BlobIndex {
    private struct Entry {
        var id: BlobID
        var size: Int64
        var newer = BlobIndex.nothing
        var older = BlobIndex.nothing
        var isVerified = false
        var isFlushed = false
    }

    private static let nothing: Int32 = -1

    private var entries: [Entry] = []
    private var free: [Int32] = []
    private var places: [BlobID: Int32] = [:]
    /// How often each is pinned or leased; also of blobs that are not there (yet, or any more).
    private var holds: [BlobID: Int] = [:]
    private var newest = nothing
    private var oldest = nothing
    /// Bytes of all blobs.
    private(set) var bytes: Int64 = 0
    /// Bytes of those that are held.
    private(set) var heldBytes: Int64 = 0

    /// How many there are.
    var count: Int { places.count }

    /// All of them, in no order.
    var ids: [BlobID] { Array(places.keys) }

    /// The size of a blob; `nil` if it is not there.
    func size(of id: BlobID) -> Int64? { places[id].map { entries[Int($0)].size } }

    /// Whether its bytes were seen to be right since the store was opened.
    func isVerified(_ id: BlobID) -> Bool {
        places[id].map { entries[Int($0)].isVerified } ?? false
    }

    /// Whether its name is known to be on the disk.
    func isFlushed(_ id: BlobID) -> Bool { places[id].map { entries[Int($0)].isFlushed } ?? false }

    /// How often it is held.
    func holdCount(_ id: BlobID) -> Int { holds[id] ?? 0 }

    mutating func setVerified(_ id: BlobID) {
        if let place = places[id] { entries[Int(place)].isVerified = true }
    }

    mutating func setFlushed(_ id: BlobID) {
        if let place = places[id] { entries[Int(place)].isFlushed = true }
    }

    /// Adds a blob as the one used last; one that is there must have the same size.
    mutating func insert(_ id: BlobID, size: Int64, isVerified: Bool, isFlushed: Bool) {
        if let place = places[id] {
            precondition(entries[Int(place)].size == size, "one id has one size")
            entries[Int(place)].isVerified = isVerified
            entries[Int(place)].isFlushed = isFlushed
            return touch(id)
        }
        let entry = Entry(id: id, size: size, isVerified: isVerified, isFlushed: isFlushed)
        let place: Int32
        if let old = free.popLast() {
            place = old
            entries[Int(old)] = entry
        } else {
            place = Int32(entries.count)
            entries.append(entry)
        }
        places[id] = place
        bytes += size
        if holds[id] == nil { link(place) } else { heldBytes += size }
    }

    /// Takes a blob out; its holds stay, for the case that it comes back.
    mutating func remove(_ id: BlobID) {
        guard let place = places.removeValue(forKey: id) else { return }
        bytes -= entries[Int(place)].size
        if holds[id] == nil { unlink(place) } else { heldBytes -= entries[Int(place)].size }
        free.append(place)
    }

    /// Marks a blob as used now.
    mutating func touch(_ id: BlobID) {
        guard let place = places[id], holds[id] == nil, newest != place else { return }
        unlink(place)
        link(place)
    }

    /// Keeps a blob from eviction `count` times more.
    mutating func hold(_ id: BlobID, count: Int = 1) {
        let before = holds[id] ?? 0
        holds[id] = before + count
        guard before == 0, let place = places[id] else { return }
        unlink(place)
        heldBytes += entries[Int(place)].size
    }

    /// Takes back `count` holds; with the last one the blob is the one used last.
    mutating func release(_ id: BlobID, count: Int = 1) {
        guard let before = holds[id], before >= count else {
            preconditionFailure("nobody releases more holds of a blob than were taken")
        }
        guard before == count else {
            holds[id] = before - count
            return
        }
        holds[id] = nil
        guard let place = places[id] else { return }
        heldBytes -= entries[Int(place)].size
        link(place)
    }

    /// The blob that was not used for longest and that nobody holds.
    var leastRecent: BlobID? { oldest == Self.nothing ? nil : entries[Int(oldest)].id }

    private mutating func link(_ place: Int32) {
        entries[Int(place)].newer = Self.nothing
        entries[Int(place)].older = newest
        if newest == Self.nothing { oldest = place } else { entries[Int(newest)].newer = place }
        newest = place
    }

    private mutating func unlink(_ place: Int32) {
        let newer = entries[Int(place)].newer
        let older = entries[Int(place)].older
        if newer == Self.nothing { newest = older } else { entries[Int(newer)].older = older }
        if older == Self.nothing { oldest = newer } else { entries[Int(older)].newer = newer }
    }

    /// What is wrong with the books, for tests; empty if nothing is.
    func violations() -> [String] {
        var problems: [String] = []
        var place = oldest
        var listed = 0
        var free: Int64 = 0
        while place != Self.nothing && listed <= count {
            let entry = entries[Int(place)]
            if places[entry.id] != place { problems.append("the list has a blob that is gone") }
            if holds[entry.id] != nil { problems.append("the list has a blob that is held") }
            listed += 1
            free += entry.size
            place = entry.newer
        }
        let held = places.keys.filter { holds[$0] != nil }.count
        if listed + held != count { problems.append("\(listed) free and \(held) held of \(count)") }
        if free + heldBytes != bytes {
            problems.append("\(free) and \(heldBytes) of \(bytes) bytes")
        }
        return problems
    }
}
