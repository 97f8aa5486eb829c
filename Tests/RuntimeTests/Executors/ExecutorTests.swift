import FanfoldJSON
@preconcurrency import Glibc
import Testing

@testable import FanfoldRuntime

/// A host with a scratch directory of its own.
final class TestHost {
    let scratch: String
    let host: ExecutorHost

    init(outputLimit: Int = ExecutorLimits.outputBytes) {
        var template = Array("/tmp/fanfold-test-XXXXXX".utf8CString)
        scratch = mkdtemp(&template).map { String(cString: $0) } ?? "/tmp"
        let program = CommandLine.arguments[0]
        let folder = program[..<(program.lastIndex(of: "/") ?? program.startIndex)]
        host = ExecutorHost(
            scratchDirectory: scratch, helperPath: folder + "/fanfold-helper",
            outputLimit: outputLimit)
    }

    func run(
        _ run: JSON, _ parts: [InputPart] = [], names: [String]? = nil,
        timeout: UInt64? = nil, memory: Int64? = nil, directory: String = "/tmp",
        cancellation: Cancellation = Cancellation()
    ) throws -> WorkResult {
        host.run(
            WorkItem(
                run: try RunSpec(json: run), parts: parts, names: names, taskName: "t", subtask: 7,
                attempt: 2, pipelineDirectory: directory, timeoutNanoseconds: timeout,
                memoryLimitBytes: memory),
            cancellation: cancellation)
    }

    func output(
        _ run: JSON, _ parts: [InputPart] = [], names: [String]? = nil
    ) throws -> String {
        switch try self.run(run, parts, names: names).outcome {
        case .success(let payload, _, _): return payload.whole.text
        case .failure(let failure): throw failure
        }
    }

    func failure(_ run: JSON, _ parts: [InputPart] = []) throws -> WorkFailure? {
        try self.run(run, parts).failure
    }

    static func part(_ format: DataFormat, _ text: String) -> InputPart {
        .payload(Payload(text: text).whole, format)
    }
}

extension WorkResult {
    var failure: WorkFailure? {
        guard case .failure(let failure) = outcome else { return nil }
        return failure
    }
}

struct CommandTests {
    let test = TestHost()

    private func shell(_ text: String, _ more: [(String, JSON)] = []) -> JSON {
        .object(JSONObject([("command", ["sh", "-c", .string(text)])] + more))
    }

    @Test(arguments: [
        ("json", "[{\"a\":\"1\"},{\"a\":\"2\"}]"), ("jsonl", "{\"a\":\"1\"}\n{\"a\":\"2\"}\n"),
        ("csv", "a\n1\n2\n"), ("lines", "{\"a\":\"1\"}\n{\"a\":\"2\"}\n"), ("bytes", "a\n1\n2\n"),
        ("none", ""),
    ])
    func `items come on standard input in the form that is asked for`(
        stdin: String, wanted: String
    ) throws {
        let part = TestHost.part(.csv, "a\n1\n2\n")
        let run: JSON = ["command": ["cat"], "stdin": .string(stdin), "stdout": "bytes"]
        #expect(try test.output(run, [part]) == wanted)
    }

