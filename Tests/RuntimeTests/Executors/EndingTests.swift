import FanfoldJSON
@preconcurrency import Glibc
import Testing

@testable import FanfoldRuntime

struct EndingTests {
    let test = TestHost()

    /// Whether a process runs, and is not only waiting to be reaped.
    private func isAlive(_ process: String) -> Bool {
        guard let file = fopen("/proc/\(process)/stat", "r") else { return false }
        defer { fclose(file) }
        var buffer = [CChar](repeating: 0, count: 512)
        guard fgets(&buffer, 512, file) != nil else { return false }
        let text = String(
            decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return text.split(separator: ")").last.map { !$0.hasPrefix(" Z") && !$0.hasPrefix(" X") }
            ?? false
    }

    private func isGone(_ process: String) -> Bool {
        for _ in 0..<500 {
            if !isAlive(process) { return true }
            usleep(10_000)
        }
        return false
    }

    @Test func `a timeout ends the child and its children`() throws {
        let run: JSON = ["command": ["sh", "-c", "sleep 1000 & echo $! >&2; sleep 1000"]]
        let result = try test.run(run, timeout: 300_000_000)
        #expect(result.failure?.kind == .timeout)
        let process = result.failure?.stderrTail.split(separator: "\n").first.map(String.init)
        #expect(isGone(process ?? "1"))
        #expect(result.ranNanoseconds < 2_000_000_000)
    }

    @Test func `a child in the background does not outlive the attempt`() throws {
        let process = try test.output(["command": ["sh", "-c", "sleep 1000 & echo $!"]])
        #expect(isGone(String(process.dropLast())))
    }

    @Test func `a child that ignores SIGTERM is killed after the grace`() throws {
        let run: JSON = ["command": ["sh", "-c", "trap '' TERM; sleep 1000; sleep 1000"]]
        let result = try test.run(run, timeout: 100_000_000)
        #expect(result.failure?.kind == .timeout)
        #expect(result.ranNanoseconds >= ExecutorLimits.graceNanoseconds)
    }

    @Test func `a cancelled child ends with the reason`() throws {
        let cancellation = Cancellation()
        let marker = test.scratch + "/started"
        let run: JSON = ["command": ["sh", "-c", .string("touch \(marker); exec sleep 1000")]]
        let work = WorkItem(
            run: try RunSpec(json: run), parts: [], taskName: "t", subtask: 0, attempt: 1,
            pipelineDirectory: "/")
        let canceller = try #require(
            startThread {
                while access(marker, F_OK) != 0 { usleep(1000) }
                cancellation.cancel(reason: "a sibling failed")
                cancellation.cancel(reason: "later")
            })
        let failure = test.host.run(work, cancellation: cancellation).failure
        pthread_join(canceller, nil)
        #expect(failure?.kind == .cancelled)
        #expect(failure?.message == "a sibling failed")
        #expect(test.host.run(work, cancellation: cancellation).failure?.kind == .cancelled)
    }

    @Test func `a no-op sleeps, and can be cancelled or time out`() throws {
        let run: JSON = ["use": "noop", "with": ["sleep": "2ms"]]
        let result = try test.run(run)
        #expect(result.failure == nil)
        #expect(result.ranNanoseconds >= 2_000_000)
        #expect(try test.run(["use": "noop"]).ranNanoseconds == 0)
        let long: JSON = ["use": "noop", "with": ["sleep": "10s"]]
        #expect(try test.run(long, timeout: 1_000_000).failure?.kind == .timeout)
    }

    private func startThread(_ body: @escaping @Sendable () -> Void) -> pthread_t? {
        final class Box: Sendable {
            let body: @Sendable () -> Void
            init(_ body: @escaping @Sendable () -> Void) { self.body = body }
        }
        var thread = pthread_t()
        let box = Unmanaged.passRetained(Box(body))
        let error = pthread_create(
            &thread, nil,
            { pointer in
                pointer.map { Unmanaged<Box>.fromOpaque($0).takeRetainedValue().body() }
                return nil
            }, box.toOpaque())
        return error == 0 ? thread : nil
    }
}

