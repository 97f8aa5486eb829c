import CPluginABI

/// A tensor or a table of a blob as the file that a pipeline reads.
package enum BlobFile {
    /// An npy file.
    case npy([UInt8])
    /// An Arrow stream.
    case arrow([UInt8])

    /// The content of a blob; the blob stays with the caller.
    ///
    /// - Throws: as ``BlobTransfer/flatten(_:)``, and `unsupported` for elements that npy has no
    ///   name for.
    package init(_ blob: fan_blob) throws(DataTransferError) {
        let flat = try BlobTransfer.flatten(blob)
        guard Int(blob.kind) == FAN_BLOB_TENSOR, let data = blob.data else {
            self = .arrow(flat)
            return
        }
        // Flattening has checked what is read here.
        let tensor = data.assumingMemoryBound(to: DLManagedTensorVersioned.self).pointee.dl_tensor
        guard tensor.dtype.lanes == 1,
            let type = TensorType(dlpackCode: tensor.dtype.code, bits: tensor.dtype.bits)
        else {
            throw .unsupported(
                what: "tensor",
                message: "elements of code \(tensor.dtype.code) with \(tensor.dtype.bits) bits and "
                    + "\(tensor.dtype.lanes) lanes have no npy type")
        }
        let shape = (0..<Int(tensor.ndim)).map { axis in tensor.shape.map { Int($0[axis]) } ?? 0 }
        let count = try Tensor.byteCount(type: type, shape: shape)
        let owned = flat.withUnsafeBytes { bytes in
            OwnedBytes(copying: UnsafeRawBufferPointer(rebasing: bytes.suffix(count)))
        }
        self = .npy(
            try Npy.bytes(
                of: try Tensor(type: type, shape: shape, bytes: owned.bytes, owner: owned)))
    }
}
