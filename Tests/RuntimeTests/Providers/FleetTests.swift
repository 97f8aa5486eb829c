import FanfoldJSON
import FanfoldPlugins
import Foundation
import Testing

@testable import FanfoldRuntime

/// What every provider must do, asked of those that are built in.
///
/// What a plugin does is asked by `fanfold plugin check`.
@Suite(.timeLimit(.minutes(2)))
struct `Providers that are built in` {
    /// A provider with a folder of its own, which the next one finds again.
    private final class Rig {
        let kind: BuiltInProvider
        let folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("fanfold-fleet-\(UUID().uuidString)").path

        init(_ kind: BuiltInProvider) { self.kind = kind }

        /// Another process would have made the same.
        func fleet() throws -> any Fleet {
            let schema = PipelineSchema.compiled(PipelineSchema.builtIn(kind.schemaText))
            switch kind {
            case .local:
                let json: JSON = [
                    "most": 3, "grace-s": 1,
                    "sizes": ["small": ["cpus": 1, "memory-mib": 64]],
                ]
                #expect(schema.validate(json).isEmpty)
                return LocalFleet(
                    LocalConfiguration(schema.fillingDefaults(json)), folder: folder,
                    programFolder: "/nowhere")
            case .fake:
                let json: JSON = [
                    "offerings": [
                        "small": ["cpus": 1, "memory-mib": 64, "quota": 3, "boot-s": 0]
                    ]
                ]
                #expect(schema.validate(json).isEmpty)
                return FakeFleet(
                    FakeConfiguration(schema.fillingDefaults(json)), folder: folder)
            }
        }

        deinit {
            if let fleet = try? fleet(), let all = try? fleet.describe(.owner("me")) {
                try? fleet.terminate(all.map(\.id))
            }
            try? FileManager.default.removeItem(atPath: folder)
        }
    }

    private static func request(
        _ token: String, _ least: Int, _ most: Int, offering: String = "small"
    ) -> RentalRequest {
        RentalRequest(
            token: token, offerings: [offering], least: least, most: most,
            boot: "#!/bin/sh\nexec sleep 600\n", tags: ["owner": "me"],
            expires: "2030-01-01T00:00:00Z")
    }

    private static let tokens = (0..<4).map { "6ba7b81\($0)-9dad-41d1-80b4-00c04fd430c8" }

    private static func refusal(_ body: () throws -> Void) -> PluginFailure? {
        do {
            try body()
            return nil
        } catch {
            return error as? PluginFailure
        }
    }

    @Test(arguments: BuiltInProvider.allCases)
    func `a launch that is repeated gives the same workers, also by another process`(
        _ kind: BuiltInProvider
    ) throws {
        let rig = Rig(kind)
        let first = try rig.fleet().launch(Self.request(Self.tokens[0], 2, 2))
        #expect(first.count == 2)
        for _ in 0..<3 {
            let again = try rig.fleet().launch(Self.request(Self.tokens[0], 2, 2))
            #expect(again.map(\.id) == first.map(\.id))
        }
        #expect(try rig.fleet().describe(.owner("me")).count == 2)
        #expect(try rig.fleet().describe(.owner("you")).isEmpty)
        #expect(try rig.fleet().describe(.token(Self.tokens[0])).map(\.id) == first.map(\.id))
        #expect(first.allSatisfy { $0.token == Self.tokens[0] && $0.offering == "small" })
        #expect(first.allSatisfy { $0.id.hasPrefix(kind.rawValue + "-") })
    }

    @Test(arguments: BuiltInProvider.allCases)
    func `fewer than the most is a success, and fewer than the least leaves nothing`(
        _ kind: BuiltInProvider
    ) throws {
        let rig = Rig(kind)
        let fleet = try rig.fleet()
        #expect(try fleet.offerings().map(\.isAvailable) == [true])
        #expect(try fleet.launch(Self.request(Self.tokens[0], 1, 2)).count == 2)
        let refused = Self.refusal {
            _ = try fleet.launch(Self.request(Self.tokens[1], 2, 2))
        }
        #expect(refused?.retry == .elsewhere)
        #expect(refused?.code == 8)
        #expect(try fleet.describe(.token(Self.tokens[1])).isEmpty)
        #expect(try fleet.launch(Self.request(Self.tokens[2], 1, 2)).count == 1)
        #expect(try fleet.offerings().map(\.isAvailable) == [false])
    }

