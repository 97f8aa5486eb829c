@preconcurrency import Glibc

extension Attempt {
    /// What the helper says before a message of its own, on standard error.
    private static let notePrefix = "fanfold-helper: "

    /// Has the helper call a function for each item.
    func run(_ spec: NativeSpec) throws(WorkFailure) -> WorkResult {
        let directory = try slot.freshDirectory(in: host.scratchDirectory)
        slot.strings.removeAll()
        let library =
            spec.library.contains("/") && !spec.library.hasPrefix("/")
            ? "\(work.pipelineDirectory)/\(spec.library)" : spec.library
        let arguments =
            [host.helperPath, "native", library, spec.symbol, spec.signature.code] + spec.arguments
        for argument in arguments { slot.strings.append(argument) }
        for (name, value) in host.baseEnvironment { addVariable(name, value) }
        if let folders = variable("LD_LIBRARY_PATH") { addVariable("LD_LIBRARY_PATH", folders) }
        addVariable("TMPDIR", directory.path)
        for (name, value) in deviceVariables { addVariable(name, value) }
        // A crash is reported by the helper itself, which is faster and leaves no process behind.
        addVariable("SWIFT_BACKTRACE", "enable=no")
        let launch = Launch(
            program: host.helperPath, argumentCount: arguments.count, directory: directory,
            directoryPath: nil, name: "fanfold-helper")
        let (end, output) = try runChild(launch) { sink in
            try DataEncoding.encode(work.parts, as: .jsonl, into: sink)
        }
        return finish(spec, end, output)
    }

    private func finish(_ spec: NativeSpec, _ end: End, _ output: Payload) -> WorkResult {
        var result = end.result
        result.bytesOut = Int64(output.bytes.count)
        if end.status != 0 {
            result.outcome = .failure(failure(of: spec, end))
            return result
        }
        do throws(DataError) {
            let items = try OutputCheck.items(of: output, format: .jsonl)
            result.outcome = .success(output, .jsonl, items: items)
        } catch {
            result.outcome = .failure(
                WorkFailure(
                    .outputInvalid, "what \(place(spec)) gave is no JSON: \(error)",
                    stderrTail: end.errorTail))
        }
        return result
    }

    private func place(_ spec: NativeSpec) -> String {
        "symbol `\(spec.symbol)` of \(spec.library)"
    }

    /// Reads exit code and note of the helper.
    ///
    /// Codes as in sysexits.h: 65 the items do not fit the signature, 69 no library or symbol.
    private func failure(of spec: NativeSpec, _ end: End) -> WorkFailure {
        let tail = end.errorTail
        let note = tail.split(separator: "\n").last { $0.hasPrefix(Attempt.notePrefix) }
            .map { String($0.dropFirst(Attempt.notePrefix.count)) }
        if let signal = end.signal {
            let item = note.map { " at \($0)" } ?? ""
            return WorkFailure(
                .crash, "\(signalName(signal)) in \(place(spec))\(item)", stderrTail: tail)
        }
        switch (end.exitCode, note) {
        case (65, let note?):
            return WorkFailure(.inputInvalid, "\(place(spec)): \(note)", stderrTail: tail)
        case (69, let note?): return WorkFailure(.notFound, note, stderrTail: tail)
        default: return failure(of: end, name: place(spec), accepted: [0])
        }
    }
}
