import Foundation
import Testing

@testable import FanfoldData

/// Runs Python scripts, and knows which modules it has: the Python of FANFOLD_TEST_PYTHON, or else
/// python3.
enum Python {
    private static let program =
        ProcessInfo.processInfo.environment["FANFOLD_TEST_PYTHON"] ?? "python3"

    static func has(_ module: String) -> Bool { run("import \(module)", []) == 0 }

    static func run(_ script: String, _ arguments: [String]) -> Int32 {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [program, "-c", script] + arguments
        process.standardError = FileHandle.nullDevice
        guard (try? process.run()) != nil else { return -1 }
        process.waitUntilExit()
        return process.terminationStatus
    }
}

struct InteropTests {
    private func inFolder(_ body: (String) throws -> Void) throws {
        let folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("fanfold-data-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try body(folder)
    }

    private func content(_ path: String) throws -> OwnedBytes {
        try Data(contentsOf: URL(fileURLWithPath: path)).withUnsafeBytes { OwnedBytes(copying: $0) }
    }

    private func write(_ bytes: [UInt8], _ path: String) throws {
        try Data(bytes).write(to: URL(fileURLWithPath: path))
    }

    @Test(
        .enabled(
            if: Python.has("numpy"),
            "SKIPPED: python3 has no numpy, so npy files are not compared with numpy's"))
    func `numpy reads our files and we read numpy's`() throws {
        try inFolder { folder in
            let make = """
                import sys, numpy as np, numpy.lib.format as f
                n = 0
                for kind in 'b1 i1 i2 i4 i8 u1 u2 u4 u8 f2 f4 f8 c8 c16'.split():
                    for order in '<>':
                        for shape in [(), (0,), (5,), (2, 3), (3, 1, 2)]:
                            for layout in 'CF':
                                size = int(np.prod(shape))
                                a = np.arange(size).astype(order + kind).reshape(shape)
                                with open(f'{sys.argv[1]}/{n}.npy', 'wb') as out:
                                    f.write_array(out, np.array(a, order=layout),
                                                  version=[(1, 0), (2, 0), (3, 0)][n % 3])
                                n += 1
                """
            #expect(Python.run(make, [folder]) == 0)
            var count = 0
            while FileManager.default.fileExists(atPath: "\(folder)/\(count).npy") {
                let owner = try content("\(folder)/\(count).npy")
                let tensor = try Npy.read(owner.bytes, owner: owner)
                try write(Npy.bytes(of: tensor), "\(folder)/\(count).ours.npy")
                count += 1
            }
            #expect(count == 280)
            let compare = """
                import sys, numpy as np
                for n in range(280):
                    a = np.load(f'{sys.argv[1]}/{n}.npy')
                    b = np.load(f'{sys.argv[1]}/{n}.ours.npy')
                    assert a.shape == b.shape and np.array_equal(a, b), n
                    assert a.dtype.newbyteorder('<') == b.dtype and b.flags.c_contiguous, n
                """
            #expect(Python.run(compare, [folder]) == 0)
        }
    }

    @Test(
        .enabled(
            if: Python.has("pyarrow"),
            "SKIPPED: python3 has no pyarrow, so Arrow files are not compared with pyarrow's"))
    func `pyarrow reads our files and we read pyarrow's`() throws {
        try inFolder { folder in
            let make = """
                import sys, datetime, decimal, pyarrow as pa
                t = pa.table({
                    'i': pa.array([1, None, 3, 4, 5], pa.int32()), 'b': [True, None, False, True, True],
                    's': ['a', '', None, 'ä', 'xyz'], 'l': pa.array(['a'] * 5, pa.large_string()),
                    'z': [b'1', None, b'', b'22', b'3'], 'f': [1.5, 2.0, None, 4.0, 5.0],
                    'v': [[1, 2], [], None, [3], [4, 5, 6]],
                    'fl': pa.array([[1, 2]] * 5, pa.list_(pa.int8(), 2)),
                    'st': [{'a': 1, 'b': 'x'}] * 5, 'n': pa.nulls(5),
                    'ts': pa.array([1] * 5, pa.timestamp('us', 'UTC')),
                    'd': [datetime.date(2020, 1, 1)] * 5, 'dec': [decimal.Decimal('1.25')] * 5,
                }).replace_schema_metadata({'k': 'v'})
                with pa.ipc.new_file(sys.argv[1] + '/a.arrow', t.schema) as w:
                    for batch in t.to_batches(max_chunksize=2): w.write_batch(batch)
                with pa.ipc.new_stream(sys.argv[1] + '/a.arrows', t.schema) as w:
                    w.write_table(t.slice(1, 3))
                """
            #expect(Python.run(make, [folder]) == 0)
            for (name, isFile) in [("a.arrow", true), ("a.arrows", false)] {
                let owner = try content("\(folder)/\(name)")
                let table = try ArrowReader.read(owner.bytes, owner: owner)
                try write(
                    ArrowWriter.bytes(of: table, file: isFile), "\(folder)/ours-\(name)")
                let parts = ArrowTable(
                    schema: table.schema,
                    batches: table.batches.flatMap { batch in
                        (0..<batch.length).map { batch.rows($0..<$0 + 1) }
                    })
                try write(ArrowWriter.bytes(of: parts, file: isFile), "\(folder)/rows-\(name)")
            }
            let compare = """
                import sys, pyarrow as pa
                for name, open_ in [('a.arrow', pa.ipc.open_file), ('a.arrows', pa.ipc.open_stream)]:
                    want = open_(sys.argv[1] + '/' + name).read_all()
                    for ours in ['ours-', 'rows-']:
                        t = open_(sys.argv[1] + '/' + ours + name).read_all()
                        t.validate(full=True)
                        assert t.equals(want, check_metadata=True)
                """
            #expect(Python.run(compare, [folder]) == 0)
        }
    }
}
