import CPluginABI
@preconcurrency import Glibc

/// Calls `body` with the parts as blobs, on the stack if there are few, and hands them over: if
/// `body` does not answer `FAN_OK`, what it was offered is released here.
func withParts(
    _ parts: [Part], _ body: (UnsafeMutablePointer<fan_blob>?, UInt32) -> fan_code
) throws(PluginError) -> fan_code {
    try Part.check(parts)
    guard !parts.isEmpty else { return body(nil, 0) }
    return withUnsafeTemporaryAllocation(of: fan_blob.self, capacity: parts.count) { blobs in
        for (index, part) in parts.enumerated() {
            blobs.initializeElement(at: index, to: part.blob())
        }
        let code = body(blobs.baseAddress, UInt32(parts.count))
        if code != 0 {
            for index in blobs.indices { blobs[index].release?(&blobs[index]) }
        }
        return code
    }
}

extension Part {
    /// Refuses what could not be handed over, before anything is.
    static func check(_ parts: [Part]) throws(PluginError) {
        guard parts.count <= FAN_MAX_PARTS else {
            throw HostSink.tooMuch("parts", FAN_MAX_PARTS, parts.count)
        }
        for part in parts { try part.check() }
    }

    /// The part with its bytes copied if they are a view that ends with the call.
    var owned: Part {
        switch self {
        case .blob(let blob) where blob.isBorrowed: return .bytes(blob.bytes)
        case .slice(let blob, let from, let count) where blob.isBorrowed:
            let end = from.addingReportingOverflow(count)
            guard from >= 0, count >= 0, !end.overflow, end.partialValue <= blob.count else {
                return self
            }
            return .bytes(blob.withBytes { Array($0[from..<end.partialValue]) })
        default: return self
        }
    }

    /// Refuses a range that is none, before anything is handed over.
    fileprivate func check() throws(PluginError) {
        switch self {
        case .bytes, .blob, .result: return
        case .slice(let blob, let from, let count):
            guard from >= 0, count >= 0, from <= blob.count, count <= blob.count - from else {
                throw PluginError(
                    .range, reason: "part.slice",
                    "a slice from \(from) of \(count) bytes is not within \(blob.count) bytes")
            }
        case .items(let input, let from, let count):
            guard input >= 0, from >= 0, count >= 0 else {
                throw PluginError(
                    .range, reason: "part.items",
                    "input \(input), first item \(from) and \(count) items must not be negative")
            }
        }
    }

    /// The part as C says it; whoever is handed it releases it.
    ///
    /// `check()` has passed.
    fileprivate func blob() -> fan_blob {
        var blob = fan_blob()
        blob.kind = UInt32(FAN_BLOB_BYTES)
        blob.flags = 1
        switch self {
        case .bytes(let bytes):
            let memory = UnsafeRawBufferPointer(copying: bytes)
            blob.data = memory.baseAddress
            blob.size = UInt64(memory.count)
            blob.release = { blob in
                free(UnsafeMutableRawPointer(mutating: blob.pointee.data))
                blob.pointee.release = nil
            }
        case .blob(let whole): whole.lend(0, whole.count, as: &blob)
        case .slice(let whole, let from, let count): whole.lend(from, count, as: &blob)
        case .items(let input, let from, let count):
            blob.kind = UInt32(FAN_BLOB_ITEMS)
            blob.handle = Int64(input)
            blob.offset = UInt64(from)
            blob.size = UInt64(count)
        case .result(let subtask):
            blob.kind = UInt32(FAN_BLOB_RESULT)
            blob.handle = Int64(bitPattern: subtask)
        }
        return blob
    }
}

extension Blob {
    /// Lends a range of this blob.
    ///
    /// The memory of the host goes back with the host's own handle and offset, so that it
    /// recognises it and moves no byte; `release` lets go of this object.
    fileprivate func lend(_ from: Int, _ count: Int, as blob: inout fan_blob) {
        blob.data = count == 0 ? memory.baseAddress : memory.baseAddress.map { $0 + from }
        blob.size = UInt64(count)
        blob.handle = lent?.handle ?? 0
        blob.offset = (lent?.offset ?? 0) + UInt64(from)
        blob.owner = Unmanaged.passRetained(self).toOpaque()
        blob.release = { blob in
            if let owner = blob.pointee.owner { Unmanaged<Blob>.fromOpaque(owner).release() }
            blob.pointee.release = nil
        }
    }
}
