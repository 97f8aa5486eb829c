import NIOCore

extension SessionHandler {
    func triggerUserOutboundEvent(
        context: ChannelHandlerContext, event: Any, promise: EventLoopPromise<Void>?
    ) {
        guard let order = event as? SessionOrder else {
            context.triggerUserOutboundEvent(event, promise: promise)
            return
        }
        promise?.succeed()
        if case .consumed(let count) = order { return consumed(count) }
        guard ending == nil else { return refuseLate(order) }
        carryOut(order, context: context)
    }

    private func carryOut(_ order: SessionOrder, context: ChannelHandlerContext) {
        switch order {
        case .flush: sendOutbox(context: context)
        case .welcome(let welcome): sendWelcome(welcome, context: context)
        case .refuse(let code, let message, let error):
            let refused = WireRefused.with {
                $0.code = code
                $0.message = message
            }
            sendLast(WireMessage(.refused(refused)), then: error, context: context)
        case .close(let error): sendGoodbye(error, context: context)
        case .answerAndClose(let message):
            sendLast(message, then: .closedHere(reason: "answered"), context: context)
        case .answer(let message):
            write([message], context: context)
            context.flush()
        case .consumed: return
        default: carryOutBlob(order, context: context)
        }
    }

    private func refuseLate(_ order: SessionOrder) {
        guard case .fetch(let fetch) = order else { return }
        fetch.sink.blob(fetch.request, ended: .disconnected(ending ?? .disconnected))
    }

    private func sendOutbox(context: ChannelHandlerContext) {
        guard rules.state == .open || rules.state == .waiting || rules.state == .asked else {
            // A peer that was not let in gets nothing.
            _ = session.takeOutbox()
            return
        }
        write(session.takeOutbox(), context: context)
        context.flush()
        checkQueue()
        pumpBlobs()
    }

    private func sendWelcome(_ welcome: WireWelcome, context: ChannelHandlerContext) {
        guard rules.state == .greeted else { return }
        var welcome = welcome
        welcome.protocol = session.version
        opened(version: session.version, acknowledged: welcome.acknowledged)
        write([WireMessage(.welcome(welcome))], context: context)
        context.flush()
    }

    private func sendGoodbye(_ error: WireError, context: ChannelHandlerContext) {
        if rules.state == .open {
            var last = session.takeOutbox()
            var reason = error.name
            if case .closedHere(let text) = error { reason = text }
            last.append(WireMessage(.goodbye(.with { $0.reason = reason })))
            write(last, context: context)
        }
        end(error)
    }

    /// Sends a last message and gives the peer time to read it: bytes that it has sent and nobody
    /// reads would take the message away from it.
    private func sendLast(
        _ message: WireMessage, then error: WireError, context: ChannelHandlerContext
    ) {
        write([message], context: context)
        context.flush()
        rules.end()
        report(error)
        deadline = context.eventLoop.assumeIsolated().scheduleTask(
            in: .milliseconds(limits.lingerMilliseconds)
        ) {
            self.context?.close(promise: nil)
        }
    }

    /// Writes messages as frames; ends the connection if one is too long.
    func write(_ messages: [WireMessage], context: ChannelHandlerContext) {
        guard !messages.isEmpty else { return }
        do {
            for frame in try writer.frames(of: messages, allocator: context.channel.allocator) {
                let bytes = frame.readableBytes
                waitingBytes += bytes
                let written = context.eventLoop.makePromise(of: Void.self)
                written.futureResult.assumeIsolated().whenComplete { _ in self.wrote(bytes) }
                context.write(wrapOutboundOut(frame), promise: written)
            }
        } catch let error as WireError {
            end(error)
        } catch {
            end(.garbage)
        }
    }

    private func wrote(_ bytes: Int) {
        waitingBytes -= bytes
        guard ending == nil else { return }
        checkQueue()
        pumpBlobs()
    }

    /// A peer that does not read is slow first and then gone.
    private func checkQueue() {
        if !isSlow, waitingBytes > limits.slowBytes {
            isSlow = true
            owner.sessionDelegate?.session(session, isSlow: true)
        }
        if waitingBytes > limits.queuedBytes {
            end(.peerTooSlow(bytes: waitingBytes, limit: limits.queuedBytes))
        } else if isSlow, waitingBytes <= limits.slowBytes / 2 {
            isSlow = false
            owner.sessionDelegate?.session(session, isSlow: false)
        }
    }
}
