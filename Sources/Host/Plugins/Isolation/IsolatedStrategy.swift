import CPluginABI
import FanfoldJSON
@preconcurrency import Glibc

/// One instance of a strategy in a helper: the calls of ``StrategyCalls`` across the border.
///
/// A helper that ends, hangs or says something wrong is replaced, and the new instance is told
/// everything again: a strategy is a function of what it was told.  What a call put into the sink
/// reaches the host when the call has been answered, so nothing arrives twice.
final class IsolatedStrategy: StrategyCalls, @unchecked Sendable {
    // Unchecked: the lane that owns it makes all calls one after another.

    /// Whether ``explain(task:sink:)`` says anything.
    private(set) var canExplain = false
    /// How often a helper was replaced.
    private(set) var restarts = 0

    private let launch: HelperLaunch
    private let component: String
    private let configuration: JSON
    private let callNanoseconds: UInt64
    private let services: ServiceServer
    private var helper: HelperProcess?
    private let log: ReplayLog
    private var lent = LentParts()
    private var nextPart: UInt64 = 1
    private var tasks: [UInt64: UnsafeMutableBufferPointer<fan_blob>] = [:]

    /// Starts a helper and makes the instance in it.
    ///
    /// - Parameters:
    ///   - callNanoseconds: How long one call may take.
    ///   - metrics: Behind `fanfold.metrics/1`, the one service that a strategy has.
    init(
        _ launch: HelperLaunch, component: String, configuration: JSON, callNanoseconds: UInt64,
        metrics: (any MetricsService)? = nil
    ) throws(PluginFailure) {
        self.launch = launch
        self.component = component
        self.configuration = configuration
        self.callNanoseconds = callNanoseconds
        services = ServiceServer(services: PluginServices(metrics: metrics))
        log = ReplayLog(directory: launch.reportDirectory)
        do throws(HelperFailure) {
            helper = try start()
        } catch {
            throw error.failure(of: launch.path)
        }
    }

    deinit {
        helper?.discard()
        lent.releaseAll()
    }

    /// The process that runs it now, for tests.
    var processID: Int32? { helper?.id }
    /// Its channel, for tests.
    var channel: FrameChannel? { helper?.channel }

    func begin(
        task: UInt64, spec: [UInt8], inputs: [fan_blob]
    ) throws(PluginFailure) {
        precondition(tasks[task] == nil, "a task begins once in an instance")
        let kept = UnsafeMutableBufferPointer<fan_blob>.allocate(capacity: inputs.count)
        _ = kept.initialize(from: inputs)
        do throws(PluginFailure) {
            let parts = try kept.map { (blob) throws(PluginFailure) in try part(of: blob) }
            _ = try make(.begin, task: task, document: spec, parts: parts)
            tasks[task] = kept
        } catch {
            release(kept)
            throw error
        }
    }

    func split(
        task: UInt64, want: UInt32, sink: any HostSink
    ) throws(PluginFailure) -> StrategyInstance.SplitState {
        switch try make(.split, task: task, number: want, sink: sink) {
        case 0: .more
        case 2: .end
        default: .wait
        }
    }

    func onResult(
        task: UInt64, _ result: UnsafePointer<fan_result>, sink: any HostSink
    ) throws(PluginFailure) {
        var request = StrategyRequest(call: .onResult, task: task)
        request.subtask = result.pointee.subtask
        request.document = UnsafeRawBufferPointer(
            start: result.pointee.json.data, count: Int(result.pointee.json.size))
        let parts = UnsafeMutableBufferPointer(
            start: result.pointee.parts, count: Int(result.pointee.part_count))
        for index in parts.indices {
            let part = try part(of: parts[index])
            request.parts.append(part)
            guard case .bytes(let id, _, _) = part else { continue }
            // From here on the helper holds it, until it says otherwise.
            lent.keep(parts[index], id: id)
            parts[index].release = nil
        }
        _ = try make(request, sink: sink)
    }

    func onFailure(
        task: UInt64, subtask: UInt64, why: PluginFailure, attempts: UInt32, sink: any HostSink
    ) throws(PluginFailure) -> StrategyInstance.Verdict {
        var request = StrategyRequest(call: .onFailure, task: task)
        request.subtask = subtask
        request.number = attempts
        request.failure = why
        switch try make(request, sink: sink) {
        case 0: return .retry
        case 1: return .replaced
        case 2: return .skip
        default: return .failTask
        }
    }

    func onCapacity(
        task: UInt64, capacity: [UInt8], sink: any HostSink
    ) throws(PluginFailure) {
        _ = try make(.onCapacity, task: task, document: capacity, sink: sink)
    }

