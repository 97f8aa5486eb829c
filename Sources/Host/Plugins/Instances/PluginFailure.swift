import CPluginABI

/// What a plugin's call says when it did not succeed.
package struct PluginFailure: Error, Hashable, Sendable, CustomStringConvertible {
    /// What would make another try worth it.
    package enum Retry: UInt32, Hashable, Sendable {
        /// Nothing: the request is wrong.  Also what an unknown number counts as.
        case never = 0
        /// Time, at least ``PluginFailure/retryAfterMs``.
        case later = 1
        /// Another worker, zone or offering.
        case elsewhere = 2
        /// A person or the host renewing something.
        case renewed = 3
    }

    /// The gRPC number, 1 … 16; a number outside counts as 2, unknown.
    package var code: Int32
    /// What would make another try worth it.
    package var retry: Retry
    /// How long to wait before it, in milliseconds.
    package var retryAfterMs: UInt32
    /// For programs: `config./size`.
    package var reason: String
    /// For people.
    package var message: String

    /// A failure that the host itself found.
    package init(
        code: Int32, retry: Retry = .never, retryAfterMs: UInt32 = 0, reason: String,
        message: String
    ) {
        self.code = code
        self.retry = retry
        self.retryAfterMs = retryAfterMs
        self.reason = reason
        self.message = message
    }

    /// Reads what a call left in its error, which may lie: every text is bounded and repaired.
    init(code: fan_code, error: UnsafePointer<fan_error>) {
        let raw = UnsafeRawPointer(error)
        let reasonOffset = MemoryLayout<fan_error>.offset(of: \.reason) ?? 0
        let messageOffset = MemoryLayout<fan_error>.offset(of: \.message) ?? 0
        let known = (1...16).contains(code) ? code : fan_code(FAN_UNKNOWN)
        self.init(
            code: known, retry: Retry(rawValue: error.pointee.retry) ?? .never,
            retryAfterMs: error.pointee.retry_after_ms,
            reason: repairedText(
                raw + reasonOffset, capacity: MemoryLayout.size(ofValue: error.pointee.reason)),
            message: repairedText(
                raw + messageOffset, capacity: MemoryLayout.size(ofValue: error.pointee.message)))
        if reason.isEmpty { reason = "plugin.\(Self.name(known))" }
        if message.isEmpty { message = "the plugin answered \(Self.name(known)) and said no more" }
    }

    package var description: String { message }

    /// A failure as the contract writes it, texts being cut at whole characters.
    package func write(to error: inout fan_error) {
        error = fan_error()
        error.struct_size = UInt32(MemoryLayout<fan_error>.size)
        error.code = code
        error.retry = retry.rawValue
        error.retry_after_ms = retryAfterMs
        withUnsafeMutableBytes(of: &error.reason) { Self.copy(reason, to: $0) }
        withUnsafeMutableBytes(of: &error.message) { Self.copy(message, to: $0) }
    }

    private static func copy(_ text: String, to field: UnsafeMutableRawBufferPointer) {
        var count = 0
        for character in text.unicodeScalars where character != "\0" {
            let bytes = UTF8.encode(character) ?? UTF8.encodedReplacementCharacter
            guard count + bytes.count < field.count else { return }
            for byte in bytes {
                field[count] = byte
                count += 1
            }
        }
    }

    private static func name(_ code: fan_code) -> String {
        let names = [
            "ok", "cancelled", "unknown", "invalid", "deadline", "not-found", "exists", "denied",
            "exhausted", "precondition", "aborted", "range", "unimplemented", "internal",
            "unavailable", "data-loss", "unauthenticated",
        ]
        return names.indices.contains(Int(code)) ? names[Int(code)] : "unknown"
    }
}
