import Foundation
import Testing

/// Tensors through the whole program: an npy file is split in rows and joined again.
@Suite(
    .enabled(if: Fanfold.hasCommands, "the commands are not built yet: NOTHING WAS RUN"),
    .timeLimit(.minutes(5)))
struct TensorRunTests {
    /// Writes rows of two int32 each, as numpy would, without numpy.
    private static let generate = """
        import struct, sys
        rows = int(sys.argv[2])
        head = ("{'descr': '<i4', 'fortran_order': False, 'shape': (%d, 2), }" % rows).encode()
        head += b' ' * (-(len(head) + 11) % 64) + b'\\n'
        with open(sys.argv[1], 'wb') as out:
            out.write(b'\\x93NUMPY\\x01\\x00' + struct.pack('<H', len(head)) + head)
            out.write(struct.pack('<%di' % (rows * 2), *range(rows * 2)))
        """

    /// Doubles every number of an npy file with the header it came with.
    private static let double = """
        import struct, sys
        data = sys.stdin.buffer.read()
        start = 10 + struct.unpack('<H', data[8:10])[0]
        numbers = struct.unpack('<%di' % ((len(data) - start) // 4), data[start:])
        sys.stdout.buffer.write(data[:start])
        sys.stdout.buffer.write(struct.pack('<%di' % len(numbers), *(2 * n for n in numbers)))
        """

    /// Writes a row of as many numbers as its index says, so that no two results fit together.
    private static let uneven = """
        import struct, sys
        wide = int(sys.argv[1]) + 1
        head = ("{'descr': '|i1', 'fortran_order': False, 'shape': (1, %d)}\\n" % wide).encode()
        sys.stdout.buffer.write(b'\\x93NUMPY\\x01\\x00' + struct.pack('<H', len(head)) + head)
        sys.stdout.buffer.write(bytes(wide))
        """

    private func folder(rows: Int) async throws -> URL {
        let folder = try Fanfold.temporaryFolder()
        for (name, script) in [
            ("generate", Self.generate), ("double", Self.double), ("uneven", Self.uneven),
        ] {
            try Data(script.utf8).write(to: folder.appendingPathComponent(name + ".py"))
        }
        let made = try await Child(
            ["/usr/bin/env", "python3", "generate.py", "rows.npy", "\(rows)"], in: folder
        ).finish(within: 60)
        try #require(made.code == 0, "\(made.errors)")
        return folder
    }

    private func run(_ folder: URL, script: String, shards: Int) async throws -> Finished {
        let text = """
            fanfold: 1
            inputs: { rows: { file: rows.npy } }
            tasks:
              double:
                input: ${inputs.rows}
                strategy: { use: data-parallel, with: { shards: \(shards) } }
                run: { command: [python3, "${pipeline.dir}/\(script)", "${index}"], stdout: npy }
            outputs: { all: { from: "${tasks.double.output}", file: doubled.npy } }
            """
        let path = folder.appendingPathComponent("pipeline.yaml")
        try Data(text.utf8).write(to: path)
        return try await Fanfold.run(["run", path.path])
    }

    @Test func `rows of an npy file are split, computed and joined in order`() async throws {
        let folder = try await folder(rows: 1009)
        let finished = try await run(folder, script: "double.py", shards: 7)
        try #require(finished.code == 0, "\(finished.errors)")
        let data = try Data(contentsOf: folder.appendingPathComponent("doubled.npy"))
        let source = try Data(contentsOf: folder.appendingPathComponent("rows.npy"))
        #expect(data.count == source.count)
        #expect(String(decoding: data.prefix(80), as: UTF8.self).contains("'shape': (1009, 2)"))
        let numbers = data.suffix(1009 * 8).withUnsafeBytes { bytes in
            (0..<2018).map { bytes.loadUnaligned(fromByteOffset: $0 * 4, as: Int32.self) }
        }
        #expect(numbers == (0..<2018).map { Int32($0 * 2) })
    }

    @Test func `results that do not fit together are both named`() async throws {
        let folder = try await folder(rows: 2)
        let finished = try await run(folder, script: "uneven.py", shards: 2)
        #expect(finished.code != 0)
        #expect(finished.errors.contains("int8 [1, 1] and then int8 [1, 2]"), "\(finished.errors)")
    }
}
