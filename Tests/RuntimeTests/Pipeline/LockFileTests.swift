import FanfoldPlugins
import Testing

@testable import FanfoldRuntime

@Suite struct `The lock beside a pipeline` {
    private let folder = TemporaryFolder()

    private func refusals(_ text: String) -> [String] {
        do throws(DocumentErrors) {
            _ = try LockFile.entries(Array(text.utf8), path: "fanfold.lock")
            return []
        } catch {
            return error.diagnostics.map { diagnostic in
                "\(diagnostic.place.map(\.description) ?? ""): \(diagnostic.message)"
            }
        }
    }

    private let entry = PluginLock.Entry(
        components: [
            .init(id: "com.example.cols", version: "1.0.0"),
            .init(id: "com.example.rows", version: "2.0.0-\"x\""),
        ],
        file: "libfanfold-rows.so", sha256: String(repeating: "0a", count: 32),
        signer: String(repeating: "1", count: 32),
        grant: PluginGrant(hosts: ["*.example.com"], secrets: ["ec2"], store: true))

    @Test func `what is written is read again`() throws {
        var other = entry
        other.components = [.init(id: "no", version: "1.0")]
        other.signer = nil
        other.grant = .nothing
        let lock = PluginLock(path: "fanfold.lock", command: "c", entries: [entry, other])
        let text = LockFile.text(of: lock)
        #expect(try LockFile.entries(Array(text.utf8), path: "fanfold.lock") == lock.entries)
        let empty = LockFile.text(of: PluginLock(path: "", command: ""))
        #expect(try LockFile.entries(Array(empty.utf8), path: "fanfold.lock") == [])
    }

    @Test func `a mistake in it has its place`() {
        let text = LockFile.text(
            of: PluginLock(path: "fanfold.lock", command: "c", entries: [entry]))
        #expect(
            refusals(text.replacing("*.example.com", with: "*")).first?
                .hasPrefix("12:15: a * may not stand in an address") == true)
        #expect(
            refusals(text.replacing("version: 1", with: "version: 2"))
                == ["3:10: this version of Fanfold reads version 1 of fanfold.lock, found 2"])
        #expect(
            refusals(text.replacing("store: true", with: "shop: true")).first?
                .hasPrefix("14:7: unknown key \"shop\"") == true)
        #expect(
            refusals(text + "  - " + text.split(separator: "  - ")[1]).first?
                .contains("the component com.example.cols stands here twice") == true)
    }

    @Test func `a plugin's grant and place stand in the pipeline`() throws {
        folder.write("libfanfold-aws.so", "")
        let pipeline = try Pipeline.load(
            bytes: Array(
                """
                fanfold: 1
                plugins:
                  aws:
                    path: libfanfold-aws.so
                    isolate: none
                    trusted: true
                    grant: {hosts: ["ec2.*.amazonaws.com"], secrets: [ec2], store: true}
                  rows: {}
                inputs: {n: {range: 1}}
                tasks: {t: {input: "${inputs.n}", run: {use: noop}}}
                """.utf8), path: folder.path + "/p.yaml")
        #expect(pipeline.plugins[0].isolate == Isolation.none)
        #expect(pipeline.plugins[0].isTrusted)
        #expect(
            pipeline.plugins[0].grant
                == PluginGrant(hosts: ["ec2.*.amazonaws.com"], secrets: ["ec2"], store: true))
        #expect(pipeline.plugins[1] == PluginDeclaration(name: "rows"))
        #expect(LockFile.path(for: pipeline) == folder.path + "/fanfold.lock")
        #expect(try LockFile.load(for: pipeline) == nil)
    }

    @Test func `a host that means too much is refused at its line`() {
        do throws(DocumentErrors) {
            _ = try Pipeline.load(
                bytes: Array(
                    """
                    fanfold: 1
                    plugins:
                      rows: {grant: {hosts: [a.org, "*.*"]}}
                    tasks: {t: {run: {use: noop}}}
                    """.utf8), path: folder.path + "/p.yaml")
            Issue.record("wanted a refusal")
        } catch {
            #expect(error.diagnostics.contains { $0.place?.description == "3:33" })
        }
    }
}
