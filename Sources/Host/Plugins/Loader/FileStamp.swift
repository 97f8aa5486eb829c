@preconcurrency import Glibc

/// What a file has that changes whenever its content, its owner or its mode does.
///
/// The change time of an inode cannot be set by a user, but a clock has ticks: of a file that was
/// changed a moment ago the stamp says nothing.
struct FileStamp: Hashable, Sendable {
    /// Seconds since its last change after which a stamp counts.
    static let settledSeconds = 2

    private var device: UInt64
    private var inode: UInt64
    private var bytes: Int64
    private var changedSeconds: Int
    private var changedNanoseconds: Int

    /// The stamp of a file now; `nil` if there is none that counts.
    init?(path: String) {
        var now = timespec()
        guard clock_gettime(CLOCK_REALTIME, &now) == 0 else { return nil }
        self.init(path: path, nowSeconds: now.tv_sec)
    }

    /// The stamp of a file at a moment; `nil` if there is none that counts.
    init?(path: String, nowSeconds: Int) {
        var status = stat()
        guard stat(path, &status) == 0,
            nowSeconds - status.st_ctim.tv_sec > Self.settledSeconds
        else { return nil }
        device = UInt64(status.st_dev)
        inode = UInt64(status.st_ino)
        bytes = Int64(status.st_size)
        changedSeconds = status.st_ctim.tv_sec
        changedNanoseconds = status.st_ctim.tv_nsec
    }
}
