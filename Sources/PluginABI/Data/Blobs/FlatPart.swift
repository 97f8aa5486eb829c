import CPluginABI

/// A tensor or a table of a file in the flat form of ``BlobTransfer``: what a plugin is given of the
/// file.
package struct FlatPart: Sendable {
    /// The name of the tensor, in files that have names.
    package var name: String?
    /// The flat form, which ``BlobTransfer/rebuild(kind:_:owner:)`` reads.
    package var bytes: [UInt8]

    /// The one tensor of an npy file.
    ///
    /// - Throws: as ``Npy/read(_:owner:)``.
    package static func npy(
        _ bytes: UnsafeRawBufferPointer, owner: AnyObject
    ) throws(DataTransferError) -> [FlatPart] {
        let tensor = try Npy.read(bytes, owner: owner)
        return [FlatPart(name: nil, bytes: FlatTensor.flatten(tensor))]
    }

    /// The tensors of a safetensors file, in the order of their numbers.
    ///
    /// - Throws: as ``Safetensors/read(_:owner:)``.
    package static func safetensors(
        _ bytes: UnsafeRawBufferPointer, owner: AnyObject
    ) throws(DataTransferError) -> [FlatPart] {
        try Safetensors.read(bytes, owner: owner).map { named in
            FlatPart(name: named.name, bytes: FlatTensor.flatten(named.tensor))
        }
    }

    /// The record batches of an Arrow file or stream, each a table.
    ///
    /// - Throws: as ``ArrowReader/read(_:owner:)``.
    package static func arrow(
        _ bytes: UnsafeRawBufferPointer, owner: AnyObject
    ) throws(DataTransferError) -> [FlatPart] {
        let table = try ArrowReader.read(bytes, owner: owner)
        return table.batches.map { batch in
            let one = ArrowTable(schema: table.schema, batches: [batch])
            return FlatPart(name: nil, bytes: ArrowWriter.bytes(of: one, file: false))
        }
    }
}
