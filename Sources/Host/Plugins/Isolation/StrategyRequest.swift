import CPluginABI

/// A call of `fanfold.strategy/1`, and those around it, on its way to a helper.
enum StrategyCall: UInt8, CustomStringConvertible {
    case begin = 1
    case split
    case onResult
    case onFailure
    case onCapacity
    case resplit
    case finish
    case end
    case explain

    /// As the contract names it.
    var description: String {
        switch self {
        case .begin: "begin"
        case .split: "split"
        case .onResult: "on_result"
        case .onFailure: "on_failure"
        case .onCapacity: "on_capacity"
        case .resplit: "resplit"
        case .finish: "finish"
        case .end: "end"
        case .explain: "explain"
        }
    }
}

/// All that a strategy is told in one call, in a form that can be told again.
struct StrategyRequest {
    /// One part of an input or a result.
    enum Part {
        /// Bytes of ours; the id names them from now on.
        case bytes(id: UInt64, handle: Int64, PartBytes)
        /// An input that stays with the host.
        case reference(handle: Int64, size: UInt64)
    }

    var call: StrategyCall
    var task: UInt64
    /// Of `on_failure` and `resplit`.
    var subtask: UInt64 = 0
    /// How many are wanted, or how many attempts there were.
    var number: UInt32 = 0
    var document: UnsafeRawBufferPointer = .init(start: nil, count: 0)
    var failure: PluginFailure?
    var parts: [Part] = []

    /// Writes the message.
    func write(to body: inout WireBody) {
        body.wire.byte(call.rawValue)
        body.number(task)
        body.number(subtask)
        body.number(number)
        body.bulk(document)
        body.wire.byte(failure == nil ? 0 : 1)
        if let failure { body.wire.failure(failure) }
        body.number(UInt32(parts.count))
        for part in parts {
            switch part {
            case .bytes(let id, let handle, let bytes):
                body.wire.byte(1)
                body.number(id)
                body.number(handle)
                bytes.withBytes { body.bulk($0) }
            case .reference(let handle, let size):
                body.wire.byte(2)
                body.number(handle)
                body.number(size)
            }
        }
    }
}

/// Bytes of a part: of somebody who is kept alive, or a copy.
enum PartBytes {
    case held(AnyObject, UnsafeRawBufferPointer)
    case copied([UInt8])

    func withBytes<R>(_ body: (UnsafeRawBufferPointer) -> R) -> R {
        switch self {
        case .held(let owner, let bytes): withExtendedLifetime(owner) { body(bytes) }
        case .copied(let bytes): bytes.withUnsafeBytes(body)
        }
    }
}

/// The answer to a ``StrategyRequest``, what it put into the sink apart.
struct StrategyReply {
    /// The state, the verdict, or whether it can do that at all.
    var value: UInt32 = 0
    var failure: PluginFailure?
    /// Parts that the plugin has given back since the reply before.
    var released: [UInt64] = []

    init() {}

    init(_ body: inout IncomingBody) throws(WireFault) {
        value = try body.wire.number(UInt32.self)
        if try body.wire.byte() != 0 { failure = try body.wire.failure() }
        let count = try body.wire.count(each: 8)
        released.reserveCapacity(count)
        for _ in 0..<count { released.append(try body.wire.number(UInt64.self)) }
    }

    func write(to body: inout WireBody) {
        body.number(value)
        body.wire.byte(failure == nil ? 0 : 1)
        if let failure { body.wire.failure(failure) }
        body.number(UInt32(released.count))
        for id in released { body.number(id) }
    }
}
