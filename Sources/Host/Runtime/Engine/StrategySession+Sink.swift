import CPluginABI
import FanfoldCore
import FanfoldJSON
import FanfoldPlugins

extension StrategySession: HostSink {
    func subtask(
        id: UInt64, spec: UnsafeRawBufferPointer, parts: UnsafeMutableBufferPointer<fan_blob>
    ) -> fan_code {
        let number: UInt32
        do throws(SpecError) {
            number = try specs.number(of: spec, declaring: &answer.declared)
        } catch {
            return refuse(FAN_INVALID, "subtask \(id) cannot be used: \(error.message)")
        }
        guard keys.index(of: id) == nil else {
            return refuse(
                FAN_EXISTS, "the strategy used the subtask id \(id) twice; ids are never reused")
        }
        var after: [UInt32] = []
        for key in specs[number].after {
            guard let index = keys.index(of: key) else {
                return refuse(
                    FAN_NOT_FOUND, "subtask \(id) comes after \(key), which is not known")
            }
            after.append(index)
        }
        let received: SubtaskParts
        do throws(SpecError) {
            received = try receive(parts, of: id, after: &after)
        } catch {
            return refuse(FAN_INVALID, "subtask \(id): \(error.message)")
        }
        if after.count > 1 { after = Array(Set(after)).sorted() }
        _ = keys.insert(id)
        keyOfIndex.append(id)
        answer.added.append(.init(spec: number, parts: received, after: after))
        return fan_code(FAN_OK)
    }

    func withdraw(_ id: UInt64) -> fan_code {
        guard let index = keys.index(of: id) else {
            return refuse(
                FAN_NOT_FOUND, "the strategy withdrew the subtask \(id), which is not known")
        }
        answer.withdrawn.append(index)
        return fan_code(FAN_OK)
    }

    func output(
        json: UnsafeRawBufferPointer, parts: UnsafeMutableBufferPointer<fan_blob>
    ) -> fan_code {
        if !json.isEmpty {
            do throws(JSONParseError) {
                if let problem = take(header: try JSON(parsing: json)) {
                    return refuse(FAN_INVALID, problem)
                }
            } catch {
                return refuse(FAN_INVALID, "what was said of an output is not JSON: \(error)")
            }
        }
        for position in parts.indices {
            switch receiveBytes(&parts[position]) {
            case .success(let slice, _): answer.output.pieces.append(slice)
            case .failure(let error): return refuse(FAN_INVALID, "an output: \(error.message)")
            }
        }
        return fan_code(FAN_OK)
    }

    /// Returns: what is wrong with it.
    private func take(header: JSON) -> String? {
        if let name = header["format"]?.stringValue, answer.output.format == nil {
            guard let format = DataFormat(rawValue: name) else {
                return "unknown output format \"\(name)\""
            }
            answer.output.format = format
        }
        if let report = header["report"], report != .null {
            answer.output.reports.append(report)
        }
        if header["summary"] != nil { answer.output.explanation = header }
        return nil
    }

    private func receive(
        _ parts: UnsafeMutableBufferPointer<fan_blob>, of id: UInt64, after: inout [UInt32]
    ) throws(SpecError) -> SubtaskParts {
        if parts.isEmpty { return .none }
        var received: [SubtaskPart] = []
        for position in parts.indices {
            let kind = Int(parts[position].kind)
            guard kind == FAN_BLOB_ITEMS || kind == FAN_BLOB_RESULT else {
                let (slice, format) = try receiveBytes(&parts[position]).get()
                received.append(.payload(slice, format))
                continue
            }
            switch HostBlob.receive(&parts[position]) {
            case .items(let input, let from, let count):
                try check(input: input, from: from, count: count)
                if parts.count == 1 { return .items(input: input, from: from, count: count) }
                received.append(.items(input: input, from: from, count: count))
            case .result(let key, let part):
                guard let index = keys.index(of: key), part == 0 else {
                    throw SpecError(message: "it names part \(part) of the result of \(key)")
                }
                after.append(index)
                received.append(.result(of: index, part: part))
            case .invalid(let why): throw SpecError(message: why)
            default: throw SpecError(message: "a part of kind \(kind) cannot be used here")
            }
        }
        return .many(received)
    }

    private func check(input: Int, from: Int, count: Int) throws(SpecError) {
        guard inputs.indices.contains(input) else {
            throw SpecError(message: "it names input \(input) of \(inputs.count)")
        }
        guard from + count <= inputs[input].count else {
            throw SpecError(
                message: "it names items \(from) to \(from + count) of input \(input), which has "
                    + "\(inputs[input].count)")
        }
    }

    /// Bytes of ours that come back, or the plugin's own; never copied.
    private func receiveBytes(
        _ blob: inout fan_blob
    ) -> Result<(PayloadSlice, DataFormat), SpecError> {
        let kind = blob.kind
        let mark = blob.handle
        switch HostBlob.receive(&blob) {
        case .lent(let owner, let offset, let count):
            guard let payload = owner as? LentPayload else {
                return .failure(SpecError(message: "lent memory of another kind came back"))
            }
            return .success((payload.part(offset: offset, count: count), payload.format))
        case .bytes(let foreign):
            let payload = Payload(lending: foreign.bytes, owner: foreign)
            return .success((payload.whole, LentPayload.format(mark: mark)))
        case .invalid(let why): return .failure(SpecError(message: why))
        default: return .failure(SpecError(message: "a part of kind \(kind) holds no bytes"))
        }
    }

    private func refuse(_ code: Int, _ message: String) -> fan_code {
        refusal =
            refusal
            ?? PluginFailure(
                code: fan_code(code), reason: "plugin.contract",
                message: "the strategy breaks the contract: \(message)")
        return fan_code(code)
    }
}
