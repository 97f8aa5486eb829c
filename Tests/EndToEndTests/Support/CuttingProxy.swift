import Foundation
import Testing

/// A proxy before a back end that loses one answer when it is asked to.
final class CuttingProxy {
    private let backend: Backend
    private let isSocket: Bool

    /// Starts one before a socket (`unix:PATH`) or a port (`HOST:PORT`).
    init(before target: String) async throws {
        isSocket = target.hasPrefix("unix:")
        backend = try await Backend(
            { [Backend.python, Fanfold.tool("cut.py"), $0.path, target] }, ready: "ready")
    }

    /// Where it listens: the path of a socket, or `127.0.0.1:PORT`.
    var address: String {
        get throws {
            isSocket
                ? backend.folder.path + "/cut.sock" : "127.0.0.1:" + (try backend.text("port"))
        }
    }

    /// The next request that begins so reaches the back end, and its answer is lost.
    func cut(_ request: String) throws {
        try request.write(
            to: backend.folder.appendingPathComponent("cut"), atomically: true, encoding: .utf8)
    }

    /// Whether an answer was lost as asked.
    var hasCut: Bool {
        !FileManager.default.fileExists(
            atPath: backend.folder.appendingPathComponent("cut").path)
    }
}
