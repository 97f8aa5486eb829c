import NIOCore

extension SessionHandler {
    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard ending == nil else { return }
        let frame = unwrapInboundIn(data)
        do throws(WireError) {
            let messages = try FrameReader.messages(of: frame, limit: limits.messagesPerFrame)
            guard bucket.take(max(1, messages.count), now: .now()) else {
                throw WireError.flood(limit: limits.messagesPerSecond)
            }
            for message in messages {
                // One of them may have ended the connection.
                guard ending == nil else { return }
                try take(message)
            }
        } catch {
            fail(error)
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        handOver()
        watchFrame()
        context.fireChannelReadComplete()
    }

    /// A frame that was begun must be completed in time.
    private func watchFrame() {
        if ending == nil, decoder.isInsideFrame {
            if frameDeadline == nil { frameDeadline = schedule(limits.frameMilliseconds, .frame) }
        } else {
            frameDeadline?.cancel()
            frameDeadline = nil
        }
    }

    private func take(_ message: WireMessage) throws(WireError) {
        switch try rules.receive(message) {
        case .drop: return
        case .deliver: batch.append(message)
        case .handle:
            guard let kind = message.kind else { return }
            // The owner learns of things in the order in which they came.
            if case .blobChunk = kind {} else { handOver() }
            try handle(kind)
        }
    }

    private func handle(_ kind: WireMessage.OneOf_Kind) throws(WireError) {
        switch kind {
        case .hello(let hello):
            deadline?.cancel()
            owner.session(session, said: hello)
        case .join(let join): owner.session(session, said: join)
        case .renew(let renew): owner.session(session, said: renew)
        case .welcome(let welcome):
            try owner.session(session, said: welcome)
            opened(version: welcome.protocol, acknowledged: 0)
        case .joined(let joined): owner.session(session, said: joined)
        case .renewed(let renewed): owner.session(session, said: renewed)
        case .refused(let refused):
            end(.refused(code: refused.code, message: refused.message))
        case .goodbye(let goodbye): end(.goodbye(reason: goodbye.reason))
        case .ping(let ping):
            answer(
                .pong(
                    .with {
                        $0.number = ping.number
                        $0.payload = ping.payload
                    }))
        case .pong: return
        default: try handleBlob(kind)
        }
    }

    /// From now on both sides send.
    func opened(version: UInt32, acknowledged: UInt64) {
        deadline?.cancel()
        rules.open(acknowledged: acknowledged)
        decoder.limit = limits.frameBytes
        session.speak(version)
    }

    /// Gives the delegate what has come, and stops reading if too much is in flight.
    func handOver() {
        guard !batch.isEmpty else { return }
        let messages = batch
        batch = []
        inFlight += messages.count
        if inFlight >= limits.messagesInFlight, !readingIsPaused { setReading(paused: true) }
        let batch = WireBatch(messages) { [session] count in session.consumed(count) }
        owner.sessionDelegate?.session(session, received: batch)
    }

    /// The delegate is done with so many messages.
    func consumed(_ count: Int) {
        inFlight -= count
        if readingIsPaused, inFlight <= limits.messagesInFlight / 2 { setReading(paused: false) }
    }

    private func setReading(paused: Bool) {
        guard let context else { return }
        readingIsPaused = paused
        do {
            try context.channel.syncOptions?.setOption(.autoRead, value: !paused)
        } catch {
            end(.disconnected)
        }
    }

    private func answer(_ kind: WireMessage.OneOf_Kind) {
        guard let context else { return }
        write([WireMessage(kind)], context: context)
        context.flush()
    }
}
