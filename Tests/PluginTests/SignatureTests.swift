@preconcurrency import Glibc
import Testing

@testable import FanfoldPlugins

@Suite struct SignatureTests {
    private let folder = TemporaryFolder()
    private let alice: PluginPrivateKey

    init() throws {
        alice = try PluginPrivateKey(name: "alice")
    }

    private func refusal(_ body: () throws -> Void) -> String {
        do {
            try body()
            return "no error"
        } catch {
            return "\(error)".replacing(folder.path, with: "")
        }
    }

    private func sign(
        _ path: String, with key: PluginPrivateKey, components: [String] = ["fanfold.echo"]
    ) throws {
        let hash = try FileBytes(path: path).sha256
        let signature = try PluginSignature(sha256: hash, components: components, with: key)
        _ = folder.write("libfanfold-echo.so.sig", signature.text.utf8)
    }

    private func governed(
        allowing keys: [PluginKey] = [], requiring: Bool = false
    ) -> PluginRegistry {
        var trust = TrustPolicy()
        trust.allowedKeys = keys
        trust.requiresSignature = requiring
        return registry(folder).governed(by: trust)
    }

    @Test func `a signature of an allowed key makes a plugin trusted`() throws {
        let path = CPlugin.build(in: folder)
        try sign(path, with: alice)
        let origin = try governed(allowing: [alice.publicKey], requiring: true).load(path: path)
            .origin
        #expect(origin.isAllowed)
        #expect(origin.signer == alice.publicKey)
        #expect(origin.summary.hasPrefix("signed by alice (key \(alice.publicKey.id))"))
    }

    @Test func `an unknown signer and none are refused only where a signature is required`() throws
    {
        let path = CPlugin.build(in: folder)
        #expect(try !governed().load(path: path).origin.isAllowed)
        #expect(
            refusal { _ = try governed(requiring: true).load(path: path) }
                .contains("is not signed, and the settings say require-signature"))
        try sign(path, with: alice)
        #expect(try !governed().load(path: path).origin.isAllowed)
        #expect(
            refusal { _ = try governed(requiring: true).load(path: path) }
                .contains("add \"\(alice.publicKey.keyText)\" to plugins: allowed-keys"))
    }

    @Test func `a bad signature is always refused, before the plugin runs`() throws {
        let path = CPlugin.build(in: folder)
        try sign(path, with: alice)
        _ = CPlugin.build(in: folder, ["SUMMARY": "\"Another.\""])
        #expect(
            refusal { _ = try governed().load(path: path) }
                .contains("the file was changed after key \(alice.publicKey.id) signed it"))
        _ = folder.write("libfanfold-echo.so.sig", "hello".utf8)
        #expect(refusal { _ = try governed().load(path: path) }.contains("no signature of Fanfold"))
        _ = folder.write("libfanfold-echo.so.sig", "fanfold-signature 2\n".utf8)
        #expect(
            refusal { _ = try governed().origin(of: path) }
                .contains("wanted \"fanfold-signature 1\", found \"fanfold-signature 2\""))
    }

    @Test func `a signature is of the components too`() throws {
        let path = CPlugin.build(in: folder)
        try sign(path, with: alice, components: ["fanfold.other"])
        #expect(
            refusal { _ = try governed().load(path: path) }
                .contains("made for the components fanfold.other, the plugin has fanfold.echo"))
    }

    @Test func `no byte of a signature can be changed`() throws {
        let hash = String(repeating: "0a", count: 32)
        let text = try PluginSignature(sha256: hash, components: ["a.b", "a.c"], with: alice).text
        #expect(try PluginSignature(text).isOf(sha256: hash))
        let bytes = Array(text.utf8)
        for index in bytes.indices {
            var changed = bytes
            changed[index] ^= 1
            let isRefused: Bool
            do {
                isRefused = try !PluginSignature(String(decoding: changed, as: UTF8.self))
                    .isOf(sha256: hash)
            } catch {
                isRefused = true
            }
            #expect(isRefused, "byte \(index)")
        }
    }

    @Test func `the keys are those of RFC 8032`() throws {
        // Source: RFC 8032, section 7.1, test 1.
        let seed = "nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A="
        let key = try PluginPrivateKey("fanfold-private-key 1\nname rfc\ned25519 \(seed)\n")
        #expect(
            key.publicKey.text == "ed25519:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo= rfc")
        #expect(try PluginKey(key.publicKey.text) == key.publicKey)
        #expect(try PluginPrivateKey(key.text).publicKey == key.publicKey)
    }

    @Test(arguments: ["", "ed25519:AAAA", "rsa:AAAA", "ed25519:", "ed25519:!!!! bob"])
    func `what is no key is refused`(_ text: String) {
        #expect(throws: SignatureProblem.self) { try PluginKey(text) }
    }

    @Test func `a name is at most 64 bytes`() throws {
        let longest = String(repeating: "a", count: 64)
        #expect(try PluginPrivateKey(name: longest).name == longest)
        #expect(throws: SignatureProblem.self) { try PluginPrivateKey(name: longest + "a") }
        #expect(throws: SignatureProblem.self) { try PluginPrivateKey(name: "a b") }
    }

    @Test func `a private key that others may read is refused`() throws {
        let path = folder.path + "/alice.key"
        #expect(PrivateFile.make(path, Array(alice.text.utf8), mode: 0o600) == nil)
        #expect(try PluginPrivateKey(file: path).publicKey == alice.publicKey)
        for mode in [0o640, 0o604, 0o660, 0o700 | 0o010] as [mode_t] {
            chmod(path, mode)
            #expect(
                refusal { _ = try PluginPrivateKey(file: path) }.contains("wanted mode 600, found"))
        }
        #expect(PrivateFile.make(path, [], mode: 0o600) != nil)
    }

    @Test func `base64 has one spelling`() {
        for count in 0...70 {
            let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ count) }
            #expect(Base64.bytes(Base64.text(bytes)) == bytes)
        }
        #expect(Base64.text(Array("foob".utf8)) == "Zm9vYg==")
        for text in ["Zg", "Zg=", "Zh==", "Z===", "====", "Zg==Zg==", "Zm9v\n", "Z g="] {
            #expect(Base64.bytes(text) == nil, "\(text)")
        }
    }
}
