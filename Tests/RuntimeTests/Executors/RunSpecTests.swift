import FanfoldJSON
import Testing

@testable import FanfoldRuntime

struct RunSpecTests {
    private func message(_ text: String) throws -> String {
        let json = try JSON(parsing: text)
        do {
            _ = try RunSpec(json: json)
            return "accepted"
        } catch {
            return "\(error)"
        }
    }

    @Test(arguments: [
        ("{}", "run: wanted one of command, native, use; found none of them"),
        ("{\"command\": []}", "run/command: wanted a program"),
        ("{\"command\": [1]}", "run/command/0: wanted a string, found integer"),
        ("{\"command\": [\"x\", \"${item}\"]}", "run/command/1: unknown placeholder ${item}"),
        ("{\"command\": [\"x\", \"a${items}\"]}", "run/command/1: ${items} must be an argument"),
        ("{\"command\": [\"x\", \"${index\"]}", "run/command/1: a placeholder is not closed"),
        ("{\"command\": [\"x\"], \"stdin\": \"xml\"}", "run/stdin: wanted one of json, jsonl"),
        ("{\"command\": [\"x\"], \"env\": {\"A=\": \"\"}}", "run/env/A=: "),
        ("{\"command\": [\"x\"], \"shell\": true}", "run/shell: unknown key \"shell\""),
        ("{\"use\": \"onnx\"}", "accepted"),
        ("{\"use\": \"onnx\", \"module\": []}", "run/module: wanted an object"),
        ("{\"container\": {}}", "run/container: containers are not in this version"),
        (
            "{\"use\": \"noop\", \"with\": {\"sleep\": \"2h\"}}",
            "run/with/sleep: a no-op sleeps at most"
        ),
        ("{\"command\": [\"sh\", \"-c\", \"echo $${HOME} $x\"]}", "accepted"),
    ])
    func `what is wrong in run is said with its place`(text: String, wanted: String) throws {
        let found = try message(text)
        #expect(found.hasPrefix(wanted), "\(found)")
    }

    @Test(arguments: [
        ("double", 7), ("double(double", 14), ("dubble(int)", 1), ("int(int,, int)", 9),
        ("int(int, float *)", 10), ("int(int) x", 10), ("int(int, void)", 9),
    ])
    func `a wrong signature is refused at its column`(text: String, column: Int) {
        #expect {
            try NativeSignature(parsing: text)
        } throws: {
            ($0 as? NativeSignature.Failure)?.column == column
        }
    }

    @Test func `signatures become letters`() throws {
        #expect(try NativeSignature(parsing: "double(double, double)").code == "d:dd")
        #expect(try NativeSignature(parsing: "size_t(const char*)").code == "Q:s")
        #expect(try NativeSignature(parsing: "void (void)").code == "v:")
        #expect(try NativeSignature(parsing: "unsigned  long( int8_t )").code == "Q:b")
    }

    @Test func `the schema is JSON and names every key that is read`() throws {
        let schema = try JSON(parsing: RunSpec.schema)
        let keys = schema["$defs"]?["command"]?["properties"]?.objectValue?.keys
        #expect(
            keys == ["command", "stdin", "stdout", "env", "inherit-env", "cwd", "ok-exit-codes"])
    }
}
