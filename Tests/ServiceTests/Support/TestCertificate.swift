import Foundation

/// A certificate that nobody has signed but itself, and an RSA key.
struct TestCertificate: Sendable {
    let certificate: String
    let key: String
    let keyText: String

    /// For `localhost`, made once per run of the tests; `nil` where openssl is missing.
    static let shared = TestCertificate(name: "localhost")
    /// For another name.
    static let otherName = TestCertificate(name: "other.example")

    private init?(name: String) {
        let folder = TestCertificate.folder.path
        certificate = "\(folder)/\(name).pem"
        key = "\(folder)/\(name).key"
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [
            "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
            "/CN=\(name)", "-addext", "subjectAltName=DNS:\(name)", "-keyout", key, "-out",
            certificate,
        ]
        process.standardError = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        guard (try? process.run()) != nil else { return nil }
        process.waitUntilExit()
        guard process.terminationStatus == 0,
            let text = try? String(contentsOfFile: key, encoding: .utf8)
        else { return nil }
        keyText = text
    }

    private static let folder = TestFolder()
}

/// A folder that is removed with the value.
final class TestFolder: Sendable {
    let path: String

    init() {
        let url = FileManager.default.temporaryDirectory.appending(
            path: "fanfold-services-\(UUID().uuidString)")
        try? FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        path = url.path
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// Writes a file with these permissions and gives its path.
    func write(_ name: String, _ text: String, mode: Int = 0o600) -> String {
        let file = "\(path)/\(name)"
        FileManager.default.createFile(
            atPath: file, contents: Data(text.utf8), attributes: [.posixPermissions: mode])
        return file
    }
}
