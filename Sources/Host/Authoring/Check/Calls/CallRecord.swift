import CPluginABI
import FanfoldJSON

/// What a call was answered.
struct CallAnswer {
    var code: fan_code
    var retry: UInt32 = 0
    var retryAfterMilliseconds: UInt32 = 0
    var reason = ""
    var message = ""
    var json = JSON.null
    /// What the plugin wrote, also if it is no JSON.
    var text = ""
    var parts: [RecordedPart] = []
    /// The simulated time at which it came.
    var time: UInt64 = 0

    var isSuccess: Bool { code == 0 }

    /// The answer as messages of checks say it.
    var brief: String {
        isSuccess
            ? "success with \(text.prefix(200))"
            : "\(CallCode.name(code)), \(CallCode.retry(retry)), \(reason): \(message)"
    }
}

/// A call that was made, and everything that the plugin has said about it.
final class CallRecord {
    let op: UInt64
    let name: String
    /// 0 for none.
    let deadline: UInt64
    var emitted: [CallAnswer] = []
    var answers: [CallAnswer] = []
    /// When the host lost interest, in simulated time.
    var cancelledAt: UInt64?
    /// What ends when the host loses interest: requests on their way.
    var pending: [Int: () -> Void] = [:]

    init(op: UInt64, name: String, deadline: UInt64) {
        self.op = op
        self.name = name
        self.deadline = deadline
    }
}

/// The numbers of the contract as an author knows them.
enum CallCode {
    private static let names = [
        "FAN_OK", "FAN_CANCELLED", "FAN_UNKNOWN", "FAN_INVALID", "FAN_DEADLINE", "FAN_NOT_FOUND",
        "FAN_EXISTS", "FAN_DENIED", "FAN_EXHAUSTED", "FAN_PRECONDITION", "FAN_ABORTED",
        "FAN_RANGE", "FAN_UNIMPLEMENTED", "FAN_INTERNAL", "FAN_UNAVAILABLE", "FAN_DATA_LOSS",
        "FAN_UNAUTHENTICATED",
    ]
    private static let retries = ["NEVER", "LATER", "ELSEWHERE", "RENEWED"]

    static func name(_ code: fan_code) -> String {
        names.indices.contains(Int(code)) ? names[Int(code)] : "code \(code)"
    }

    static func retry(_ retry: UInt32) -> String {
        retries.indices.contains(Int(retry)) ? retries[Int(retry)] : "retry class \(retry)"
    }
}

/// Parts that a plugin has handed over.
enum TakenParts {
    /// Copies what they say, then releases them as their owner.
    static func take(_ parts: UnsafeMutablePointer<fan_blob>?, _ count: UInt32) -> [RecordedPart] {
        guard let parts, count <= FAN_MAX_PARTS else { return [] }
        return UnsafeMutableBufferPointer(start: parts, count: Int(count)).map { part in
            var moved = part
            var record = RecordedPart(
                kind: part.kind, handle: part.handle, offset: part.offset, size: part.size)
            if part.kind == UInt32(FAN_BLOB_BYTES), let data = part.data {
                record.handle = 0
                record.bytes = Array(UnsafeRawBufferPointer(start: data, count: Int(part.size)))
            }
            if let release = moved.release { release(&moved) }
            return record
        }
    }

    /// The bytes of a view.
    static func bytes(_ view: fan_view) -> [UInt8] {
        guard let data = view.data else { return [] }
        return Array(UnsafeRawBufferPointer(start: data, count: Int(view.size)))
    }
}

/// Memory that the host hands over, which counts how often it is given back.
final class HandedMemory {
    private let memory: UnsafeMutableRawBufferPointer
    private(set) var releases = 0

    init(_ bytes: [UInt8]) {
        memory = .allocate(byteCount: max(1, bytes.count), alignment: 16)
        memory.copyBytes(from: bytes)
    }

    deinit {
        memory.deallocate()
    }

    /// The blob to hand over; it must not outlive this object.
    func blob(count: Int, handle: Int64 = 0) -> fan_blob {
        var blob = fan_blob()
        blob.kind = UInt32(FAN_BLOB_BYTES)
        blob.flags = 1
        blob.data = UnsafeRawPointer(memory.baseAddress)
        blob.size = UInt64(count)
        blob.handle = handle
        blob.owner = Unmanaged.passUnretained(self).toOpaque()
        blob.release = { blob in
            guard let owner = blob.pointee.owner else { return }
            Unmanaged<HandedMemory>.fromOpaque(owner).takeUnretainedValue().releases += 1
            blob.pointee.release = nil
        }
        return blob
    }
}