    func resplit(
        task: UInt64, subtask: UInt64, sink: any HostSink
    ) throws(PluginFailure) -> Bool {
        var request = StrategyRequest(call: .resplit, task: task)
        request.subtask = subtask
        return try make(request, sink: sink) == 1
    }

    func finish(task: UInt64, sink: any HostSink) throws(PluginFailure) {
        _ = try make(.finish, task: task, sink: sink)
    }

    func explain(task: UInt64, sink: any HostSink) throws(PluginFailure) -> Bool {
        guard canExplain else { return false }
        return try make(.explain, task: task, sink: sink) == 1
    }

    func end(task: UInt64) {
        guard let kept = tasks.removeValue(forKey: task) else { return }
        defer { release(kept) }
        // An instance whose last task has ended is not worth a new helper.
        var request = StrategyRequest(call: .end, task: task)
        request.task = task
        if !tasks.isEmpty {
            do throws(PluginFailure) { _ = try make(request, sink: nil) } catch { return }
        } else if let helper {
            do throws(HelperFailure) {
                for figure in try ask(request, of: helper).figures { services.take(figure) }
            } catch {
                self.helper = nil
            }
            log.clear()
            lent.releaseAll()
        }
    }

    func destroy() {
        for task in tasks.keys.sorted() { end(task: task) }
        helper?.discard()
        helper = nil
        lent.releaseAll()
    }

    private func release(_ blobs: UnsafeMutableBufferPointer<fan_blob>) {
        for index in blobs.indices { HostBlob.release(&blobs[index]) }
        blobs.deallocate()
    }

    /// How a blob of ours crosses.
    private func part(of blob: fan_blob) throws(PluginFailure) -> StrategyRequest.Part {
        switch Int(blob.kind) {
        case FAN_BLOB_BYTES:
            let bytes = UnsafeRawBufferPointer(start: blob.data, count: Int(blob.size))
            defer { nextPart += 1 }
            guard let owner = HostBlob.owner(ofLoan: blob.owner) else {
                return .bytes(id: nextPart, handle: blob.handle, .copied(Array(bytes)))
            }
            return .bytes(id: nextPart, handle: blob.handle, .held(owner, bytes))
        case FAN_BLOB_REF: return .reference(handle: blob.handle, size: blob.size)
        default:
            throw PluginFailure(
                code: fan_code(FAN_UNIMPLEMENTED), reason: "plugin.isolation",
                message: "a part of kind \(blob.kind) does not cross to a helper")
        }
    }

    private func make(
        _ call: StrategyCall, task: UInt64, number: UInt32 = 0, document: [UInt8] = [],
        parts: [StrategyRequest.Part] = [], sink: (any HostSink)? = nil
    ) throws(PluginFailure) -> UInt32 {
        let outcome: Result<UInt32, PluginFailure> = document.withUnsafeBytes { bytes in
            var request = StrategyRequest(call: call, task: task)
            request.number = number
            request.document = bytes
            request.parts = parts
            do throws(PluginFailure) {
                return .success(try make(request, sink: sink))
            } catch {
                return .failure(error)
            }
        }
        return try outcome.get()
    }
}

// MARK: - Calls that survive a helper

extension IsolatedStrategy {
    /// Makes a call with as many helpers as it may take, then hands what it put to the sink.
    private func make(
        _ request: StrategyRequest, sink: (any HostSink)?
    ) throws(PluginFailure) -> UInt32 {
        let answer = try answer(to: request)
        // Of the try that was answered: neither those that failed nor a replay count again.
        for figure in answer.figures { services.take(figure) }
        if let sink { try deliver(answer.events, to: sink) }
        for id in answer.reply.released { lent.release(id) }
        if request.call != .explain { log.append(request, digest: answer.digest) }
        if let failure = answer.reply.failure { throw failure }
        return answer.reply.value
    }

    private func answer(to request: StrategyRequest) throws(PluginFailure) -> StrategyAnswerMessage
    {
        // Deaths in this call speak against it; one while an old call is made again does not, and
        // is no reason to give the task up.
        var tries = 0
        var restarts = 0
        while true {
            var isReplaying = true
            do throws(HelperFailure) {
                let helper = try running(tries + restarts)
                isReplaying = false
                return try ask(request, of: helper)
            } catch {
                helper = nil
                if isReplaying { restarts += 1 } else { tries += 1 }
                guard
                    tries < IsolationLimits.triesPerCall,
                    restarts < IsolationLimits.restartsPerCall, error.isWorthAnother
                else { throw error.failure(of: launch.path) }
                launch.logger.warning(
                    "a helper ended and is replaced",
                    metadata: [
                        "why": "\(error.failure(of: launch.path).message)",
                        "try": "\(tries + restarts)",
                    ])
            }
        }
    }

