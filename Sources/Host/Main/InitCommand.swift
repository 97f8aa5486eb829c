import ArgumentParser
@preconcurrency import Glibc

/// `fanfold init`: a first pipeline that runs as it is.
struct InitCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init", abstract: "Writes a first pipeline that runs as it is.")

    @Argument(help: "Where to write it.", completion: .file(extensions: ["yaml"]))
    var path = "pipeline.yaml"

    func run() throws {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else {
            let reason =
                errno == EEXIST
                ? "it exists, and is left as it is; name another file"
                : String(cString: strerror(errno))
            Terminal.complain("error: \(path) could not be written: \(reason)")
            throw Exit.usage
        }
        defer { close(descriptor) }
        var text = Self.pipeline
        let written = text.withUTF8 { write(descriptor, $0.baseAddress, $0.count) }
        guard written == Self.pipeline.utf8.count else {
            Terminal.complain(
                "error: \(path) could not be written: \(String(cString: strerror(errno)))")
            throw Exit.usage
        }
        Terminal.print("wrote \(path); now: fanfold run \(path)")
    }

    private static let pipeline = """
        # A first pipeline: squares of the numbers 0 to 99, computed in slices, added up.
        # Every key is described in docs/pipelines.md.
        fanfold: 1
        name: first
        inputs:
          numbers: { range: 100 }
        tasks:
          squares:
            input: ${inputs.numbers}
            strategy: { use: data-parallel, with: { size: { items: 25 }, merge: sum } }
            run:
              command: [awk, "{ total += $1 * $1 } END { print total + 0 }"]
              stdin: lines
              stdout: json
        outputs:
          total: { from: "${tasks.squares.output}" }

        """
}
