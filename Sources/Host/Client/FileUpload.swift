import Crypto
import FanfoldJSON
@preconcurrency import Glibc
import NIOPosix

extension FanfoldClient {
    /// Bytes of one piece of a file.
    package static let pieceBytes = 4 << 20
    /// What the coordinator says of bytes that are not what they were announced to be.
    private static let wrongContent = "checksum-mismatch"

    /// Gives the coordinator a file, unless it has it; goes on where an earlier try stopped.
    ///
    /// The file is read twice, a piece at a time, by a thread that may wait.
    ///
    /// Returns: its SHA-256, and the bytes that were sent.
    package func upload(
        _ path: String
    ) async throws(ClientError) -> (sha256: String, sent: Int64) {
        let file = try LocalFile(path)
        let state = file.state
        let sha256 = try await file.digest()
        let known = try await ask(.GET, "/files/\(sha256)")
        if known["is_complete"]?.boolValue == true { return (sha256, 0) }
        var offset = known["offset"]?.integerValue ?? 0
        var sent: Int64 = 0
        while true {
            let piece = try await file.piece(at: offset)
            if piece.isEmpty { break }
            guard file.state == state else { throw .changed(path: path) }
            let status = try await ask(
                .PUT, "/files/\(sha256)?offset=\(offset)", body: .bytes(piece))
            sent += Int64(piece.count)
            guard let next = status["offset"]?.integerValue, next > offset else {
                throw .badAnswer(address: context.address, reason: "an upload that goes nowhere")
            }
            offset = next
        }
        guard file.state == state else { throw .changed(path: path) }
        do throws(ClientError) {
            _ = try await ask(.POST, "/files/\(sha256)/finish")
        } catch .refused(let refusal) where refusal.code == Self.wrongContent {
            throw .changed(path: path)
        }
        return (sha256, sent)
    }
}

/// A file that is read a piece at a time.
private final class LocalFile: Sendable {
    private let path: String
    private let descriptor: Int32

    init(_ path: String) throws(ClientError) {
        self.path = path
        descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw .unreadable(path: path, reason: String(cString: strerror(errno)))
        }
    }

    deinit { close(descriptor) }

    /// What differs once somebody has written to the file.
    struct State: Hashable {
        var bytes: Int
        var seconds: Int
        var nanoseconds: Int
    }

    /// How the file is now.
    var state: State {
        var status = stat()
        fstat(descriptor, &status)
        return State(
            bytes: status.st_size, seconds: status.st_mtim.tv_sec,
            nanoseconds: status.st_mtim.tv_nsec)
    }

    func digest() async throws(ClientError) -> String {
        var hash = SHA256()
        var offset: Int64 = 0
        while true {
            let piece = try await piece(at: offset)
            if piece.isEmpty { break }
            hash.update(data: piece)
            offset += Int64(piece.count)
        }
        return hash.finalize().map { byte in
            let text = String(byte, radix: 16)
            return byte < 16 ? "0" + text : text
        }.joined()
    }

    /// The bytes from `offset` on, at most ``FanfoldClient/pieceBytes``; none at the end.
    func piece(at offset: Int64) async throws(ClientError) -> [UInt8] {
        do {
            return try await NIOThreadPool.singleton.runIfActive { [self] in
                var bytes = [UInt8](repeating: 0, count: FanfoldClient.pieceBytes)
                while true {
                    let count = pread(descriptor, &bytes, bytes.count, off_t(offset))
                    if count < 0, errno == EINTR { continue }
                    guard count >= 0 else {
                        throw ClientError.unreadable(
                            path: path, reason: String(cString: strerror(errno)))
                    }
                    return Array(bytes[..<count])
                }
            }
        } catch let error as ClientError {
            throw error
        } catch {
            throw .unreadable(path: path, reason: "\(error)")
        }
    }
}
