import CFanfoldSystem
@preconcurrency import Glibc

/// Where in a store's folder what lies.
///
///     lock  version  pins
///     blobs/ab/ab01…       a blob; 256 folders, by the first two digits
///     blobs/ab/ab01….sums  the sums of its chunks, if it has more than one
///     uploads/NAME.part    what has come of an upload; NAME.want: what was announced
///     fetches/ab01…        what has come of a fetch
///     temporary/           being written; emptied when the store is opened
///     damaged/             what was found not to be what its name says
struct BlobFolder: Sendable {
    /// The folder of the store.
    let path: String

    /// What the file `version` says.
    static let version = "fanfold-blobs 1"
    static let sumsEnding = ".sums"
    static let partEnding = ".part"
    static let wantEnding = ".want"

    var lock: String { "\(path)/lock" }
    var versionFile: String { "\(path)/version" }
    var pins: String { "\(path)/pins" }
    var blobs: String { "\(path)/blobs" }
    var uploads: String { "\(path)/uploads" }
    var fetches: String { "\(path)/fetches" }
    var temporary: String { "\(path)/temporary" }
    var damaged: String { "\(path)/damaged" }

    func shelf(_ id: BlobID) -> String { "\(blobs)/\(id.description.prefix(2))" }
    func blob(_ id: BlobID) -> String { "\(shelf(id))/\(id)" }
    func sums(_ id: BlobID) -> String { blob(id) + Self.sumsEnding }
    func part(_ name: String) -> String { "\(uploads)/\(name)\(Self.partEnding)" }
    func want(_ name: String) -> String { "\(uploads)/\(name)\(Self.wantEnding)" }
    func fetch(_ id: BlobID) -> String { "\(fetches)/\(id)" }

    /// The names of the folders below `blobs/`.
    static var shelves: [String] {
        (0..<256).map { number in
            let text = String(number, radix: 16)
            return number < 16 ? "0" + text : text
        }
    }

    /// Makes the folder if need be and takes its lock, which lasts as long as the result.
    func lockAndPrepare() throws(BlobError) -> Descriptor {
        try makePath()
        try checkOwner()
        // Before the lock, so that a folder of somebody else's does not even get a lock file.
        try checkIsNobodyElses(known: "lock")
        let lock = try takeLock()
        try checkIsNobodyElses(known: nil)
        try checkVersion()
        for folder in [blobs, uploads, fetches, temporary, damaged] {
            try Disk.makeFolder(folder)
        }
        for shelf in Self.shelves { try Disk.makeFolder("\(blobs)/\(shelf)") }
        return lock
    }

    private func makePath() throws(BlobError) {
        var made = path.hasPrefix("/") ? "" : "."
        for step in path.split(separator: "/") {
            made += "/" + step
            guard mkdir(made, 0o700) == 0 || errno == EEXIST || errno == EISDIR else {
                throw Disk.failure("made", made)
            }
        }
    }

    private func checkOwner() throws(BlobError) {
        var status = stat()
        guard stat(path, &status) == 0 else { throw Disk.failure("opened", path) }
        guard status.st_mode & S_IFMT == S_IFDIR else {
            throw .cannotUse(verb: "used", path: path, reason: "it is no folder")
        }
        guard status.st_uid == geteuid() else {
            throw .wrongOwner(path: path, owner: status.st_uid, user: geteuid())
        }
        guard status.st_mode & 0o077 == 0 else {
            throw .exposed(path: path, mode: "0" + String(status.st_mode & 0o7777, radix: 8))
        }
    }

    /// A folder without a version is empty, or was being made when its process ended.
    private func checkIsNobodyElses(known sign: String?) throws(BlobError) {
        guard try Disk.content(versionFile, limit: 256) == nil else { return }
        let names = Set(try Disk.names(in: path))
        if let sign, names.contains(sign) { return }
        guard names.subtracting(["lock", "version.new"]).isEmpty else {
            throw .notAStore(path: path)
        }
    }

    private func takeLock() throws(BlobError) -> Descriptor {
        let file = try Disk.open(lock, O_RDWR | O_CREAT)
        while flock(file.number, LOCK_EX | LOCK_NB) != 0 {
            guard errno == EINTR else {
                guard errno == EWOULDBLOCK else { throw Disk.failure("locked", lock) }
                let holder = try Disk.content(lock, limit: 64) ?? []
                throw .locked(
                    path: path, process: String(decoding: holder, as: UTF8.self))
            }
        }
        let words = Array("process \(getpid())".utf8)
        guard ftruncate(file.number, 0) == 0 else { throw Disk.failure("written", lock) }
        try words.lend { bytes throws(BlobError) in
            try Disk.write(file, lock, at: 0, bytes)
        }
        return file
    }

    private func checkVersion() throws(BlobError) {
        guard let found = try Disk.content(versionFile, limit: 256) else {
            let temporary = "\(path)/version.new"
            try Disk.replaceContent(temporary, Array((Self.version + "\n").utf8), isFlushed: true)
            try Disk.rename(temporary, versionFile)
            try Disk.syncFolder(path)
            return
        }
        let text = String(decoding: found, as: UTF8.self)
        guard text == Self.version + "\n" else {
            throw .unknownVersion(
                path: versionFile, found: String(text.prefix { $0 != "\n" }.prefix(80)),
                wanted: Self.version)
        }
    }

    /// Flushes the whole disk that the folder is on.
    func syncDisk() throws(BlobError) {
        let folder = try Disk.open(path, O_RDONLY | O_DIRECTORY)
        let code = fanfold_sync_disk(folder.number)
        guard code == 0 else { throw Disk.failure("flushed", path, code) }
    }
}

/// Names of uploads and owners: fit for a file and for a line of text.
enum BlobName {
    /// Bytes of a name.
    static let longest = 80

    /// Whether it may be one.
    static func isValid(_ name: String) -> Bool {
        guard let first = name.utf8.first, name.utf8.count <= longest else { return false }
        return isPlain(first) && name.utf8.allSatisfy { isPlain($0) || "-_.:".utf8.contains($0) }
    }

    /// Refuses one that may not be.
    static func check(_ name: String) throws(BlobError) {
        guard isValid(name) else { throw .badName(name) }
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
        default: false
        }
    }
}
