/// Writes items in a wanted format.
package enum DataEncoding {
    /// Hands the text of `parts` to `sink`, in pieces, in order.
    package static func encode(
        _ parts: [InputPart], names: [String]? = nil, as format: DataFormat,
        into sink: (UnsafeRawBufferPointer) throws -> Void
    ) throws {
    }
}
