import AsyncHTTPClient
import FanfoldJSON
import NIOCore

/// A server-sent event.
package struct ServerEvent: Hashable, Sendable {
    /// The number to go on after.
    package var id: String?
    /// What kind it is.
    package var kind: String
    /// What it says.
    package var data: String
}

/// Cuts a stream of bytes in events.
///
/// Source: WHATWG HTML, server-sent events, section 9.2.6.
package struct EventParser: Sendable {
    /// Bytes of the longest line; a longer one is cut off.
    static let maximumLine = 1 << 20

    private var line: [UInt8] = []
    private var event = ServerEvent(id: nil, kind: "message", data: "")
    private var hasData = false

    /// A parser at the beginning of a stream.
    package init() {}

    /// The events that these bytes complete.
    package mutating func take(_ bytes: some Sequence<UInt8>) -> [ServerEvent] {
        var events: [ServerEvent] = []
        for byte in bytes {
            guard byte == UInt8(ascii: "\n") else {
                if byte != UInt8(ascii: "\r"), line.count < Self.maximumLine { line.append(byte) }
                continue
            }
            if let event = endLine() { events.append(event) }
        }
        return events
    }

    private mutating func endLine() -> ServerEvent? {
        defer { line = [] }
        guard !line.isEmpty else {
            defer {
                event = ServerEvent(id: nil, kind: "message", data: "")
                hasData = false
            }
            return hasData ? event : nil
        }
        let text = String(decoding: line, as: UTF8.self)
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        var value = parts.count > 1 ? String(parts[1]) : ""
        if value.hasPrefix(" ") { value.removeFirst() }
        switch parts[0] {
        case "id": event.id = value
        case "event": event.kind = value
        case "data":
            event.data += (hasData ? "\n" : "") + value
            hasData = true
        default: break
        }
        return nil
    }
}

extension FanfoldClient {
    /// Reads events until `opened` or `body` says that it has seen enough, or the stream breaks off.
    ///
    /// - Parameter opened: called once, when nothing that happens from now on is missed.
    /// - Returns: the number of the last event, to go on after.
    package func events(
        after: String?, opened: () async throws -> Bool,
        _ body: (ServerEvent) async throws -> Bool
    ) async throws -> String? {
        var last = after
        let response = try await send(
            .GET, "/events", body: .none, key: nil,
            headers: after.map { [("last-event-id", $0)] } ?? [])
        var parser = EventParser()
        var isOpen = false
        for try await buffer in response.body {
            if !isOpen {
                guard try await opened() else { return last }
                isOpen = true
            }
            for event in parser.take(buffer.readableBytesView) {
                if let id = event.id { last = id }
                guard try await body(event) else { return last }
            }
        }
        return last
    }
}