    private func deliver(
        _ events: [SinkEvent], to sink: any HostSink
    ) throws(PluginFailure) {
        do throws(WireFault) {
            for event in events {
                var code = fan_code(FAN_OK)
                switch event {
                case .withdraw(let id): code = sink.withdraw(id)
                case .subtask(let id, let spec, let parts):
                    code = try lend(parts) { blobs in
                        spec.withUnsafeBytes { sink.subtask(id: id, spec: $0, parts: blobs) }
                    }
                case .output(let json, let parts):
                    code = try lend(parts) { blobs in
                        json.withUnsafeBytes { sink.output(json: $0, parts: blobs) }
                    }
                }
                // The sink remembers why it refused; what comes after belongs to the same mistake.
                guard code == FAN_OK else { return }
            }
        } catch {
            throw PluginFailure(
                code: fan_code(FAN_INTERNAL), reason: "plugin.protocol",
                message: "the helper of \(component) broke the protocol: \(error)")
        }
    }

    private func lend(
        _ parts: [WirePart], _ body: (UnsafeMutableBufferPointer<fan_blob>) -> fan_code
    ) throws(WireFault) -> fan_code {
        var blobs: [fan_blob] = []
        blobs.reserveCapacity(parts.count)
        for part in parts { blobs.append(try lent.blob(part)) }
        return blobs.withUnsafeMutableBufferPointer { buffer in
            let code = body(buffer)
            if code != FAN_OK { for index in buffer.indices { HostBlob.release(&buffer[index]) } }
            return code
        }
    }

    /// The helper, started again and told everything if there is none.
    private func running(_ tries: Int) throws(HelperFailure) -> HelperProcess {
        if let helper { return helper }
        let fresh = try restart(tries)
        helper = fresh
        return fresh
    }

    private func restart(_ tries: Int) throws(HelperFailure) -> HelperProcess {
        restarts += 1
        if tries > 1 {
            usleep(useconds_t(IsolationLimits.restartNanoseconds / 1000 << min(tries - 1, 6)))
        }
        let fresh = try start()
        try log.replay { (request: StrategyRequest, digest: Int) throws(HelperFailure) -> Void in
            let answer = try ask(request, of: fresh)
            guard answer.digest == digest else {
                fresh.discard()
                throw .unfaithful(
                    "\(component) answered \(request.call) differently when it was told the same "
                        + "again; a strategy is a function of what it was told")
            }
        }
        return fresh
    }

    private func start() throws(HelperFailure) -> HelperProcess {
        var figures = KeptFigures()
        let (helper, ready) = try HelperProcess.start(
            launch, component: component, configuration: configuration,
            services: services.granted,
            other: { (kind, body, _) throws(WireFault) in
                try figures.take(kind, &body)
            })
        canExplain = ready["explains"]?.boolValue ?? false
        if restarts == 0 { for figure in figures.all { services.take(figure) } }
        return helper
    }

    private func ask(
        _ request: StrategyRequest, of helper: HelperProcess
    ) throws(HelperFailure) -> StrategyAnswerMessage {
        var figures = KeptFigures()
        var answer = try helper.exchange(
            .call, during: "\(request.call)", nanoseconds: callNanoseconds,
            other: { (kind, body, _) throws(WireFault) in
                try figures.take(kind, &body)
            },
            write: { request.write(to: &$0) },
            read: { (body) throws(WireFault) in try StrategyAnswerMessage(&body) })
        answer.figures = figures.all
        return answer
    }
}

/// An answer with what the call put into the sink.
struct StrategyAnswerMessage {
    var reply: StrategyReply
    var events: [SinkEvent]
    /// Of the bytes of the answer that a strategy decides on.
    var digest: Int
    /// What it counted meanwhile.
    var figures: [Figure] = []

    init(_ body: inout IncomingBody) throws(WireFault) {
        reply = try StrategyReply(&body)
        let count = try body.wire.count(each: 2)
        events = []
        events.reserveCapacity(count)
        var hasher = Hasher()
        hasher.combine(reply.value)
        hasher.combine(reply.failure)
        for _ in 0..<count {
            let event = try SinkEvent(&body)
            event.hash(into: &hasher)
            events.append(event)
        }
        digest = hasher.finalize()
        guard body.wire.isAtEnd else { throw WireFault("an answer is longer than it says") }
    }
}
