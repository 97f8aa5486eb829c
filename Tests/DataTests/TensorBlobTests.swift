import CPluginABI
import Synchronization
import Testing

@testable import FanfoldData

/// Counts how often it was let go.
final class Watched {
    private let count: Counter
    let memory: OwnedBytes

    init(_ bytes: [UInt8], _ count: Counter) {
        memory = bytes.withUnsafeBytes { OwnedBytes(copying: $0) }
        self.count = count
    }

    deinit { count.value.add(1, ordering: .relaxed) }
}

final class Counter: Sendable {
    let value = Atomic<Int>(0)
    var count: Int { value.load(ordering: .relaxed) }
}

/// A tensor of a test in C memory, with a deleter that counts.
final class CTensor {
    let managed: UnsafeMutablePointer<DLManagedTensorVersioned>
    private let numbers: OwnedBytes
    private let axes: UnsafeMutablePointer<Int64>

    init<T>(_ values: [T], code: UInt8, shape: [Int64], strides: [Int64]?, byteOffset: Int = 0) {
        numbers = values.withUnsafeBytes { OwnedBytes(copying: $0) }
        axes = .allocate(capacity: 16)
        for (index, length) in shape.enumerated() { axes[index] = length }
        for (index, stride) in (strides ?? []).enumerated() { axes[8 + index] = stride }
        managed = .allocate(capacity: 1)
        var tensor = DLManagedTensorVersioned()
        tensor.version = DLPackVersion(major: 1, minor: 1)
        tensor.dl_tensor.data = numbers.memory.baseAddress
        tensor.dl_tensor.device = DLDevice(device_type: 1, device_id: 0)
        tensor.dl_tensor.ndim = Int32(shape.count)
        tensor.dl_tensor.dtype = DLDataType(
            code: code, bits: UInt8(MemoryLayout<T>.size * 8), lanes: 1)
        tensor.dl_tensor.shape = axes
        tensor.dl_tensor.strides = strides == nil ? nil : axes + 8
        tensor.dl_tensor.byte_offset = UInt64(byteOffset)
        managed.initialize(to: tensor)
    }

    deinit {
        managed.deallocate()
        axes.deallocate()
    }

    /// The tensor as bytes.
    func flat() throws(DataTransferError) -> [UInt8] {
        var blob = fan_blob()
        blob.kind = UInt32(FAN_BLOB_TENSOR)
        blob.data = UnsafeRawPointer(managed)
        return try withExtendedLifetime(self) { () throws(DataTransferError) in
            try BlobTransfer.flatten(blob)
        }
    }
}

struct TensorBlobTests {
    private func numbers<T>(_ blob: fan_blob, _ type: T.Type) throws -> [T] {
        let data = try #require(blob.data)
        let tensor = data.assumingMemoryBound(to: DLManagedTensorVersioned.self).pointee.dl_tensor
        let count = (0..<Int(tensor.ndim)).reduce(1) { $0 * Int(tensor.shape?[$1] ?? 0) }
        guard let start = tensor.data else { return [] }
        return (0..<count).map {
            start.load(fromByteOffset: $0 * MemoryLayout<T>.stride, as: type)
        }
    }

    private func rebuilt(_ flat: [UInt8], shift: Int = 0, _ counter: Counter) throws -> fan_blob {
        let owner = Watched([UInt8](repeating: 0, count: shift) + flat, counter)
        return try BlobTransfer.rebuild(
            kind: UInt32(FAN_BLOB_TENSOR), owner.memory.bytes.part(shift..<shift + flat.count),
            owner: owner)
    }

    @Test func `a tensor crosses with its type, shape and numbers`() throws {
        let tensor = CTensor(
            [1.5, 2, 3, 4, 5, 6] as [Double], code: 2, shape: [2, 3], strides: nil)
        let counter = Counter()
        var blob = try rebuilt(tensor.flat(), counter)
        #expect(try numbers(blob, Double.self) == [1.5, 2, 3, 4, 5, 6])
        #expect(blob.kind == 3 && blob.flags == 1 && blob.size == 48)
        let managed = try #require(blob.data).assumingMemoryBound(to: DLManagedTensorVersioned.self)
        #expect(managed.pointee.version.major == 1)
        #expect(managed.pointee.flags == UInt64(FAN_DL_READ_ONLY))
        let head = managed.pointee.dl_tensor
        #expect(head.ndim == 2 && head.shape?[0] == 2 && head.shape?[1] == 3)
        #expect(head.strides?[0] == 3 && head.strides?[1] == 1)
        #expect(head.dtype.code == 2 && head.dtype.bits == 64 && head.dtype.lanes == 1)
        #expect(counter.count == 0)
        blob.release?(&blob)
        #expect(counter.count == 1)
        #expect(blob.release == nil && blob.data == nil)
    }

    @Test func `strided tensors become contiguous`() throws {
        let values = (0..<12).map { Int32($0) }
        let cases: [(shape: [Int64], strides: [Int64], offset: Int, wanted: [Int32])] = [
            ([3, 4], [1, 3], 0, [0, 3, 6, 9, 1, 4, 7, 10, 2, 5, 8, 11]),
            ([2, 2], [4, 2], 4, [1, 3, 5, 7]),
            ([4], [-1], 12, [3, 2, 1, 0]),
            ([2, 3], [0, 1], 8, [2, 3, 4, 2, 3, 4]),
            ([2, 1, 3], [6, 99, 1], 0, [0, 1, 2, 6, 7, 8]),
            ([], [], 20, [5]),
            ([3, 0], [1, 1], 0, []),
        ]
        for (shape, strides, offset, wanted) in cases {
            let tensor = CTensor(
                values, code: 0, shape: shape, strides: strides, byteOffset: offset)
            var blob = try rebuilt(tensor.flat(), Counter())
            #expect(try numbers(blob, Int32.self) == wanted, "\(shape) by \(strides)")
            blob.release?(&blob)
        }
    }

