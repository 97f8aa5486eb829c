import CPluginABI
import FanfoldData

/// The parts of one call as the plugin sees them, as long as the call takes.
///
/// The book holds it until the call has ended, and the lane while the call is made; then what the
/// plugin did not take is released.
final class CallParts: @unchecked Sendable {
    // Unchecked: the plugin alone touches the blobs, until the last reference here goes.
    private let blobs: UnsafeMutableBufferPointer<fan_blob>

    /// Makes the blobs.
    ///
    /// Throws: INVALID for bytes that are no flat tensor or table.
    init(_ parts: [PluginCall.Part]) throws(PluginFailure) {
        var made: [fan_blob] = []
        made.reserveCapacity(parts.count)
        do throws(DataTransferError) {
            for part in parts { made.append(try Self.blob(part)) }
        } catch {
            for index in made.indices { HostBlob.release(&made[index]) }
            throw PluginFailure(
                code: fan_code(FAN_INVALID), reason: "input.form", message: "a part: \(error)")
        }
        blobs = .allocate(capacity: made.count)
        _ = blobs.initialize(from: made)
    }

    deinit {
        for index in blobs.indices { HostBlob.release(&blobs[index]) }
        blobs.deallocate()
    }

    private static func blob(_ part: PluginCall.Part) throws(DataTransferError) -> fan_blob {
        var blob: fan_blob
        switch part.form {
        case .bytes: return HostBlob.view(part.bytes, handle: part.handle)
        case .tensor:
            blob = try BlobTransfer.rebuild(
                kind: UInt32(FAN_BLOB_TENSOR), part.bytes, owner: part.owner)
        case .table:
            blob = try BlobTransfer.rebuild(
                kind: UInt32(FAN_BLOB_ARROW), part.bytes, owner: part.owner)
        }
        blob.handle = part.handle
        return blob
    }

    /// The first of them; `nil` if there are none.
    var start: UnsafeMutablePointer<fan_blob>? { blobs.isEmpty ? nil : blobs.baseAddress }

    /// How many there are.
    var count: UInt32 { UInt32(blobs.count) }
}
