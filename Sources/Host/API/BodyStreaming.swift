import FanfoldJSON
import Hummingbird
import Logging
import NIOCore
import ServiceLifecycle

/// Writes bodies that are longer than memory: outputs and events.
///
/// A client that takes nothing for ``APILimits/slowConsumerSeconds`` loses its connection, so that
/// it holds neither memory nor a place.
struct BodyStreaming: Sendable {
    let controlPlane: any ControlPlane
    let limits: APILimits
    let metrics: APIMetrics
    let logger: Logger
    let channel: any Channel

    /// Writes every piece of a stream; one that breaks off ends the connection, so that nobody takes
    /// what came for the whole.
    func body(of stream: ByteStream) -> ResponseBody {
        if stream.isLive { return body(ofLive: stream) }
        return ResponseBody(contentLength: stream.length.map(Int.init)) { writer in
            while let bytes = try await stream.next() {
                try await write(ByteBuffer(bytes: bytes), to: &writer)
            }
            try await writer.finish(nil)
        }
    }

    /// Writes a stream that ends when something else does, the client goes or the server ends.
    private func body(ofLive stream: ByteStream) -> ResponseBody {
        ResponseBody { writer in
            guard metrics.openEventStream(limit: limits.eventStreams) else {
                try await writer.finish(nil)
                return
            }
            defer { metrics.closeEventStream() }
            while !Task.isShuttingDownGracefully, !Task.isCancelled {
                let piece = try await cancelWhenGracefulShutdown { try await stream.next() }
                guard let piece, !Task.isShuttingDownGracefully else { break }
                try await write(ByteBuffer(bytes: piece), to: &writer)
            }
            try await writer.finish(nil)
        }
    }

    /// Writes events until the client goes or the server ends.
    func body(ofEventsAfter after: UInt64?) -> ResponseBody {
        ResponseBody { writer in
            guard metrics.openEventStream(limit: limits.eventStreams) else {
                try await writer.finish(nil)
                return
            }
            defer { metrics.closeEventStream() }
            // The place is settled before the first byte: whoever has read that misses nothing.
            let first = try await controlPlane.events(
                after: after, limit: limits.eventsPerWrite, wait: .zero)
            let seen = first.events.isEmpty && !first.hasGap ? "" : Self.text(of: first)
            try await write(ByteBuffer(string: ": fanfold\n\n" + seen), to: &writer)
            var after = first.next
            while !Task.isShuttingDownGracefully, !Task.isCancelled {
                let batch = try await self.batch(after: after)
                if Task.isShuttingDownGracefully { break }
                try await write(ByteBuffer(string: Self.text(of: batch)), to: &writer)
                after = batch.next
            }
            try await writer.finish(nil)
        }
    }

    /// The next events; none if the time of a heartbeat is over or the server ends.
    private func batch(after: UInt64) async throws -> EventBatch {
        let limits = limits
        let controlPlane = controlPlane
        return try await cancelWhenGracefulShutdown {
            try await controlPlane.events(
                after: after, limit: limits.eventsPerWrite, wait: .seconds(limits.heartbeatSeconds))
        }
    }

    private func write(
        _ buffer: ByteBuffer, to writer: inout any ResponseBodyWriter
    ) async throws {
        let channel = channel
        let metrics = metrics
        let logger = logger
        let seconds = limits.slowConsumerSeconds
        let cut = channel.eventLoop.scheduleTask(in: .seconds(seconds)) {
            metrics.countCutStream()
            logger.notice(
                "A client takes nothing; its connection is closed",
                metadata: ["seconds": "\(seconds)"])
            channel.close(promise: nil)
        }
        defer { cut.cancel() }
        try await writer.write(buffer)
    }

    /// Events as they are sent.
    ///
    /// Source: WHATWG HTML, server-sent events.
    static func text(of batch: EventBatch) -> String {
        var text = ""
        if batch.hasGap {
            let first = batch.events.first.map { "\($0.number)" } ?? "null"
            text += "event: gap\ndata: {\"first\":\(first)}\n\n"
        }
        for event in batch.events {
            text += "id: \(event.number)\nevent: \(event.kind)\ndata: \(event.json.text)\n\n"
        }
        return text.isEmpty ? ": still here\n\n" : text
    }
}
