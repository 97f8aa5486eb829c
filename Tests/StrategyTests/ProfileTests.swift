import FanfoldJSON
@preconcurrency import Glibc
import PluginMerges
import Testing

/// Cuts of measured layer profiles, against numbers computed by an independent program.
///
/// The profiles are not part of the repository: they lie in `shared/data/partition` beside it, or
/// in the folder that `FANFOLD_SHARED` names, with `baseline.py`, which reads them.
@Suite struct ProfileTests {
    /// The folder of the profiles; `nil`, and a line on standard error, if there is none.
    static let folder: String? = {
        let root = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
        let shared = getenv("FANFOLD_SHARED").map { String(cString: $0) } ?? "/\(root)/../shared"
        let folder = shared + "/data/partition"
        guard access(folder + "/baseline.py", R_OK) == 0 else {
            fputs("SKIPPED: cuts of measured profiles; there is no \(folder)\n", stderr)
            return nil
        }
        return folder
    }()

    /// The profiles as chains, read by the program beside them.
    private static func chains(_ folder: String) throws -> JSON {
        let script = """
            import json, sys
            sys.dont_write_bytecode = True
            sys.path.insert(0, "\(folder)")
            import baseline
            names = ("vgg16", "resnet50", "inception_v3")
            print(json.dumps({n: dict(zip(("compute_ms", "cut_bytes"), baseline.chain(n)))
                              for n in names}))
            """
        let pipe = try #require(popen("python3 -c '\(script)'", "r"))
        defer { pclose(pipe) }
        var text: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while case let count = fread(&chunk, 1, chunk.count, pipe), count > 0 {
            text += chunk[..<count]
        }
        return try JSON(parsing: text)
    }

    private struct Expected {
        var model: String
        var speeds: [Double]
        var gigabytesPerSecond: Double
        var milliseconds: Double
    }

    private static let expected = [
        Expected(model: "vgg16", speeds: [1, 1], gigabytesPerSecond: 1, milliseconds: 411.04),
        Expected(
            model: "vgg16", speeds: [1, 1, 1, 1], gigabytesPerSecond: 10, milliseconds: 235.59),
        Expected(
            model: "vgg16", speeds: [2, 2, 1, 1], gigabytesPerSecond: 10, milliseconds: 126.8),
        Expected(
            model: "resnet50", speeds: [1, 1, 1, 1], gigabytesPerSecond: 1, milliseconds: 258.15),
        Expected(
            model: "resnet50", speeds: Array(repeating: 1, count: 8), gigabytesPerSecond: 10,
            milliseconds: 82.21),
        Expected(
            model: "resnet50", speeds: [2, 2, 1, 1], gigabytesPerSecond: 10, milliseconds: 80.2),
        Expected(
            model: "inception_v3", speeds: Array(repeating: 1, count: 8), gigabytesPerSecond: 10,
            milliseconds: 95.43),
        Expected(
            model: "inception_v3", speeds: [2, 2, 1, 1], gigabytesPerSecond: 1, milliseconds: 208.3),
    ]

    @Test(.enabled(if: ProfileTests.folder != nil, "there are no profiles beside the project"))
    func `measured profiles are cut as an independent program cuts them`() throws {
        let chains = try Self.chains(try #require(Self.folder))
        for expected in Self.expected {
            let chain = try #require(chains[expected.model])
            let compute = chain["compute_ms"]?.arrayValue?.compactMap(\.doubleValue) ?? []
            // A cut is crossed twice: forward, and backward with the gradient.
            let cuts = chain["cut_bytes"]?.arrayValue?.compactMap(\.doubleValue) ?? []
            let problem = ChainPartition(
                layers: compute.indices.map { index in
                    ChainLayer(
                        name: "\(index)", compute: compute[index] / 1e3,
                        activationBytes: index < cuts.count ? 2 * cuts[index] : 0)
                },
                devices: expected.speeds.enumerated().map { index, speed in
                    ChainDevice(
                        name: "\(index)", speed: speed, link: expected.gigabytesPerSecond * 1e9)
                })
            let period = problem.period(try problem.solve()) * 1e3
            #expect(abs(period - expected.milliseconds) < 0.06, "\(expected)")
        }
    }
}
