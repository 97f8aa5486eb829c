@preconcurrency import Glibc
import Testing

@testable import FanfoldRuntime

/// The folder of the broken documents; each has its diagnostics beside it.
private let brokenFolder: String = {
    let tests = "\(#filePath)".split(separator: "/").dropLast(3).joined(separator: "/")
    return "/\(tests)/EndToEndTests/Broken"
}()

/// What is wrong with a document, as it is shown, paths being relative to its folder.
func diagnostics(_ path: String) -> String {
    do throws(DocumentErrors) {
        return Diagnostic.render(try Pipeline.load(path: path).warnings)
    } catch {
        return Diagnostic.render(error.diagnostics)
    }
}

func fileText(_ path: String) -> String? {
    (try? DocumentFile.read(path, maximumBytes: 16 << 20)).map {
        String(decoding: $0, as: UTF8.self)
    }
}

@Suite struct `Broken documents` {
    /// `FANFOLD_UPDATE=1 swift test --filter 'Broken documents'` writes what is expected anew.
    @Test func `every broken document gives exactly the diagnostics beside it`() throws {
        let files = try GlobWalker.files(GlobPattern("*.yaml"), in: brokenFolder)
        #expect(files.count >= 14)
        for file in files {
            let name = DocumentFile.stem(of: file)
            let found = diagnostics(file).replacing(brokenFolder + "/", with: "")
            let expected = "\(brokenFolder)/\(name).expected"
            if getenv("FANFOLD_UPDATE") != nil, let stream = fopen(expected, "w") {
                fputs(found, stream)
                fclose(stream)
            }
            #expect(found == fileText(expected), "\(name)")
        }
    }
}
