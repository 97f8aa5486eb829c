@preconcurrency import Glibc
import Testing

/// Builds C plugins and runs the program on them.
enum CheckRig {
    static let root = String(
        #filePath.split(separator: "/").dropLast(4).reduce("") { $0 + "/" + $1 })
    static let folder: String = {
        let path = "/tmp/fanfold-check-tests-\(getpid())"
        mkdir(path, 0o755)
        return path
    }()

    /// The program beside the test binary.
    static let program: String = {
        var buffer = [CChar](repeating: 0, count: 4_096)
        readlink("/proc/self/exe", &buffer, buffer.count - 1)
        let path = String(
            decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return path.split(separator: "/").dropLast().reduce("") { $0 + "/" + $1 } + "/fanfold"
    }()

    @discardableResult
    static func run(_ command: String) -> (code: Int32, text: String) {
        guard let pipe = popen("(\(command)) 2>&1", "r") else { return (-1, "popen failed") }
        var text: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4_096)
        while case let count = fread(&buffer, 1, buffer.count, pipe), count > 0 {
            text += buffer[..<count]
        }
        return (pclose(pipe) >> 8 & 0xFF, String(decoding: text, as: UTF8.self))
    }

    static func check(_ library: String, _ more: String...) -> (code: Int32, text: String) {
        run("\(program) plugin check \(library) " + more.joined(separator: " "))
    }

    /// The compiler with what every library is built with.
    static let compiler =
        "cc -std=c11 -D_GNU_SOURCE -O0 -w -fPIC -shared -fvisibility=hidden "
        + "-Wl,-z,now -Wl,-z,relro -Wl,-z,noexecstack -Wl,--build-id -Wl,--no-as-needed "
        + "-include stdlib.h -include unistd.h -include pthread.h -include time.h "
        + "-include sys/mman.h "

    /// The example in C after `change`, as a library.
    static func build(
        _ name: String, flags: String = "", tail: String = "",
        _ change: (String) throws -> String = { $0 }
    ) throws -> String {
        let example = root + "/examples/c-rows"
        let source = folder + "/\(name).c"
        let library = folder + "/libfanfold-\(name).so"
        let original = run("cat \(example)/rows.c").text
        let file = try #require(fopen(source, "w"))
        fputs(try change(original) + tail, file)
        fclose(file)
        let built = run(
            "\(compiler) -I\(root)/Sources/PluginABI/C/include -I\(example) \(source) \(flags) "
                + "-o \(library) && chmod go-w \(library)")
        try #require(built.code == 0, "\(built.text)")
        return library
    }
}
