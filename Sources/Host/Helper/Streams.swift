@preconcurrency import Glibc

/// Why the helper stops, with its exit code.
struct HelperFailure: Error {
    var code: Int32
    var message: String
}

/// All of standard input.
func readInput() throws(HelperFailure) -> [UInt8] {
    var bytes: [UInt8] = []
    let step = 64 << 10
    while true {
        let used = bytes.count
        bytes.append(contentsOf: repeatElement(0, count: step))
        let count = bytes.withUnsafeMutableBytes { read(0, $0.baseAddress.map { $0 + used }, step) }
        bytes.removeLast(step - max(0, count))
        if count == 0 { return bytes }
        if count < 0, errno != EINTR {
            throw HelperFailure(code: 74, message: "the items cannot be read: errno \(errno)")
        }
    }
}

/// Standard output, kept for results: what a function prints goes to standard error.
struct ResultStream {
    private let descriptor: Int32
    private var buffer: [UInt8] = []

    init() {
        descriptor = dup(1)
        dup2(2, 1)
    }

    /// Has `body` append to the results.
    mutating func append(_ body: (inout [UInt8]) -> Void) throws(HelperFailure) {
        body(&buffer)
        if buffer.count >= 64 << 10 { try flush() }
    }

    mutating func flush() throws(HelperFailure) {
        var done = 0
        while done < buffer.count {
            let count = buffer.withUnsafeBytes {
                write(descriptor, $0.baseAddress.map { $0 + done }, $0.count - done)
            }
            if count < 0, errno != EINTR {
                throw HelperFailure(code: 74, message: "results cannot be written: errno \(errno)")
            }
            done += max(0, count)
        }
        buffer.removeAll(keepingCapacity: true)
    }
}
