import CFanfoldSystem
import FanfoldData
import FanfoldJSON
import FanfoldPlugins
@preconcurrency import Glibc
import Synchronization

extension Attempt {
    /// Has an executor of a plugin run the items.
    func run(_ spec: PluginSpec) throws(WorkFailure) -> WorkResult {
        guard let executors = work.executors ?? host.executors else {
            throw WorkFailure(.notFound, "no executors are known here, wanted \(spec.executor)")
        }
        let format = spec.input ?? work.parts.first?.format.streamFormat ?? .bytes
        let input = try encodedInput(as: format)
        let ready = try executors.ready(spec)
        var document = spec.spec.objectValue ?? JSONObject()
        document["format"] = .string(format.rawValue)
        let given = try ExecutorInput(input, format, forms: ready.forms)
        if let names = given.names { document["names"] = .array(names.map(JSON.string)) }
        var call = PluginCall(
            .run, module: ready.module, subtask: work.subtask,
            document: JSON.object(document).bytes, parts: given.parts)
        call.nanoseconds = work.timeoutNanoseconds
        if let voice { ready.voices.add(voice) }
        defer { if let voice { ready.voices.remove(voice) } }
        let outcome = try waitForEnd(of: call, ready.calls, answer: AnswerBox(slot.event))
        do throws(PluginFailure) {
            return try result(try outcome.get(), spec, bytesIn: input.bytes.count)
        } catch {
            if error.code == 1, let reason = cancellation.reason {
                throw WorkFailure(.cancelled, reason)
            }
            throw WorkFailure(error, of: spec.executor, in: "run")
        }
    }

    private func encodedInput(as format: DataFormat) throws(WorkFailure) -> Payload {
        do {
            return Payload(
                try DataEncoding.bytes(
                    of: work.parts, names: work.parts.count > 1 ? work.names : nil, as: format))
        } catch {
            throw WorkFailure(
                .inputInvalid, "the input cannot be given as \(format.rawValue): \(error)")
        }
    }

    /// Waits for the end, which a cancellation brings about.
    private func waitForEnd(
        of call: PluginCall, _ calls: any PluginCalls, answer: AnswerBox
    ) throws(WorkFailure) -> Result<PluginAnswer, PluginFailure> {
        let voice = voice
        let id = calls.start(
            call,
            PluginCallHandler(
                progress: { if !answer.isAbandoned { voice?.said($0.document) } },
                done: { answer.put($0) }))
        var giveUp: UInt64?
        while true {
            if let outcome = answer.take() {
                answer.drain()
                return outcome
            }
            let now = monotonicNanoseconds()
            if let giveUp, now >= giveUp {
                answer.abandon()
                throw cancelled()
            }
            _ = fan_wait_readable(
                slot.event, giveUp.map { $0 - now } ?? ExecutorLimits.sleepNanoseconds)
            answer.drain()
            if giveUp == nil, cancellation.reason != nil {
                calls.cancel(id)
                giveUp = monotonicNanoseconds() + ExecutorLimits.graceNanoseconds
            }
        }
    }

    private func result(
        _ answer: PluginAnswer, _ spec: PluginSpec, bytesIn: Int
    ) throws(PluginFailure) -> WorkResult {
        let output = try payload(answer.parts, spec)
        do throws(DataError) {
            let items = try OutputCheck.items(of: output, format: spec.output)
            var result = WorkResult(.success(output, spec.output, items: items))
            result.bytesIn = Int64(bytesIn)
            result.bytesOut = Int64(output.bytes.count)
            return result
        } catch {
            throw PluginFailure(
                code: 15, reason: "output.invalid",
                message: "what it gave is not \(spec.output.rawValue): \(error)")
        }
    }

    /// A tensor or a table, if that is the form that the pipeline names.
    private func payload(
        of structured: ForeignBlob, _ spec: PluginSpec
    ) throws(PluginFailure) -> Payload {
        do throws(DataTransferError) {
            let (payload, format) = Payload.file(try structured.file())
            guard format == spec.output else {
                throw .mismatch(
                    message: "wanted \(spec.output.rawValue), found \(format.rawValue); "
                        + "write stdout: \(format.rawValue)")
            }
            return payload
        } catch {
            throw PluginFailure(code: 15, reason: "output.kind", message: "its result: \(error)")
        }
    }

    private func payload(
        _ parts: [ReceivedBlob], _ spec: PluginSpec
    ) throws(PluginFailure) -> Payload {
        if parts.count == 1, case .bytes(let only) = parts[0] {
            return Payload(lending: only.bytes, owner: only)
        }
        if parts.count == 1, case .structured(let only) = parts[0] {
            return try payload(of: only, spec)
        }
        var bytes: [UInt8] = []
        for part in parts {
            guard case .bytes(let foreign) = part else {
                throw PluginFailure(
                    code: 12, reason: "output.kind",
                    message: "a part of its result holds no bytes")
            }
            bytes.append(contentsOf: foreign.bytes)
        }
        return Payload(bytes)
    }
}

/// The end of a call, on its way to the thread that waits on an event descriptor.
private final class AnswerBox: Sendable {
    private struct State {
        var result: Result<PluginAnswer, PluginFailure>?
        var isAbandoned = false
    }

    private let event: Int32
    private let state = Mutex(State())

    init(_ event: Int32) {
        self.event = event
    }

    func put(_ result: Result<PluginAnswer, PluginFailure>) {
        state.withLock { state in
            guard !state.isAbandoned else { return }
            state.result = result
            // Under the lock: nothing is written once the descriptor belongs to another attempt.
            var one: UInt64 = 1
            _ = write(event, &one, 8)
        }
    }

    func take() -> Result<PluginAnswer, PluginFailure>? {
        state.withLock { state in
            defer { state.result = nil }
            return state.result
        }
    }

    /// The next attempt must not find the descriptor readable.
    func drain() {
        var count: UInt64 = 0
        _ = read(event, &count, 8)
    }

    /// Whether nobody waits any more: what is said from now on is nobody's.
    var isAbandoned: Bool { state.withLock { $0.isAbandoned } }

    func abandon() {
        state.withLock { $0.isAbandoned = true }
        drain()
    }
}
