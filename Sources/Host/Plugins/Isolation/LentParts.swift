import CPluginABI

/// The host's record of what a helper holds of its memory, and how parts that come back become
/// blobs again.
struct LentParts {
    private var blobs: [UInt64: fan_blob] = [:]

    /// How many are out.
    var count: Int { blobs.count }

    /// Keeps a blob of ours until the helper gives it back.
    mutating func keep(_ blob: fan_blob, id: UInt64) {
        blobs[id] = blob
    }

    /// Ends a loan; an id that is not known was given back before, in a run that is told again.
    mutating func release(_ id: UInt64) {
        guard var blob = blobs.removeValue(forKey: id) else { return }
        HostBlob.release(&blob)
    }

    /// Ends all loans.
    mutating func releaseAll() {
        for id in blobs.keys.sorted() { release(id) }
    }

    /// The part as the sink of a plugin inside the host would get it.
    ///
    /// - Throws: if it names memory that was not lent.
    func blob(_ part: WirePart) throws(WireFault) -> fan_blob {
        switch part {
        case .none: return fan_blob()
        case .bytes(let handle, let bytes): return HostBlob.own(bytes, handle: handle)
        case .items(let input, let from, let count):
            var blob = fan_blob()
            blob.kind = UInt32(FAN_BLOB_ITEMS)
            blob.handle = input
            blob.offset = from
            blob.size = count
            return blob
        case .result(let subtask, let part):
            var blob = fan_blob()
            blob.kind = UInt32(FAN_BLOB_RESULT)
            blob.handle = Int64(bitPattern: subtask)
            blob.offset = part
            return blob
        case .structured(let kind, let bytes): return try HostBlob.rebuilt(kind: kind, bytes)
        case .other(let kind):
            var blob = fan_blob()
            blob.kind = kind
            return blob
        case .lent(let id, let offset, let count):
            guard let whole = blobs[id], offset <= whole.size, count <= whole.size - offset,
                let owner = HostBlob.owner(ofLoan: whole.owner)
            else { throw WireFault("\(count) bytes at \(offset) of part \(id) were not lent") }
            var blob = HostBlob.lend(
                owner, bytes: UnsafeRawBufferPointer(start: whole.data, count: Int(whole.size)),
                handle: whole.handle)
            blob.data = whole.data.map { $0 + Int(offset) }
            blob.size = count
            return blob
        }
    }
}