struct NativeTests {
    let test = TestHost()

    private func native(_ library: String, _ symbol: String, _ signature: String) -> JSON {
        [
            "native": [
                "library": .string(library), "symbol": .string(symbol),
                "signature": .string(signature),
            ]
        ]
    }

    /// Compiles C at test time.
    private func library(_ source: String) throws -> String {
        let folder = test.scratch + "/lib"
        mkdir(folder, 0o700)
        _ = try test.output(
            [
                "command": [
                    "sh", "-c",
                    .string("cc -shared -fPIC -o \(folder)/libx.so -xc - 2>&1"),
                ]
            ], [TestHost.part(.bytes, source)])
        return folder + "/libx.so"
    }

    @Test func `functions of the C library are called for each item`() throws {
        let cosine = native("libm.so.6", "cos", "double(double)")
        #expect(try test.output(cosine, [TestHost.part(.lines, "0\n0.0\n")]) == "1.0\n1.0\n")
        let power = native("libm.so.6", "pow", "double(double, double)")
        #expect(
            try test.output(power, [TestHost.part(.csv, "x,y\n2,10\n9,0.5\n")]) == "1024.0\n3.0\n")
        #expect(
            try test.output(power, [TestHost.part(.jsonl, "[2, 3]\n{\"a\":3,\"b\":2}\n")])
                == "8.0\n9.0\n")
        let length = native("libc.so.6", "strlen", "size_t(const char *)")
        #expect(try test.output(length, [TestHost.part(.json, "[\"abc\", \"é\"]")]) == "3\n2\n")
    }

    @Test func `members are taken by name`() throws {
        let run: JSON = [
            "native": [
                "library": "libm.so.6", "symbol": "pow", "signature": "double(double, double)",
                "arguments": ["y", "x"],
            ]
        ]
        #expect(try test.output(run, [TestHost.part(.jsonl, "{\"x\":2,\"y\":3}\n")]) == "9.0\n")
        let failure = try test.failure(run, [TestHost.part(.jsonl, "{\"x\":2}\n")])
        #expect(failure?.kind == .inputInvalid)
        #expect(failure?.message.contains("item 0: no member \"y\"; there are x") == true)
    }

    @Test func `what cannot be called is never tried again`() throws {
        let part = TestHost.part(.jsonl, "1\n[1, 2]\n")
        let library = try test.failure(native("libnothing.so.1", "f", "int(int)"), [part])
        #expect(library?.kind == .notFound)
        #expect(library?.message.contains("libnothing.so.1 cannot be loaded") == true)
        let symbol = try test.failure(native("libm.so.6", "nothing", "int(int)"), [part])
        #expect(symbol?.message == "libm.so.6 has no symbol `nothing`")
        let count = try test.failure(native("libm.so.6", "cos", "double(double)"), [part])
        #expect(count?.kind == .inputInvalid)
        #expect(count?.message.contains("item 1: wanted 1 argument, found 2") == true)
    }

    @Test func `a crash is a failure that names signal, symbol and item`() throws {
        let library = try library(
            """
            #include <stdio.h>
            int f(int x) { puts("noise"); if (x == 3) *(volatile int *)0 = 1; return 2 * x; }
            int g(int x) { volatile char big[1 << 16]; big[0] = 1; return g(x + 1) + big[0]; }
            """)
        let part = InputPart.slice(Dataset(range: 0..<3).whole)
        #expect(try test.output(native(library, "f", "int(int)"), [part]) == "0\n2\n4\n")
        let crash = try test.failure(
            native(library, "f", "int(int)"), [.slice(Dataset(range: 0..<9).whole)])
        #expect(crash?.kind == .crash)
        #expect(crash?.message == "SIGSEGV in symbol `f` of \(library) at item 3")
        let deep = try test.failure(native(library, "g", "int(int)"), [part])
        #expect(deep?.message == "SIGSEGV in symbol `g` of \(library) at item 0")
    }
}