    @Test func `without stdin the items come as they are, and paths as lines`() throws {
        #expect(
            try test.output(["command": ["cat"]], [TestHost.part(.jsonl, "1\n2\n")]) == "1\n2\n")
        let files = InputPart.slice(Dataset(files: ["/a", "/b"]).whole)
        #expect(try test.output(["command": ["cat"]], [files]) == "/a\n/b\n")
    }

    @Test func `items, index and folder are put in arguments`() throws {
        let run: JSON = [
            "command": ["echo", "${items}", "i${index}", "${pipeline.dir}/x", "$${y}"]
        ]
        let range = InputPart.slice(Dataset(range: 3..<5).whole)
        #expect(try test.output(run, [range]) == "3 4 i7 /tmp/x ${y}\n")
    }

    @Test func `items that do not fit in arguments are refused`() throws {
        let range = InputPart.slice(Dataset(range: 0..<200_000).whole)
        let failure = try test.failure(["command": ["echo", "${items}"]], [range])
        #expect(failure?.kind == .inputInvalid)
        #expect(failure?.message.contains("argumentBytes") == true)
    }

    @Test func `named parts are an object, or files`() throws {
        let parts = [TestHost.part(.jsonl, "1\n2\n"), TestHost.part(.lines, "x\n")]
        let object: JSON = ["command": ["cat"], "stdin": "json"]
        #expect(try test.output(object, parts, names: ["n", "o"]) == "{\"n\":[1,2],\"o\":[\"x\"]}")
        let files: JSON = ["command": ["sh", "-c", "cat; cat o.lines; cat ${parts.n}"]]
        #expect(try test.output(files, parts, names: ["n", "o"]) == "1\n2\nx\n1\n2\n")
        #expect(try test.output(["command": ["cat", "1.lines"]], parts) == "x\n")
    }

    @Test func `the environment is small and says what runs`() throws {
        let run = shell(
            "env | cut -d= -f1 | sort | tr '\\n' ' '; echo $A $FANFOLD_SUBTASK$FANFOLD_ATTEMPT",
            [("env", ["A": "b"])])
        #expect(
            try test.output(run)
                == "A FANFOLD_ATTEMPT FANFOLD_PIPELINE_DIR FANFOLD_SUBTASK FANFOLD_TASK HOME LANG "
                + "PATH PWD TMPDIR b 72\n")
    }

    @Test func `the working directory is empty, its own and removed`() throws {
        let first = try test.output(shell("pwd; ls -A; mkdir -p a/b; echo x > a/b/c; chmod 0 a"))
        #expect(first.hasPrefix(test.scratch + "/work-"))
        #expect(access(String(first.dropLast()), F_OK) != 0)
        #expect(try test.output(shell("ls -A; rmdir $PWD")) == "")
        let third = try test.output(shell("pwd; ls -A"))
        #expect(third.split(separator: "\n").count == 1)
        #expect(try test.output(shell("pwd", [("cwd", "pipeline")])) == "/tmp\n")
    }

    @Test func `an exit code is a failure with the end of standard error`() throws {
        let failure = try test.failure(shell("seq 100000 >&2; echo bad >&2; exit 3"))
        #expect(failure?.kind == .exitCode(3))
        #expect(failure?.message.contains("exit code 3, wanted 0; it said: bad") == true)
        #expect(failure?.stderrTail.utf8.count == ExecutorLimits.errorTailBytes)
        #expect(failure?.stderrTail.hasSuffix("100000\nbad\n") == true)
        #expect(try test.output(shell("echo ok; exit 3", [("ok-exit-codes", [0, 3])])) == "ok\n")
        #expect(try test.failure(shell("kill -9 $$"))?.kind == .signal(9))
    }

    @Test func `output is checked`() throws {
        let json = try test.failure(shell("echo '[1,'; echo ']'", [("stdout", "json")]))
        #expect(json?.kind == .outputInvalid)
        #expect(json?.message.contains("line 2, column 1") == true)
        let lines = try test.failure(shell("echo 1; echo; echo x", [("stdout", "jsonl")]))
        #expect(lines?.message.contains("line 3, column 1") == true)
        let table = try test.failure(shell("echo a,b; echo 1", [("stdout", "csv")]))
        #expect(table?.message.contains("the header has 2 fields, this row has 1") == true)
        guard
            case .success(_, .jsonl, let items) = try test.run(
                shell("seq 3", [("stdout", "jsonl")])
            ).outcome
        else { throw WorkFailure(.launch, "no result") }
        #expect(items == 3)
    }

    @Test func `output past the limit ends the child`() throws {
        let small = TestHost(outputLimit: 1000)
        #expect(try small.failure(shell("head -c 1000 /dev/zero", [("stdout", "bytes")])) == nil)
        #expect(
            try small.failure(shell("head -c 1001 /dev/zero", [("stdout", "bytes")]))?.kind
                == .outputInvalid)
        #expect(try small.failure(["command": ["yes"]])?.message.contains("1000 bytes") == true)
    }

    @Test func `large output is mapped and complete`() throws {
        let result = try test.run(shell("seq 3000000"))
        guard case .success(let payload, .lines, let items) = result.outcome else {
            throw WorkFailure(.launch, "no result")
        }
        #expect(items == 3_000_000)
        #expect(payload.bytes.count == 22_888_896)
        #expect(result.bytesOut == 22_888_896)
        #expect(result.cpuNanoseconds > 0)
    }

    @Test func `large input goes through, and need not be read`() throws {
        let part = InputPart.slice(Dataset(range: 0..<300_000).whole)
        #expect(try test.output(["command": ["wc", "-l"]], [part]) == "300000\n")
        #expect(
            try test.output(["command": ["echo", "done"], "stdin": "json"], [part]) == "done\n")
        let result = try test.run(["command": ["cat"]], [part])
        #expect(result.bytesIn == result.bytesOut)
    }

    @Test func `a bad input in the middle ends the child`() throws {
        let text = String(repeating: "[1]\n", count: 50_000) + "x\n"
        let failure = try test.failure(
            ["command": ["cat"], "stdin": "json"], [TestHost.part(.jsonl, text)])
        #expect(failure?.kind == .inputInvalid)
        #expect(failure?.message.contains("line 50001") == true)
    }

    @Test func `a program that is missing or not executable is never tried again`() throws {
        let missing = try test.failure(["command": ["python4"]])
        #expect(missing?.kind == .notFound)
        #expect(missing?.isPermanent == true)
        #expect(missing?.message.hasPrefix("python4: not found on PATH") == true)
        #expect(
            try test.failure(["command": ["/etc/passwd"]])?.message.contains("not executable")
                == true)
        #expect(try test.failure(["command": ["./x"]])?.message.contains("${pipeline.dir}") == true)
    }

    @Test func `peak memory is that of the child`() throws {
        let run: JSON = ["command": ["python3", "-c", "x = bytearray(400 << 20); print(1)"]]
        #expect(try test.run(run).peakMemoryBytes >= 400 << 20)
    }

    @Test func `a child past its memory limit fails for that reason`() throws {
        let run: JSON = ["command": ["python3", "-c", "x = bytearray(400 << 20)"]]
        #expect(try test.run(run, memory: 100 << 20).failure?.kind == .outOfMemory)
    }
}
