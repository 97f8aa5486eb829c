import CFanfoldSystem
import FanfoldAPI
import FanfoldBlobs
import FanfoldCore
import FanfoldRuntime
@preconcurrency import Glibc

/// The files of a run on the coordinator: the document, what was uploaded, the outputs of tasks.
struct RunFolder: Sendable {
    let path: String

    /// The folder of a run below the folder of all runs.
    init(_ run: RunID, below folder: String) { path = "\(folder)/\(run.rawValue)" }

    /// Files that a submission may bring.
    static let maximumFiles = 100_000

    /// Makes the folder and puts the document and the uploaded files into it, all on disk.
    func fill(
        document: String, bytes: [UInt8], files: [(path: String, sha256: String)],
        from blobs: BlobStore
    ) throws(ControlError) {
        guard files.count <= Self.maximumFiles else {
            throw ControlError(
                .tooMany, "wanted at most \(Self.maximumFiles) files, found \(files.count)")
        }
        try make(path)
        try make(path + "/tasks")
        try write(bytes, to: "\(path)/\(document)")
        for file in files {
            let parts = file.path.split(separator: "/", omittingEmptySubsequences: false)
            guard !parts.isEmpty, parts.allSatisfy({ !["", ".", ".."].contains($0) }),
                file.path != document, !file.path.utf8.contains(0)
            else {
                throw ControlError(
                    .invalid,
                    "wanted a relative path without .. for an uploaded file, found "
                        + "\"\(file.path)\"")
            }
            guard let id = BlobID(file.sha256), blobs.contains(id) else {
                throw ControlError(
                    .invalid,
                    "\(file.path): the store has no complete file \(file.sha256); upload it first")
            }
            var folder = path
            for part in parts.dropLast() {
                folder += "/\(part)"
                try make(folder)
            }
            try copy(id, to: "\(path)/\(file.path)", from: blobs)
        }
        let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        if descriptor >= 0 {
            fsync(descriptor)
            close(descriptor)
        }
    }

    /// Removes the folder of a run that was not taken on, or is not kept any more.
    func remove() { fan_remove_tree(path) }

    /// Removes the folders of all other runs: a process that was killed may have dropped a run and
    /// not its files yet, or have written files of a run that it had not taken on.
    static func removeAll(but kept: Set<UInt64>, below folder: String) {
        guard let stream = opendir(folder) else { return }
        defer { closedir(stream) }
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            guard let number = UInt64(name), !kept.contains(number) else { continue }
            fan_remove_tree("\(folder)/\(name)")
        }
    }

    /// Fills the folder with the document and files of another run.
    func takeOver(_ other: RunFolder) throws(ControlError) {
        try make(path)
        try make(path + "/tasks")
        try Self.link(other.path, to: path, isTop: true)
    }

    /// The files are shared: nobody changes them.
    private static func link(
        _ from: String, to: String, isTop: Bool
    ) throws(ControlError) {
        guard let stream = opendir(from) else {
            throw ControlError(.notFound, "the files of the run are gone: \(from)")
        }
        defer { closedir(stream) }
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name == "." || name == ".." || (isTop && name == "tasks") { continue }
            var status = stat()
            guard lstat("\(from)/\(name)", &status) == 0 else { continue }
            if status.st_mode & S_IFMT == S_IFDIR {
                mkdir("\(to)/\(name)", 0o700)
                try link("\(from)/\(name)", to: "\(to)/\(name)", isTop: false)
            } else if Glibc.link("\(from)/\(name)", "\(to)/\(name)") != 0 {
                throw ControlError(
                    .fault,
                    "\(to)/\(name) cannot be made: \(String(cString: strerror(errno)))")
            }
        }
    }

    // MARK: Outputs of tasks

    /// Keeps the output of the task at a place of the run.
    func keep(_ output: Dataset, ofTask index: Int) throws(DataError) -> Dataset {
        let format = output.format.streamFormat
        let file = taskFile(index, format)
        do {
            try DataWriting.write([.slice(output.whole)], as: format, toFile: file)
        } catch let error as DataError {
            throw error
        } catch {
            throw .cannotWrite(path: file, reason: "\(error)")
        }
        return try Dataset.open(path: file, format: format)
    }

    /// The kept output of a task; `nil` if there is none.
    func output(ofTask index: Int) throws(DataError) -> Dataset? {
        for format in DataFormat.allCases {
            let file = taskFile(index, format)
            if access(file, R_OK) == 0 { return try Dataset.open(path: file, format: format) }
        }
        return nil
    }

    private func taskFile(_ index: Int, _ format: DataFormat) -> String {
        "\(path)/tasks/\(index).\(format.rawValue)"
    }

    // MARK: Writing

    private func make(_ folder: String) throws(ControlError) {
        guard mkdir(folder, 0o700) == 0 || errno == EEXIST else { throw failure("made", folder) }
    }

    private func write(_ bytes: [UInt8], to file: String) throws(ControlError) {
        let descriptor = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw failure("made", file) }
        defer { close(descriptor) }
        var done = 0
        while done < bytes.count {
            let count = bytes.withUnsafeBytes {
                Glibc.write(descriptor, $0.baseAddress.map { $0 + done }, bytes.count - done)
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw failure("written", file) }
            done += count
        }
        guard fsync(descriptor) == 0 else { throw failure("written", file) }
    }

    private func copy(
        _ id: BlobID, to file: String, from blobs: BlobStore
    ) throws(ControlError) {
        let descriptor = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw failure("made", file) }
        defer { close(descriptor) }
        do throws(BlobError) {
            try blobs.copy(id, to: descriptor)
        } catch {
            throw ControlError(.insufficientStorage, "\(file): \(error)")
        }
        guard fsync(descriptor) == 0 else { throw failure("written", file) }
    }

    private func failure(_ verb: String, _ file: String) -> ControlError {
        let number = errno
        return ControlError(
            [ENOSPC, EDQUOT].contains(number) ? .insufficientStorage : .fault,
            "\(file) cannot be \(verb): \(String(cString: strerror(number)))")
    }
}
