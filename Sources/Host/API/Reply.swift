import FanfoldJSON

/// What a route answers.
struct Reply: Sendable {
    /// The body.
    enum Content: Sendable {
        case none
        case bytes([UInt8])
        case stream(ByteStream)
        /// Events with numbers above `after`, until the client or the server ends.
        case events(after: UInt64?)
    }

    var status = 200
    var mediaType: String?
    var headers: [(name: String, value: String)] = []
    var content = Content.none
    /// Whether it tells a secret, which is never written to a disk.
    var isSecret = false

    /// A JSON value.
    static func json(_ value: JSON, status: Int = 200) -> Reply {
        Reply(status: status, mediaType: "application/json", content: .bytes(value.bytes))
    }

    /// A new thing that can be looked at under `location`.
    static func created(_ value: JSON, at location: String, isSecret: Bool = false) -> Reply {
        var reply = json(value, status: 201)
        reply.isSecret = isSecret
        reply.headers = [("location", location)]
        return reply
    }

    /// Text.
    static func text(_ text: String, status: Int = 200, mediaType: String = "text/plain") -> Reply {
        Reply(
            status: status, mediaType: mediaType + "; charset=utf-8",
            content: .bytes(Array(text.utf8)))
    }
}