    @Test func `numbers that do not lie as they must are copied, which gives them away`() throws {
        let tensor = CTensor([7, 8] as [Int64], code: 0, shape: [2], strides: nil)
        let flat = try tensor.flat()
        let counter = Counter()
        var blob = try rebuilt(flat, shift: 4, counter)
        #expect(counter.count == 1, "the bytes are not needed any more")
        #expect(try numbers(blob, Int64.self) == [7, 8])
        let managed = try #require(blob.data).assumingMemoryBound(to: DLManagedTensorVersioned.self)
        #expect(managed.pointee.flags == UInt64(FAN_DL_COPIED))
        #expect(blob.flags == 0)
        blob.release?(&blob)
        tensor.managed.pointee.flags = UInt64(FAN_DL_READ_ONLY)
        var fixed = try rebuilt(tensor.flat(), shift: 4, counter)
        #expect(fixed.flags == 1)
        fixed.release?(&fixed)
    }

    @Test func `the deleter may be called instead of release, on any thread`() async throws {
        let tensor = CTensor([1, 2, 3] as [UInt8], code: 1, shape: [3], strides: nil)
        let counter = Counter()
        let flat = try tensor.flat()
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<200 {
                group.addTask {
                    guard var blob = try? rebuilt(flat, counter) else { return }
                    blob.release = nil
                    let managed = UnsafeMutableRawPointer(mutating: blob.data)?
                        .assumingMemoryBound(to: DLManagedTensorVersioned.self)
                    managed?.pointee.deleter?(managed)
                }
            }
        }
        #expect(counter.count == 200)
    }

    @Test func `a tensor of another major version is not looked at`() {
        let tensor = CTensor([1] as [Int8], code: 0, shape: [1], strides: nil)
        tensor.managed.pointee.version = DLPackVersion(major: 2, minor: 3)
        tensor.managed.pointee.dl_tensor.ndim = -7
        #expect(
            throws: DataTransferError.unsupported(
                what: "tensor",
                message: "it is of DLPack 2.3, of which nothing but the deleter may be used; "
                    + "wanted version 1.x")
        ) { try tensor.flat() }
    }

    @Test func `what cannot cross is refused with the reason`() {
        func refusal(_ change: (inout DLManagedTensorVersioned) -> Void) -> String {
            let tensor = CTensor([1, 2] as [Float], code: 2, shape: [2], strides: [1])
            change(&tensor.managed.pointee)
            do {
                _ = try tensor.flat()
                return ""
            } catch {
                return error.description
            }
        }
        #expect(refusal { _ in }.isEmpty)
        let cases: [(wanted: String, change: (inout DLManagedTensorVersioned) -> Void)] = [
            (
                "device type 2, number 0; copy it to the CPU",
                { $0.dl_tensor.device.device_type = 2 }
            ),
            ("whole bytes", { $0.dl_tensor.dtype.bits = 4 }),
            ("whole bytes", { $0.dl_tensor.dtype.lanes = 0 }),
            ("handles", { $0.dl_tensor.dtype.code = 3 }),
            ("DataTransferLimits.axes = 64", { $0.dl_tensor.ndim = 65 }),
            ("axes", { $0.dl_tensor.ndim = -1 }),
            ("axis of -1", { $0.dl_tensor.shape?[0] = -1 }),
            ("limit", { $0.dl_tensor.shape?[0] = .max }),
            ("stride", { $0.dl_tensor.strides?[0] = .min }),
            ("NULL", { $0.dl_tensor.data = nil }),
            ("limit", { $0.dl_tensor.byte_offset = .max }),
            ("no shape", { $0.dl_tensor.shape = nil }),
        ]
        for (wanted, change) in cases {
            let found = refusal(change)
            #expect(found.contains(wanted))
        }
        var blob = fan_blob()
        blob.kind = UInt32(FAN_BLOB_TENSOR)
        #expect(throws: DataTransferError.self) { try BlobTransfer.flatten(blob) }
        blob.kind = UInt32(FAN_BLOB_BYTES)
        #expect(throws: DataTransferError.self) { try BlobTransfer.flatten(blob) }
    }

    @Test func `damaged bytes are refused or give a tensor within them`() throws {
        let tensor = CTensor(
            (0..<24).map { UInt16($0) }, code: 1, shape: [2, 3, 4], strides: nil)
        let flat = try tensor.flat()
        var random = Seeded(7)
        for round in 0..<3000 {
            let damaged = random.damaged(flat, round: round)
            let counter = Counter()
            do {
                var blob = try rebuilt(damaged, counter)
                let managed = try #require(blob.data)
                    .assumingMemoryBound(to: DLManagedTensorVersioned.self)
                #expect(blob.size <= UInt64(damaged.count))
                #expect(managed.pointee.dl_tensor.ndim <= 64)
                blob.release?(&blob)
            } catch is DataTransferError {}
            #expect(counter.count == 1, "round \(round)")
        }
    }

    @Test func `bytes that are cut anywhere are refused at a place`() throws {
        let tensor = CTensor([1, 2] as [Int16], code: 0, shape: [2], strides: nil)
        let flat = try tensor.flat()
        for count in 0..<flat.count {
            #expect(throws: DataTransferError.self, "\(count) bytes") {
                try rebuilt(Array(flat.prefix(count)), Counter())
            }
        }
    }
}
