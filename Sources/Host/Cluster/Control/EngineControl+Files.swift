import CFanfoldSystem
import FanfoldAPI
import FanfoldBlobs
import FanfoldCore
import FanfoldRuntime
@preconcurrency import Glibc
import Synchronization

extension EngineControl {
    /// Bytes of an output that are read and handed on together.
    private static let pieceBytes = 1 << 20

    func blob(_ sha256: String) async throws(ControlError) -> BlobStatus {
        let id = try Self.blobID(sha256)
        if let size = blobs.size(of: id) { return BlobStatus(offset: size, isComplete: true) }
        return BlobStatus(offset: blobs.uploadStatus(sha256)?.length ?? 0, isComplete: false)
    }

    func writeBlob(
        _ sha256: String, at offset: Int64, _ bytes: [UInt8]
    ) async throws(ControlError) -> BlobStatus {
        let id = try Self.blobID(sha256)
        return try await onThread { [blobs] () throws(ControlError) in
            do throws(BlobError) {
                let status = try blobs.beginUpload(sha256, id: id)
                if let stored = status.stored {
                    return BlobStatus(offset: stored.size, isComplete: true)
                }
                return BlobStatus(
                    offset: try blobs.append(to: sha256, at: offset, bytes), isComplete: false)
            } catch {
                throw ControlError(error)
            }
        }
    }

    func finishBlob(_ sha256: String) async throws(ControlError) -> BlobStatus {
        let id = try Self.blobID(sha256)
        return try await onThread { [blobs] () throws(ControlError) in
            do throws(BlobError) {
                let status = try blobs.beginUpload(sha256, id: id)
                if let stored = status.stored {
                    return BlobStatus(offset: stored.size, isComplete: true)
                }
                let reference = try blobs.finishUpload(sha256, pinnedFor: Self.uploads)
                return BlobStatus(offset: reference.size, isComplete: true)
            } catch {
                throw ControlError(error)
            }
        }
    }

    /// Who pins what was uploaded.
    static let uploads = "uploads"

    private static func blobID(_ text: String) throws(ControlError) -> BlobID {
        guard let id = BlobID(text) else {
            throw ControlError(
                .invalid, "wanted a SHA-256 as 64 hexadecimal digits, found \"\(text)\"")
        }
        return id
    }

    // MARK: Outputs

    func output(run id: UInt64, name: String) async throws(ControlError) -> ByteStream {
        let detail = try await run(id)
        guard detail.summary.status == .completed else {
            throw ControlError(
                .conflict, "run \(id) has no outputs: it is \(detail.summary.status.rawValue)")
        }
        let label = try await label(of: id)
        let folder = RunFolder(RunID(id), below: runsFolder)
        let content = try await onThread { () throws(ControlError) in
            try folder.content(ofOutput: name, label)
        }
        let place = Atomic(0)
        return ByteStream(
            length: Int64(content.bytes.count), mediaType: "application/octet-stream"
        ) { [self] () async throws(ControlError) in
            let start = place.add(Self.pieceBytes, ordering: .relaxed).oldValue
            let end = min(start + Self.pieceBytes, content.bytes.count)
            guard start < end else { return nil }
            return try await onThread { () throws(ControlError) in
                let piece = PayloadSlice(payload: content, range: start..<end)
                defer { content.letGo(start..<end) }
                return piece.withBytes { Array($0) }
            }
        }
    }
}

extension RunFolder {
    /// The document of the run, without its plugins.
    func pipeline(_ label: RunLabel) throws(ControlError) -> Pipeline {
        do throws(DocumentErrors) {
            return try Pipeline.load(path: "\(path)/\(label.document)")
        } catch {
            throw ControlError(.fault, "the document of the run cannot be read: \(error)")
        }
    }

    /// An output in its format: the file that is kept, or one without a name that is made of it.
    func content(ofOutput name: String, _ label: RunLabel) throws(ControlError) -> Payload {
        let pipeline = try pipeline(label)
        guard let output = pipeline.outputs.first(where: { $0.name == name }) else {
            let known = pipeline.outputs.map(\.name).joined(separator: ", ")
            throw ControlError(.notFound, "there is no output \"\(name)\"; there is \(known)")
        }
        do {
            switch output.source {
            case .input(let index):
                let data = try Dataset.open(pipeline.inputs[index])
                return try spooled(data, as: output.format ?? data.format)
            case .task(let index):
                guard let kept = keptOutput(ofTask: index) else { return .empty }
                let format = output.format ?? kept.format
                if format.streamFormat == kept.format { return try .mapping(path: kept.path) }
                return try spooled(
                    try Dataset.open(path: kept.path, format: kept.format), as: format)
            }
        } catch {
            throw ControlError(.fault, "the output cannot be read: \(error)")
        }
    }

    /// Data in another format, in a file that is gone with the payload.
    private func spooled(_ data: Dataset, as format: DataFormat) throws -> Payload {
        let descriptor = fan_unnamed_file(path)
        guard descriptor >= 0 else {
            throw DataError.cannotWrite(path: path, reason: String(cString: strerror(errno)))
        }
        defer { close(descriptor) }
        try DataWriting.write([.slice(data.whole)], as: format, to: descriptor, path: path)
        return try .mapping(descriptor: descriptor, path: path)
    }
}

extension ControlError {
    init(_ error: BlobError) {
        let code: Code =
            switch error {
            case .missing, .noUpload: .notFound
            case .wrongContent, .wrongSize: .checksumMismatch
            case .uploadGap, .differentUpload: .conflict
            case .tooLarge: .tooLarge
            case .tooManyUploads: .tooMany
            case .storeFull, .diskFull: .insufficientStorage
            case .badName, .outOfRange: .invalid
            default: .fault
            }
        self.init(code, "\(error)")
    }
}
