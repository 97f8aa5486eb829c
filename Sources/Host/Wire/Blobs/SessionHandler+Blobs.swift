import NIOCore

extension SessionHandler {
    /// A message about a blob came.
    func handleBlob(_ kind: WireMessage.OneOf_Kind) throws(WireError) {
        switch kind {
        case .blobRequest(let request):
            if let code = try serves.begin(request) {
                sendBlob(
                    .blobFailed(
                        .with {
                            $0.request = request.request
                            $0.code = code
                        }))
            } else {
                pumpBlobs()
            }
        case .blobCredit(let credit):
            serves.credit(credit)
            pumpBlobs()
        case .blobCancel(let cancel): serves.cancel(cancel.request)
        case .blobChunk(let chunk):
            guard let (sink, isLast) = try fetches.receive(chunk) else { return }
            sink.blob(
                chunk.request,
                received: WireBlobPiece(bytes: Array(chunk.bytes), size: chunk.size),
                at: chunk.offset)
            if isLast { sink.blob(chunk.request, ended: nil) }
        case .blobFailed(let failed):
            try fetches.fail(failed.request)?.blob(failed.request, ended: Self.error(failed))
        default: return
        }
    }

    private static func error(_ failed: WireBlobFailed) -> WireBlobError {
        switch failed.code {
        case .missing: .missing
        case .range: .outOfRange
        case .busy: .busy
        default: .unreadable(failed.message)
        }
    }

    /// This side wants something of a blob.
    func carryOutBlob(_ order: SessionOrder, context: ChannelHandlerContext) {
        switch order {
        case .fetch(let fetch):
            guard let request = fetches.begin(fetch) else {
                fetch.sink.blob(fetch.request, ended: .busy)
                return
            }
            sendBlob(.blobRequest(request))
        case .credit(let request, let bytes):
            guard fetches.credit(request, bytes: bytes) else { return }
            sendBlob(
                .blobCredit(
                    .with {
                        $0.request = request
                        $0.bytes = UInt64(bytes)
                    }))
        case .cancelBlob(let request):
            guard let sink = fetches.cancel(request) else { return }
            sendBlob(.blobCancel(.with { $0.request = request }))
            sink.blob(request, ended: .cancelled)
        case .piece(let request, let piece):
            if let kind = serves.didRead(request, piece) { sendBlob(kind) }
            pumpBlobs()
        default: return
        }
    }

    private func sendBlob(_ kind: WireMessage.OneOf_Kind) {
        guard let context else { return }
        write([WireMessage(kind)], context: context)
        context.flush()
    }

    /// Reads the next piece for the peer, if little waits for it.
    func pumpBlobs() {
        guard ending == nil, waitingBytes < limits.blobQueuedBytes,
            let reading = serves.nextReading()
        else { return }
        guard let source = owner.sessionDelegate?.blobSource else {
            return session.order(.piece(reading.request, .failure(.missing)))
        }
        let session = session
        source.readBlob(reading.sha256, offset: reading.offset, length: reading.length) { piece in
            session.order(.piece(reading.request, piece))
        }
    }
}
