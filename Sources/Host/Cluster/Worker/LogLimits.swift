/// What a worker keeps and sends of what attempts write.
enum LogLimits {
    /// Bytes of one attempt that are held in memory while it runs; older ones go to a file.
    static let ringBytes = 64 << 10
    /// Bytes of one file.
    ///
    /// An attempt has two: the older one goes when the newer one is full.
    static let fileBytes = 512 << 10
    /// Bytes that are kept of attempts that have ended; what ended first goes first.
    static let keptBytes = 64 << 20
    /// Attempts that have ended of which something is kept.
    static let keptAttempts = 4_096
    /// Attempts that one request which does not follow is answered about: those that began last.
    static let attemptsOfRequest = 64
    /// Requests that are answered at a time; a further one ends at once.
    static let requests = 32
    /// Bytes of one chunk.
    static let chunkBytes = 32 << 10
    /// Bytes that a request may be sent before more credit is given.
    static let creditBytes = 256 << 10
    /// Time between two looks at what was written, for those who follow, in milliseconds.
    static let lookMilliseconds: Int64 = 100
    /// Time between two messages about the progress of one attempt, at least, in nanoseconds.
    static let progressNanoseconds: UInt64 = 500_000_000
}
