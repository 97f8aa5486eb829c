import Foundation
import Testing

@testable import FanfoldRuntime

/// What a rented machine runs, run by a shell with a program of the test's in place of Fanfold.
@Suite(.timeLimit(.minutes(2)))
struct `Boot data` {
    /// A folder with a `fanfold` that does what a test says.
    private final class Machine {
        let folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("fanfold-boot-\(UUID().uuidString)")

        init(_ program: String) throws {
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            let path = folder.appendingPathComponent("fanfold")
            try "#!/bin/sh\necho \"$@\" >> '\(folder.path)/calls'\n\(program)\n".write(
                to: path, atomically: true, encoding: .utf8)
            chmod(path.path, 0o755)
        }

        deinit { try? FileManager.default.removeItem(at: folder) }

        func start(_ data: BootData, _ more: [String: String] = [:]) throws -> Process {
            let process = Process()
            process.executableURL = URL(fileURLWithPath: "/bin/sh")
            process.arguments = ["-c", try data.script()]
            process.environment = [
                "PATH": "\(folder.path):/usr/bin:/bin", "FANFOLD_KEEP_MACHINE": "1",
                "FANFOLD_STATE": folder.path + "/state", "FANFOLD_INSTANCE": "i-7",
            ].merging(more) { $1 }
            process.standardError = FileHandle.nullDevice
            try process.run()
            return process
        }

        var calls: [String] {
            let text = try? String(
                contentsOf: folder.appendingPathComponent("calls"), encoding: .utf8)
            return (text ?? "").split(separator: "\n").map(String.init)
        }

        func has(_ file: String) -> Bool {
            FileManager.default.fileExists(atPath: folder.path + "/state/" + file)
        }
    }

    @Test func `a pilot offers what it was given of its machine, and its state goes with it`()
        throws
    {
        let machine = try Machine("exit 3")
        let process = try machine.start(
            data(), ["FANFOLD_CPUS": "2", "FANFOLD_MEMORY": "64MiB", "FANFOLD_SCRATCH": "1"])
        process.waitUntilExit()
        #expect(process.terminationStatus == 3)
        #expect(machine.calls.first?.contains("--cpus 2 --memory 64MiB") == true)
        #expect(!machine.has("pid"))
    }

    private func data(lease: Int64 = 900) -> BootData {
        var data = BootData(join: "fanfold-join:one-time'$(id)")
        data.leaseSeconds = lease
        return data
    }

    @Test func `a worker is named after its instance and its end is the end of the machine`() throws
    {
        let machine = try Machine(
            "shift; while [ $# -gt 0 ]; do [ \"$1\" = --join-file ] && cat \"$2\" > "
                + "\"$(dirname \"$0\")/said\"; shift; done; exit 7")
        let process = try machine.start(data())
        process.waitUntilExit()
        #expect(process.terminationStatus == 7)
        let call = try #require(machine.calls.first)
        #expect(call.contains("--name i-7 --label instance=i-7 --lease 900s"))
        #expect(!call.contains("one-time"), "a command line can be read by everybody")
        let said = try String(
            contentsOf: machine.folder.appendingPathComponent("said"), encoding: .utf8)
        #expect(said == "fanfold-join:one-time'$(id)")
        #expect(!machine.has("join"), "the join string is gone with the worker")
    }

    @Test(arguments: [
        ("google", "--name w-0 --label instance=europe-west4-a/w-0 "),
        ("aws", "--name i-0abc --label instance=i-0abc "),
    ])
    func `an instance is told by the cloud's metadata, as its provider knows it`(
        _ cloud: String, _ wanted: String
    ) throws {
        let machine = try Machine("exit 0")
        let curl = machine.folder.appendingPathComponent("curl")
        try """
        #!/bin/sh
        for url; do :; done
        case \(cloud):$url in
        google:*/computeMetadata/v1/instance/zone) echo projects/1/zones/europe-west4-a ;;
        google:*/computeMetadata/v1/instance/name) echo w-0 ;;
        aws:*/latest/api/token) echo ticket ;;
        aws:*/latest/meta-data/instance-id) echo i-0abc ;;
        *) exit 22 ;;
        esac
        """.write(to: curl, atomically: true, encoding: .utf8)
        chmod(curl.path, 0o755)
        let process = try machine.start(data(), ["FANFOLD_INSTANCE": ""])
        process.waitUntilExit()
        #expect(machine.calls.first?.contains(wanted) == true, "\(machine.calls)")
    }

    @Test func `a coordinator that is not there yet is asked again`() throws {
        let machine = try Machine(
            "[ $(wc -l < \"$(dirname \"$0\")/calls\") -gt 1 ] && exit 0; exit 2")
        let process = try machine.start(data())
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        #expect(machine.calls.count == 2)
    }

    @Test func `a worker that hangs is ended when nobody has renewed it`() throws {
        let machine = try Machine("trap '' TERM; while :; do sleep 1; done")
        let process = try machine.start(data(lease: 1))
        // The end comes once nothing of the script is left, its watcher included.
        process.waitUntilExit()
        #expect(process.terminationStatus == 137)
    }

    @Test func `who ends the script drains the worker`() throws {
        let machine = try Machine("trap 'exit 3' TERM; while :; do sleep 0.1; done")
        let process = try machine.start(data())
        while machine.calls.isEmpty { usleep(10_000) }
        usleep(300_000)
        process.terminate()
        process.waitUntilExit()
        #expect(process.terminationStatus == 3)
    }

    @Test func `what is no join string, no archive or no digest is refused`() throws {
        #expect(throws: BootProblem.self) { try BootData(join: "secret").script() }
        #expect(throws: BootProblem.self) { try BootData(join: "fanfold-join:a\nb").script() }
        var data = BootData(join: "fanfold-join:a")
        data.program = "http://example.com/f.tar.gz"
        data.programSHA256 = String(repeating: "0", count: 64)
        #expect(throws: BootProblem.self) { try data.script() }
        data.program = "https://example.com/f.tar.gz"
        #expect(try data.script().contains("sha256sum --check"))
        data.programSHA256 = "0"
        #expect(throws: BootProblem.self) { try data.script() }
        data = BootData(join: "fanfold-join:" + String(repeating: "a", count: BootData.mostBytes))
        #expect(throws: BootProblem.self) { try data.script() }
    }
}
