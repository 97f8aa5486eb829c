import FanfoldJSON

extension Attempt {
    /// Runs a program.
    func run(_ spec: CommandSpec) throws(WorkFailure) -> WorkResult {
        let directory = try slot.freshDirectory(in: host.scratchDirectory)
        let input = try inputFormat(spec)
        // Parts without names are a list, which every format can carry; of parts with names only
        // JSON carries all, as an object.
        let takesAll = input == .json || work.names == nil
        let asFiles = input != .json || work.names == nil
        try writeParts(spec, asFiles: asFiles, into: directory)
        slot.strings.removeAll()
        try addArguments(spec, directory)
        let count = slot.strings.count
        let path = addEnvironment(spec, directory)
        guard slot.strings.cost <= ExecutorLimits.argumentBytes else {
            throw WorkFailure(
                .inputInvalid,
                "\(slot.strings.cost) bytes of arguments and environment are more than "
                    + "ExecutorLimits.argumentBytes = \(ExecutorLimits.argumentBytes): "
                    + "use stdin instead of ${items}, or smaller subtasks")
        }
        let launch = Launch(
            program: try host.programs.locate(spec.program(in: self), path: path),
            argumentCount: count, directory: directory,
            directoryPath: spec.runsInPipelineDirectory ? work.pipelineDirectory : nil,
            name: spec.program)
        let ended: (end: End, output: Payload)
        do throws(WorkFailure) {
            ended = try runChild(launch, input: input.map { feeder(as: $0, takesAll: takesAll) })
        } catch {
            if error.kind == .notFound { host.programs.forget(spec.program, path: path) }
            throw error
        }
        return finish(spec, ended.end, ended.output)
    }

    private func finish(_ spec: CommandSpec, _ end: End, _ output: Payload) -> WorkResult {
        var result = end.result
        result.bytesOut = Int64(output.bytes.count)
        guard end.signal == nil, spec.acceptedCodes.contains(end.exitCode) else {
            result.outcome = .failure(
                failure(of: end, name: spec.program, accepted: spec.acceptedCodes))
            return result
        }
        do throws(DataError) {
            let items = try OutputCheck.items(of: output, format: spec.output)
            result.outcome = .success(output, spec.output, items: items)
        } catch {
            result.outcome = .failure(
                WorkFailure(
                    .outputInvalid,
                    "wanted \(spec.output.rawValue) on standard output of \(spec.program): \(error)",
                    stderrTail: end.errorTail))
        }
        return result
    }

    /// The form of the input; `nil` for none.
    private func inputFormat(_ spec: CommandSpec) throws(WorkFailure) -> DataFormat? {
        switch spec.input {
        case .none: nil
        case .format(let format): format
        case .automatic: work.parts.first?.format.streamFormat
        }
    }

    private func feeder(
        as format: DataFormat, takesAll: Bool
    ) -> ((UnsafeRawBufferPointer) throws -> Void) throws -> Void {
        { sink in
            if takesAll, work.parts.count > 1 {
                try DataEncoding.encode(work.parts, names: work.names, as: format, into: sink)
            } else {
                try DataEncoding.encode(Array(work.parts.prefix(1)), as: format, into: sink)
            }
        }
    }

    // MARK: Parts as files

    private func partName(_ index: Int) -> String { work.names?[index] ?? String(index) }

    private func partPath(_ index: Int, _ directory: WorkDirectory) -> String {
        "\(directory.path)/\(partName(index)).\(work.parts[index].format.fileExtension)"
    }

    /// Writes the parts that standard input may not carry, and those that arguments name.
    private func writeParts(
        _ spec: CommandSpec, asFiles: Bool, into directory: WorkDirectory
    ) throws(WorkFailure) {
        guard work.parts.count > 1 || !spec.namedParts.isEmpty else { return }
        for (index, part) in work.parts.enumerated() {
            let name = partName(index)
            guard spec.namedParts.contains(name) || (index > 0 && asFiles) else { continue }
            guard !name.isEmpty, !name.contains("/"), !name.utf8.contains(0) else {
                throw WorkFailure(
                    .inputInvalid, "the input \"\(name)\" cannot be a file of that name")
            }
            do {
                try DataWriting.write(
                    [part], as: part.format.streamFormat, toFile: partPath(index, directory))
            } catch {
                throw WorkFailure(.inputInvalid, "the input \"\(name)\": \(error)")
            }
        }
    }

    // MARK: Arguments

    private func addArguments(
        _ spec: CommandSpec, _ directory: WorkDirectory
    ) throws(WorkFailure) {
        for argument in spec.arguments {
            switch argument {
            case .literal(let text): slot.strings.append(text)
            case .items: try addItems()
            case .template(let segments):
                slot.strings.begin()
                for segment in segments { slot.strings.add(try text(of: segment, directory)) }
                slot.strings.end()
            }
        }
    }

