import FanfoldAPI
import FanfoldBlobs
import FanfoldCore
import FanfoldRuntime
@preconcurrency import Glibc

/// What workers get of a run: the name of its manifest lies in the run's folder, the manifest and
/// the files are pinned in the store until the run is forgotten.
extension RunFolder {
    /// Who pins what a run's workers may ask for.
    static func owner(_ run: RunID) -> String { "run-\(run.rawValue)" }

    private static let nameFile = "manifest"
    /// 64 hexadecimal digits, a space and a number.
    private static let nameBytes = 96

    /// Pins what workers get of a run, and writes down where the list of it is.
    func ship(
        _ pipeline: Pipeline, run: RunID, sums: [String: String], from blobs: BlobStore
    ) throws(ControlError) {
        let manifest: RunManifest
        do throws(RunManifest.Malformed) {
            manifest = try RunManifest(of: pipeline) { path in
                guard let sha256 = sums[path], let id = BlobID(sha256),
                    let size = blobs.size(of: id)
                else { return nil }
                return (sha256, size)
            }
        } catch {
            throw ControlError(.invalid, error.description)
        }
        try checkLimits(manifest)
        do {
            try blobs.pin(manifest.files.compactMap { BlobID($0.sha256) }, for: Self.owner(run))
            let bytes = manifest.bytes
            let id = try blobs.put(bytes, pinnedFor: Self.owner(run))
            let name = ShippedName.text(BlobReference(id: id, size: Int64(bytes.count)))
            try write(Array(name.utf8), to: "\(ownFolder)/\(Self.nameFile)")
        } catch let error as BlobError {
            throw ControlError(error)
        } catch let error as ControlError {
            throw error
        } catch {
            throw ControlError(.fault, "\(error)")
        }
    }

    private func checkLimits(_ manifest: RunManifest) throws(ControlError) {
        var total: Int64 = 0
        for file in manifest.files {
            total += file.size
            guard file.size > ShippingLimits.fileBytes else { continue }
            throw ControlError(
                .tooLarge,
                "\(file.path) has \(file.size) bytes, more than ShippingLimits.fileBytes = "
                    + "\(ShippingLimits.fileBytes)")
        }
        guard total <= ShippingLimits.totalBytes else {
            throw ControlError(
                .tooLarge,
                "the files for workers have \(total) bytes, more than "
                    + "ShippingLimits.totalBytes = \(ShippingLimits.totalBytes)")
        }
    }

    /// The list of what workers get of the run in a folder; `nil` if they get nothing.
    static func manifest(in folder: String) -> BlobReference? {
        let path = "\(folder)/\(ownName)/\(nameFile)"
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: nameBytes)
        let count = read(descriptor, &bytes, bytes.count)
        guard count > 0 else { return nil }
        return ShippedName.reference(String(decoding: bytes[..<count], as: UTF8.self))
    }

    /// The sums of the files that workers get of this run, by path.
    func shippedSums(from blobs: BlobStore) throws(ControlError) -> [String: String] {
        guard let reference = Self.manifest(in: path) else { return [:] }
        do {
            let manifest = try RunManifest(try blobs.read(reference.id))
            return Dictionary(
                manifest.files.map { ($0.path, $0.sha256) }, uniquingKeysWith: { first, _ in first }
            )
        } catch {
            throw ControlError(.conflict, "the files of the run are gone: \(error)")
        }
    }
}
