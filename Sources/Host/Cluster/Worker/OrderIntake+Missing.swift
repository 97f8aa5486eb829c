import FanfoldBlobs
import FanfoldRuntime
import FanfoldWire

extension OrderIntake {
    /// What of a part is to be fetched.
    static func missing(_ part: WirePart, at index: Int) throws -> [Missing] {
        func reference(_ name: WireBlobName) throws -> BlobReference {
            guard let reference = BlobReference(name) else {
                throw WorkFailure(.inputInvalid, "a part has no name")
            }
            return reference
        }
        switch part.source {
        case .blob(let blob):
            guard let format = DataFormat(rawValue: blob.format) else {
                throw WorkFailure(.inputInvalid, "there is no format \(blob.format)")
            }
            return [
                Missing(
                    part: index, blob: try reference(blob.blob), holders: blob.holders,
                    content: .bytes(format))
            ]
        case .files(let list):
            return try list.files.enumerated().map { place, file in
                guard !file.name.isEmpty, !file.name.contains("/"), file.name != "..",
                    file.name != ".", !file.name.utf8.contains(0)
                else { throw WorkFailure(.inputInvalid, "\"\(file.name)\" is no file name") }
                return Missing(
                    part: index, blob: try reference(file.blob), holders: file.holders,
                    content: .file(place: place, name: file.name))
            }
        default: return []
        }
    }
}
