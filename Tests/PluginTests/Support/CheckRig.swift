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

    /// A good plugin in C after `changes` and `change`, as a library.
    ///
    /// Each of `changes` is made once, in the source or in the first header that says it.
    static func build(
        _ name: String, from good: GoodPlugin = .rows, flags: String = "", tail: String = "",
        changes: [(find: String, replace: String)] = [],
        _ change: (String) throws -> String = { $0 }
    ) throws -> String {
        let (place, file) = good.parts
        var sources = [(name: file, text: run("cat \(root)/\(good.rawValue)").text)]
        for header in run("cd \(root) && ls examples/c-rows/*.h \(place)/*.h").text.split(
            separator: "\n")
        where header.hasSuffix(".h") {
            let name = String(header.split(separator: "/").last ?? "")
            sources.append((name, run("cat \(root)/\(header)").text))
        }
        for change in changes {
            let found = sources.firstIndex { $0.text.contains(change.find) }
            let place = try #require(found, "the example no longer says \(change.find)")
            let parts = sources[place].text.split(
                separator: change.find, maxSplits: 1, omittingEmptySubsequences: false)
            sources[place].text = parts[0] + change.replace + parts[1]
        }
        sources[0].text = try change(sources[0].text) + tail
        let own = folder + "/source-" + name
        run("mkdir -p \(own)")
        for source in sources {
            let handle = try #require(fopen(own + "/" + source.name, "w"))
            fputs(source.text, handle)
            fclose(handle)
        }
        let library = folder + "/libfanfold-\(name).so"
        let built = run(
            "\(compiler) -I\(root)/Sources/PluginABI/C/include \(own)/\(file) \(flags) "
                + "-o \(library) && chmod go-w \(library)")
        try #require(built.code == 0, "\(built.text)")
        return library
    }
}
