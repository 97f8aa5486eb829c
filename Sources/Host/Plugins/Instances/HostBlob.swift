import CPluginABI
import FanfoldData
@preconcurrency import Glibc

/// What came from a plugin in a blob.
package enum ReceivedBlob {
    /// Memory of ours that a plugin was lent, or a part of it.
    case lent(owner: AnyObject, offset: Int, count: Int)
    /// The plugin's own memory.
    case bytes(ForeignBlob)
    /// `count` bytes from `offset` of an open file.
    case file(ForeignBlob, descriptor: Int32, offset: Int, count: Int)
    /// A tensor or a table of the plugin's own.
    case structured(ForeignBlob)
    /// Items `from ..< from + count` of an input of the task.
    case items(input: Int, from: Int, count: Int)
    /// A part of another subtask's result.
    case result(subtask: UInt64, part: Int)
    /// Nothing.
    case none
    /// A kind that this host does not read.
    case unsupported(kind: UInt32)
    /// A blob that breaks the contract.
    case invalid(String)
}

/// Blobs that cross the table, seen from the host.
package enum HostBlob {
    /// The bit of `fan_blob.flags` that forbids writing.
    static let readOnly: UInt32 = 1

    /// The function that ends a loan: exactly once, and it says so in the blob.
    private static let releaseLoan:
        @convention(c) @Sendable (UnsafeMutablePointer<fan_blob>) -> Void = { blob in
            let ticket = UInt(bitPattern: blob.pointee.owner)
            blob.pointee.release = nil
            blob.pointee.owner = nil
            _ = LentMemory.shared.takeBack(ticket)
        }

    /// Lends memory to a plugin; `owner` is kept until the blob is released or received.
    ///
    /// `bytes` must stay valid and unchanged as long as `owner` lives.
    package static func lend(
        _ owner: AnyObject, bytes: UnsafeRawBufferPointer, handle: Int64 = 0
    ) -> fan_blob {
        let ticket = LentMemory.shared.lend(
            LentMemory.Loan(
                owner: owner, start: UInt(bitPattern: bytes.baseAddress), count: bytes.count))
        var blob = fan_blob()
        blob.kind = UInt32(FAN_BLOB_BYTES)
        blob.flags = readOnly
        blob.data = bytes.baseAddress
        blob.size = UInt64(bytes.count)
        blob.handle = handle
        blob.owner = UnsafeMutableRawPointer(bitPattern: ticket)
        blob.release = releaseLoan
        return blob
    }

    /// Bytes that whoever receives the blob owns, as if a plugin had made them.
    static func own(_ bytes: [UInt8], handle: Int64) -> fan_blob {
        let box = bytes.withUnsafeBytes { OwnedBytes(copying: $0) }
        var blob = view(box.bytes, handle: handle)
        blob.owner = Unmanaged.passRetained(box).toOpaque()
        blob.release = { blob in
            if let owner = blob.pointee.owner {
                Unmanaged<OwnedBytes>.fromOpaque(owner).release()
            }
            blob.pointee.owner = nil
            blob.pointee.release = nil
        }
        return blob
    }

    /// A tensor or a table that came from a helper.
    static func rebuilt(kind: UInt32, _ bytes: [UInt8]) throws(WireFault) -> fan_blob {
        let owned = bytes.withUnsafeBytes { OwnedBytes(copying: $0) }
        do throws(DataTransferError) {
            return try BlobTransfer.rebuild(kind: kind, owned.bytes, owner: owned)
        } catch {
            throw WireFault("a part of kind \(kind): \(error)")
        }
    }

    /// Bytes that are only looked at: nothing to release.
    static func view(_ bytes: UnsafeRawBufferPointer, handle: Int64) -> fan_blob {
        var blob = fan_blob()
        blob.kind = UInt32(FAN_BLOB_BYTES)
        blob.flags = readOnly
        blob.data = bytes.baseAddress
        blob.size = UInt64(bytes.count)
        blob.handle = handle
        return blob
    }

    /// Memory of `calloc` that its new owner may write.
    static func allocated(_ memory: UnsafeMutableRawPointer, _ size: UInt64) -> fan_blob {
        var blob = fan_blob()
        blob.kind = UInt32(FAN_BLOB_BYTES)
        blob.data = UnsafeRawPointer(memory)
        blob.size = size
        blob.owner = memory
        blob.release = { blob in
            free(blob.pointee.owner)
            blob.pointee.owner = nil
            blob.pointee.release = nil
        }
        return blob
    }

    /// The owner of memory that ``lend(_:bytes:handle:)`` lent, as long as nobody has released it.
    ///
    /// - Parameter ticket: `owner` of the blob when it was lent.
    package static func owner(ofLoan ticket: UnsafeMutableRawPointer?) -> AnyObject? {
        LentMemory.shared.owner(of: UInt(bitPattern: ticket))
    }

    /// A slice of a task's input, by reference; nothing to release.
    package static func items(input: Int, from: Int, count: Int) -> fan_blob {
        var blob = fan_blob()
        blob.kind = UInt32(FAN_BLOB_ITEMS)
        blob.handle = Int64(input)
        blob.offset = UInt64(from)
        blob.size = UInt64(count)
        return blob
    }

    /// An input that stays in the host's store, by reference; nothing to release.
    package static func reference(handle: Int64, size: Int) -> fan_blob {
        var blob = fan_blob()
        blob.kind = UInt32(FAN_BLOB_REF)
        blob.handle = handle
        blob.size = UInt64(size)
        return blob
    }

    /// Gives a blob back to whoever made it, if that was not done yet.
    package static func release(_ blob: inout fan_blob) {
        guard let release = blob.release else { return }
        release(&blob)
        blob.release = nil
    }

    /// Takes over a blob: what is to be released is released, or kept by what is returned.
    ///
    /// Afterwards `blob` is empty.  Call it only when the answer to the plugin will be `FAN_OK`.
    package static func receive(_ blob: inout fan_blob) -> ReceivedBlob {
        let copy = blob
        blob = fan_blob()
        if isLoan(copy) { return takeBack(copy) }
        switch Int(copy.kind) {
        case FAN_BLOB_BYTES, FAN_BLOB_FILE: return keep(copy)
        case FAN_BLOB_TENSOR, FAN_BLOB_ARROW: return .structured(ForeignBlob(copy))
        case FAN_BLOB_NONE: return drop(copy, .none)
        case FAN_BLOB_ITEMS:
            guard let input = Int(exactly: copy.handle), input >= 0,
                let from = Int(exactly: copy.offset), let count = Int(exactly: copy.size),
                !from.addingReportingOverflow(count).overflow
            else { return drop(copy, .invalid("items of input \(copy.handle) are out of range")) }
            return drop(copy, .items(input: input, from: from, count: count))
        case FAN_BLOB_RESULT:
            guard copy.offset < UInt64(FAN_MAX_PARTS) else {
                return drop(copy, .invalid("a result has no part \(copy.offset)"))
            }
            return drop(
                copy,
                .result(subtask: UInt64(bitPattern: copy.handle), part: Int(copy.offset)))
        default: return drop(copy, .unsupported(kind: copy.kind))
        }
    }

    private static func isLoan(_ blob: fan_blob) -> Bool {
        guard let release = blob.release else { return false }
        return unsafeBitCast(release, to: UInt.self) == unsafeBitCast(releaseLoan, to: UInt.self)
    }

    private static func takeBack(_ blob: fan_blob) -> ReceivedBlob {
        guard let loan = LentMemory.shared.takeBack(UInt(bitPattern: blob.owner)) else {
            return .invalid("it was given back before")
        }
        guard Int(blob.kind) == FAN_BLOB_BYTES else {
            return .invalid("lent bytes came back as kind \(blob.kind)")
        }
        let start = UInt(bitPattern: blob.data)
        guard start >= loan.start, start - loan.start <= UInt(loan.count),
            blob.size <= UInt64(UInt(loan.count) - (start - loan.start))
        else { return .invalid("\(blob.size) bytes do not lie in the memory that was lent") }
        return .lent(
            owner: loan.owner, offset: Int(start - loan.start), count: Int(blob.size))
    }

    private static func keep(_ blob: fan_blob) -> ReceivedBlob {
        guard let count = Int(exactly: blob.size) else {
            return drop(blob, .invalid("\(blob.size) bytes are out of range"))
        }
        if Int(blob.kind) == FAN_BLOB_BYTES {
            guard count == 0 || blob.data != nil else {
                return drop(blob, .invalid("\(count) bytes at NULL"))
            }
            return .bytes(ForeignBlob(blob))
        }
        guard let descriptor = Int32(exactly: blob.handle), descriptor >= 0,
            let offset = Int(exactly: blob.offset),
            !offset.addingReportingOverflow(count).overflow
        else { return drop(blob, .invalid("file \(blob.handle) is out of range")) }
        return .file(ForeignBlob(blob), descriptor: descriptor, offset: offset, count: count)
    }

    private static func drop(_ blob: fan_blob, _ received: ReceivedBlob) -> ReceivedBlob {
        var blob = blob
        release(&blob)
        return received
    }
}

