import FanfoldJSON
import FanfoldPlugins

extension PipelineChecker {
    /// The formats of files, by the extension of their names.
    private static let formats: [String: DataFormat] = [
        "json": .json, "jsonl": .jsonl, "ndjson": .jsonl, "csv": .csv, "txt": .lines,
        "text": .lines, "log": .lines, "bin": .bytes,
        "npy": .npy, "safetensors": .safetensors, "arrow": .arrow, "arrows": .arrow,
    ]

    private static let relativeHint = "(relative to the folder of the document)"

    mutating func checkInputs() {
        for (name, value) in json["inputs"]?.objectValue?.members ?? [] {
            guard inputIndices[name] == nil else { continue }
            inputIndices[name] = inputs.count
            inputs.append(input(name, value))
        }
    }

    private mutating func input(_ name: String, _ value: JSON) -> InputDeclaration {
        let pointer = JSONPointer(["inputs", name])
        var input = InputDeclaration(name: name, format: .json, source: .value(.null))
        if let file = value["file"]?.stringValue {
            let files = expand(file, at: pointer.appending("file"))
            input.source = .files(files)
            input.format = format(value, of: files, at: pointer, key: "file")
        } else if let patterns = value["files"]?.arrayValue {
            let files = expand(patterns, at: pointer.appending("files"))
            input.source = .files(files)
            input.format = format(value, of: files, at: pointer, key: "files")
        } else if let content = value["value"] {
            input.source = .value(content)
        } else if let range = value["range"] {
            input.format = .range
            input.source = self.range(range, at: pointer.appending("range"))
        }
        return input
    }

    private mutating func range(_ range: JSON, at pointer: JSONPointer) -> InputDeclaration.Source {
        let from = range["from"]?.integerValue ?? 0
        let to = range["to"]?.integerValue ?? range.integerValue ?? from
        guard from <= to else {
            refuse(
                pointer.appending("to"),
                "wanted the number after the last, at least from (\(from)), found \(to)")
            return .range(from: from, to: from)
        }
        guard !to.subtractingReportingOverflow(from).overflow else {
            refuse(pointer, "the range has more than \(Int64.max) numbers")
            return .range(from: 0, to: 0)
        }
        return .range(from: from, to: to)
    }

    /// The files of several patterns, each file at its first place.
    private mutating func expand(_ patterns: [JSON], at pointer: JSONPointer) -> [String] {
        var seen: Set<String> = []
        var files: [String] = []
        for (index, pattern) in patterns.enumerated() {
            guard let pattern = pattern.stringValue else { continue }
            for file in expand(pattern, at: pointer.appending(index))
            where seen.insert(file).inserted {
                files.append(file)
            }
        }
        if files.count > GlobWalker.maximumFiles {
            refuse(
                pointer,
                "the patterns name more than \(GlobWalker.maximumFiles) files; "
                    + "split them over several inputs")
        }
        return files
    }

    mutating func expand(_ text: String, at pointer: JSONPointer) -> [String] {
        guard !text.isEmpty else { return [] }
        guard GlobPattern.isPattern(text) else {
            let path = DocumentFile.absolute(text, in: directory)
            if let message = Self.missing(text, path) { refuse(pointer, message) }
            return [path]
        }
        do {
            let pattern = try GlobPattern(text)
            let files = try GlobWalker.files(pattern, in: directory)
            if files.isEmpty {
                refuse(
                    pointer,
                    "no file matches \(text)" + (pattern.isAbsolute ? "" : " \(Self.relativeHint)"))
            }
            return files
        } catch let error as GlobPattern.Refusal {
            refuse(pointer, error.message)
        } catch {
            refuse(pointer, (error as? GlobWalker.Failure)?.message ?? "\(error)")
        }
        return []
    }

    /// What is wrong with a file that is named; `nil` if it is there.
    private static func missing(_ text: String, _ path: String) -> String? {
        switch FileKind.of(path) {
        case .file: return nil
        case .missing:
            return path == text
                ? "there is no file \(text)" : "there is no file \(text) \(relativeHint)"
        case .folder:
            return "wanted a file, found the folder \(text); name its files: "
                + "\(text.hasSuffix("/") ? text : text + "/")*"
        default: return "wanted a regular file, found that \(text) is a device, pipe or socket"
        }
    }

    /// `format:`, or what the extensions of the files say.
    private mutating func format(
        _ value: JSON, of files: [String], at pointer: JSONPointer, key: String
    ) -> DataFormat {
        var format: DataFormat?
        if let stated = value["format"] {
            format = stated.stringValue.flatMap(DataFormat.init)
        } else if value.objectValue?.count == 1 {
            // With another key there, which is unknown, that one may be meant to be the format.
            format = guess(files, at: pointer.appending(key))
        }
        guard let format else { return .bytes }
        if format == .json, files.count > 1 {
            refuse(
                pointer.appending(value["format"] == nil ? key : "format"),
                "several files (\(files.count)) make no JSON document; "
                    + "use format: jsonl, or format: files for one item a file")
        }
        return format
    }

    private mutating func guess(_ files: [String], at pointer: JSONPointer) -> DataFormat? {
        let hint = "add format: json, jsonl, csv, lines, bytes, or files for one item a file"
        var format: DataFormat?
        for file in files {
            let ending = DocumentFile.fileExtension(of: file)
            guard let found = Self.formats[ending] else {
                let name = file.split(separator: "/").last ?? ""
                refuse(pointer, "cannot tell the format of \(name) from its name; \(hint)")
                return nil
            }
            guard format == nil || format == found else {
                refuse(pointer, "the files have several formats by their names; \(hint)")
                return nil
            }
            format = found
        }
        return format
    }
}