    private func text(
        of segment: CommandSpec.Segment, _ directory: WorkDirectory
    ) throws(WorkFailure) -> String {
        switch segment {
        case .text(let text): return text
        case .index: return String(work.subtask)
        case .pipelineDirectory: return work.pipelineDirectory
        case .part(let name):
            guard let index = work.parts.indices.first(where: { partName($0) == name }) else {
                let known = work.parts.indices.map { partName($0) }.joined(separator: ", ")
                throw WorkFailure(
                    .inputInvalid, "there is no input ${parts.\(name)}; the inputs are: \(known)")
            }
            return partPath(index, directory)
        }
    }

    private func addItems() throws(WorkFailure) {
        for part in work.names == nil ? work.parts[...] : work.parts.prefix(1) {
            try addItems(of: part)
        }
    }

    private func addItems(of part: InputPart) throws(WorkFailure) {
        do {
            try part.forEachItem { item in
                let text = item.stringValue ?? item.text
                guard text.utf8.count <= ExecutorLimits.oneArgumentBytes,
                    slot.strings.cost + text.utf8.count <= ExecutorLimits.argumentBytes
                else {
                    throw WorkFailure(
                        .inputInvalid,
                        "the items do not fit in arguments (ExecutorLimits.argumentBytes = "
                            + "\(ExecutorLimits.argumentBytes), oneArgumentBytes = "
                            + "\(ExecutorLimits.oneArgumentBytes)): use stdin, or smaller subtasks")
                }
                guard !text.utf8.contains(0) else {
                    throw WorkFailure(
                        .inputInvalid, "an item with a zero character cannot be an argument")
                }
                slot.strings.append(text)
            }
        } catch let error as WorkFailure {
            throw error
        } catch {
            throw WorkFailure(.inputInvalid, "the items cannot be arguments: \(error)")
        }
    }

    // MARK: Environment

    /// Adds the variables of the child.
    ///
    /// - Returns: the search path for programs.
    private func addEnvironment(_ spec: CommandSpec, _ directory: WorkDirectory) -> String {
        var path = ""
        let own = spec.environment
        for (name, value) in host.baseEnvironment
        where !own.contains(where: { $0.name == name }) {
            addVariable(name, value)
            if name == "PATH" { path = value }
        }
        if !own.contains(where: { $0.name == "TMPDIR" }) { addVariable("TMPDIR", directory.path) }
        for name in spec.inheritedNames where !own.contains(where: { $0.name == name }) {
            if let value = variable(name),
                !host.baseEnvironment.contains(where: { $0.name == name })
            {
                addVariable(name, value)
            }
        }
        for (name, value) in own {
            addVariable(name, value)
            if name == "PATH" { path = value }
        }
        for (name, value) in deviceVariables
        where !own.contains(where: { $0.name == name }) && !spec.inheritedNames.contains(name) {
            addVariable(name, value)
        }
        for (name, value) in work.gang?.variables ?? [] { addVariable(name, value) }
        addTaskVariables()
        return path
    }

    func addVariable(_ name: String, _ value: String) {
        slot.strings.begin()
        slot.strings.add(name)
        slot.strings.add("=")
        slot.strings.add(value)
        slot.strings.end()
    }

    private func addTaskVariables() {
        addVariable("FANFOLD_TASK", work.taskName)
        addVariable("FANFOLD_PIPELINE_DIR", work.pipelineDirectory)
        slot.strings.begin()
        slot.strings.add("FANFOLD_SUBTASK=")
        slot.strings.add(number: work.subtask)
        slot.strings.end()
        slot.strings.begin()
        slot.strings.add("FANFOLD_ATTEMPT=")
        slot.strings.add(number: UInt64(max(0, work.attempt)))
        slot.strings.end()
    }
}

extension CommandSpec {
    /// The program, with its placeholders filled in.
    fileprivate func program(in attempt: Attempt) -> String {
        guard case .template(let segments) = arguments[0] else { return program }
        return segments.reduce(into: "") { text, segment in
            switch segment {
            case .text(let part): text += part
            case .index: text += String(attempt.work.subtask)
            case .pipelineDirectory: text += attempt.work.pipelineDirectory
            case .part(let name): text += name
            }
        }
    }
}

/// Checks that what a child wrote is of the declared format.
enum OutputCheck {
    /// The number of items.
    ///
    /// - Throws: what is malformed, with its line.
    static func items(of output: Payload, format: DataFormat) throws(DataError) -> Int {
        guard format == .jsonl else {
            if format == .lines, output.bytes.isEmpty { return 0 }
            return try Dataset(format: format, pieces: [output.whole]).count
        }
        var cursor = try ItemCursor(output.bytes, format: .jsonl)
        var count = 0
        while let line = try cursor.next() {
            do throws(DataError) {
                try JSONScanner.check(output.bytes.part(line))
            } catch {
                throw error.moved(down: output.bytes.lineFeeds(before: line.lowerBound))
            }
            count += 1
        }
        return count
    }
}
