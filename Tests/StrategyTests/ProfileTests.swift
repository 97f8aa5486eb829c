import FanfoldJSON
@preconcurrency import Glibc
import PluginMerges
import Testing

/// Cuts of measured layer profiles, against numbers computed by an independent program.
///
/// Reads profiles that are not part of the repository: `FANFOLD_SHARED` names their folder, which
/// holds `partition/chains.json` as `{MODEL: {"compute_ms": […], "cut_bytes": […]}}`, written from
/// the compressed profiles by `chain(model)` of the `baseline.py` beside them.
@Suite struct ProfileTests {
    /// The shared folder; `nil`, and a line on standard error, if there is none.
    static let folder: String? = {
        guard let folder = getenv("FANFOLD_SHARED") else {
            fputs(
                "SKIPPED: cuts of measured profiles; set FANFOLD_SHARED to their folder.\n", stderr)
            return nil
        }
        return String(cString: folder)
    }()

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

    @Test(.enabled(if: ProfileTests.folder != nil, "FANFOLD_SHARED is not set"))
    func `measured profiles are cut as an independent program cuts them`() throws {
        let path = try #require(Self.folder) + "/partition/chains.json"
        let file = try #require(fopen(path, "r"), "no \(path)")
        defer { fclose(file) }
        var text: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while case let count = fread(&chunk, 1, chunk.count, file), count > 0 {
            text += chunk[..<count]
        }
        let chains = try JSON(parsing: text)
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
