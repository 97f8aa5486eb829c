import CPluginABI

/// Makes the structs of Arrow's C data interface over columns, by reference.
///
/// Each struct, those of columns within included, owns what it points at through `private_data`, so
/// that any of them may be moved out and released by itself, on any thread.
enum ArrowExport {
    /// Writes a schema of `field` over `target`; to be released by its `release`.
    static func schema(_ field: ArrowField, to target: UnsafeMutablePointer<ArrowSchema>) {
        let node = SchemaNode(field)
        target.pointee.format = node.format.pointer
        target.pointee.name = node.name.pointer
        target.pointee.metadata = node.metadata?.pointer
        target.pointee.flags = field.isNullable ? Int64(FAN_ARROW_NULLABLE) : 0
        target.pointee.n_children = Int64(field.children.count)
        target.pointee.children = node.pointers
        target.pointee.release = releaseSchema
        target.pointee.private_data = Unmanaged.passRetained(node).toOpaque()
    }

    /// Writes an array of `column` over `target`; to be released by its `release`, until which it
    /// keeps `owner`.
    static func array(
        _ column: ArrowColumn, owner: AnyObject, to target: UnsafeMutablePointer<ArrowArray>
    ) {
        let node = ArrayNode(column, owner: owner)
        target.pointee.length = Int64(column.length)
        target.pointee.null_count = Int64(column.nullCount)
        target.pointee.offset = Int64(column.offset)
        target.pointee.n_buffers = Int64(column.field.type.bufferCount)
        target.pointee.n_children = Int64(column.children.count)
        target.pointee.buffers = node.buffers
        target.pointee.children = node.pointers
        target.pointee.release = releaseArray
        target.pointee.private_data = Unmanaged.passRetained(node).toOpaque()
    }

    private static let releaseSchema:
        @convention(c) @Sendable (UnsafeMutablePointer<ArrowSchema>?) -> Void = {
            guard let schema = $0, let context = schema.pointee.private_data else { return }
            schema.pointee.release = nil
            schema.pointee.private_data = nil
            Unmanaged<SchemaNode>.fromOpaque(context).release()
        }

    private static let releaseArray:
        @convention(c) @Sendable (UnsafeMutablePointer<ArrowArray>?) -> Void = {
            guard let array = $0, let context = array.pointee.private_data else { return }
            array.pointee.release = nil
            array.pointee.private_data = nil
            Unmanaged<ArrayNode>.fromOpaque(context).release()
        }

    /// What one schema points at.
    private final class SchemaNode {
        let format: CText
        let name: CText
        let metadata: CText?
        let pointers: UnsafeMutablePointer<UnsafeMutablePointer<ArrowSchema>?>
        private let children: UnsafeMutablePointer<ArrowSchema>
        private let count: Int

        init(_ field: ArrowField) {
            format = CText(Array(field.type.formatText.utf8))
            name = CText(Array(field.name.utf8))
            metadata = field.metadata.isEmpty ? nil : CText(ArrowExport.encoded(field.metadata))
            count = field.children.count
            pointers = .allocate(capacity: max(count, 1))
            children = .allocate(capacity: max(count, 1))
            for (index, child) in field.children.enumerated() {
                (children + index).initialize(to: ArrowSchema())
                ArrowExport.schema(child, to: children + index)
                (pointers + index).initialize(to: children + index)
            }
        }

        deinit {
            for index in 0..<count { children[index].release?(children + index) }
            children.deallocate()
            pointers.deallocate()
        }
    }

    /// What one array points at.
    private final class ArrayNode {
        let buffers: UnsafeMutablePointer<UnsafeRawPointer?>
        let pointers: UnsafeMutablePointer<UnsafeMutablePointer<ArrowArray>?>
        private let children: UnsafeMutablePointer<ArrowArray>
        private let count: Int
        private let owner: AnyObject

        init(_ column: ArrowColumn, owner: AnyObject) {
            self.owner = owner
            count = column.children.count
            let all = [column.validity] + column.buffers
            buffers = .allocate(capacity: all.count)
            for (index, buffer) in all.enumerated() {
                (buffers + index).initialize(to: buffer.isEmpty ? nil : buffer.baseAddress)
            }
            pointers = .allocate(capacity: max(count, 1))
            children = .allocate(capacity: max(count, 1))
            for (index, child) in column.children.enumerated() {
                (children + index).initialize(to: ArrowArray())
                ArrowExport.array(child, owner: owner, to: children + index)
                (pointers + index).initialize(to: children + index)
            }
        }

        deinit {
            for index in 0..<count { children[index].release?(children + index) }
            children.deallocate()
            pointers.deallocate()
            buffers.deallocate()
        }
    }

    /// Bytes with a zero behind them, at an address that does not change.
    private final class CText {
        let pointer: UnsafePointer<CChar>

        init(_ bytes: [UInt8]) {
            let text = UnsafeMutablePointer<CChar>.allocate(capacity: bytes.count + 1)
            for (index, byte) in bytes.enumerated() {
                (text + index).initialize(to: CChar(bitPattern: byte))
            }
            (text + bytes.count).initialize(to: 0)
            pointer = UnsafePointer(text)
        }

        deinit { pointer.deallocate() }
    }

    /// Counted pairs of counted texts, in the byte order of this machine.
    private static func encoded(_ pairs: [ArrowPair]) -> [UInt8] {
        var bytes: [UInt8] = []
        func append(_ number: Int) {
            withUnsafeBytes(of: Int32(clamping: number)) { bytes.append(contentsOf: $0) }
        }
        append(pairs.count)
        for pair in pairs {
            for text in [pair.key, pair.value] {
                append(text.utf8.count)
                bytes.append(contentsOf: text.utf8)
            }
        }
        return bytes
    }
}
