import FanfoldBlobs

/// How `Define.names` says which files a run has: `files` is the sum and the size of their list.
enum ShippedName {
    /// The name under which it stands.
    static let key = "files"

    /// The value for a list.
    static func text(_ manifest: BlobReference) -> String { "\(manifest.id) \(manifest.size)" }

    /// The list that a value names; `nil` if it names none.
    static func reference(_ text: String) -> BlobReference? {
        let words = text.split(separator: " ")
        guard words.count == 2, let id = BlobID(String(words[0])), let size = Int64(words[1]),
            size >= 0
        else { return nil }
        return BlobReference(id: id, size: size)
    }
}
