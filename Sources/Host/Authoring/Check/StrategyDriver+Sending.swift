import CPluginABI
import FanfoldJSON
@preconcurrency import Glibc

extension StrategyDriver {
    /// Makes one call, lending what it is told.
    func send(_ call: StrategyCall) -> fan_code {
        if case .begin = call { return sendBegin() }
        let sink = sink.open()
        defer { self.sink.close() }
        return lendError { error in
            switch call {
            case .begin: fan_code(FAN_INTERNAL)
            case .split(let want): sendSplit(want, sink, error)
            case .result(let id, let payload): sendResult(id, payload, sink, error)
            case .failure(let id, let retry, let attempts):
                sendFailure(id, retry, attempts, sink, error)
            case .capacity: sendCapacity(sink, error)
            case .finish: table.pointee.finish(pointer, 1, sink, error)
            }
        }
    }

    /// An error to fill in, kept after the call.
    private func lendError(_ body: (UnsafeMutablePointer<fan_error>) -> fan_code) -> fan_code {
        guard lender is GuardedLender else { return body(error.pointer) }
        return lender.lend("the error of a call", value: LentError.empty, isWritable: true) {
            lent in
            let code = body(lent)
            error.pointer.pointee = lent.pointee
            return code
        }
    }

    private func sendBegin() -> fan_code {
        var input = fan_blob()
        input.kind = UInt32(FAN_BLOB_REF)
        input.handle = 1
        let document = StrategyCall.description(items: items, seed: context.seed).bytes
        return lendError { error in
            lender.lend("the description of the task, in begin", document) { spec in
                let inputs = lender.start("the inputs of the task", value: input)
                inputLoan = { [lender] in lender.end(inputs) }
                return table.pointee.begin(pointer, 1, spec, inputs, 1, error)
            }
        }
    }

    private func sendSplit(
        _ want: UInt32, _ sink: UnsafePointer<fan_sink>, _ error: UnsafeMutablePointer<fan_error>
    ) -> fan_code {
        lender.lend("the state of split", value: UInt32.max, isWritable: true) { state in
            let code = table.pointee.split(pointer, 1, want, sink, state, error)
            lastState = state.pointee
            return code
        }
    }

    private func sendFailure(
        _ id: UInt64, _ retry: UInt32, _ attempts: UInt32, _ sink: UnsafePointer<fan_sink>,
        _ error: UnsafeMutablePointer<fan_error>
    ) -> fan_code {
        var why = LentError.empty
        why.code = retry > 3 ? 99 : fan_code(FAN_UNAVAILABLE)
        why.retry = retry
        return lender.lend("the reason of on_failure", value: why) { why in
            lender.lend("the verdict of on_failure", value: UInt32.max, isWritable: true) {
                verdict in
                let code = table.pointee.on_failure(
                    pointer, 1, id, why, attempts, sink, verdict, error)
                lastVerdict = verdict.pointee
                return code
            }
        }
    }

    private func sendCapacity(
        _ sink: UnsafePointer<fan_sink>, _ error: UnsafeMutablePointer<fan_error>
    ) -> fan_code {
        guard let onCapacity = table.pointee.on_capacity else { return fan_code(FAN_OK) }
        return lender.lend("the description of on_capacity", StrategyCall.capacityDescription.bytes)
        { onCapacity(pointer, 1, $0, sink, error) }
    }

    private func sendResult(
        _ id: UInt64, _ payload: [UInt8], _ sink: UnsafePointer<fan_sink>,
        _ error: UnsafeMutablePointer<fan_error>
    ) -> fan_code {
        let memory = ResultMemory(payload, lender)
        memories.append(memory)
        let part = memory.blob(
            kind: resultKind, count: payload.count, handle: Int64(memories.count))
        return lender.lend("the description of a result", resultFacts.bytes) { facts in
            lender.lend("the parts of a result", value: part, isWritable: true) { parts in
                let result = fan_result(
                    struct_size: UInt32(MemoryLayout<fan_result>.size), part_count: 1,
                    subtask: id, json: facts, parts: parts)
                let code = lendResult(result) {
                    table.pointee.on_result(pointer, 1, $0, sink, error)
                }
                if let release = parts.pointee.release { release(parts) }
                return code
            }
        }
    }

    private func lendResult(
        _ result: fan_result, _ body: (UnsafeMutablePointer<fan_result>) -> fan_code
    ) -> fan_code {
        guard lender is GuardedLender else { return placements.result.lend(result, body) }
        return lender.lend("a result", value: result, body)
    }
}
