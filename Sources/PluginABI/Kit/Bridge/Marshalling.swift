import CPluginABI
import FanfoldJSON

extension fan_view {
    /// The bytes, borrowed until the call returns.
    ///
    /// Throws: `invalid` for a size without bytes, `range` for more than `FAN_MAX_SPEC_BYTES`.
    func document(_ name: String) throws(PluginError) -> UnsafeRawBufferPointer {
        guard size <= UInt64(FAN_MAX_SPEC_BYTES) else {
            throw PluginError(
                .range, reason: name,
                "wanted at most \(FAN_MAX_SPEC_BYTES) bytes of JSON in \(name), found \(size)")
        }
        guard data != nil || size == 0 else {
            throw PluginError(
                .invalid, reason: name, "\(name) has a size of \(size) bytes and no address")
        }
        return UnsafeRawBufferPointer(start: data, count: Int(size))
    }

    /// The document as a value of a Swift type; no bytes stand for `{}`.
    ///
    /// Throws: `invalid` with the reason `name.` and the JSON Pointer of what is wrong.
    func decode<T: Decodable>(_ type: T.Type, _ name: String) throws(PluginError) -> T {
        let json = size == 0 ? JSON.object(JSONObject()) : try self.json("\(name).")
        do {
            return try json.decode(type)
        } catch {
            throw PluginError.decoding(error, in: name)
        }
    }

    /// The document read as JSON.
    func json(_ name: String) throws(PluginError) -> JSON {
        let bytes = try document(name)
        do {
            return try JSON(parsing: bytes)
        } catch {
            throw PluginError(.invalid, reason: name, "\(name) is not JSON: \(error)")
        }
    }
}

extension PluginError {
    /// The error as C says it: bounded copies, cut where a character ends.
    ///
    /// Returns: The code, for the caller to return as well.
    func fill(_ error: UnsafeMutablePointer<fan_error>?) -> fan_code {
        guard let error else { return code.rawValue }
        error.pointee.code = code.rawValue
        error.pointee.retry = retry.rawValue
        error.pointee.retry_after_ms = retryAfterMilliseconds
        withUnsafeMutableBytes(of: &error.pointee.reason) { Self.copy(reason, into: $0) }
        let text = message.isEmpty ? "the plugin gives no reason" : message
        withUnsafeMutableBytes(of: &error.pointee.message) { Self.copy(text, into: $0) }
        return code.rawValue
    }

    /// Copies text and a zero into a field of fixed size.
    private static func copy(_ text: String, into field: UnsafeMutableRawBufferPointer) {
        var bytes = Array(text.utf8.prefix { $0 != 0 })
        if bytes.count > field.count - 1 {
            var end = field.count - 1
            while end > 0, bytes[end] & 0xC0 == 0x80 { end -= 1 }
            bytes.removeSubrange(end...)
        }
        while bytes.last == UInt8(ascii: "\n") { bytes.removeLast() }
        field.copyBytes(from: bytes)
        field[bytes.count] = 0
    }

    /// What the host says in C about a failure.
    init(_ error: fan_error) {
        self.init(
            Code(rawValue: error.code), retry: Retry(rawValue: error.retry) ?? .never,
            after: error.retry_after_ms, reason: Self.text(of: error.reason),
            Self.text(of: error.message))
    }

    private static func text<Field>(of field: Field) -> String {
        withUnsafeBytes(of: field) { bytes in
            String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
    }

    /// A call about a task that no `begin` announced, or that has ended.
    static func unknownTask(_ task: UInt64) -> PluginError {
        PluginError(.notFound, reason: "task", "no task \(task) has begun in this instance")
    }

    /// Any error, as this contract says it.
    static func wrapping(_ error: any Error) -> PluginError {
        if let error = error as? PluginError { return error }
        return PluginError(.internalBug, reason: "plugin.error", "unexpected error: \(error)")
    }

    /// An error of decoding a document of the host, at its place.
    ///
    /// Parameter document: What the reason begins with: `config`, `request`.
    static func decoding(_ error: any Error, in document: String) -> PluginError {
        guard let error = error as? DecodingError else { return wrapping(error) }
        func wrong(_ pointer: JSONPointer, _ message: String) -> PluginError {
            PluginError(.invalid, reason: "\(document).\(pointer)", message)
        }
        switch error {
        case .keyNotFound(let key, let context):
            return wrong(
                pointer(context.codingPath, key.stringValue),
                "wanted a value for \"\(key.stringValue)\", found none")
        case .typeMismatch(_, let context), .valueNotFound(_, let context),
            .dataCorrupted(let context):
            return wrong(pointer(context.codingPath), context.debugDescription)
        @unknown default:
            return wrong(JSONPointer(), "\(error)")
        }
    }

    /// The place of a coding path, cut after the last step that `fan_error.reason` has room for.
    private static func pointer(_ path: [any CodingKey], _ last: String? = nil) -> JSONPointer {
        let room = MemoryLayout.size(ofValue: fan_error().reason) - 1 - "request.".utf8.count
        var pointer = JSONPointer(path.map { $0.intValue.map(String.init) ?? $0.stringValue })
        if let last { pointer = pointer.appending(last) }
        while pointer.description.utf8.count > room { pointer.tokens.removeLast() }
        return pointer
    }
}