/// Memory or a file of a plugin, given back once when the last reference goes.
package final class ForeignBlob: @unchecked Sendable {
    // Unchecked: constant until deinit, and the contract lets any thread release a blob.
    private var blob: fan_blob

    init(_ blob: fan_blob) {
        self.blob = blob
    }

    deinit {
        HostBlob.release(&blob)
    }

    /// `FAN_BLOB_TENSOR` or `FAN_BLOB_ARROW`, and its content as bytes that need nothing else.
    package func flattened() throws(DataTransferError) -> (kind: UInt32, bytes: [UInt8]) {
        (blob.kind, try BlobTransfer.flatten(blob))
    }

    /// A tensor or a table as the file that a pipeline reads.
    package func file() throws(DataTransferError) -> BlobFile { try BlobFile(blob) }

    /// How it holds its bytes.
    var kind: UInt32 { blob.kind }

    /// What the plugin said of it.
    var handle: Int64 { blob.handle }

    /// The memory, valid as long as this object; empty for a file.
    package var bytes: UnsafeRawBufferPointer {
        guard Int(blob.kind) == FAN_BLOB_BYTES, blob.size > 0 else {
            return UnsafeRawBufferPointer(start: nil, count: 0)
        }
        return UnsafeRawBufferPointer(start: blob.data, count: Int(blob.size))
    }
}
