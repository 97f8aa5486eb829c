import FanfoldPlugins
@preconcurrency import Glibc

// What must not happen in the process of the host happens here.  Each purpose is one word:
//
//   fanfold-helper native LIBRARY SYMBOL SIGNATURE [MEMBER...]
//   fanfold-helper plugin                         the host is at descriptor 3
//
// Messages for the host begin with "fanfold-helper: " and stand on standard error; exit codes are
// those of sysexits.h: 64 wrong use, 65 wrong items, 69 no library or symbol, 74 input or output.

let words = CommandLine.arguments
do throws(HelperFailure) {
    switch words.dropFirst().first {
    case "plugin": exit(HelperMain.run())
    case "native": try callNative(Array(words.dropFirst(2)))
    default:
        throw HelperFailure(
            code: 64,
            message: "wanted a purpose: native or plugin; Fanfold starts this program itself")
    }
} catch {
    let line = Array("\nfanfold-helper: \(error.message)\n".utf8)
    _ = line.withUnsafeBytes { write(2, $0.baseAddress, $0.count) }
    exit(error.code)
}
