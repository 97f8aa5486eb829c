import CPluginABI
import FanfoldCore
import FanfoldData
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
            for part in parts { try check(part) }
            received = try receive(parts, after: &after)
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
        do throws(SpecError) {
            for part in parts { try checkBytes(part) }
            for position in parts.indices {
                answer.output.pieces.append(try receiveBytes(&parts[position]).0)
            }
        } catch {
            return refuse(FAN_INVALID, "an output: \(error.message)")
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

    /// Refuses a part before any part is taken over: what is refused stays the strategy's.
    private func check(_ part: fan_blob) throws(SpecError) {
        switch Int(part.kind) {
        case FAN_BLOB_ITEMS: try checkItems(part)
        case FAN_BLOB_RESULT:
            let key = UInt64(bitPattern: part.handle)
            guard keys.index(of: key) != nil else {
                throw SpecError(message: "it names the result of \(key), which is not known")
            }
            guard part.offset == 0 else {
                throw SpecError(
                    message: "it names part \(part.offset) of the result of \(key), which has one")
            }
        default: try checkBytes(part)
        }
    }

    private func checkItems(_ part: fan_blob) throws(SpecError) {
        guard let input = Int(exactly: part.handle), inputs.indices.contains(input) else {
            throw SpecError(message: "it names input \(part.handle) of \(inputs.count)")
        }
        let count = UInt64(inputs[input].count)
        guard part.offset <= count, part.size <= count - part.offset else {
            throw SpecError(
                message: "it names \(part.size) items from \(part.offset) of input \(input), "
                    + "which has \(count)")
        }
    }

    private func checkBytes(_ part: fan_blob) throws(SpecError) {
        let isStructured = [FAN_BLOB_TENSOR, FAN_BLOB_ARROW].contains(Int(part.kind))
        if isStructured, part.data != nil { return }
        guard Int(part.kind) == FAN_BLOB_BYTES else {
            throw SpecError(message: "a part of kind \(part.kind) holds no bytes")
        }
        guard part.size == 0 || part.data != nil, Int(exactly: part.size) != nil else {
            throw SpecError(message: "it has \(part.size) bytes and no address of them")
        }
    }

    /// Takes over parts that were checked.
    private func receive(
        _ parts: UnsafeMutableBufferPointer<fan_blob>, after: inout [UInt32]
    ) throws(SpecError) -> SubtaskParts {
        if parts.isEmpty { return .none }
        var received: [SubtaskPart] = []
        for position in parts.indices {
            let kind = Int(parts[position].kind)
            guard kind == FAN_BLOB_ITEMS || kind == FAN_BLOB_RESULT else {
                let (slice, format) = try receiveBytes(&parts[position])
                received.append(.payload(slice, format))
                continue
            }
            switch HostBlob.receive(&parts[position]) {
            case .items(let input, let from, let count):
                if parts.count == 1 { return .items(input: input, from: from, count: count) }
                received.append(.items(input: input, from: from, count: count))
            case .result(let key, let part):
                guard let index = keys.index(of: key) else { continue }
                after.append(index)
                // The loop forgets a result once it was told, so one that was kept is taken here.
                if let result = kept.result(of: index) {
                    received.append(.payload(result.slice, result.format))
                } else {
                    received.append(.result(of: index, part: part))
                }
            case .invalid(let why): throw SpecError(message: why)
            default: throw SpecError(message: "a part of kind \(kind) cannot be used here")
            }
        }
        return .many(received)
    }

    /// Bytes of ours that come back, or the plugin's own; never copied.
    private func receiveBytes(
        _ blob: inout fan_blob
    ) throws(SpecError) -> (PayloadSlice, DataFormat) {
        let kind = blob.kind
        let mark = blob.handle
        switch HostBlob.receive(&blob) {
        case .lent(let owner, let offset, let count):
            guard let payload = owner as? LentPayload else {
                throw SpecError(message: "lent memory of another kind came back")
            }
            return (payload.part(offset: offset, count: count), payload.format)
        case .bytes(let foreign):
            let payload = Payload(returned: foreign.bytes, owner: foreign)
            return (payload.whole, LentPayload.format(mark: mark))
        case .structured(let foreign):
            do throws(DataTransferError) {
                let (payload, format) = Payload.file(try foreign.file())
                return (payload.whole, format)
            } catch {
                throw SpecError(message: "a part of kind \(kind): \(error)")
            }
        case .invalid(let why): throw SpecError(message: why)
        default: throw SpecError(message: "a part of kind \(kind) holds no bytes")
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
