/// Why a blob could not be kept, found or read: what was wanted, what was found, what to do.
package enum BlobError: Error, Hashable, Sendable {
    /// A system call failed for a reason of its own.
    case cannotUse(verb: String, path: String, reason: String)
    /// The user may not do that with the file, or its disk is mounted read-only.
    case notPermitted(verb: String, path: String, reason: String)
    /// The disk, or the user's share of it, is full.
    case diskFull(path: String, reason: String)
    /// The folder is another user's.
    case wrongOwner(path: String, owner: UInt32, user: UInt32)
    /// Other users may read or change the folder.
    case exposed(path: String, mode: String)
    /// Another process has the store open.
    case locked(path: String, process: String)
    /// A folder with files, but none of a store.
    case notAStore(path: String)
    /// A store of another version of Fanfold.
    case unknownVersion(path: String, found: String, wanted: String)
    /// The record of pins is damaged before its end.
    case damagedPins(path: String, line: Int)

    /// Everything that could be evicted has been, and it is not enough.
    case storeFull(wanted: Int64, figures: BlobFigures)
    /// More bytes than a blob may have.
    case tooLarge(bytes: Int64, limit: Int64)
    /// The content is not the announced one.
    case wrongContent(wanted: BlobID, found: BlobID)
    /// There are more or fewer bytes than announced.
    case wrongSize(wanted: Int64, found: Int64)

    /// There is no such blob here.
    case missing(BlobID)
    /// The bytes on the disk are no longer those of the id; `movedTo` is where they are now.
    case damaged(BlobID, movedTo: String)
    /// The range is not within the blob.
    case outOfRange(BlobID, range: Range<Int64>, size: Int64)

    /// The name of an upload or owner is not of its form.
    case badName(String)
    /// No upload of that name was begun, or it is finished, or it was too old.
    case noUpload(String)
    /// An upload of that name was begun with another size or id.
    case differentUpload(String)
    /// The bytes do not follow those that are there; go on at `length`.
    case uploadGap(String, length: Int64, offset: Int64)
    /// As many uploads as there may be are unfinished.
    case tooManyUploads(limit: Int)

    /// None of the holders gave the blob; one line for each.
    case noSource(BlobID, reasons: [String])
    /// The fetcher has been closed.
    case fetchEnded(BlobID)
}

extension BlobError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .cannotUse(let verb, let path, let reason):
            "\(path) cannot be \(verb): \(reason); look at the disk of the blob folder"
        case .notPermitted(let verb, let path, let reason):
            "\(path) cannot be \(verb): \(reason); give the user of this process the right to "
                + "write there, or set another blob folder"
        case .diskFull(let path, let reason):
            "\(path) cannot be written: \(reason); free space on that disk, or lower the limit "
                + "of the blob folder"
        case .wrongOwner(let path, let owner, let user):
            "\(path) belongs to user \(owner), wanted \(user), who runs this process; change its "
                + "owner, or set another blob folder"
        case .exposed(let path, let mode):
            "\(path) has the mode \(mode), wanted 0700: blobs are nobody else's business; "
                + "chmod 700 it"
        case .locked(let path, let process):
            "\(path) is open in another process (\(process)); end that one, or set another blob "
                + "folder"
        case .notAStore(let path):
            "\(path) has files in it and is no blob folder; set one that is empty or not there yet"
        case .unknownVersion(let path, let found, let wanted):
            "\(path) says \"\(found)\", wanted \"\(wanted)\"; open it with the Fanfold that wrote "
                + "it, or set another blob folder"
        case .damagedPins(let path, let line):
            "\(path) is damaged at line \(line), before its end, so it is not known what must be "
                + "kept; restore it from a backup, or remove it to let go of every pin"
        default: descriptionOfContent
        }
    }

    private var descriptionOfContent: String {
        switch self {
        case .storeFull(let wanted, let figures):
            "wanted room for \(wanted) bytes, found none: \(figures.bytes) bytes are kept, "
                + "\(figures.heldBytes) of them pinned or in use, \(figures.reservedBytes) are "
                + "being written, at most \(figures.limitBytes) may be; the disk has "
                + "\(figures.diskFreeBytes) bytes free, \(figures.diskKeptBytes) of which stay "
                + "free; raise the limits, free the disk, or end runs whose data is kept"
        case .tooLarge(let bytes, let limit):
            "wanted at most \(limit) bytes, found \(bytes); cut it into smaller parts"
        case .wrongContent(let wanted, let found):
            "wanted the content \(wanted), found \(found); send it again"
        case .wrongSize(let wanted, let found):
            "wanted \(wanted) bytes, found \(found); send it again, whole"
        case .missing(let id):
            "there is no blob \(id) here; fetch it from one who has it"
        case .damaged(let id, let path):
            "the blob \(id) is damaged on the disk and is not served; "
                + (path.isEmpty ? "it was removed" : "what was found is now \(path)")
                + "; fetch it again, and look at the disk"
        case .outOfRange(let id, let range, let size):
            "wanted the bytes \(range.lowerBound)..<\(range.upperBound) of the blob \(id), "
                + "which has \(size)"
        default: descriptionOfExchange
        }
    }

    private var descriptionOfExchange: String {
        switch self {
        case .badName(let name):
            "wanted a name of 1 to \(BlobName.longest) letters, digits, '-', '_', '.' and ':', "
                + "beginning with a letter or digit, found \(name.utf8.count) bytes"
        case .noUpload(let name):
            "there is no unfinished upload \"\(name)\"; begin it"
        case .differentUpload(let name):
            "the upload \"\(name)\" was begun with another size or id; choose another name, or "
                + "cancel it first"
        case .uploadGap(let name, let length, let offset):
            "the upload \"\(name)\" has \(length) bytes, and these begin at \(offset); go on at "
                + "\(length)"
        case .tooManyUploads(let limit):
            "\(limit) uploads are unfinished, and no more may be; finish or cancel one"
        case .noSource(let id, let reasons):
            "none of \(reasons.count) holders gave the blob \(id): "
                + reasons.joined(separator: "; ")
        case .fetchEnded(let id):
            "the blob \(id) was being fetched when this process ended its work"
        default: "an error of blobs"
        }
    }
}
