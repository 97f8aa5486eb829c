import FanfoldJSON

extension LogTail {
    var json: JSON { .object(members) }

    private var members: JSONObject {
        var object = JSONObject()
        object["task"] = .string(task)
        object["subtask"] = .integer(Int64(subtask))
        object.set("attempt", attempt)
        object.set("worker", worker.map { .integer(Int64(clamping: $0)) })
        object["text"] = .string(text)
        object["is_cut"] = .bool(isCut)
        return object
    }

    /// A piece of a stream: with its place, so that whoever reads it twice can tell.
    var piece: JSON {
        var object = members
        object["offset"] = .integer(Int64(clamping: offset))
        object.set("bytes", bytes)
        object["has_ended"] = .bool(hasEnded)
        return .object(object)
    }
}

extension LogStream {
    /// As server-sent events: `log` for each piece, `end` when there will be no more.
    var events: ByteStream {
        let next = next
        let isOver = OverFlag()
        var stream = ByteStream(length: nil, mediaType: "text/event-stream") {
            () throws(ControlError) in
            if await isOver.value { return nil }
            guard let pieces = try await next() else {
                await isOver.set()
                return Array("event: end\ndata: {}\n\n".utf8)
            }
            guard !pieces.isEmpty else { return Array(": still here\n\n".utf8) }
            return pieces.flatMap { piece in
                Array("event: log\ndata: \(piece.piece.text)\n\n".utf8)
            }
        }
        stream.isLive = true
        return stream
    }

    private actor OverFlag {
        private(set) var value = false

        func set() { value = true }
    }
}

extension ProgressDetail {
    var json: JSON {
        [
            "subtask": .integer(Int64(subtask)), "attempt": .integer(Int64(attempt)),
            "worker": .integer(Int64(clamping: worker)), "fraction": .number(fraction),
            "note": .string(note),
        ]
    }
}
