import CPluginABI

/// Tensors and tables of a blob as bytes that another process can read, and back.
package enum BlobTransfer {
    /// The bit of `fan_blob.flags` that forbids writing.
    static let readOnly: UInt32 = 1

    /// The content of a blob of the kind `FAN_BLOB_TENSOR` or `FAN_BLOB_ARROW` as bytes that need
    /// nothing else: strided tensors become contiguous, slices of columns are cut out.
    ///
    /// The blob stays with the caller, who releases it afterwards also if this throws.  Of a tensor
    /// with another major version than 1 nothing but that version is read.
    /// - Throws: `badBlob` for what breaks the contract; `unsupported` for another device than the
    ///   CPU, another version, numbers of less than a byte, and types of columns that are not read;
    ///   `overLimit`.
    package static func flatten(_ blob: fan_blob) throws(DataTransferError) -> [UInt8] {
        switch Int(blob.kind) {
        case FAN_BLOB_TENSOR: return try FlatTensor.flatten(blob)
        case FAN_BLOB_ARROW: return try FlatArrow.flatten(blob)
        default: throw notAKind(blob.kind)
        }
    }

    /// A blob of the kind that was flattened, whose memory is a view into `bytes`.
    ///
    /// `owner` keeps `bytes` valid and unchanged, and is let go when the blob is released, or when
    /// the deleter of the tensor or the release functions of the table are called instead; all of
    /// them work on any thread.  What is a view may not be written to.  Bytes that do not lie as the
    /// numbers need it are copied once; the copy is the receiver's alone.
    /// - Throws: `malformed`, `unsupported`, `overLimit`; `owner` is not kept then.
    package static func rebuild(
        kind: UInt32, _ bytes: UnsafeRawBufferPointer, owner: AnyObject
    ) throws(DataTransferError) -> fan_blob {
        switch Int(kind) {
        case FAN_BLOB_TENSOR: return try FlatTensor.rebuild(bytes, owner: owner)
        case FAN_BLOB_ARROW: return try FlatArrow.rebuild(bytes, owner: owner)
        default: throw notAKind(kind)
        }
    }

    private static func notAKind(_ kind: UInt32) -> DataTransferError {
        .badBlob(
            message: "a blob of kind \(kind) is neither a tensor (\(FAN_BLOB_TENSOR)) nor a table "
                + "(\(FAN_BLOB_ARROW)); send it as it is")
    }
}