    @Test(arguments: BuiltInProvider.allCases)
    func `what is ended is gone, and ending it again, or what never was, is a success`(
        _ kind: BuiltInProvider
    ) throws {
        let rig = Rig(kind)
        let ids = try rig.fleet().launch(Self.request(Self.tokens[0], 2, 2)).map(\.id)
        for _ in 0..<2 { try rig.fleet().terminate(ids + ["local-none-0", "../..", "fake-0"]) }
        #expect(try rig.fleet().describe(.ids(ids)).map(\.state) == ["gone", "gone"])
        #expect(try rig.fleet().describe(.ids(["x"])).map(\.state) == ["gone"])
        // What ended is not begun again by the same launch.
        #expect(try rig.fleet().launch(Self.request(Self.tokens[0], 2, 2)).isEmpty)
        #expect(try rig.fleet().describe(.owner("me")).allSatisfy { $0.state == "gone" })
    }

    @Test(arguments: BuiltInProvider.allCases)
    func `an offering that there is not is refused for good`(_ kind: BuiltInProvider) throws {
        let rig = Rig(kind)
        let refused = Self.refusal {
            _ = try rig.fleet().launch(Self.request(Self.tokens[0], 1, 1, offering: "huge"))
        }
        #expect(refused?.retry == .never)
        #expect(refused?.reason == "request./offerings")
        #expect(refused?.message.contains("huge") == true)
    }

    @Test func `a worker that ignores the signal is killed, with all that it started`() throws {
        let rig = Rig(.local)
        let mark = rig.folder + "/mark"
        var request = Self.request(Self.tokens[0], 1, 1)
        request.boot =
            "trap '' TERM\nsleep 600 &\necho $$ $! > \(mark).new; mv \(mark).new \(mark)\n"
            + "wait\nsleep 600\n"
        let ids = try rig.fleet().launch(request).map(\.id)
        var numbers: [String] = []
        for _ in 0..<200 where numbers.isEmpty {
            usleep(20_000)
            let text = (try? String(contentsOfFile: mark, encoding: .utf8)) ?? ""
            numbers = text.split(whereSeparator: \.isWhitespace).map(String.init)
        }
        #expect(numbers.count == 2)
        try rig.fleet().terminate(ids)
        for number in numbers {
            let facts = (try? String(contentsOfFile: "/proc/\(number)/stat", encoding: .utf8)) ?? ""
            #expect(facts.isEmpty || facts.contains(") Z "), "\(facts)")
        }
    }

    @Test func `a spot machine is announced to be taken back, and is gone after that`() throws {
        let json: JSON = [
            "offerings": [
                "spot": [
                    "cpus": 1, "memory-mib": 64, "spot": true, "interruptions-per-hour": 60,
                    "boot-s": 10, "price-per-hour": 0.03, "prices": [[1, 0.05]],
                ]
            ]
        ]
        let folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("fanfold-fleet-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let schema = PipelineSchema.compiled(
            PipelineSchema.builtIn(BuiltInProvider.fake.schemaText))
        func fleet(_ seconds: UInt64) -> FakeFleet {
            FakeFleet(
                FakeConfiguration(schema.fillingDefaults(json)), folder: folder,
                clock: { 1_800_000_000_000_000_000 + seconds * 1_000_000_000 })
        }
        #expect(try fleet(0).offerings().map(\.pricePerHour) == [0.03])
        #expect(try fleet(3_600).offerings().map(\.pricePerHour) == [0.05])
        #expect(try fleet(0).offerings().map(\.currency) == ["XTS"])
        _ = try fleet(0).launch(Self.request(Self.tokens[0], 1, 1, offering: "spot"))
        var states: [String] = []
        for second in 0..<3_600 as Range<UInt64> {
            let state = try fleet(second).describe(.owner("me")).first?.state ?? "none"
            if states.last != state { states.append(state) }
        }
        #expect(states == ["starting", "running", "stopping", "gone"])
    }
}
